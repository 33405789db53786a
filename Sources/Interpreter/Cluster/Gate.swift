import CHost

/// Where harts wait before they enter guest code, while something changes that all of them rely on.
final class Gate: @unchecked Sendable {
    private let lock = host_mutex_create()
    private let opened = host_cond_create()
    /// One change at a time.
    private let turn = host_mutex_create()
    /// Atomic: 1 while it is closed.
    private let closed: UnsafeMutableRawPointer

    init() {
        closed = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)
        host_fill(closed, 0, 64)
    }

    deinit {
        host_mutex_destroy(lock)
        host_mutex_destroy(turn)
        host_cond_destroy(opened)
        closed.deallocate()
    }

    /// On a hart's thread: enters guest code, once the gate is open.
    func enter(_ signals: HartSignals) {
        while true {
            signals.enterGuest()
            // Either this sees the gate closed, or who closes it sees the hart in guest code and waits for it.
            if host_atomic_load_32(closed) == 0 { return }
            signals.leaveGuest()
            host_mutex_lock(lock)
            while host_atomic_load_32(closed) != 0 { host_cond_wait(opened, lock) }
            host_mutex_unlock(lock)
        }
    }

    /// Calls `body` while no hart is in guest code. On no hart's thread.
    func whileClosed(to harts: [Hart], _ body: () -> Void) {
        host_mutex_lock(turn)
        _ = host_atomic_swap_32(closed, 1)
        for hart in harts { hart.signals.request(HartSignals.Request.gate) }
        for hart in harts { Self.wait { !hart.signals.isInGuest } }
        body()
        host_mutex_lock(lock)
        host_atomic_store_32(closed, 0)
        host_mutex_unlock(lock)
        host_cond_broadcast(opened)
        host_mutex_unlock(turn)
    }

    /// Calls `body` while no gate closes.
    func whileSteady<Result>(_ body: () -> Result) -> Result {
        host_mutex_lock(turn)
        defer { host_mutex_unlock(turn) }
        return body()
    }

    /// Waits for what takes a block of guest code, unless the host has no core for the hart.
    static func wait(until ready: () -> Bool) {
        var rounds = 0
        while !ready() {
            rounds &+= 1
            if rounds > 4096 {
                host_sleep_ns(20_000)
            } else if rounds & 63 == 0 {
                host_thread_yield()
            } else {
                host_cpu_relax()
            }
        }
    }
}
