import CHost

/// A mutual-exclusion lock over the host's mutex. Not recursive.
///
/// The order in which the devices' locks nest is device → PLIC or APLIC → vCPU; what runs the other way (an
/// observer, a delegate) is called with no lock held.
package final class Lock: @unchecked Sendable {
    private let mutex: OpaquePointer

    package init() { mutex = host_mutex_create() }

    deinit { host_mutex_destroy(mutex) }

    @inline(__always)
    package func lock() { host_mutex_lock(mutex) }

    @inline(__always)
    package func unlock() { host_mutex_unlock(mutex) }

    /// Runs `body` with the lock held.
    @inline(__always)
    package func withLock<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        host_mutex_lock(mutex)
        defer { host_mutex_unlock(mutex) }
        return try body()
    }
}
