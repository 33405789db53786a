import CHost

/// A tap interface of the host's: the guest is a neighbour of whatever the host connects it to, and its kernel
/// does checksums and segmentation.
package final class TapBackend: NetworkBackend, @unchecked Sendable {
    package struct Settings: Equatable, Sendable {
        /// The interface's name; empty lets the host choose one.
        package var name = ""
        /// Queues that somebody else has opened, instead of a name.
        package var descriptors: [Int32] = []
        package var queuePairs = 1
        /// A program that is run with the interface's name before the guest starts.
        package var script: String?

        package init() {}
    }

    private struct Queue {
        var descriptor: Int32
        var isBlocked = false
        /// The interface was removed: the descriptor is dead, and would always be ready.
        var isGone = false
        var place = -1
    }

    /// Frames received before others get their turn.
    private static let budget = 128

    package let traits: NetworkTraits
    /// The interface's name, as the host has it.
    package let name: String
    private var queues: [Queue] = []
    private var activePairs = 1
    private var receiver: (any NetworkReceiver)?
    /// For frames without a header.
    private let scratch: UnsafeMutableRawBufferPointer

    package init(_ settings: Settings) throws(BackendError) {
        var text = [CChar](repeating: 0, count: Int(HOST_TAP_NAME_SIZE))
        var hasHeader = true
        var opened: [Int32] = []
        do throws(BackendError) {
            if settings.descriptors.isEmpty {
                guard settings.name.utf8.count < text.count else { throw .usage("an interface's name has at most 15 bytes") }
                for (place, byte) in settings.name.utf8.enumerated() { text[place] = CChar(bitPattern: byte) }
                for _ in 0 ..< settings.queuePairs {
                    // The first one may choose the name, and the others have to use it.
                    let descriptor = host_tap_open(&text, settings.queuePairs > 1)
                    guard descriptor >= 0 else { throw Self.refusal(-descriptor, settings) }
                    opened.append(descriptor)
                }
            } else {
                for descriptor in settings.descriptors {
                    let status = host_tap_adopt(descriptor, &text)
                    guard status >= 0 else { throw Self.refusal(descriptor, -status) }
                    if status == 0 { hasHeader = false }
                }
                opened = settings.descriptors
            }
            name = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if let script = settings.script { try Self.run(script, name) }
        } catch {
            for descriptor in opened { host_close(descriptor) }
            throw error
        }
        queues = opened.map { Queue(descriptor: $0) }
        var traits = NetworkTraits()
        traits.hasHeader = hasHeader
        traits.queuePairs = opened.count
        traits.offloads = Self.offloads(opened.first ?? -1, hasHeader: hasHeader)
        traits.hasLinkStatus = true
        self.traits = traits
        scratch = .allocate(byteCount: 65536 &+ 32, alignment: 16)
        for descriptor in opened { _ = host_tap_set_offload(descriptor, 0) }
    }

    deinit {
        for queue in queues { host_close(queue.descriptor) }
        scratch.deallocate()
    }

    /// What the host's kernel does: found by asking for it.
    private static func offloads(_ descriptor: Int32, hasHeader: Bool) -> NetworkFeatures {
        let byDevice: NetworkFeatures = [.csum, .hostTSO4, .hostTSO6, .hostECN, .guestCsum, .guestTSO4, .guestTSO6]
        guard hasHeader else { return byDevice }
        var result: NetworkFeatures = byDevice.union([.guestECN])
        let ufo: NetworkFeatures = [.guestCsum, .guestUFO]
        if host_tap_set_offload(descriptor, flags(ufo)) >= 0 { result.formUnion([.guestUFO, .hostUFO]) }
        let uso: NetworkFeatures = [.guestCsum, .guestUSO4, .guestUSO6]
        if host_tap_set_offload(descriptor, flags(uso)) >= 0 { result.formUnion([.guestUSO4, .guestUSO6, .hostUSO]) }
        return result
    }

    private static func flags(_ offloads: NetworkFeatures) -> UInt32 {
        var result: UInt32 = 0
        if offloads.contains(.guestCsum) { result |= HOST_TAP_CSUM.rawValue }
        if offloads.contains(.guestTSO4) { result |= HOST_TAP_TSO4.rawValue }
        if offloads.contains(.guestTSO6) { result |= HOST_TAP_TSO6.rawValue }
        if offloads.contains(.guestECN) { result |= HOST_TAP_TSO_ECN.rawValue }
        if offloads.contains(.guestUFO) { result |= HOST_TAP_UFO.rawValue }
        // The kernel has both or none.
        if offloads.isSuperset(of: [.guestUSO4, .guestUSO6]) { result |= HOST_TAP_USO4.rawValue | HOST_TAP_USO6.rawValue }
        return result
    }

    // MARK: The device

    package func attach(_ receiver: any NetworkReceiver, _ features: NetworkFeatures) {
        self.receiver = receiver
        receiver.linkChanged(isUp: !queues.contains { $0.isGone })
    }

    package func detach() {
        receiver = nil
        setGuestOffloads([])
    }

    package func setGuestOffloads(_ offloads: NetworkFeatures) {
        guard traits.hasHeader else { return }
        // It is the interface's, whichever queue is told.
        if let queue = queues.first { _ = host_tap_set_offload(queue.descriptor, Self.flags(offloads)) }
    }

    package func setActivePairs(_ count: Int) {
        activePairs = min(count, queues.count)
        guard queues.count > 1 else { return }
        // The host spreads frames over the queues that take part.
        for place in queues.indices { _ = host_tap_set_queue(queues[place].descriptor, place < activePairs) }
    }

    package func prepare(_ polls: PollSet) -> Int32 {
        for place in 0 ..< activePairs {
            queues[place].place = -1
            if queues[place].isGone { continue }
            var events: UInt32 = 0
            if receiver?.hasRoom(pair: place) == true { events |= HOST_WAIT_IN.rawValue }
            if queues[place].isBlocked { events |= HOST_WAIT_OUT.rawValue }
            if events != 0 { queues[place].place = polls.add(queues[place].descriptor, host_wait_event(events)) }
        }
        return -1
    }

    package func service(_ polls: PollSet) {
        for place in 0 ..< activePairs {
            let events = polls.events(queues[place].place)
            if events & ~HOST_WAIT_IN.rawValue != 0 { queues[place].isBlocked = false }
            if events & ~HOST_WAIT_OUT.rawValue != 0 { read(place) }
        }
    }

    private func read(_ place: Int) {
        let descriptor = queues[place].descriptor
        for _ in 0 ..< Self.budget {
            guard let receiver else { return }
            var count = 0
            if traits.hasHeader {
                guard let room = receiver.room(pair: place), let base = room.baseAddress else { return }
                count = host_readv(descriptor, base, room.count)
                if count > 0 { receiver.received(count, pair: place) }
            } else {
                guard receiver.hasRoom(pair: place), let base = scratch.baseAddress else { return }
                count = host_read(descriptor, base, scratch.count)
                if count > 0 {
                    receiver.receive(UnsafeRawBufferPointer(rebasing: scratch[..<count]), pair: place, isChecked: false)
                }
            }
            if count == -Int(HOST_EAGAIN) { return }
            guard count > 0 else {
                queues[place].isGone = true
                return receiver.linkChanged(isUp: false)
            }
        }
    }

    package func send(_ frame: UnsafeBufferPointer<host_iovec>, pair: Int) -> NetworkSendResult {
        guard pair < queues.count, let base = frame.baseAddress else { return .done }
        // Any other refusal is one of this frame, or of an interface that is down.
        guard host_writev(queues[pair].descriptor, base, frame.count) == -Int(HOST_EAGAIN) else { return .done }
        queues[pair].isBlocked = true
        return .full
    }

    package func flush(pair: Int) {}

    package func canSend(pair: Int) -> Bool { pair >= queues.count || !queues[pair].isBlocked }
}
