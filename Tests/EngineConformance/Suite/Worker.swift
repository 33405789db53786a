import CHost

/// A thread that can fail, and be waited for with a limit.
final class Worker: @unchecked Sendable {
    typealias Body = @Sendable () throws(ConformanceFailure) -> Void

    private let lock = host_mutex_create()
    private let changed = host_cond_create()
    private let body: Body
    private var done = false
    private var result: ConformanceFailure?

    init(_ body: @escaping Body) {
        self.body = body
        var error: Int32 = 0
        let thread = host_thread_start(
            { argument in
                guard let argument else { return }
                Unmanaged<Worker>.fromOpaque(argument).takeRetainedValue().perform()
            }, Unmanaged.passRetained(self).toOpaque(), "case", &error)
        if let thread {
            host_thread_detach(thread)
        } else {
            finish(ConformanceFailure("the host starts no thread"))
        }
    }

    deinit {
        host_cond_destroy(changed)
        host_mutex_destroy(lock)
    }

    private func perform() {
        do throws(ConformanceFailure) {
            try body()
            finish(nil)
        } catch {
            finish(error)
        }
    }

    private func finish(_ failure: ConformanceFailure?) {
        host_mutex_lock(lock)
        result = failure
        done = true
        host_cond_broadcast(changed)
        host_mutex_unlock(lock)
    }

    var isDone: Bool {
        host_mutex_lock(lock)
        defer { host_mutex_unlock(lock) }
        return done
    }

    /// What it failed of; nil while it runs.
    var failure: ConformanceFailure? {
        host_mutex_lock(lock)
        defer { host_mutex_unlock(lock) }
        return result
    }

    /// False when it goes on after that time.
    func wait(milliseconds: UInt64) -> Bool {
        let deadline = host_clock_monotonic_ns() + milliseconds * 1_000_000
        host_mutex_lock(lock)
        defer { host_mutex_unlock(lock) }
        while !done, host_cond_wait_until(changed, lock, deadline) {}
        return done
    }

    func wait(seconds: UInt64) -> Bool { wait(milliseconds: seconds * 1000) }

    /// Waits for its end, and fails as it did.
    func join() throws(ConformanceFailure) {
        host_mutex_lock(lock)
        while !done { host_cond_wait(changed, lock) }
        let failure = result
        host_mutex_unlock(lock)
        if let failure { throw failure }
    }
}
