import Devices
import GuestMemory

/// InterruptStatus, and the line that follows it: high while a bit is set (virtio 1.2, 4.2.2).
///
/// Has a lock of its own, because a device's threads come here while a vCPU holds the transport's lock and waits
/// for them to end.
final class InterruptState: @unchecked Sendable {
    static let bufferUsed: UInt32 = 1
    static let configurationChanged: UInt32 = 2

    private let lock = Lock()
    private let line: any InterruptLine
    private var bits: UInt32 = 0
    private var changes: UInt32 = 0
    private var isNeedingReset = false

    init(line: any InterruptLine) { self.line = line }

    /// InterruptStatus.
    var status: UInt32 { lock.withLock { bits } }
    /// ConfigGeneration. Goes on through resets.
    var generation: UInt32 { lock.withLock { changes } }
    var needsReset: Bool { lock.withLock { isNeedingReset } }

    /// InterruptACK.
    func acknowledge(_ acknowledged: UInt32) {
        lock.withLock {
            bits &= ~acknowledged
            line.set(bits != 0)
        }
    }

    /// The device was reset.
    func clear() {
        lock.withLock {
            bits = 0
            isNeedingReset = false
            line.set(false)
        }
    }

    func raiseBufferUsed() { lock.withLock { raise(Self.bufferUsed) } }

    func raiseConfigurationChanged() {
        lock.withLock {
            changes &+= 1
            raise(Self.configurationChanged)
        }
    }

    /// Sets DEVICE_NEEDS_RESET. `telling` is false where no driver listens yet (2.1.2).
    func requireReset(telling: Bool) {
        lock.withLock {
            guard !isNeedingReset else { return }
            isNeedingReset = true
            if telling { raise(Self.configurationChanged) }
        }
    }

    private func raise(_ bit: UInt32) {
        guard bits & bit == 0 else { return }
        bits |= bit
        line.set(true)
    }
}

/// The way from one session's queues and threads to the interrupt: cut when the session ends, so that a device
/// that is late speaks to nobody.
final class SessionInterrupt: QueueInterrupt, @unchecked Sendable {
    private let lock = Lock()
    private var state: InterruptState?

    init(_ state: InterruptState) { self.state = state }

    func cut() { lock.withLock { state = nil } }

    func bufferUsed() { lock.withLock { state?.raiseBufferUsed() } }
    func configurationChanged() { lock.withLock { state?.raiseConfigurationChanged() } }
    func fail() { lock.withLock { state?.requireReset(telling: true) } }
}

/// What a device behind `MMIOTransport` has between DRIVER_OK and its reset.
final class MMIOSession: VirtIOSession {
    let acceptedFeatures: UInt64
    let queues: [(any VirtQueue)?]
    let memory: GuestMemory
    private let interrupt: SessionInterrupt

    init(acceptedFeatures: UInt64, queues: [(any VirtQueue)?], memory: GuestMemory, interrupt: SessionInterrupt) {
        self.acceptedFeatures = acceptedFeatures
        self.queues = queues
        self.memory = memory
        self.interrupt = interrupt
    }

    func configurationChanged() { interrupt.configurationChanged() }
    func fail(_ error: VirtQueueError) { interrupt.fail() }
    func end() { interrupt.cut() }
}
