import CHost
import RISCV

// Which interrupts there are with an AIA, from mip, the interrupt files and the virtual ones.
extension Hart {
    /// SGEI, where there are guest interrupt files.
    var guestExternalInterrupt: UInt64 {
        guard let files, files.guestFiles > 0, extensions.contains(.h) else { return 0 }
        return InterruptSet.supervisorGuestExternal
    }

    /// Bits of hip and hie.
    var hypervisorInterrupts: UInt64 { guestInterrupts | guestExternalInterrupt }

    /// Bits of hgeip and hgeie that are there: 1 to GEILEN.
    var guestExternals: UInt64 {
        guard let files, files.guestFiles > 0, extensions.contains(.h) else { return 0 }
        return (~0 &>> UInt64(truncatingIfNeeded: 63 &- files.guestFiles)) & ~1
    }

    /// Bits of hstatus.VGEIN that are there.
    var writableVGEIN: UInt64 {
        guard let files, files.guestFiles > 0 else { return 0 }
        return (~0 &>> UInt64(truncatingIfNeeded: files.guestFiles.leadingZeroBitCount)) &<< HStatus.VGEINShift
    }

    /// The guest interrupt file that hstatus.VGEIN names; nil when it names none.
    var guestFile: Int? {
        guard let files, extensions.contains(.h) else { return nil }
        let number = Int(truncatingIfNeeded: (state.pointee.hstatus & HStatus.VGEIN) &>> HStatus.VGEINShift)
        return number >= 1 && number <= files.guestFiles ? number : nil
    }

    // ---- What the files signal

    /// mip out of a value of `pending`, with what the interrupt files make of it.
    func pendingWithFiles(_ now: UInt64) -> UInt64 {
        if now & InterruptSet.filesChanged != 0 { lookAtFiles() }
        return now & 0xFFFF | aia.fileLevels
    }

    /// Finds out what the files that posts have changed signal now. Takes no lock: a sleeping hart asks with one held.
    private func lookAtFiles() {
        // Cleared before the files are read: a post that comes later sets it again.
        _ = host_atomic_and_64(raw + HartLayout.pending, ~InterruptSet.filesChanged)
        guard let files else { return }
        var (changed, machine) = files.takeChanges()
        while changed != 0 {
            refreshSignal(changed.trailingZeroBitCount, files)
            changed &= changed &- 1
        }
        if machine { refreshSignal(files.machine, files) }
        updateFileLevels()
    }

    /// After the hart has changed one of its files itself.
    func fileChanged(_ file: Int) {
        guard let files else { return }
        refreshSignal(file, files)
        updateFileLevels()
    }

    private func refreshSignal(_ file: Int, _ files: InterruptFiles) {
        let high = files.signal(file) != 0
        if file == files.machine {
            aia.machineSignal = high
        } else {
            let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: file)
            aia.fileSignals = high ? aia.fileSignals | bit : aia.fileSignals & ~bit
        }
    }

    /// MEIP, SEIP, SGEIP and VSEIP by the files' signals, hgeie and VGEIN.
    func updateFileLevels() {
        var levels: UInt64 = 0
        if aia.machineSignal { levels |= InterruptSet.machineExternal }
        if aia.fileSignals & 1 != 0 { levels |= InterruptSet.supervisorExternal }
        if aia.fileSignals & aia.hgeie & guestExternals != 0 { levels |= InterruptSet.supervisorGuestExternal }
        if let file = guestFile, aia.fileSignals &>> UInt64(truncatingIfNeeded: file) & 1 != 0 {
            levels |= InterruptSet.virtualSupervisorExternal
        }
        aia.fileLevels = levels
        updateCloserLook()
    }

    /// Keeps the promise of `InterruptSet.elsewhere`.
    func updateCloserLook() {
        var any = aia.fileLevels | aia.mvip & aia.mvien & aia.sie & ~state.pointee.mideleg
        if extensions.contains(.h) {
            any |= aia.hvip & aia.hvien & aia.vsie & ~state.pointee.hideleg
            if VirtualInterruptControl.injects(aia.hvictl) { any |= 1 }
        }
        if any != 0 {
            _ = host_atomic_or_64(raw + HartLayout.pending, InterruptSet.elsewhere)
        } else {
            _ = host_atomic_and_64(raw + HartLayout.pending, ~InterruptSet.elsewhere)
        }
    }

    /// H was switched on or off.
    func hypervisorSwitched() {
        guard hasAIA else { return }
        let bit = InterruptSet.supervisorGuestExternal
        state.pointee.mideleg = state.pointee.mideleg & ~bit | guestExternalInterrupt
        if guestExternalInterrupt == 0 { state.pointee.mie &= ~bit }
        updateFileLevels()
    }

    /// State after power-on and after SBI HSM's start: no interrupt delivered, enabled, virtual or given a priority.
    func resetInterruptArchitecture() {
        guard hasAIA else { return }
        files?.reset()
        aia = InterruptArchitecture()
        _ = host_atomic_and_64(raw + HartLayout.pending, ~InterruptSet.closerLook)
        state.pointee.mie |= InterruptSet.closerLook
        state.pointee.hstatus &= ~HStatus.VGEIN
    }

    // ---- Supervisor level ("Interrupt filtering and virtual interrupts for supervisor level")

    /// Virtual interrupts that S-mode has: mvien's that aren't delegated.
    var virtualForSupervisor: UInt64 { aia.mvien & ~state.pointee.mideleg }

    /// sip, from mip.
    func supervisorPending(_ mip: UInt64) -> UInt64 {
        mip & state.pointee.mideleg & supervisorInterrupts | aia.mvip & virtualForSupervisor
    }

    var supervisorEnabled: UInt64 {
        state.pointee.mie & state.pointee.mideleg & supervisorInterrupts | aia.sie & virtualForSupervisor
    }

    // ---- VS level ("Virtual interrupts for VS level"). hideleg has no bit that neither mideleg nor mvien has.

    private var virtualForGuest: UInt64 { aia.hvien & ~state.pointee.hideleg }

    /// vsip, from mip.
    func guestPending(_ mip: UInt64) -> UInt64 {
        let hideleg = state.pointee.hideleg
        return (mip & hideleg & guestInterrupts) &>> 1 | supervisorPending(mip) & hideleg & InterruptSet.upper
            | aia.hvip & virtualForGuest
    }

    var guestEnabled: UInt64 {
        let hideleg = state.pointee.hideleg
        return (state.pointee.mie & hideleg & guestInterrupts) &>> 1 | supervisorEnabled & hideleg & InterruptSet.upper
            | aia.vsie & virtualForGuest
    }

    func setSupervisorPending(_ value: UInt64, mask: UInt64) {
        let writable = InterruptSet.supervisorSoftware | InterruptSet.upper
        setPending(value, mask: mask & state.pointee.mideleg & supervisorInterrupts & writable)
        let virtual = mask & virtualForSupervisor & writable
        aia.mvip = aia.mvip & ~virtual | value & virtual
    }

    func setSupervisorEnabled(_ value: UInt64, mask: UInt64) {
        let real = mask & state.pointee.mideleg & supervisorInterrupts
        state.pointee.mie = state.pointee.mie & ~real | value & real
        let virtual = mask & virtualForSupervisor
        aia.sie = aia.sie & ~virtual | value & virtual
    }

    func setGuestPending(_ value: UInt64) {
        let hideleg = state.pointee.hideleg
        setPending(value &<< 1, mask: hideleg & InterruptSet.virtualSupervisorSoftware)
        setSupervisorPending(value, mask: hideleg & InterruptSet.upper)
        let virtual = virtualForGuest
        aia.hvip = aia.hvip & ~virtual | value & virtual
    }

    func setGuestEnabled(_ value: UInt64) {
        let hideleg = state.pointee.hideleg
        let real = hideleg & guestInterrupts
        state.pointee.mie = state.pointee.mie & ~real | value &<< 1 & real
        setSupervisorEnabled(value, mask: hideleg & InterruptSet.upper)
        let virtual = virtualForGuest
        aia.vsie = aia.vsie & ~virtual | value & virtual
    }
}
