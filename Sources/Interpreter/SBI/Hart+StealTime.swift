import CHost

/// Where a guest reads how long a hart's thread waited for a host core: 64 bytes of its memory (SBI 3.0, chapter 16).
struct StealTime {
    /// Of the shared memory; nil while there is none.
    var address: UInt64?
    /// The thread's wait as of the set-up, in nanoseconds: steal counts from there.
    var base: UInt64 = 0
    /// `time` of the last look.
    var lookedAt: UInt64 = 0
    /// The last value written.
    var steal: UInt64 = 0
    var sequence: UInt32 = 0
    /// The shared memory has a count already, from before the guest came to this hart, and it goes on from there.
    var takesOver = false

    init() {}

    init(address: UInt64, base: UInt64) {
        self.address = address
        self.base = base
    }

    /// Shared memory that another hart has filled so far.
    init(goingOnAt address: UInt64) {
        self.address = address
        takesOver = true
    }
}

extension Hart {
    private static let size: UInt64 = 64
    private enum Offset {
        static let sequence = 0
        static let steal = 8
    }

    /// Sets up or takes away the calling hart's shared memory.
    func shareStealTime() -> SBI.Result {
        let low = a(0)
        let high = a(1)
        guard a(2) == 0 else { return .invalidParameter }
        if low == ~0, high == ~0 {
            stealTime = StealTime()
            return .success
        }
        guard low & (Self.size &- 1) == 0 else { return .invalidParameter }
        guard high == 0, let host = writableRAM(low, Self.size) else { return .invalidAddress }
        host_fill(host, 0, Int(Self.size))
        stealTime = StealTime(address: low, base: host_thread_run_delay())
        return .success
    }

    /// Brings the shared memory up to date, every four milliseconds at most: a look costs microseconds. Called on the
    /// hart's own thread whenever it sets its timer.
    func updateStealTime(_ now: UInt64) {
        guard let address = stealTime.address, now &- stealTime.lookedAt >= cluster.timebase / 250,
            let host = writableRAM(address, Self.size)
        else { return }
        stealTime.lookedAt = now
        if stealTime.takesOver { takeOver(host) }
        let steal = host_thread_run_delay() &- stealTime.base
        if steal == stealTime.steal { return }
        stealTime.steal = steal
        // An odd sequence number tells readers to look again.
        stealTime.sequence &+= 1
        host_atomic_store_32(host + Offset.sequence, stealTime.sequence)
        host_atomic_store_64(host + Offset.steal, steal)
        stealTime.sequence &+= 1
        host_atomic_store_32(host + Offset.sequence, stealTime.sequence)
    }

    private func takeOver(_ host: UnsafeMutableRawPointer) {
        stealTime.takesOver = false
        stealTime.sequence = host_atomic_load_32(host + Offset.sequence) & ~1
        stealTime.steal = host_atomic_load_64(host + Offset.steal)
        stealTime.base = host_thread_run_delay() &- stealTime.steal
    }
}
