import CHost
import ExecutionEngine

/// A mutual-exclusion lock over the host's mutex. Not recursive.
final class KVMLock: @unchecked Sendable {
    private let mutex: OpaquePointer

    init() { mutex = host_mutex_create() }

    deinit { host_mutex_destroy(mutex) }

    /// Runs `body` with the lock held.
    func withLock<Result>(_ body: () throws(EngineError) -> Result) throws(EngineError) -> Result {
        host_mutex_lock(mutex)
        defer { host_mutex_unlock(mutex) }
        return try body()
    }
}
