extension Hart {
    /// SUSP (SBI 3.0, chapter 13): the system sleeps until an interrupt wakes this hart, the only one that isn't
    /// stopped, and it goes on where the call says.
    func suspendSystem(_ function: UInt64) -> Int {
        guard function == 0 else { return answer(.notSupported) }
        // Type 0 is suspend to RAM; all others are reserved, or a platform's own.
        guard a(0) & 0xFFFF_FFFF == 0 else { return answer(.invalidParameter) }
        guard a(1) & 1 == 0, ram(a(1), 2) != nil else { return answer(.invalidAddress) }
        for hart in cluster.harts where hart !== self && hart.power.state != .stopped { return answer(.denied) }
        startSupervisor(at: a(1), argument: a(2), keepsInterrupts: true)
        return waitSuspended()
    }
}
