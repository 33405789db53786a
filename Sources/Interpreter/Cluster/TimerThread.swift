import CHost

/// One thread that raises the harts' timer interrupts when their time has come.
///
/// A hart that moves its deadline further away, as kernels do on every tick, doesn't wake the thread: it finds
/// out when the old deadline passes.
final class TimerThread: @unchecked Sendable {
    private let lock = host_mutex_create()
    private let changed = host_cond_create()
    /// CLOCK_MONOTONIC by hart; all ones is never. Guarded by `lock`, as is everything below.
    private var deadlines: [UInt64]
    private var sleepsUntil: UInt64 = 0
    private var finished = false
    private var expired: (Int) -> Void = { _ in }
    private var thread: OpaquePointer?

    init?(count: Int) { deadlines = [UInt64](repeating: ~0, count: count) }

    deinit {
        host_mutex_destroy(lock)
        host_cond_destroy(changed)
    }

    /// Calls `expired` with a hart's id, on the timer's thread, when its deadline has passed.
    func start(_ expired: @escaping (Int) -> Void) {
        self.expired = expired
        var error: Int32 = 0
        thread = host_thread_start(
            { argument in
                if let argument { Unmanaged<TimerThread>.fromOpaque(argument).takeUnretainedValue().loop() }
            }, Unmanaged.passUnretained(self).toOpaque(), "timers", &error)
    }

    func finish() {
        host_mutex_lock(lock)
        finished = true
        expired = { _ in }
        host_mutex_unlock(lock)
        host_cond_signal(changed)
        if let thread { host_thread_join(thread) }
        thread = nil
    }

    /// Moves a hart's deadline. `lower` takes the interrupt of the old one away; it runs where neither deadline
    /// can expire, so that it hits no interrupt of the new one.
    func set(_ hart: Int, to deadline: UInt64, lower: () -> Void) {
        host_mutex_lock(lock)
        lower()
        var wakes = false
        if hart >= 0, hart < deadlines.count {
            deadlines[hart] = deadline
            wakes = deadline < sleepsUntil
        }
        host_mutex_unlock(lock)
        if wakes { host_cond_signal(changed) }
    }

    private func loop() {
        host_mutex_lock(lock)
        while !finished {
            let now = host_clock_monotonic_ns()
            var earliest: UInt64 = ~0
            for i in 0..<deadlines.count {
                if deadlines[i] <= now {
                    deadlines[i] = ~0
                    expired(i)
                } else {
                    earliest = min(earliest, deadlines[i])
                }
            }
            sleepsUntil = earliest
            if earliest == ~0 {
                host_cond_wait(changed, lock)
            } else {
                _ = host_cond_wait_until(changed, lock, earliest)
            }
        }
        host_mutex_unlock(lock)
    }
}
