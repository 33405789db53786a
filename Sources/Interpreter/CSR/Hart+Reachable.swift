import RISCV

extension CSR {
    /// What stands for a supervisor register while V = 1 (privileged spec, "Hypervisor and Virtual Supervisor
    /// CSRs"). Those that have no counterpart are the hypervisor's to swap.
    var ofGuest: CSR {
        switch self {
        case .sstatus: .vsstatus
        case .sie: .vsie
        case .stvec: .vstvec
        case .sscratch: .vsscratch
        case .sepc: .vsepc
        case .scause: .vscause
        case .stval: .vstval
        case .sip: .vsip
        case .stimecmp: .vstimecmp
        case .satp: .vsatp
        case .siselect: .vsiselect
        case .sireg: .vsireg
        case .stopei: .vstopei
        case .stopi: .vstopi
        default: self
        }
    }
}

extension Hart {
    /// What an access to a register raises before it is even looked at (privileged spec 2.1 and, for a guest,
    /// "Trap Cause Codes"): in a guest a virtual-instruction exception when HS-mode could do the same, with
    /// mstatus.TVM clear.
    func exceptionOnAccess(to csr: CSR, writes: Bool) -> Exception? {
        let s = state
        let mode = s.pointee.mode
        if hasAIA, let verdict = verdictOnInterruptCSR(csr) {
            if case .refused(let exception) = verdict { return exception }
            return nil
        }
        if !s.pointee.virtual { return isReachable(csr, writes: writes, from: mode) ? nil : .illegalInstruction }
        guard isReachable(csr, writes: writes, from: .supervisor, ignoringTVM: true) else { return .illegalInstruction }
        if isReachableForGuest(csr), !isHeldByHypervisor(csr, writes: writes) { return nil }
        return readCSR(csr) == nil ? .illegalInstruction : .virtualInstruction
    }

    /// The conditions for a CSR of HS-mode and below: the mode that its number names, the extension it belongs to,
    /// and the enables that a more privileged mode holds.
    private func isReachable(_ csr: CSR, writes: Bool, from mode: Privilege, ignoringTVM: Bool = false) -> Bool {
        let s = state
        // Bits 9..8: the least mode, where 2 is HS-mode.
        let level = mode == .supervisor && extensions.contains(.h) ? 2 : UInt16(mode.rawValue)
        guard CSR.leastPrivilege(csr.rawValue) <= level else { return false }
        switch csr {
        case .fflags, .frm, .fcsr: return s.pointee.fs != 0
        case .satp, .hgatp: return mode == .machine || ignoringTVM || s.pointee.mstatus & MStatus.TVM == 0
        case .stimecmp, .vstimecmp:
            guard extensions.contains(.sstc) else { return false }
            return mode == .machine
                || (s.pointee.menvcfg & EnvironmentConfiguration.STCE != 0 && s.pointee.mcounteren & 2 != 0)
        case .senvcfg, .henvcfg:
            return mode == .machine || !extensions.contains(.smstateen) || isEnabledState(StateEnable.ENVCFG)
        case .sstateen0, .sstateen1, .sstateen2, .sstateen3, .hstateen0, .hstateen1, .hstateen2, .hstateen3:
            return mayReachStateEnable(csr, mode)
        case .mstateen0, .mstateen1, .mstateen2, .mstateen3: return extensions.contains(.smstateen)
        case .scountovf: return extensions.contains(.sscofpmf)
        case .mseccfg: return extensions.contains(.zkr) || extensions.contains(.smepmp)
        case .seed: return writes && mayReadSeed(mode)
        default:
            if let number = counterNumber(csr) { return isCounterEnabled(number, mode) }
            return true
        }
    }

    /// What the hypervisor, and for VU-mode the guest, let a guest reach of what HS-mode can.
    private func isReachableForGuest(_ csr: CSR) -> Bool {
        let s = state
        let mode = s.pointee.mode
        guard CSR.leastPrivilege(csr.rawValue) <= mode.rawValue else { return false }
        switch csr {
        case .satp: return s.pointee.hstatus & HStatus.VTVM == 0
        case .stimecmp: return guestEnvironment & EnvironmentConfiguration.STCE != 0 && s.pointee.hcounteren & 2 != 0
        case .senvcfg, .sstateen0, .sstateen1, .sstateen2, .sstateen3:
            guard extensions.contains(.smstateen) || extensions.contains(.ssstateen) else { return true }
            return csr == .senvcfg
                ? guestStateEnable(.hstateen0) & StateEnable.ENVCFG != 0 : guestStateEnable(csr) & StateEnable.SE0 != 0
        case .seed: return false
        default:
            guard let number = counterNumber(csr) else { return true }
            return s.pointee.hcounteren &>> number & 1 != 0
                && (mode == .supervisor || s.pointee.scounteren &>> number & 1 != 0)
        }
    }

    private func counterNumber(_ csr: CSR) -> UInt64? {
        csr.rawValue &>> 5 == CSR.cycle.rawValue &>> 5 ? UInt64(csr.rawValue & 31) : nil
    }

    private func isCounterEnabled(_ number: UInt64, _ mode: Privilege) -> Bool {
        let s = state
        guard extensions.contains(number < 3 ? .zicntr : .zihpm) else { return false }
        if mode == .machine { return true }
        guard s.pointee.mcounteren &>> number & 1 != 0 else { return false }
        return mode == .supervisor || s.pointee.scounteren &>> number & 1 != 0
    }
}
