import RISCV

/// Whether a register may be reached.
enum AccessVerdict {
    case allowed
    case refused(Exception)

    static let illegal = AccessVerdict.refused(.illegalInstruction)
    static let virtual = AccessVerdict.refused(.virtualInstruction)
}

// Who may reach the CSRs that the AIA adds (AIA 1.0, "Hypervisor and VS CSRs", "Virtual instruction exceptions", "Access
// control by the state-enable CSRs").
extension Hart {
    /// nil for a CSR that the AIA doesn't add. `csr` is as the instruction names it.
    func verdictOnInterruptCSR(_ csr: CSR) -> AccessVerdict? {
        switch csr {
        case .miselect, .mireg, .mtopei, .mtopi, .mvien, .mvip:
            return state.pointee.mode == .machine && extensions.contains(.smaia) && isThere(csr) ? .allowed : .illegal
        case .siselect, .sireg, .stopei, .stopi: break
        case .hvien, .hvictl, .hviprio1, .hviprio2, .vsiselect, .vsireg, .vstopei, .vstopi:
            if !extensions.contains(.h) { return .illegal }
        default: return nil
        }
        return state.pointee.virtual ? verdictInGuest(csr) : verdictInHost(csr)
    }

    private func verdictInHost(_ csr: CSR) -> AccessVerdict {
        let mode = state.pointee.mode
        if mode == .user || mode == .supervisor && !isEnabledByMachine(stateEnables(csr)) { return .illegal }
        return isThere(csr) ? .allowed : .illegal
    }

    private func verdictInGuest(_ csr: CSR) -> AccessVerdict {
        // What M-mode withholds from HS-mode isn't the hypervisor's to emulate.
        let inFile = csr == .sireg && hasFileSelected(aia.vsiselect)
        switch csr {
        case .sireg where state.pointee.mode == .user || !inFile, .vsireg:
            if !isEnabledByMachine(StateEnable.CSRIND) { return .illegal }
        case .sireg:
            // hstateen0.CSRIND clear is a virtual-instruction exception whatever the other bits of mstateen0 say.
            if !isEnabledByMachine(StateEnable.CSRIND) { return .illegal }
            if !isEnabledByHypervisor(StateEnable.CSRIND) { return .virtual }
            if !isEnabledByMachine(StateEnable.IMSIC) { return .illegal }
        default:
            if !isEnabledByMachine(stateEnables(csr)) { return .illegal }
        }
        guard state.pointee.mode == .supervisor else { return .virtual }
        switch csr {
        case .siselect, .stopi: return isEnabledByHypervisor(stateEnables(csr)) ? .allowed : .virtual
        case .stopei: return isEnabledByHypervisor(stateEnables(csr)) && isThere(.vstopei) ? .allowed : .virtual
        case .sireg:
            let enables = inFile ? StateEnable.CSRIND | StateEnable.IMSIC : StateEnable.CSRIND
            return isEnabledByHypervisor(enables) && isThere(.vsireg) ? .allowed : .virtual
        default: return .virtual
        }
    }

    private func hasFileSelected(_ select: UInt64) -> Bool { files != nil && select >= 0x70 && select <= 0xFF }

    /// The bits of mstateen0 that guard a register.
    private func stateEnables(_ csr: CSR) -> UInt64 {
        switch csr {
        case .siselect, .vsiselect: StateEnable.CSRIND
        case .sireg:
            StateEnable.CSRIND
                | (InterruptPriorities.hasRegister(aia.siselect) ? StateEnable.AIA : 0)
                | (hasFileSelected(aia.siselect) ? StateEnable.IMSIC : 0)
        case .vsireg: StateEnable.CSRIND | (hasFileSelected(aia.vsiselect) ? StateEnable.IMSIC : 0)
        // Without interrupt files there is no such bit, and nothing that it would guard.
        case .stopei, .vstopei: files != nil ? StateEnable.IMSIC : 0
        default: StateEnable.AIA
        }
    }

    private func isEnabledByMachine(_ bits: UInt64) -> Bool {
        !extensions.contains(.smstateen) || state.pointee.mstateen0 & bits == bits
    }

    private func isEnabledByHypervisor(_ bits: UInt64) -> Bool {
        guard extensions.contains(.smstateen) || extensions.contains(.ssstateen) else { return true }
        return guestStateEnable(.hstateen0) & bits == bits
    }

    /// Whether there is such a register at the moment, for the modes that may reach it at all.
    private func isThere(_ csr: CSR) -> Bool {
        switch csr {
        case .mtopei: machineFile != nil
        case .mireg:
            InterruptPriorities.hasRegister(aia.miselect) || machineFile != nil && InterruptFiles.hasRegister(aia.miselect)
        case .stopei: reachesSupervisorFile
        case .sireg:
            InterruptPriorities.hasRegister(aia.siselect) || reachesSupervisorFile && InterruptFiles.hasRegister(aia.siselect)
        case .vstopei: guestFile != nil
        case .vsireg: guestFile != nil && InterruptFiles.hasRegister(aia.vsiselect)
        default: true
        }
    }

    /// mvien.SEI keeps the interrupt file of S-mode for M-mode, which filters its interrupts.
    private var reachesSupervisorFile: Bool {
        files != nil && (state.pointee.mode == .machine || aia.mvien & InterruptSet.supervisorExternal == 0)
    }

    /// While hvictl.VTI is set, a guest's sip, sie and writes of stimecmp are the hypervisor's ("Virtual interrupts for VS
    /// level").
    func isHeldByHypervisor(_ csr: CSR, writes: Bool) -> Bool {
        guard aia.hvictl & VirtualInterruptControl.VTI != 0 else { return false }
        return csr == .sip || csr == .sie || csr == .stimecmp && writes
    }
}
