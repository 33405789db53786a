import RISCV

extension Hart {
    /// The conditions for a CSR beyond the mode that its number names: the extension it belongs to, and the
    /// enables that a more privileged mode holds.
    func isReachable(_ csr: CSR, writes: Bool) -> Bool {
        let s = state
        let mode = s.pointee.mode
        switch csr {
        case .fflags, .frm, .fcsr: return s.pointee.fs != 0
        case .satp: return !(mode == .supervisor && s.pointee.mstatus & MStatus.TVM != 0)
        case .stimecmp:
            guard extensions.contains(.sstc) else { return false }
            return mode == .machine
                || (s.pointee.menvcfg & EnvironmentConfiguration.STCE != 0 && s.pointee.mcounteren & 2 != 0)
        case .senvcfg: return mode == .machine || !extensions.contains(.smstateen) || isEnabledState(StateEnable.ENVCFG)
        case .sstateen0, .sstateen1, .sstateen2, .sstateen3: return mayReachStateEnable(csr)
        case .mstateen0, .mstateen1, .mstateen2, .mstateen3: return extensions.contains(.smstateen)
        case .scountovf: return extensions.contains(.sscofpmf)
        case .mseccfg: return extensions.contains(.zkr) || extensions.contains(.smepmp)
        case .seed: return writes && mayReadSeed
        default:
            if csr.rawValue &>> 5 == CSR.cycle.rawValue &>> 5 { return isCounterEnabled(UInt64(csr.rawValue & 31)) }
            return true
        }
    }

    private func isCounterEnabled(_ number: UInt64) -> Bool {
        let s = state
        guard extensions.contains(number < 3 ? .zicntr : .zihpm) else { return false }
        if s.pointee.mode == .machine { return true }
        guard s.pointee.mcounteren &>> number & 1 != 0 else { return false }
        return s.pointee.mode == .supervisor || s.pointee.scounteren &>> number & 1 != 0
    }
}
