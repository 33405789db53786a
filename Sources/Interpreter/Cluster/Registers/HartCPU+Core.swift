import ExecutionEngine
import RISCV

// CORE: pc, x1 to x31 and the mode.
extension HartCPU {
    private static var modeIndex: UInt64 { 32 }

    var coreList: [RegisterID] { (0...Self.modeIndex).map { RegisterID.core($0) } }

    func core(_ id: RegisterID) throws(EngineError) -> UInt64 {
        guard id.subtype == 0, id.index <= Self.modeIndex else { throw Self.missing(id) }
        switch id.index {
        case 0: return hart.state.pointee.pc
        case Self.modeIndex: return UInt64(hart.state.pointee.mode.rawValue)
        default: return hart.raw.x(Int(id.index))
        }
    }

    func setCore(_ id: RegisterID, _ value: UInt64) throws(EngineError) {
        guard id.subtype == 0, id.index <= Self.modeIndex else { throw Self.missing(id) }
        let s = hart.state
        switch id.index {
        case 0:
            s.pointee.pc = value & ~1
            s.pointee.pendingLink = nil
            s.pointee.reservation = ~0
            // Whoever moves pc may have changed the code as well.
            hart.fenceInstruction()
        case Self.modeIndex:
            hart.setVirtual(false)
            s.pointee.mode = mode(value)
            s.pointee.pendingLink = nil
            hart.refreshRegime()
        default: hart.raw.setX(Int(id.index), value)
        }
    }

    /// As KVM has it, what isn't S is U. Firmware knows M-mode besides.
    private func mode(_ value: UInt64) -> Privilege {
        switch value {
        case 1: .supervisor
        case 3 where !cluster.answersSBI: .machine
        default: .user
        }
    }
}
