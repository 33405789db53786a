import CHost

/// Whether a hart runs: SBI HSM's states (SBI 3.0, chapter 9), moved by any hart's calls.
final class HartPower: @unchecked Sendable {
    enum State: UInt64 {
        case started = 0, stopped = 1, startPending = 2, suspended = 4
    }

    private let lock = host_mutex_create()
    private var current = State.started
    private var address: UInt64 = 0
    private var argument: UInt64 = 0

    deinit { host_mutex_destroy(lock) }

    private func locked<T>(_ body: () -> T) -> T {
        host_mutex_lock(lock)
        defer { host_mutex_unlock(lock) }
        return body()
    }

    var state: State { locked { current } }

    func start() { locked { current = .started } }
    func stop() { locked { current = .stopped } }
    func suspend(_ yes: Bool) { locked { current = yes ? .suspended : .started } }

    /// Asks for a start at `address` with `argument` in a1. False unless the hart is stopped.
    func requestStart(at address: UInt64, argument: UInt64) -> Bool {
        locked {
            guard current == .stopped else { return false }
            current = .startPending
            self.address = address
            self.argument = argument
            return true
        }
    }

    /// The hart takes the start that was asked for.
    func takeStart() -> (address: UInt64, argument: UInt64)? {
        locked {
            guard current == .startPending else { return nil }
            current = .started
            return (address, argument)
        }
    }
}
