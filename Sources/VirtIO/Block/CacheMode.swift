import Synchronization

/// Whether completed writes may still be in the host's cache, which a driver may change while requests run.
final class CacheMode: Sendable {
    private let writeback: Atomic<Bool>
    private let isFixed: Bool

    init(writeback: Bool, isFixed: Bool) {
        self.writeback = Atomic(writeback)
        self.isFixed = isFixed
    }

    var isWriteback: Bool { writeback.load(ordering: .acquiring) }

    func set(writeback: Bool) {
        if !isFixed { self.writeback.store(writeback, ordering: .releasing) }
    }
}
