import ExecutionEngine
import RISCV

// TIMER.
extension HartCPU {
    var timerList: [RegisterID] { [.frequency, .time, .timerCompare, .timerState] }

    func timer(_ id: RegisterID) throws(EngineError) -> UInt64 {
        switch id {
        case .frequency: return cluster.timebase
        case .time: return cluster.time
        case .timerCompare: return hart.state.pointee.stimecmp
        case .timerState: return hart.state.pointee.stimecmp == ~0 ? 0 : 1
        default: throw Self.missing(id)
        }
    }

    func setTimer(_ id: RegisterID, _ value: UInt64) throws(EngineError) {
        switch id {
        case .frequency:
            guard value == cluster.timebase else { throw .invalid("time runs at \(cluster.timebase) Hz and can't run at \(value)") }
        // The guest's: on all harts.
        case .time: cluster.setTime(value)
        // As with Sstc, a compare is armed by being there.
        case .timerCompare:
            hart.state.pointee.stimecmp = value
            hart.planTimer()
        case .timerState:
            switch value {
            case 0: disarm()
            case 1: hart.planTimer()
            default: throw .invalid("a timer's state is 0 or 1")
            }
        default: throw Self.missing(id)
        }
    }

    /// With Sstc the compare is the guest's own register and stays in force: KVM's state is of a timer of the host's. One
    /// that has expired stays pending.
    private func disarm() {
        guard !hart.extensions.contains(.sstc), cluster.time < hart.state.pointee.stimecmp else { return }
        hart.state.pointee.stimecmp = ~0
        hart.planTimer()
    }
}
