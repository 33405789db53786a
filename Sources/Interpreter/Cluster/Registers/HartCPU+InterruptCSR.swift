import ExecutionEngine
import RISCV

// CSR, AIA: siselect, iprio1, iprio2, and four that are RV32's. KVM keeps a guest's priorities in hviprio1 and hviprio2,
// and that is the form they have here (AIA 1.0, "Hypervisor and VS CSRs").
extension HartCPU {
    /// The interrupts whose priority numbers are the bytes of iprio1 and of iprio2; 0 for none.
    private static let prioritized: [[UInt64]] = [[0, 1, 0, 5, 0, 13, 14, 15], [16, 17, 18, 19, 20, 21, 22, 23]]

    var interruptList: [RegisterID] { (0..<7).map { RegisterID.aiaCSR($0) } }

    func interruptCSR(_ id: RegisterID) throws(EngineError) -> UInt64 {
        guard hart.extensions.contains(.ssaia), id.index < 7 else { throw Self.missing(id) }
        switch id.index {
        case 0: return hart.aia.siselect
        case 1, 2:
            var value: UInt64 = 0
            for (byte, number) in Self.prioritized[Int(id.index) - 1].enumerated() where isSettable(number) {
                value |= hart.aia.supervisorPriorities[number] &<< UInt64(8 &* byte)
            }
            return value
        default: return 0
        }
    }

    func setInterruptCSR(_ id: RegisterID, _ value: UInt64) throws(EngineError) {
        guard hart.extensions.contains(.ssaia), id.index < 7 else { throw Self.missing(id) }
        switch id.index {
        case 0: _ = hart.writeCSR(.siselect, value)
        case 1, 2:
            for (byte, number) in Self.prioritized[Int(id.index) - 1].enumerated() where isSettable(number) {
                hart.aia.supervisorPriorities.set(number, value &>> UInt64(8 &* byte) & 0xFF)
            }
            hart.updateCloserLook()
        default: break
        }
    }

    private func isSettable(_ number: UInt64) -> Bool {
        number != 0 && hart.settableForSupervisor &>> number & 1 != 0
    }
}
