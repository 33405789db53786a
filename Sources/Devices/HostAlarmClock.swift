import CHost

/// Why the host's alarm clock can't be had.
package enum AlarmClockError: Error, Equatable {
    /// The host refused a thread; `errno` as it gave it.
    case noThread(errno: Int32)
}

/// The host's wall clock, with a thread that sleeps until the alarm.
///
/// The thread keeps the clock alive until `stop`, which its owner has to call before letting go.
package final class HostAlarmClock: AlarmClock, @unchecked Sendable {
    /// The wall clock can be set while the thread sleeps by the monotonic one; it looks again this often.
    private static let longestSleep: UInt64 = 60_000_000_000

    private let lock: OpaquePointer
    private let changed: OpaquePointer
    private var thread: OpaquePointer?
    private var alarm: (deadline: UInt64, target: any AlarmTarget)?
    private var isStopping = false

    package init() throws(AlarmClockError) {
        lock = host_mutex_create()
        changed = host_cond_create()
        let retained = Unmanaged.passRetained(self)
        var error: Int32 = 0
        thread = host_thread_start(
            { argument in
                guard let argument else { return }
                Unmanaged<HostAlarmClock>.fromOpaque(argument).takeRetainedValue().run()
            }, retained.toOpaque(), "rvkvm-alarm", &error)
        if thread == nil {
            retained.release()
            throw .noThread(errno: error)
        }
    }

    deinit {
        host_cond_destroy(changed)
        host_mutex_destroy(lock)
    }

    package func now() -> UInt64 { host_clock_realtime_ns() }

    package func arm(deadline: UInt64, target: any AlarmTarget) {
        host_mutex_lock(lock)
        if !isStopping { alarm = (deadline, target) }
        host_cond_signal(changed)
        host_mutex_unlock(lock)
    }

    package func disarm() {
        host_mutex_lock(lock)
        alarm = nil
        host_mutex_unlock(lock)
    }

    /// Ends the thread and drops the alarm. Not to be called from an alarm's target.
    package func stop() {
        host_mutex_lock(lock)
        isStopping = true
        alarm = nil
        let ending = thread
        thread = nil
        host_cond_signal(changed)
        host_mutex_unlock(lock)
        if let ending { host_thread_join(ending) }
    }

    private func run() {
        host_mutex_lock(lock)
        while !isStopping {
            guard let next = alarm else {
                host_cond_wait(changed, lock)
                continue
            }
            let now = host_clock_realtime_ns()
            if now < next.deadline {
                let sleep = min(next.deadline &- now, Self.longestSleep)
                _ = host_cond_wait_until(changed, lock, host_clock_monotonic_ns() &+ sleep)
                continue
            }
            alarm = nil
            host_mutex_unlock(lock)
            next.target.alarm()
            host_mutex_lock(lock)
        }
        host_mutex_unlock(lock)
    }
}
