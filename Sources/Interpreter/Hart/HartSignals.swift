import CHost

/// What other threads may do to a hart: raise its interrupts, leave it requests, and wake it up.
final class HartSignals: @unchecked Sendable {
    private let live: UnsafeMutableRawPointer
    private let pending: UnsafeMutableRawPointer
    private let lock = host_mutex_create()
    private let wake = host_cond_create()
    /// Guarded by `lock`: the hart sleeps, or is about to.
    private var asleep = false

    /// Bits of `requests`.
    enum Request {
        /// `VirtualCPU.kick`: come back to user space.
        static let exit: UInt32 = 1
        /// Another hart's SBI RFENCE; see `takeFences`.
        static let fence: UInt32 = 2
        /// `time` was set.
        static let time: UInt32 = 4
        /// SBI HSM changed this hart's state.
        static let hsm: UInt32 = 8
        /// A counter may have overflowed.
        static let counters: UInt32 = 16
        /// The cluster's gate closes: leave guest code.
        static let gate: UInt32 = 32
    }
    /// Atomic; see `Request`. In memory of its own, so that its address stays.
    private let requestWord: UnsafeMutableRawPointer

    init(state: UnsafeMutableRawPointer) {
        live = state + HartLayout.live
        pending = state + HartLayout.pending
        requestWord = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)
        host_fill(requestWord, 0, 64)
    }

    deinit {
        host_mutex_destroy(lock)
        host_cond_destroy(wake)
        requestWord.deallocate()
    }

    /// Makes the hart look up: at the end of its block, or from its sleep.
    func nudge() {
        _ = host_atomic_or_32(live, Live.kick)
        host_mutex_lock(lock)
        let sleeps = asleep
        host_mutex_unlock(lock)
        if sleeps { host_cond_signal(wake) }
    }

    func raise(_ bits: UInt64) {
        if host_atomic_or_64(pending, bits) & bits != bits { nudge() }
    }

    func lower(_ bits: UInt64) { _ = host_atomic_and_64(pending, ~bits) }

    func request(_ bits: UInt32) {
        _ = host_atomic_or_32(requestWord, bits)
        nudge()
    }

    /// The level of the supervisor external interrupt's wire, or with `byWire` false M-mode's own bit: SEIP is
    /// high when either is (privileged spec 3.1.9).
    func setSupervisorExternal(_ level: Bool, byWire: Bool) {
        drive(
            InterruptSet.supervisorExternal, byWire ? Self.externalWire : Self.externalSoftware,
            of: Self.externalWire | Self.externalSoftware, level)
    }

    /// That wire's level.
    var supervisorWire: Bool { host_atomic_load_64(pending) & Self.externalWire != 0 }

    /// What vstimecmp says of the VS-level timer interrupt; hvip.VSTIP is its other source.
    func setVirtualTimer(_ level: Bool) { driveVirtualTimer(Self.virtualTimerCompare, level) }

    private func driveVirtualTimer(_ source: UInt64, _ level: Bool) {
        drive(
            InterruptSet.virtualSupervisorTimer, source, of: Self.virtualTimerCompare | Self.virtualTimerSoftware, level)
    }

    /// hvip: VSSIP and VSEIP have no other source, so they are mip's own bits.
    var virtualInterrupts: UInt64 {
        let now = host_atomic_load_64(pending)
        return now & (InterruptSet.virtualSupervisorSoftware | InterruptSet.virtualSupervisorExternal)
            | (now & Self.virtualTimerSoftware != 0 ? InterruptSet.virtualSupervisorTimer : 0)
    }

    func setVirtualInterrupts(_ value: UInt64) {
        let plain = InterruptSet.virtualSupervisorSoftware | InterruptSet.virtualSupervisorExternal
        lower(plain & ~value)
        raise(plain & value)
        driveVirtualTimer(Self.virtualTimerSoftware, value & InterruptSet.virtualSupervisorTimer != 0)
    }

    /// Sets or clears one of an interrupt's sources, which are kept in bits of `pending` that are no interrupts. It
    /// is pending while any of them is set.
    private func drive(_ interrupt: UInt64, _ source: UInt64, of sources: UInt64, _ level: Bool) {
        host_mutex_lock(lock)
        if level {
            _ = host_atomic_or_64(pending, source)
        } else {
            _ = host_atomic_and_64(pending, ~source)
        }
        let high = host_atomic_load_64(pending) & sources != 0
        let old = high ? host_atomic_or_64(pending, interrupt) : host_atomic_and_64(pending, ~interrupt)
        host_mutex_unlock(lock)
        if high, old & interrupt == 0 { nudge() }
    }

    private static let virtualTimerCompare: UInt64 = 1 << 60
    private static let virtualTimerSoftware: UInt64 = 1 << 61
    private static let externalWire: UInt64 = 1 << 62
    static let externalSoftware: UInt64 = 1 << 63

    func takeRequests() -> UInt32 { host_atomic_swap_32(requestWord, 0) }
    var hasRequests: Bool { host_atomic_load_32(requestWord) != 0 }

    // ---- Remote fences

    /// Fences that wait for the hart. Guarded by `lock`.
    private var fenceInstruction = false
    private var fenceMemory: RemoteFence?
    private var fenceStores = false
    private var posted: UInt32 = 0

    /// What the hart has to carry out before its next instruction.
    struct PostedFences {
        var instruction: Bool
        var memory: RemoteFence?
        /// What stores have found of memory is to be found again.
        var stores: Bool
        var ticket: UInt32
    }

    // Second and third words behind `requestWord`: the last ticket carried out; 1 while guest code runs.
    private var acknowledged: UnsafeMutableRawPointer { requestWord + 4 }
    private var inGuest: UnsafeMutableRawPointer { requestWord + 8 }

    /// Leaves a fence for the hart; the ticket tells when it is done.
    func post(_ fence: RemoteFence) -> UInt32 {
        host_mutex_lock(lock)
        switch fence {
        case .instruction: fenceInstruction = true
        default: fenceMemory = fenceMemory == nil ? fence : .everything
        }
        posted &+= 1
        let ticket = posted
        host_mutex_unlock(lock)
        request(Request.fence)
        return ticket
    }

    /// Has the hart forget what its stores have found of memory; the ticket tells when it is done.
    func postStores() -> UInt32 {
        host_mutex_lock(lock)
        fenceStores = true
        posted &+= 1
        let ticket = posted
        host_mutex_unlock(lock)
        request(Request.fence)
        return ticket
    }

    func takeFences() -> PostedFences? {
        host_mutex_lock(lock)
        defer { host_mutex_unlock(lock) }
        guard host_load_relaxed_32(acknowledged) != posted else { return nil }
        let taken = PostedFences(instruction: fenceInstruction, memory: fenceMemory, stores: fenceStores, ticket: posted)
        fenceInstruction = false
        fenceMemory = nil
        fenceStores = false
        return taken
    }

    func acknowledge(_ ticket: UInt32) { host_atomic_store_32(acknowledged, ticket) }

    /// Whether the hart is past the fence: it has carried it out, or runs no guest code and finds the request
    /// when it does.
    func isPast(_ ticket: UInt32) -> Bool {
        if Int32(bitPattern: host_atomic_load_32(acknowledged) &- ticket) >= 0 { return true }
        return !isInGuest
    }

    var isInGuest: Bool { host_atomic_load_32(inGuest) != 0 }

    func enterGuest() { _ = host_atomic_swap_32(inGuest, 1) }
    func leaveGuest() { _ = host_atomic_swap_32(inGuest, 0) }

    /// Sleeps until `until` nanoseconds (CLOCK_MONOTONIC; all ones is never) or until `ready` says no.
    ///
    /// `ready` is asked with the lock held, so a nudge between the question and the sleep isn't lost.
    func sleep(until deadline: UInt64, unless ready: () -> Bool) {
        host_mutex_lock(lock)
        asleep = true
        while !ready() {
            if deadline == ~0 {
                host_cond_wait(wake, lock)
            } else if !host_cond_wait_until(wake, lock, deadline) {
                break
            }
        }
        asleep = false
        host_mutex_unlock(lock)
    }
}
