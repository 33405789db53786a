import RISCV

// Smstateen and Ssstateen (privileged specification, "Smstateen/Ssstateen Extensions"). Of the state that their
// bits guard, these harts have senvcfg alone; sstateen0 guards nothing that exists and is zero.
extension Hart {
    /// Bits of mstateen0 that stick.
    var writableStateEnables: UInt64 {
        extensions.contains(.smstateen) ? StateEnable.SE0 | StateEnable.ENVCFG : 0
    }

    func isEnabledState(_ bit: UInt64) -> Bool { state.pointee.mstateen0 & bit != 0 }

    /// Bit 63 of mstateen n lets S-mode reach sstateen n.
    func mayReachStateEnable(_ csr: CSR) -> Bool {
        guard extensions.contains(.smstateen) || extensions.contains(.ssstateen) else { return false }
        if state.pointee.mode == .machine || !extensions.contains(.smstateen) { return true }
        let s = state
        switch csr {
        case .sstateen0: return s.pointee.mstateen0 & StateEnable.SE0 != 0
        case .sstateen1: return s.pointee.mstateen1 & StateEnable.SE0 != 0
        case .sstateen2: return s.pointee.mstateen2 & StateEnable.SE0 != 0
        default: return s.pointee.mstateen3 & StateEnable.SE0 != 0
        }
    }

    /// nil when the register isn't one of these.
    func readStateEnable(_ csr: CSR) -> UInt64? {
        switch csr {
        case .mstateen0: state.pointee.mstateen0
        case .mstateen1: state.pointee.mstateen1
        case .mstateen2: state.pointee.mstateen2
        case .mstateen3: state.pointee.mstateen3
        case .sstateen0, .sstateen1, .sstateen2, .sstateen3: 0
        default: nil
        }
    }

    func writeStateEnable(_ csr: CSR, _ value: UInt64) -> Bool {
        switch csr {
        case .mstateen0: state.pointee.mstateen0 = value & writableStateEnables
        case .mstateen1: state.pointee.mstateen1 = value & StateEnable.SE0
        case .mstateen2: state.pointee.mstateen2 = value & StateEnable.SE0
        case .mstateen3: state.pointee.mstateen3 = value & StateEnable.SE0
        case .sstateen0, .sstateen1, .sstateen2, .sstateen3: break
        default: return false
        }
        return true
    }
}
