import Synchronization

/// Several operations that complete as one: fails if any of them does.
final class Countdown: Sendable {
    private let left: Atomic<Int>
    private let failed = Atomic<Bool>(false)
    private let done: BlockCompletion

    /// - Parameter count: how often `arrive` will be called; above 0
    init(_ count: Int, _ done: @escaping BlockCompletion) {
        left = Atomic(count)
        self.done = done
    }

    func arrive(_ succeeded: Bool) {
        if !succeeded { failed.store(true, ordering: .relaxed) }
        let now = left.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue
        if now == 0 { done(!failed.load(ordering: .relaxed)) }
    }
}
