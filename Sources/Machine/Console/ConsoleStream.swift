import CHost
import Devices

/// A console's other end that comes and goes: a pseudo-terminal, or a socket that listens.
///
/// A thread of its own moves bytes both ways. While nobody is there, output is dropped, as on a line without a
/// plug. Somebody who is there and takes nothing for a second is treated alike until he reads again: a guest must
/// not stand still for a window that was forgotten, and Linux waits for its console with interrupts off.
package final class ConsoleStream: ConsoleOutput, @unchecked Sendable {
    private static let capacity = 64 << 10
    private static let patience: UInt64 = 1_000_000_000
    /// How often a pseudo-terminal that was hung up is looked at: nothing tells when it is opened again.
    private static let plugPoll: Int32 = 200
    private static let tryAgain = -11  // EAGAIN

    /// What the guest reads; of the same life as the stream.
    package let input: ConsoleInput
    /// Negative for a pseudo-terminal.
    private let listener: Int32
    /// Signalled when there is something new for the thread.
    private let wake: Int32
    private let mutex = host_mutex_create()
    /// There is room, or no use in waiting for it.
    private let room = host_cond_create()
    private var thread: OpaquePointer?

    // Guarded by `mutex`.
    /// The pseudo-terminal or the peer, negative for no peer.
    private var connection: Int32
    private var isPlugged = false
    /// The peer has sent its last byte.
    private var isInputAtEnd = false
    private var pending: [UInt8] = []
    /// Since when the full buffer has made no progress.
    private var fullSince: UInt64 = 0
    private var isStalled = false
    private var isRefusing = false
    private var isPatient = true
    private var isEnding = false
    private var port: Int32 = -1

    /// Takes over the controlling side of a pseudo-terminal.
    package static func pty(_ descriptor: Int32) throws(MachineError) -> ConsoleStream {
        try ConsoleStream(connection: descriptor, listener: -1)
    }

    /// Takes over a listening socket.
    package static func listening(_ descriptor: Int32) throws(MachineError) -> ConsoleStream {
        try ConsoleStream(connection: -1, listener: descriptor)
    }

    private init(connection: Int32, listener: Int32) throws(MachineError) {
        self.connection = connection
        self.listener = listener
        wake = host_eventfd()
        input = ConsoleInput(wake: wake)
        guard wake >= 0 else {
            throw MachineError(.host, "the host refuses a descriptor for a console: \(MachineError.hostText(-wake))")
        }
        var error: Int32 = 0
        // The thread owns a reference until it ends.
        let reference = Unmanaged.passRetained(self)
        thread = host_thread_start(
            { argument in
                guard let argument else { return }
                Unmanaged<ConsoleStream>.fromOpaque(argument).takeRetainedValue().loop()
            }, reference.toOpaque(), "rvkvm-stream", &error)
        if thread == nil {
            reference.release()
            throw MachineError(.host, "the host refuses a thread for a console: \(MachineError.hostText(error))")
        }
    }

    deinit {
        if connection >= 0 { host_close(connection) }
        if listener >= 0 { host_close(listener) }
        if wake >= 0 { host_close(wake) }
        host_cond_destroy(room)
        host_mutex_destroy(mutex)
    }

    // MARK: ConsoleOutput

    package func write(_ bytes: UnsafeRawBufferPointer) {
        host_mutex_lock(mutex)
        var rest = bytes[...]
        while true {
            rest = rest.dropFirst(accept(UnsafeRawBufferPointer(rebasing: rest)))
            if rest.isEmpty || !isPatient { break }
            host_cond_wait(room, mutex)
        }
        host_mutex_unlock(mutex)
    }

    package func offer(_ bytes: UnsafeRawBufferPointer) -> Int {
        locked { accept(bytes) }
    }

    package func setPatient(_ patient: Bool) {
        locked {
            isPatient = patient
            host_cond_broadcast(room)
        }
    }

    /// A peer that has gone is there until its last byte is: a guest that hears of an end reads no further.
    package var isConnected: Bool { locked { isPlugged || !isPTY && connection >= 0 } }

    package func attach(wake: Int32) { locked { port = wake } }

    /// Writes out what is there, as far as somebody takes it until `deadline` (monotonic ns), and ends the thread.
    package func finish(deadline: UInt64) {
        locked {
            while !pending.isEmpty, isPlugged, !isStalled {
                if !host_cond_wait_until(room, mutex, deadline) { break }
            }
            isEnding = true
        }
        host_eventfd_signal(wake)
        if let thread { host_thread_join(thread) }
        thread = nil
    }

    // MARK: With the mutex held

    private func locked<Result>(_ body: () -> Result) -> Result {
        host_mutex_lock(mutex)
        defer { host_mutex_unlock(mutex) }
        return body()
    }

    private func accept(_ bytes: UnsafeRawBufferPointer) -> Int {
        // Whoever has just opened it shall miss nothing from then on.
        if isPTY, !isPlugged { _ = lookForPlug() }
        guard isPlugged, !isStalled, !isEnding else { return bytes.count }
        let count = min(bytes.count, Self.capacity - pending.count)
        let wasEmpty = pending.isEmpty
        pending.append(contentsOf: bytes.prefix(count))
        if wasEmpty, count > 0 { host_eventfd_signal(wake) }
        if count < bytes.count, !isRefusing {
            isRefusing = true
            fullSince = host_clock_monotonic_ns()
            // The thread has to watch the time now.
            host_eventfd_signal(wake)
        }
        return count
    }

    /// Lets those who wait look again.
    private func invite() {
        isRefusing = false
        host_cond_broadcast(room)
        if port >= 0 { host_eventfd_signal(port) }
    }

    private func setPlugged(_ plugged: Bool) {
        guard plugged != isPlugged else { return }
        isPlugged = plugged
        pending.removeAll(keepingCapacity: true)
        isStalled = false
        invite()
    }

    // MARK: The thread

    private func loop() {
        while true {
            // Without the mutex: the input's lock comes before a UART's, and that before ours.
            let space = input.room
            host_mutex_lock(mutex)
            if isEnding {
                host_mutex_unlock(mutex)
                return
            }
            let wantsInput = !isInputAtEnd && space > 0
            // A hang-up would be reported over and over, also while nothing can be done about it.
            let isWatched = isPlugged || !isPTY && wantsInput
            let descriptors = [wake, !isPTY && connection < 0 ? listener : -1, isWatched ? connection : -1]
            var events = [Self.input, Self.input, (wantsInput ? Self.input : 0) | (pending.isEmpty ? 0 : Self.output)]
            let timeout = isPTY && !isPlugged ? Self.plugPoll : stallTimeout()
            host_mutex_unlock(mutex)
            _ = host_poll_events(descriptors, &events, descriptors.count, timeout)
            if events[0] != 0 { host_eventfd_drain(wake) }
            host_mutex_lock(mutex)
            if events[1] != 0 { takePeer() }
            if isPTY, !isPlugged { events[2] = lookForPlug() }
            let received = wantsInput && connection >= 0 && events[2] != 0 ? receive(space) : []
            if events[2] & Self.output != 0, isPlugged { send() }
            if events[2] & Self.gone != 0 { setPlugged(false) }
            dropPeer()
            noteStall()
            host_mutex_unlock(mutex)
            if !received.isEmpty { input.push(received) }
            input.feed()
        }
    }

    private var isPTY: Bool { listener < 0 }

    private static let input = UInt8(HOST_POLL_IN.rawValue)
    private static let output = UInt8(HOST_POLL_OUT.rawValue)
    private static let gone = UInt8(HOST_POLL_GONE.rawValue)

    /// Milliseconds until a full buffer counts as stalled.
    private func stallTimeout() -> Int32 {
        guard isRefusing, !isStalled else { return -1 }
        let passed = host_clock_monotonic_ns() &- fullSince
        return passed >= Self.patience ? 0 : Int32((Self.patience - passed) / 1_000_000) + 1
    }

    private func noteStall() {
        guard isRefusing, !isStalled, host_clock_monotonic_ns() &- fullSince >= Self.patience else { return }
        isStalled = true
        invite()
    }

    private func takePeer() {
        let peer = host_accept(listener)
        guard peer >= 0 else { return }
        connection = peer
        isInputAtEnd = false
        setPlugged(true)
    }

    /// What a pseudo-terminal that was hung up says now; whoever opened it may have written and gone again.
    private func lookForPlug() -> UInt8 {
        var events = [Self.input]
        _ = host_poll_events([connection], &events, 1, 0)
        if events[0] & Self.gone == 0 { setPlugged(true) }
        return events[0]
    }

    private func receive(_ space: Int) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: max(1, min(4096, space)))
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { host_read(connection, $0, bytes.count) } ?? 0
        }
        if count > 0 { return Array(buffer.prefix(count)) }
        if count != Self.tryAgain {
            // A pseudo-terminal is hung up, and may be opened again.
            if isPTY { setPlugged(false) } else { isInputAtEnd = true }
        }
        return []
    }

    private func send() {
        let count = pending.withUnsafeBytes { bytes in
            bytes.baseAddress.map { host_write(connection, $0, bytes.count) } ?? 0
        }
        if count == Self.tryAgain { return }
        guard count > 0 else { return setPlugged(false) }
        pending.removeFirst(min(count, pending.count))
        isStalled = false
        if isRefusing { invite() }
        if pending.isEmpty { host_cond_broadcast(room) }
    }

    /// Lets go of a peer that neither reads nor has anything left to say.
    private func dropPeer() {
        guard !isPTY, connection >= 0, !isPlugged, isInputAtEnd else { return }
        host_close(connection)
        connection = -1
        invite()
    }
}
