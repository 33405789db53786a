import Synchronization

/// The levels of an interrupt controller's incoming wires. Written with the controller's lock held; read without
/// it as well, so that a line that is told its own level costs one load.
final class SourceLevels: Sendable {
    private let low = Atomic<UInt64>(0)
    private let high = Atomic<UInt64>(0)

    var all: Bits128 { Bits128(low: low.load(ordering: .relaxed), high: high.load(ordering: .relaxed)) }

    func set(_ levels: Bits128) {
        low.store(levels.low, ordering: .relaxed)
        high.store(levels.high, ordering: .relaxed)
    }
}
