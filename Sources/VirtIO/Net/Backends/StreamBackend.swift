import CHost

/// A network behind a stream socket of the host: passt, QEMU's `-netdev stream`, a switch of one's own.
///
/// When the peer goes, the guest's link goes down until the peer is back: we try once a second.
package final class StreamBackend: NetworkBackend, @unchecked Sendable {
    private static let retryInterval: UInt64 = 1_000_000_000
    /// Bytes kept for a peer that doesn't read; then the guest waits.
    private static let unsentLimit = 128 << 10
    /// Frames received before others get their turn.
    private static let budget = 256

    package let traits: NetworkTraits

    private let path: String
    private var descriptor: Int32
    private var receiver: (any NetworkReceiver)?
    private var stream = FrameStream()
    /// A frame is waiting in `stream` for room in the guest.
    private var hasMore = false
    private var unsent: [UInt8] = []
    private var sent = 0
    private var isBlocked = false
    private var place = -1
    private var retryTime: UInt64 = 0

    /// Connects to whoever listens at `path`.
    package init(path: String, queuePairs: Int) throws(BackendError) {
        var traits = NetworkTraits()
        traits.offloads = [.csum, .hostTSO4, .hostTSO6, .hostECN, .guestCsum, .guestTSO4, .guestTSO6]
        traits.queuePairs = queuePairs
        traits.hasLinkStatus = true
        self.traits = traits
        self.path = path
        descriptor = host_unix_connect(path)
        guard descriptor < 0 else { return }
        let error = -descriptor
        let reason = String(cString: host_error_text(error))
        if host_error_is_missing(error) != 0 {
            throw .missing("there is no such socket: \(reason); start the network's program (such as passt --socket \(path)) first")
        }
        if host_error_is_permission(error) != 0 { throw .missing("the socket may not be used: \(reason)") }
        throw .host("nobody can be reached at this socket: \(reason); start the network's program (such as passt) first")
    }

    deinit { if descriptor >= 0 { host_close(descriptor) } }

    package func attach(_ receiver: any NetworkReceiver, _ features: NetworkFeatures) {
        self.receiver = receiver
        receiver.linkChanged(isUp: descriptor >= 0)
    }

    package func detach() { receiver = nil }

    package func setGuestOffloads(_ offloads: NetworkFeatures) {}

    package func setActivePairs(_ count: Int) {}

    // MARK: Waiting

    package func prepare(_ polls: PollSet) -> Int32 {
        place = -1
        guard descriptor >= 0 else {
            let now = host_clock_monotonic_ns()
            return retryTime <= now ? 0 : Int32(clamping: (retryTime &- now) / 1_000_000 &+ 1)
        }
        let hasRoom = receiver?.hasRoom(pair: 0) == true
        if hasRoom, hasMore { return 0 }
        var events: UInt32 = 0
        if hasRoom { events |= HOST_WAIT_IN.rawValue }
        if isBlocked { events |= HOST_WAIT_OUT.rawValue }
        // Not even for its end, which would be told again and again.
        if events != 0 { place = polls.add(descriptor, host_wait_event(events)) }
        return -1
    }

    package func service(_ polls: PollSet) {
        guard descriptor >= 0 else { return reconnect() }
        let events = polls.events(place)
        if events & (HOST_WAIT_OUT.rawValue | HOST_WAIT_ERR.rawValue | HOST_WAIT_HUP.rawValue) != 0 { write() }
        if descriptor >= 0, hasMore || events & ~HOST_WAIT_OUT.rawValue != 0 { read() }
    }

    // MARK: From the peer

    private func read() {
        var budget = Self.budget
        while budget > 0 {
            hasMore = true
            guard let receiver, receiver.hasRoom(pair: 0) else { return }
            switch stream.next() {
            case .frame(let frame):
                receiver.receive(frame, pair: 0, isChecked: false)
                budget &-= 1
            case .broken: return disconnect()
            case .incomplete:
                hasMore = false
                let room = stream.room()
                guard let base = room.baseAddress else { return }
                let count = host_socket_receive(descriptor, base, room.count)
                if count == -Int(HOST_EAGAIN) { return }
                guard count > 0 else { return disconnect() }
                stream.filled(count)
            }
        }
    }

    // MARK: To the peer

    package func send(_ frame: UnsafeBufferPointer<host_iovec>, pair: Int) -> NetworkSendResult {
        guard descriptor >= 0, let frame = frame.first, let base = frame.base else { return .done }
        if unsent.count &- sent >= Self.unsentLimit {
            write()
            if isBlocked { return .full }
        }
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: frame.count).bigEndian) { unsent.append(contentsOf: $0) }
        unsent.append(contentsOf: UnsafeRawBufferPointer(start: base, count: frame.count))
        return .done
    }

    package func flush(pair: Int) { if !isBlocked { write() } }

    package func canSend(pair: Int) -> Bool { !isBlocked || unsent.count &- sent < Self.unsentLimit }

    /// Sends as much as the peer takes.
    private func write() {
        isBlocked = false
        while descriptor >= 0, sent < unsent.count {
            let descriptor = self.descriptor
            let count = unsent.withUnsafeMutableBytes { bytes -> Int in
                guard let base = bytes.baseAddress else { return 0 }
                var rest = host_iovec(base: base + sent, count: bytes.count &- sent)
                return host_socket_send(descriptor, &rest, 1)
            }
            if count == -Int(HOST_EAGAIN) {
                isBlocked = true
                // Otherwise a peer that is always a little behind would let it grow for ever.
                if sent >= Self.unsentLimit {
                    unsent.removeFirst(sent)
                    sent = 0
                }
                return
            }
            guard count >= 0 else { return disconnect() }
            sent &+= count
        }
        unsent.removeAll(keepingCapacity: true)
        sent = 0
    }

    // MARK: The peer's coming and going

    private func disconnect() {
        host_close(descriptor)
        descriptor = -1
        stream.removeAll()
        unsent.removeAll()
        sent = 0
        isBlocked = false
        hasMore = false
        retryTime = host_clock_monotonic_ns() &+ Self.retryInterval
        receiver?.linkChanged(isUp: false)
    }

    private func reconnect() {
        let now = host_clock_monotonic_ns()
        guard now >= retryTime else { return }
        descriptor = host_unix_connect(path)
        if descriptor >= 0 { receiver?.linkChanged(isUp: true) } else { retryTime = now &+ Self.retryInterval }
    }
}
