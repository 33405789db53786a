import CHost
import Interpreter

/// Kicks the harts that tests run every millisecond, so that a program that should have ended doesn't
/// take the test run with it. No expectation depends on when.
final class Watchdog: @unchecked Sendable {
    static let shared = Watchdog()

    private let lock = host_mutex_create()
    private let changed = host_cond_create()
    private var watched: [Int: BareHart] = [:]
    private var nextKey = 0

    private init() {
        var error: Int32 = 0
        _ = host_thread_start(
            { argument in Unmanaged<Watchdog>.fromOpaque(argument!).takeUnretainedValue().loop() },
            Unmanaged.passRetained(self).toOpaque(), "watchdog", &error)
    }

    func watch(_ hart: BareHart) -> Int {
        host_mutex_lock(lock)
        defer { host_mutex_unlock(lock) }
        nextKey += 1
        watched[nextKey] = hart
        if watched.count == 1 { host_cond_signal(changed) }
        return nextKey
    }

    func release(_ key: Int) {
        host_mutex_lock(lock)
        watched[key] = nil
        host_mutex_unlock(lock)
    }

    private func loop() {
        while true {
            host_mutex_lock(lock)
            while watched.isEmpty { host_cond_wait(changed, lock) }
            host_mutex_unlock(lock)
            host_sleep_ns(1_000_000)
            host_mutex_lock(lock)
            for hart in watched.values { hart.kick() }
            host_mutex_unlock(lock)
        }
    }
}

/// Runs `body` for each of 0..<count on threads of their own and waits for all.
func inParallel(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    final class Job: Sendable {
        let index: Int
        let body: @Sendable (Int) -> Void
        init(_ index: Int, _ body: @escaping @Sendable (Int) -> Void) {
            self.index = index
            self.body = body
        }
    }
    var threads: [OpaquePointer] = []
    for i in 0..<count {
        var error: Int32 = 0
        let job = Unmanaged.passRetained(Job(i, body)).toOpaque()
        let thread = host_thread_start(
            { argument in
                let job = Unmanaged<Job>.fromOpaque(argument!).takeRetainedValue()
                job.body(job.index)
            }, job, "test hart", &error)
        threads.append(thread!)
    }
    for thread in threads { host_thread_join(thread) }
}
