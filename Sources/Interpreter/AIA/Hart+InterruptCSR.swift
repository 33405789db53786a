import CHost
import RISCV

// The CSRs that the AIA adds, and those it changes (AIA 1.0, chapter "Control and Status Registers Added to Harts").
// Who may reach them is Hart+InterruptAccess's business.
extension Hart {
    /// Bits of the select registers: values 0 to 0x1FF.
    private static var selectMask: UInt64 { 0x1FF }
    /// Bits of mvien: SSI, SEI and those from 13 on.
    private static var writableMVIEN: UInt64 {
        InterruptSet.supervisorSoftware | InterruptSet.supervisorExternal | InterruptSet.upper
    }

    /// One access to a register of an interrupt file, a single step as far as posts see: `*topei`, or `*ireg` while it
    /// stands for one. Its value before; nil when `csr` is neither, or there is no such register.
    func changeInterruptFile(_ csr: CSR, _ change: CSRChange, _ operand: UInt64, writes: Bool) -> UInt64? {
        guard let files else { return nil }
        let number: Int?
        var select: UInt64?
        switch csr {
        case .mtopei: number = machineFile
        case .stopei: number = InterruptFiles.supervisor
        case .vstopei: number = guestFile
        case .mireg: (number, select) = (machineFile, aia.miselect)
        case .sireg: (number, select) = (InterruptFiles.supervisor, aia.siselect)
        case .vsireg: (number, select) = (guestFile, aia.vsiselect)
        default: return nil
        }
        guard let file = number else { return nil }
        if let select, !InterruptFiles.hasRegister(select) { return nil }
        let old =
            if let select {
                files.change(file, select, change, operand, writes: writes)
            } else {
                Self.topExternal(writes ? files.claim(file) : files.top(file))
            }
        if writes { fileChanged(file) }
        return old
    }

    /// `*topei`'s format: the identity, which is its own priority.
    private static func topExternal(_ identity: UInt64) -> UInt64 { identity &<< 16 | identity }

    var machineFile: Int? {
        guard let files, files.hasMachineFile else { return nil }
        return files.machine
    }

    /// nil when the register isn't one of these, or isn't there.
    func readInterruptCSR(_ csr: CSR) -> UInt64? {
        let s = state
        switch csr {
        case .mie: return s.pointee.mie & ~InterruptSet.closerLook
        case .sip: return supervisorPending(presentPending)
        case .sie: return supervisorEnabled
        case .siselect: return aia.siselect
        case .sireg: return aia.supervisorPriorities.read(aia.siselect, settableForSupervisor) ?? readFile(csr)
        case .stopei: return readFile(csr)
        case .stopi:
            _ = presentPending
            return supervisorTop
        default:
            if extensions.contains(.smaia), let value = readMachineInterruptCSR(csr) { return value }
            return extensions.contains(.h) ? readGuestInterruptCSR(csr) : nil
        }
    }

    private func readMachineInterruptCSR(_ csr: CSR) -> UInt64? {
        switch csr {
        case .mvien: return aia.mvien
        case .mvip: return machineVirtualPending
        case .miselect: return aia.miselect
        case .mireg: return aia.machinePriorities.read(aia.miselect, settableForMachine) ?? readFile(csr)
        case .mtopei: return readFile(csr)
        case .mtopi:
            _ = presentPending
            return machineTop
        default: return nil
        }
    }

    private func readGuestInterruptCSR(_ csr: CSR) -> UInt64? {
        switch csr {
        case .hie: return state.pointee.mie & hypervisorInterrupts
        case .hip: return presentPending & hypervisorInterrupts
        case .hvip: return signals.virtualInterrupts | aia.hvip
        case .hvien: return aia.hvien
        case .hvictl: return aia.hvictl
        case .hviprio1: return aia.hviprio1
        case .hviprio2: return aia.hviprio2
        case .hgeie: return aia.hgeie
        case .hgeip:
            _ = currentPending
            return aia.fileSignals & guestExternals
        case .vsip: return guestPending(presentPending)
        case .vsie: return guestEnabled
        case .vsiselect: return aia.vsiselect
        case .vsireg, .vstopei: return readFile(csr)
        case .vstopi:
            _ = presentPending
            return guestTop
        default: return nil
        }
    }

    private func readFile(_ csr: CSR) -> UInt64? { changeInterruptFile(csr, .write, 0, writes: false) }

    /// Writes what of `value` the register accepts. False when it isn't one of these, or isn't there.
    func writeInterruptCSR(_ csr: CSR, _ value: UInt64) -> Bool {
        let s = state
        switch csr {
        case .mie:
            s.pointee.mie =
                value & (supervisorInterrupts | InterruptSet.machine | hypervisorInterrupts) | InterruptSet.closerLook
        case .mip: setMachinePending(value)
        case .mideleg:
            s.pointee.mideleg = value & supervisorInterrupts | hypervisorInterrupts
            dropDelegations()
        case .sip: setSupervisorPending(value, mask: ~0)
        case .sie: setSupervisorEnabled(value, mask: ~0)
        case .siselect: aia.siselect = value & Self.selectMask
        case .sireg:
            let (select, settable) = (aia.siselect, settableForSupervisor)
            guard aia.supervisorPriorities.write(select, settable, value) || writeFile(csr, value) else { return false }
        case .stopei: return writeFile(csr, value)
        default:
            let isMine =
                extensions.contains(.smaia) && writeMachineInterruptCSR(csr, value)
                || extensions.contains(.h) && writeGuestInterruptCSR(csr, value)
            if !isMine { return false }
        }
        updateCloserLook()
        return true
    }

    private func writeMachineInterruptCSR(_ csr: CSR, _ value: UInt64) -> Bool {
        switch csr {
        case .mvien: setMVIEN(value & Self.writableMVIEN)
        case .mvip: setMachineVirtualPending(value)
        case .miselect: aia.miselect = value & Self.selectMask
        case .mireg:
            let (select, settable) = (aia.miselect, settableForMachine)
            return aia.machinePriorities.write(select, settable, value) || writeFile(csr, value)
        case .mtopei: return writeFile(csr, value)
        default: return false
        }
        return true
    }

    private func writeGuestInterruptCSR(_ csr: CSR, _ value: UInt64) -> Bool {
        let s = state
        switch csr {
        case .hstatus:
            guard writeHypervisorCSR(csr, value) else { return false }
            s.pointee.hstatus |= value & writableVGEIN
            updateFileLevels()
        case .hideleg:
            s.pointee.hideleg = value & (guestInterrupts | InterruptSet.upper)
            dropDelegations()
        case .hie: s.pointee.mie = s.pointee.mie & ~hypervisorInterrupts | value & hypervisorInterrupts
        case .hvip:
            signals.setVirtualInterrupts(value & guestInterrupts)
            aia.hvip = value & InterruptSet.upper
        case .hvien: aia.hvien = value & InterruptSet.upper
        case .hvictl: aia.hvictl = value & VirtualInterruptControl.all
        // The bytes of interrupts 0, 4 and 8 are reserved.
        case .hviprio1: aia.hviprio1 = value & 0xFFFF_FF00_FF00_FF00
        case .hviprio2: aia.hviprio2 = value
        case .hgeie:
            aia.hgeie = value & guestExternals
            _ = currentPending
            updateFileLevels()
        case .vsip: setGuestPending(value)
        case .vsie: setGuestEnabled(value)
        case .vsiselect: aia.vsiselect = value & Self.selectMask
        case .vsireg, .vstopei: return writeFile(csr, value)
        default: return false
        }
        return true
    }

    private func writeFile(_ csr: CSR, _ value: UInt64) -> Bool {
        changeInterruptFile(csr, .write, value, writes: true) != nil
    }

    // ---- mip, mvien, mvip

    /// hideleg has no bit that neither mideleg nor mvien has.
    private func dropDelegations() {
        let s = state
        s.pointee.hideleg &= guestInterrupts | (s.pointee.mideleg | aia.mvien) & InterruptSet.upper
    }

    /// While mvien has SEI, mip.SEIP is the interrupt controller's alone.
    private func setMachinePending(_ value: UInt64) {
        let external = InterruptSet.supervisorExternal
        let fixed = external | (hasSupervisorTimer ? InterruptSet.supervisorTimer : 0)
        setPending(value, mask: supervisorInterrupts & ~fixed | guestInterrupts & InterruptSet.virtualSupervisorSoftware)
        if aia.mvien & external == 0 { signals.setSupervisorExternal(value & external != 0, byWire: false) }
    }

    private var softwareExternal: UInt64 {
        host_atomic_load_64(raw + HartLayout.pending) & HartSignals.externalSoftware != 0 ? InterruptSet.supervisorExternal : 0
    }

    private func setMVIEN(_ value: UInt64) {
        let external = InterruptSet.supervisorExternal
        let software = InterruptSet.supervisorSoftware
        let changed = aia.mvien ^ value
        // mvip.SEIP keeps its value, and is or isn't one of mip.SEIP's sources.
        if changed & value & external != 0 {
            aia.mvip = aia.mvip & ~external | softwareExternal
            signals.setSupervisorExternal(false, byWire: false)
        } else if changed & external != 0 {
            signals.setSupervisorExternal(aia.mvip & external != 0, byWire: false)
        }
        if changed & value & software != 0 { aia.mvip = aia.mvip & ~software | currentPending & software }
        aia.mvien = value
        dropDelegations()
    }

    /// mvip: what isn't its own is mip's.
    private var machineVirtualPending: UInt64 {
        let own = aia.mvien & (InterruptSet.supervisorSoftware | InterruptSet.supervisorExternal) | InterruptSet.upper
        var others = InterruptSet.supervisorSoftware
        if !hasSupervisorTimer { others |= InterruptSet.supervisorTimer }
        return aia.mvip & own | (currentPending & others | softwareExternal) & ~own
    }

    private func setMachineVirtualPending(_ value: UInt64) {
        let software = InterruptSet.supervisorSoftware
        let external = InterruptSet.supervisorExternal
        let own = aia.mvien & (software | external) | InterruptSet.upper
        aia.mvip = aia.mvip & ~own | value & own
        setPending(value, mask: (hasSupervisorTimer ? software : software | InterruptSet.supervisorTimer) & ~own)
        if own & external == 0 { signals.setSupervisorExternal(value & external != 0, byWire: false) }
    }

    // ---- iprio

    /// Interrupts whose priority number M-mode may set: those that mie has, but for the external interrupt, which has the
    /// interrupt file's, and those that never come to M-mode. Without a file there is nothing to compare with, and all
    /// are zero.
    private var settableForMachine: UInt64 {
        guard machineFile != nil else { return 0 }
        return (supervisorInterrupts | InterruptSet.machine) & ~InterruptSet.machineExternal
    }

    /// The same for S-mode: those that sie or hie lets be written.
    var settableForSupervisor: UInt64 {
        guard files != nil else { return 0 }
        let writable = state.pointee.mideleg & supervisorInterrupts | virtualForSupervisor | hypervisorInterrupts
        return writable & ~InterruptSet.supervisorExternal
    }
}
