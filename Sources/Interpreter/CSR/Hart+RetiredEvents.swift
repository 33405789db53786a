import CHost
import RISCV

// Counters of cycles and of instructions. Nothing happens when an instruction retires, so these are brought up to
// date when somebody looks, and when what they count changes: the mode, an event, mcountinhibit.

extension Hart {
    /// The bit of mhpmevent that keeps a counter from counting in the present mode.
    var inhibitingBit: UInt64 {
        typealias Selector = EventCounters.Selector
        return switch state.pointee.mode {
        case .machine: Selector.MINH
        case .supervisor: state.pointee.virtual ? Selector.VSINH : Selector.SINH
        case .user: state.pointee.virtual ? Selector.VUINH : Selector.UINH
        }
    }

    private var countersOfRetired: UInt32 { events.ofRetired & ~UInt32(truncatingIfNeeded: state.pointee.mcountinhibit) }

    /// Adds what has retired since the last time. Before anything changes what is counted.
    func settleCounters() {
        let retired = state.pointee.retired
        let passed = retired &- events.settled
        guard passed > 0 else { return }
        events.settled = retired
        let written = events.written
        events.written = 0
        var rest = countersOfRetired
        while rest != 0 {
            let i = rest.trailingZeroBitCount
            rest &= rest &- 1
            if events.selectors[i] & events.settledMode != 0 { continue }
            // The instruction that wrote a counter counted before its write (privileged spec 3.1.10).
            let more = UInt64(passed) &- UInt64(written &>> UInt32(i) & 1)
            let (sum, overflows) = events.values[i].addingReportingOverflow(more)
            events.values[i] = sum
            if overflows { counterOverflowed(i) }
        }
    }

    /// After a change of what is counted.
    func countersChanged() {
        events.settledMode = inhibitingBit
        watchCounters()
    }

    /// After each change of mode.
    @inline(__always)
    func noteModeForCounters() {
        if events.ofRetired != 0 { settleBetweenModes() }
    }

    private func settleBetweenModes() {
        guard events.settledMode != inhibitingBit else { return }
        settleCounters()
        countersChanged()
    }

    // MARK: Overflow (Sscofpmf)

    /// Sets OF and, when it wasn't set, asks for the interrupt.
    func counterOverflowed(_ i: Int) {
        guard extensions.contains(.sscofpmf), events.selectors[i] & EventCounters.Selector.OF == 0 else { return }
        events.selectors[i] |= EventCounters.Selector.OF
        signals.raise(InterruptSet.counterOverflow)
    }

    /// Plans to look when the next overflow may have come. A hart retires no more than an instruction a nanosecond,
    /// so the look is early, and the next one is planned for what is left then. It comes late by `finest` at most.
    func watchCounters() {
        guard events.ofRetired != 0, extensions.contains(.sscofpmf) else { return }
        let finest: UInt64 = 20_000
        var left: UInt64 = ~0
        var rest = countersOfRetired
        while rest != 0 {
            let i = rest.trailingZeroBitCount
            rest &= rest &- 1
            if events.selectors[i] & (events.settledMode | EventCounters.Selector.OF) == 0 { left = min(left, ~events.values[i]) }
        }
        guard left < 1 << 62 else { return }
        let target = state.pointee.retired &+ Int(left)
        guard target < events.watchedFor else { return }
        events.watchedFor = target
        cluster.timers.set(cluster.counterTimer(of: id), to: host_clock_monotonic_ns() &+ max(left, finest)) {}
    }

    /// When the time that `watchCounters` planned has come.
    func lookAtCounters() {
        events.watchedFor = .max
        settleCounters()
        watchCounters()
    }

    /// Before a sleep, in which nothing retires; `watchCounters` has to follow it.
    func stopWatchingCounters() {
        guard events.watchedFor != .max else { return }
        cluster.timers.set(cluster.counterTimer(of: id), to: ~0) {}
        events.watchedFor = .max
    }
}
