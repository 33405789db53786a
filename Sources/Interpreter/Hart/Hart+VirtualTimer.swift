import RISCV

extension Hart {
    /// Whether vstimecmp drives VSTIP (Sstc, henvcfg.STCE).
    private var hasVirtualTimer: Bool {
        extensions.contains(.h) && guestEnvironment & EnvironmentConfiguration.STCE != 0
    }

    /// After `time` was set.
    func updateTimers() {
        planTimer()
        updateVirtualTimer()
    }

    /// Raises the VS-level timer interrupt if it is time.
    func noteVirtualTimer() {
        if hasVirtualTimer, cluster.time &+ state.pointee.htimedelta >= state.pointee.vstimecmp {
            signals.setVirtualTimer(true)
        }
    }

    /// Raises or clears the VS-level timer interrupt by `time` + htimedelta and vstimecmp, and plans the next change
    /// (privileged spec, "Virtual Supervisor Timer Register").
    func updateVirtualTimer() {
        guard extensions.contains(.h) else { return }
        let s = state
        guard hasVirtualTimer else {
            cluster.timers.set(cluster.virtualTimer(of: id), to: ~0) { signals.setVirtualTimer(false) }
            return
        }
        let time = cluster.time
        let now = time &+ s.pointee.htimedelta
        if now >= s.pointee.vstimecmp {
            cluster.timers.set(cluster.virtualTimer(of: id), to: ~0) {}
            signals.setVirtualTimer(true)
        } else {
            let (due, never) = time.addingReportingOverflow(s.pointee.vstimecmp &- now)
            cluster.timers.set(cluster.virtualTimer(of: id), to: never ? ~0 : cluster.deadline(due)) {
                signals.setVirtualTimer(false)
            }
        }
    }
}
