import CHost
import RISCV

extension Hart {
    /// Takes the trap that `trapCause`, `trapValue` and `pc` describe (privileged spec 3.1.8, 12.1.3).
    func takeTrap() {
        let s = state
        let cause = s.pointee.trapCause
        count(.exception)
        if s.pointee.mode != .machine, s.pointee.medeleg &>> (cause & 63) & 1 != 0 {
            enterSupervisor(cause: cause, value: s.pointee.trapValue, vector: 0)
        } else {
            enterMachine(cause: cause, value: s.pointee.trapValue, vector: 0)
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
        s.pointee.mstatus = status
        s.pointee.mode = .machine
        s.pointee.pc = target
        s.pointee.pendingLink = nil
        refreshRegime()
    }

    /// Takes the most urgent enabled interrupt, if there is one (privileged spec 3.1.9: MEI MSI MTI SEI SSI
    /// STI LCOFI, those for M-mode first).
    func takeInterruptIfEnabled() {
        let s = state
        let active = currentPending & s.pointee.mie
        if active == 0 { return }
        let mode = s.pointee.mode
        let machineEnabled = mode < .machine || s.pointee.mstatus & MStatus.MIE != 0
        let supervisorEnabled =
            mode < .supervisor || (mode == .supervisor && s.pointee.mstatus & MStatus.SIE != 0)
        let forMachine = machineEnabled ? active & ~s.pointee.mideleg : 0
        if let number = mostUrgent(forMachine) {
            count(.interrupt)
            enterMachine(cause: 1 &<< 63 | number, value: 0, vector: number &* 4)
            return
        }
        let forSupervisor = supervisorEnabled ? active & s.pointee.mideleg : 0
        if let number = mostUrgent(forSupervisor) {
            count(.interrupt)
            enterSupervisor(cause: 1 &<< 63 | number, value: 0, vector: number &* 4)
        }
    }

    private func mostUrgent(_ bits: UInt64) -> UInt64? {
        if bits == 0 { return nil }
        for number: UInt64 in [11, 3, 7, 9, 1, 5, 13] where bits &>> number & 1 != 0 { return number }
        return nil
    }

    /// mip as the timers' thread and other harts have left it.
    var currentPending: UInt64 { host_atomic_load_64(raw + HartLayout.pending) & 0xFFFF }

    /// mip as software reads it: STIP follows stimecmp at once, not when the timers' thread has had its turn.
    var presentPending: UInt64 {
        if hasSupervisorTimer, cluster.time >= state.pointee.stimecmp { signals.raise(InterruptSet.supervisorTimer) }
        return currentPending
    }

    /// Whether an enabled interrupt would be taken in the present mode.
    var interruptDue: Bool {
        let s = state
        let active = s.pointee.pending & s.pointee.mie
        if active == 0 { return false }
        let mode = s.pointee.mode
        if mode < .machine || s.pointee.mstatus & MStatus.MIE != 0, active & ~s.pointee.mideleg != 0 { return true }
        return (mode < .supervisor || (mode == .supervisor && s.pointee.mstatus & MStatus.SIE != 0))
            && active & s.pointee.mideleg != 0
    }

    /// mret and sret restore the stacked mode and enable bit (privileged spec 3.1.6.1). False: illegal here.
    func returnFromTrap(machine: Bool) -> Bool {
        let s = state
        var status = s.pointee.mstatus
        if machine {
            guard s.pointee.mode == .machine else { return false }
            let previous = Privilege(rawValue: UInt8(truncatingIfNeeded: status &>> MStatus.MPPShift & 3)) ?? .user
            status = status & ~(MStatus.MIE | MStatus.MPP) | (status & MStatus.MPIE) &>> 4 | MStatus.MPIE
            if previous != .machine { status &= ~MStatus.MPRV }
            s.pointee.mode = previous
            s.pointee.pc = s.pointee.mepc & returnAddressMask
        } else {
            guard s.pointee.mode >= .supervisor,
                !(s.pointee.mode == .supervisor && status & MStatus.TSR != 0)
            else { return false }
            let previous = status & MStatus.SPP != 0 ? Privilege.supervisor : Privilege.user
            status = status & ~(MStatus.SIE | MStatus.SPP) | (status & MStatus.SPIE) &>> 4 | MStatus.SPIE
            status &= ~MStatus.MPRV
            s.pointee.mode = previous
            s.pointee.pc = s.pointee.sepc & returnAddressMask
        }
        s.pointee.mstatus = status
        refreshRegime()
        return true
    }
}
