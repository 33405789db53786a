import CHost
import RISCV

/// Where a trap goes.
enum TrapTarget {
    case machine
    /// HS-mode; S-mode where there is no hypervisor extension.
    case supervisor
    case virtualSupervisor
}

extension Hart {
    /// Takes the trap that `trapCause`, `trapValue` and `pc` describe (privileged spec 3.1.8, 12.1.3 and, for the
    /// hypervisor extension, "Trap Entry").
    func takeTrap() {
        let s = state
        let cause = s.pointee.trapCause
        count(.exception)
        let value = s.pointee.trapValue
        if s.pointee.mode == .machine || s.pointee.medeleg &>> (cause & 63) & 1 == 0 {
            enterMachine(cause: cause, value: value, vector: 0)
        } else if s.pointee.virtual, s.pointee.hedeleg &>> (cause & 63) & 1 != 0 {
            enterVirtualSupervisor(cause: cause, value: value, vector: 0)
        } else {
            enterSupervisor(cause: cause, value: value, vector: 0)
        }
    }

    /// Takes an interrupt, which has neither value nor details.
    private func take(_ number: UInt64, _ target: TrapTarget) {
        count(.interrupt)
        clearTrapDetails()
        switch target {
        case .machine: enterMachine(cause: Interrupt.causeBit | number, value: 0, vector: number &* 4)
        case .supervisor: enterSupervisor(cause: Interrupt.causeBit | number, value: 0, vector: number &* 4)
        case .virtualSupervisor:
            enterVirtualSupervisor(cause: Interrupt.causeBit | number, value: 0, vector: number &* 4)
        }
    }

    private func enterSupervisor(cause: UInt64, value: UInt64, vector: UInt64) {
        let s = state
        let target = s.pointee.stvec & ~3 &+ (s.pointee.stvec & 1 == 1 ? vector : 0)
        note(cause: cause, value: value, to: .supervisor, target: target)
        s.pointee.scause = cause
        s.pointee.stval = value
        s.pointee.sepc = s.pointee.pc
        var status = s.pointee.mstatus & ~(MStatus.SPP | MStatus.SPIE | MStatus.SIE)
        if s.pointee.mstatus & MStatus.SIE != 0 { status |= MStatus.SPIE }
        if s.pointee.mode == .supervisor { status |= MStatus.SPP }
        s.pointee.mstatus = status
        if extensions.contains(.h) { recordGuest(status, cause) }
        s.pointee.mode = .supervisor
        s.pointee.pc = target
        s.pointee.pendingLink = nil
        refreshRegime()
    }

    /// What HS-mode learns of the guest: hstatus.SPV, SPVP and GVA, htval, htinst.
    private func recordGuest(_ status: UInt64, _ cause: UInt64) {
        let s = state
        var guest = s.pointee.hstatus & ~(HStatus.SPV | HStatus.GVA)
        if s.pointee.virtual {
            guest = (guest | HStatus.SPV) & ~HStatus.SPVP
            if status & MStatus.SPP != 0 { guest |= HStatus.SPVP }
        }
        if isGuestAddress(cause) { guest |= HStatus.GVA }
        s.pointee.hstatus = guest
        s.pointee.htval = s.pointee.trapGuestAddress
        s.pointee.htinst = s.pointee.trapInstruction
        setVirtual(false)
    }

    private func enterVirtualSupervisor(cause: UInt64, value: UInt64, vector: UInt64) {
        let s = state
        let target = s.pointee.vstvec & ~3 &+ (s.pointee.vstvec & 1 == 1 ? vector : 0)
        note(cause: cause, value: value, to: AccessMode(privilege: .supervisor, virtual: true), target: target)
        s.pointee.vscause = cause
        s.pointee.vstval = value
        s.pointee.vsepc = s.pointee.pc
        var status = s.pointee.vsstatus & ~(MStatus.SPP | MStatus.SPIE | MStatus.SIE)
        if s.pointee.vsstatus & MStatus.SIE != 0 { status |= MStatus.SPIE }
        if s.pointee.mode == .supervisor { status |= MStatus.SPP }
        s.pointee.vsstatus = status
        s.pointee.mode = .supervisor
        s.pointee.pc = target
        s.pointee.pendingLink = nil
        refreshRegime()
    }

    private func enterMachine(cause: UInt64, value: UInt64, vector: UInt64) {
        let s = state
        let target = s.pointee.mtvec & ~3 &+ (s.pointee.mtvec & 1 == 1 ? vector : 0)
        note(cause: cause, value: value, to: .machine, target: target)
        s.pointee.mcause = cause
        s.pointee.mtval = value
        s.pointee.mepc = s.pointee.pc
        var status = s.pointee.mstatus & ~(MStatus.MPP | MStatus.MPIE | MStatus.MIE)
        if s.pointee.mstatus & MStatus.MIE != 0 { status |= MStatus.MPIE }
        status |= UInt64(s.pointee.mode.rawValue) &<< MStatus.MPPShift
        if extensions.contains(.h) {
            status &= ~(MStatus.MPV | MStatus.GVA)
            if s.pointee.virtual { status |= MStatus.MPV }
            if isGuestAddress(cause) { status |= MStatus.GVA }
            s.pointee.mtval2 = s.pointee.trapGuestAddress
            s.pointee.mtinst = s.pointee.trapInstruction
        }
        s.pointee.mstatus = status
        setVirtual(false)
        s.pointee.mode = .machine
        s.pointee.pc = target
        s.pointee.pendingLink = nil
        refreshRegime()
    }

    /// Whether the value of an exception with this cause is a guest virtual address: breakpoints, misaligned
    /// addresses, access, page and guest-page faults of a guest, or of an access made in its name (privileged spec,
    /// hstatus.GVA).
    private func isGuestAddress(_ cause: UInt64) -> Bool {
        let causes: UInt64 = 0xB0_B0FB
        return cause < 64 && causes &>> cause & 1 != 0 && (state.pointee.virtual || state.pointee.trapOfGuestAccess)
    }

    func clearTrapDetails() {
        state.pointee.trapGuestAddress = 0
        state.pointee.trapInstruction = 0
        state.pointee.trapOfGuestAccess = false
    }

    /// Takes the most urgent enabled interrupt, if there is one.
    func takeInterruptIfEnabled() {
        if let (number, target) = dueInterrupt { take(number, target) }
    }

    /// The interrupt to take in the present mode: those for M-mode first, then HS-mode's, then the guest's
    /// (privileged spec 3.1.9 and "Hypervisor Interrupt Registers").
    private var dueInterrupt: (UInt64, TrapTarget)? {
        if hasAIA { return configuredInterrupt }
        let s = state
        let active = currentPending & s.pointee.mie
        if active == 0 { return nil }
        let mode = s.pointee.mode
        if mode < .machine || s.pointee.mstatus & MStatus.MIE != 0,
            let number = Self.mostUrgent(active & ~s.pointee.mideleg)
        {
            return (number, .machine)
        }
        if mode == .machine { return nil }
        if mode == .user || s.pointee.virtual || s.pointee.mstatus & MStatus.SIE != 0,
            let number = Self.mostUrgent(active & s.pointee.mideleg & ~s.pointee.hideleg)
        {
            return (number, .supervisor)
        }
        if s.pointee.virtual, mode == .user || s.pointee.vsstatus & MStatus.SIE != 0,
            let number = Self.mostUrgent(active & s.pointee.mideleg & s.pointee.hideleg)
        {
            // A guest knows its interrupts by the numbers that S-mode's have.
            return (number &- 1, .virtualSupervisor)
        }
        return nil
    }

    /// MEI MSI MTI SEI SSI STI SGEI VSEI VSSI VSTI LCOFI.
    private static func mostUrgent(_ bits: UInt64) -> UInt64? {
        if bits == 0 { return nil }
        for number: UInt64 in [11, 3, 7, 9, 1, 5, 12, 10, 2, 6, 13] where bits &>> number & 1 != 0 { return number }
        return nil
    }

    /// mip as the timers' thread and other harts have left it.
    var currentPending: UInt64 {
        let now = host_atomic_load_64(raw + HartLayout.pending)
        return hasAIA ? pendingWithFiles(now) : now & 0xFFFF
    }

    /// mip as software reads it: STIP and VSTIP follow their comparisons and LCOFIP the counters at once, not when the
    /// timers' thread has had its turn.
    var presentPending: UInt64 {
        if hasSupervisorTimer, cluster.time >= state.pointee.stimecmp { signals.raise(InterruptSet.supervisorTimer) }
        if extensions.contains(.h) { noteVirtualTimer() }
        if events.ofRetired != 0 { settleCounters() }
        return currentPending
    }

    /// Whether an enabled interrupt would be taken in the present mode.
    var interruptDue: Bool { dueInterrupt != nil }

    /// mret restores the stacked mode and enable bit (privileged spec 3.1.6.1 and, for the hypervisor extension,
    /// "Trap Return"), as sret does below. The exception to raise when it isn't allowed here.
    func returnFromMachineTrap() -> Exception? {
        let s = state
        guard s.pointee.mode == .machine else { return .illegalInstruction }
        var status = s.pointee.mstatus
        let previous = Privilege(rawValue: UInt8(truncatingIfNeeded: status &>> MStatus.MPPShift & 3)) ?? .user
        let virtual = previous != .machine && status & MStatus.MPV != 0
        status = status & ~(MStatus.MIE | MStatus.MPP | MStatus.MPV) | (status & MStatus.MPIE) &>> 4 | MStatus.MPIE
        if previous != .machine { status &= ~MStatus.MPRV }
        s.pointee.mstatus = status
        s.pointee.mode = previous
        setVirtual(virtual)
        s.pointee.pc = s.pointee.mepc & returnAddressMask
        refreshRegime()
        return nil
    }

    func returnFromSupervisorTrap() -> Exception? {
        let s = state
        if s.pointee.virtual { return returnFromVirtualSupervisorTrap() }
        var status = s.pointee.mstatus
        guard s.pointee.mode >= .supervisor, !(s.pointee.mode == .supervisor && status & MStatus.TSR != 0) else {
            return .illegalInstruction
        }
        let previous = status & MStatus.SPP != 0 ? Privilege.supervisor : Privilege.user
        status = status & ~(MStatus.SIE | MStatus.SPP) | (status & MStatus.SPIE) &>> 4 | MStatus.SPIE
        status &= ~MStatus.MPRV
        s.pointee.mstatus = status
        s.pointee.mode = previous
        s.pointee.pc = s.pointee.sepc & returnAddressMask
        if extensions.contains(.h) {
            setVirtual(s.pointee.hstatus & HStatus.SPV != 0)
            s.pointee.hstatus &= ~HStatus.SPV
        }
        refreshRegime()
        return nil
    }

    private func returnFromVirtualSupervisorTrap() -> Exception? {
        let s = state
        guard s.pointee.mode == .supervisor, s.pointee.hstatus & HStatus.VTSR == 0 else { return .virtualInstruction }
        let status = s.pointee.vsstatus
        s.pointee.mode = status & MStatus.SPP != 0 ? .supervisor : .user
        s.pointee.vsstatus = status & ~(MStatus.SIE | MStatus.SPP) | (status & MStatus.SPIE) &>> 4 | MStatus.SPIE
        s.pointee.mstatus &= ~MStatus.MPRV
        s.pointee.pc = s.pointee.vsepc & returnAddressMask
        refreshRegime()
        return nil
    }
}
