import CHost
import CSlirp
import VirtIO

/// A network in this process: libslirp speaks to the guest in Ethernet frames and to the world through ordinary
/// sockets.
///
/// libslirp takes and makes frames with complete checksums. It takes TCP segments of up to 64 KiB, whatever the
/// link's MTU; those it makes have correct checksums, so the guest needn't look.
final class SlirpNetwork: NetworkBackend, @unchecked Sendable {
    let traits: NetworkTraits

    /// nil only while it is being made.
    private var slirp: OpaquePointer?
    private let callbacks: UnsafeMutablePointer<SlirpCb>
    private var timers: [SlirpTimer] = []
    /// What the callbacks use; libslirp calls them inside our calls only.
    private var receiver: (any NetworkReceiver)?
    private var polls: PollSet?
    /// libslirp has said what it waits for, and shall hear what came of it.
    private var isFilled = false

    init(_ network: UserNetwork) throws(BackendError) {
        var traits = NetworkTraits()
        traits.offloads = [.csum, .hostTSO4, .hostTSO6, .hostECN, .guestCsum, .guestTSO4, .guestTSO6]
        traits.takesLongSegments = true
        traits.queuePairs = network.queuePairs
        self.traits = traits
        callbacks = .allocate(capacity: 1)
        callbacks.initialize(to: Self.makeCallbacks())
        let opaque = Unmanaged.passUnretained(self).toOpaque()
        slirp = network.hostname.withCString { hostname in
            var configuration = Self.configuration(network)
            if !network.hostname.isEmpty { configuration.vhostname = hostname }
            return SlirpLibrary.call { slirp_new(&configuration, callbacks, opaque) }
        }
        guard slirp != nil else { throw .host("libslirp refuses to make the network") }
        for forward in network.forwards { try add(forward) }
    }

    deinit {
        if let slirp { SlirpLibrary.call { slirp_cleanup(slirp) } }
        callbacks.deallocate()
    }

    private static func configuration(_ network: UserNetwork) -> SlirpConfig {
        var result = SlirpConfig()
        // The newest version whose fields are set here.
        result.version = 4
        result.restricted = network.isRestricted ? 1 : 0
        result.in_enabled = true
        result.vnetwork = in_addr(network.network)
        result.vnetmask = in_addr(~UInt32(0) << UInt32(32 - network.prefixLength))
        result.vhost = in_addr(network.network | 2)
        result.vdhcp_start = in_addr(network.network | 15)
        result.vnameserver = in_addr(network.network | 3)
        result.in6_enabled = true
        result.vprefix_addr6 = in6_addr(prefix: 0xFEC0, host: 0)
        result.vprefix_len = 64
        result.vhost6 = in6_addr(prefix: 0xFEC0, host: 2)
        result.vnameserver6 = in6_addr(prefix: 0xFEC0, host: 3)
        if let mtu = network.mtu {
            result.if_mtu = Int(mtu)
            result.if_mru = Int(mtu)
        }
        return result
    }

    private func add(_ forward: UserNetwork.Forward) throws(BackendError) {
        let status = SlirpLibrary.call { () -> Int32 in
            let result = slirp_add_hostfwd(
                slirp, forward.isUDP ? 1 : 0, in_addr(forward.hostAddress), Int32(forward.hostPort),
                in_addr(forward.guestAddress), Int32(forward.guestPort))
            return result < 0 ? -host_last_error() : 0
        }
        guard status < 0 else { return }
        let name = "\(forward.isUDP ? "UDP" : "TCP") port \(forward.hostPort) of \(UserNetwork.text(forward.hostAddress))"
        let reason = String(cString: host_error_text(-status))
        throw .host("the host doesn't let us listen at \(name): \(reason); give hostfwd= a free port")
    }

    // MARK: The device

    func attach(_ receiver: any NetworkReceiver, _ features: NetworkFeatures) { self.receiver = receiver }

    func detach() {
        receiver = nil
        isFilled = false
    }

    func setGuestOffloads(_ offloads: NetworkFeatures) {}

    func setActivePairs(_ count: Int) {}

    func prepare(_ polls: PollSet) -> Int32 {
        // While the guest has no room, data waits in the sockets, where their senders notice.
        guard let slirp, receiver?.hasRoom(pair: 0) == true else { return -1 }
        var timeout = UInt32.max
        self.polls = polls
        SlirpLibrary.call { slirp_pollfds_fill(slirp, &timeout, Self.addPoll, Unmanaged.passUnretained(self).toOpaque()) }
        self.polls = nil
        isFilled = true
        var result = timeout >= UInt32(Int32.max) ? -1 : Int32(timeout)
        let now = Self.milliseconds()
        for case let deadline? in timers.map(\.deadline) {
            let left = Int32(clamping: max(0, deadline &- now))
            result = result < 0 ? left : min(result, left)
        }
        return result
    }

    func service(_ polls: PollSet) {
        guard let slirp, isFilled else { return }
        isFilled = false
        self.polls = polls
        SlirpLibrary.call {
            slirp_pollfds_poll(slirp, 0, Self.pollEvents, Unmanaged.passUnretained(self).toOpaque())
            let now = Self.milliseconds()
            for timer in timers {
                guard let deadline = timer.deadline, deadline <= now else { continue }
                timer.deadline = nil
                timer.callback(timer.argument)
            }
        }
        self.polls = nil
    }

    func send(_ frame: UnsafeBufferPointer<host_iovec>, pair: Int) -> NetworkSendResult {
        guard let slirp, let frame = frame.first, let base = frame.base, let count = Int32(exactly: frame.count) else { return .done }
        SlirpLibrary.call { slirp_input(slirp, base.assumingMemoryBound(to: UInt8.self), count) }
        return .done
    }

    func flush(pair: Int) {}

    func canSend(pair: Int) -> Bool { true }

    // MARK: What libslirp calls

    private static func milliseconds() -> Int64 { Int64(truncatingIfNeeded: host_clock_monotonic_ns() / 1_000_000) }

    private static func from(_ opaque: UnsafeMutableRawPointer?) -> SlirpNetwork? {
        opaque.map { Unmanaged<SlirpNetwork>.fromOpaque($0).takeUnretainedValue() }
    }

    private static let addPoll: SlirpAddPollCb = { descriptor, events, opaque in
        let events = UInt32(bitPattern: events)
        var wanted: UInt32 = 0
        if events & UInt32(SLIRP_POLL_IN) != 0 { wanted |= HOST_WAIT_IN.rawValue }
        if events & UInt32(SLIRP_POLL_OUT) != 0 { wanted |= HOST_WAIT_OUT.rawValue }
        if events & UInt32(SLIRP_POLL_PRI) != 0 { wanted |= HOST_WAIT_PRI.rawValue }
        return Int32(truncatingIfNeeded: SlirpNetwork.from(opaque)?.polls?.add(descriptor, host_wait_event(wanted)) ?? -1)
    }

    private static let pollEvents: SlirpGetREventsCb = { place, opaque in
        let happened = SlirpNetwork.from(opaque)?.polls?.events(Int(place)) ?? 0
        var result: UInt32 = 0
        if happened & HOST_WAIT_IN.rawValue != 0 { result |= UInt32(SLIRP_POLL_IN) }
        if happened & HOST_WAIT_OUT.rawValue != 0 { result |= UInt32(SLIRP_POLL_OUT) }
        if happened & HOST_WAIT_PRI.rawValue != 0 { result |= UInt32(SLIRP_POLL_PRI) }
        if happened & HOST_WAIT_ERR.rawValue != 0 { result |= UInt32(SLIRP_POLL_ERR) }
        if happened & HOST_WAIT_HUP.rawValue != 0 { result |= UInt32(SLIRP_POLL_HUP) }
        return Int32(bitPattern: result)
    }

    private static func makeCallbacks() -> SlirpCb {
        var result = SlirpCb()
        result.send_packet = { bytes, count, opaque in
            guard let bytes, let network = SlirpNetwork.from(opaque) else { return 0 }
            network.receiver?.receive(UnsafeRawBufferPointer(start: bytes, count: count), pair: 0, isChecked: true)
            return count
        }
        // A guest's mistakes are its own business.
        result.guest_error = { _, _ in }
        result.clock_get_ns = { _ in Int64(truncatingIfNeeded: host_clock_monotonic_ns()) }
        result.timer_new = { callback, argument, opaque in
            guard let callback, let network = SlirpNetwork.from(opaque) else { return nil }
            let timer = SlirpTimer(callback, argument)
            network.timers.append(timer)
            return Unmanaged.passUnretained(timer).toOpaque()
        }
        result.timer_free = { timer, opaque in
            guard let timer, let network = SlirpNetwork.from(opaque) else { return }
            network.timers.removeAll { Unmanaged.passUnretained($0).toOpaque() == timer }
        }
        result.timer_mod = { timer, deadline, opaque in
            guard let timer, let network = SlirpNetwork.from(opaque) else { return }
            for one in network.timers where Unmanaged.passUnretained(one).toOpaque() == timer { one.deadline = deadline }
        }
        // Descriptors are named before each wait, and the wait is on the same thread.
        result.register_poll_fd = { _, _ in }
        result.unregister_poll_fd = { _, _ in }
        result.notify = { _ in }
        return result
    }
}
