import RISCV

// Smstateen and Ssstateen (privileged specification, "Smstateen/Ssstateen Extensions"). Of the state that their
// bits guard, these harts have senvcfg, henvcfg and the AIA's; sstateen0 guards nothing that exists and is zero.
extension Hart {
    /// Bits of mstateen0 that stick.
    var writableStateEnables: UInt64 {
        extensions.contains(.smstateen) ? StateEnable.SE0 | StateEnable.ENVCFG | interruptStateEnables : 0
    }

    /// The AIA's: IMSIC only where there is one.
    private var interruptStateEnables: UInt64 {
        guard hasAIA else { return 0 }
        return StateEnable.CSRIND | StateEnable.AIA | (files == nil ? 0 : StateEnable.IMSIC)
    }

    func isEnabledState(_ bit: UInt64) -> Bool { state.pointee.mstateen0 & bit != 0 }

    /// Bit 63 of mstateen n lets S-mode reach sstateen n and hstateen n.
    func mayReachStateEnable(_ csr: CSR, _ mode: Privilege) -> Bool {
        guard extensions.contains(.smstateen) || extensions.contains(.ssstateen) else { return false }
        if mode == .machine || !extensions.contains(.smstateen) { return true }
        return machineStateEnable(csr) & StateEnable.SE0 != 0
    }

    /// The mstateen register with the number of an sstateen or hstateen.
    private func machineStateEnable(_ csr: CSR) -> UInt64 {
        let s = state
        switch csr.rawValue & 3 {
        case 0: return s.pointee.mstateen0
        case 1: return s.pointee.mstateen1
        case 2: return s.pointee.mstateen2
        default: return s.pointee.mstateen3
        }
    }

    /// The hstateen register with the number of an sstateen or hstateen: a bit that is zero in mstateen is zero here.
    func guestStateEnable(_ csr: CSR) -> UInt64 {
        let s = state
        let own =
            switch csr.rawValue & 3 {
            case 0: s.pointee.hstateen0
            case 1: s.pointee.hstateen1
            case 2: s.pointee.hstateen2
            default: s.pointee.hstateen3
            }
        return extensions.contains(.smstateen) ? own & machineStateEnable(csr) : own
    }

    /// Bits of hstateen0 that stick, as far as mstateen0 doesn't clear them.
    private var writableGuestStateEnables: UInt64 { StateEnable.SE0 | StateEnable.ENVCFG | interruptStateEnables }

    /// nil when the register isn't one of these.
    func readStateEnable(_ csr: CSR) -> UInt64? {
        switch csr {
        case .mstateen0: state.pointee.mstateen0
        case .mstateen1: state.pointee.mstateen1
        case .mstateen2: state.pointee.mstateen2
        case .mstateen3: state.pointee.mstateen3
        case .sstateen0, .sstateen1, .sstateen2, .sstateen3: 0
        case .hstateen0, .hstateen1, .hstateen2, .hstateen3: extensions.contains(.h) ? guestStateEnable(csr) : nil
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
        case .hstateen0 where extensions.contains(.h):
            state.pointee.hstateen0 = value & writableGuestStateEnables
        case .hstateen1 where extensions.contains(.h):
            state.pointee.hstateen1 = value & StateEnable.SE0
        case .hstateen2 where extensions.contains(.h):
            state.pointee.hstateen2 = value & StateEnable.SE0
        case .hstateen3 where extensions.contains(.h):
            state.pointee.hstateen3 = value & StateEnable.SE0
        default: return false
        }
        return true
    }
}
