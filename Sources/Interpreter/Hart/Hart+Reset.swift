import RISCV

extension Hart {
    /// The state of machine version rvkvm-1.0 after power-on.
    func reset() {
        let s = state
        for r in 0..<33 { raw.setX(r, 0) }
        s.pointee.f = .init(repeating: 0)
        s.pointee.frm = 0
        s.pointee.fflags = 0
        s.pointee.fpFast = 0
        s.pointee.fs = 0
        s.pointee.pc = 0
        s.pointee.retired = 0
        s.pointee.pendingLink = nil
        s.pointee.reservation = ~0
        s.pointee.mode = .machine
        resetHypervisor()
        s.pointee.mstatus = 2 &<< MStatus.UXLShift | 2 &<< MStatus.SXLShift
        s.pointee.mie = 0
        s.pointee.mideleg = hypervisorInterrupts
        s.pointee.medeleg = 0
        s.pointee.stimecmp = ~0
        s.pointee.misa = implementedMISA
        s.pointee.menvcfg = initialUpdating
        resetInterruptArchitecture()
        pmp = PMP()
        stopWatchingCounters()
        events = EventCounters()
        discardBlocks()
        emptyTranslations()
        if cluster.answersSBI { prepareSupervisor() }
        refreshRegime()
    }

    private func resetHypervisor() {
        let s = state
        s.pointee.virtual = false
        s.pointee.outerFS = 0
        s.pointee.guestFS = 0
        clearTrapDetails()
        s.pointee.hstatus = 0
        s.pointee.hedeleg = 0
        s.pointee.hideleg = 0
        s.pointee.htimedelta = 0
        s.pointee.hcounteren = 0
        s.pointee.henvcfg = 0
        s.pointee.hstateen0 = 0
        s.pointee.hstateen1 = 0
        s.pointee.hstateen2 = 0
        s.pointee.hstateen3 = 0
        s.pointee.htval = 0
        s.pointee.htinst = 0
        s.pointee.hgatp = 0
        s.pointee.vsstatus = 0
        s.pointee.vstvec = 0
        s.pointee.vsscratch = 0
        s.pointee.vsepc = 0
        s.pointee.vscause = 0
        s.pointee.vstval = 0
        s.pointee.vsatp = 0
        s.pointee.vstimecmp = ~0
        s.pointee.mtval2 = 0
        s.pointee.mtinst = 0
        signals.lower(InterruptSet.virtualSupervisor)
        signals.setVirtualInterrupts(0)
    }

    /// What firmware would have done before it enters S-mode: everything that KVM's guests find delegated is.
    private func prepareSupervisor() {
        let s = state
        s.pointee.mode = .supervisor
        s.pointee.mstatus = 2 &<< MStatus.UXLShift | 2 &<< MStatus.SXLShift
        s.pointee.medeleg = ~(1 << 9 | 1 << 11)
        s.pointee.mcounteren = 0xFFFF_FFFF
        // Linux never enables `time` for user space on its own; firmware and KVM (before 6.16) start it enabled.
        s.pointee.scounteren = 7
        lendExtensions()
        pmp.open()
        // cycle and instret run from the start, as a guest of KVM finds them.
        performance.running = 5
    }

    /// What of M-mode's registers follows from the extensions that S-mode is to have.
    private func lendExtensions() {
        let s = state
        s.pointee.mideleg = InterruptSet.supervisor | hypervisorInterrupts
        var config = initialUpdating
        if extensions.contains(.sscofpmf) { s.pointee.mideleg |= InterruptSet.counterOverflow }
        if extensions.contains(.sstc) { config |= EnvironmentConfiguration.STCE }
        if extensions.contains(.svpbmt) { config |= EnvironmentConfiguration.PBMTE }
        if extensions.contains(.zicbom) { config |= EnvironmentConfiguration.CBIE | EnvironmentConfiguration.CBCFE }
        if extensions.contains(.zicboz) { config |= EnvironmentConfiguration.CBZE }
        s.pointee.menvcfg = config
        s.pointee.mseccfg = extensions.contains(.zkr) ? SecurityConfiguration.SSEED : 0
        s.pointee.mstateen0 = writableStateEnables
        resetFeatures()
    }

    /// Gives the hart other extensions, before its first run; the registers that don't depend on them stay.
    func adopt(_ wanted: Extensions) {
        if wanted == extensions { return }
        implemented = wanted
        extensions = wanted
        let s = state
        s.pointee.misa = implementedMISA
        if !wanted.contains(.f) { floatStatus = 0 }
        s.pointee.mideleg = hypervisorInterrupts
        s.pointee.menvcfg = initialUpdating
        if cluster.answersSBI { lendExtensions() }
        hypervisorSwitched()
        discardBlocks()
        emptyTranslations()
        refreshRegime()
    }

    /// Whether the hart sets A and D from the start: only if it has Svadu and not Svade as well. A device tree with
    /// both promises a start with faults (Linux, riscv/extensions.yaml).
    private var initialUpdating: UInt64 {
        extensions.contains(.svadu) && !extensions.contains(.svade) ? EnvironmentConfiguration.ADUE : 0
    }

    /// Enters S-mode as SBI HSM and the machine's start do: satp 0, interrupts off, a0 the hart's id.
    func startSupervisor(at address: UInt64, argument: UInt64, keepsInterrupts: Bool = false) {
        let s = state
        setVirtual(false)
        s.pointee.mode = .supervisor
        s.pointee.mstatus &= ~(MStatus.SIE | MStatus.SUM | MStatus.MXR)
        s.pointee.satp = 0
        if !keepsInterrupts {
            s.pointee.mie &= ~InterruptSet.supervisor
            resetInterruptArchitecture()
        }
        s.pointee.pc = address
        s.pointee.pendingLink = nil
        s.pointee.reservation = ~0
        raw.setX(10, UInt64(truncatingIfNeeded: id))
        raw.setX(11, argument)
        generation &+= 1
        emptyTranslations()
        refreshRegime()
    }

    /// Whether stimecmp drives STIP: through Sstc or, since SBI TIME sets it, without.
    var hasSupervisorTimer: Bool {
        cluster.answersSBI || state.pointee.menvcfg & EnvironmentConfiguration.STCE != 0
    }

    /// Raises or clears the supervisor timer interrupt by `time` and stimecmp, and plans the next change.
    func updateTimer() {
        if hasSupervisorTimer, stealTime.address != nil { updateStealTime(cluster.time) }
        planTimer()
    }

    /// The same without a look at what STA shares, which is the hart's own thread's business.
    func planTimer() {
        let s = state
        guard hasSupervisorTimer else {
            cluster.timers.set(id, to: ~0) {}
            return
        }
        if cluster.time >= s.pointee.stimecmp {
            cluster.timers.set(id, to: ~0) {}
            signals.raise(InterruptSet.supervisorTimer)
        } else {
            cluster.timers.set(id, to: cluster.deadline(s.pointee.stimecmp)) { signals.lower(InterruptSet.supervisorTimer) }
        }
    }
}
