import CHost

/// A network device at work: from DRIVER_OK to the reset. Everything here is used by one thread at a time, which
/// `NetworkLoop` sees to.
package final class NetworkWorker: NetworkReceiver, @unchecked Sendable {
    /// What the driver is to be told when no lock is held and nobody waits for this worker.
    package struct Notes {
        package var failure: VirtQueueError?
        package var configurationChanged = false
    }

    /// IP's longest packet behind an Ethernet header with a VLAN tag.
    package static let longestFrame = 18 &+ 0xFFFF

    let session: any VirtIOSession
    let backend: any NetworkBackend
    let traits: NetworkTraits
    let features: NetworkFeatures
    let state: NetworkState
    let pairs: [QueuePair]
    let control: (any VirtQueue)?
    var controlPlace = -1
    var activePairs = 1
    var filter: ReceiveFilter
    var notes = Notes()
    /// The driver broke the protocol: nothing happens until it resets the device.
    var isBroken = false
    /// The longest frame that the driver has to expect, with its header.
    let longestReceived: Int
    var merger = SegmentMerger()
    /// What of the guest's offloads is switched on.
    var guestOffloads: NetworkFeatures

    /// Frames that have to lie in one stretch.
    let scratch: UnsafeMutableRawBufferPointer
    let segmentScratch: UnsafeMutableRawBufferPointer
    let vector: UnsafeMutableBufferPointer<host_iovec>
    /// Whether `room` gave out `scratch`, not the driver's buffers.
    var readsIntoScratch = false

    package init(_ session: any VirtIOSession, _ backend: any NetworkBackend, _ state: NetworkState, offered: NetworkFeatures) {
        self.session = session
        self.backend = backend
        self.state = state
        traits = backend.traits
        features = NetworkFeatures(rawValue: session.acceptedFeatures).intersection(offered).consistent
        guestOffloads = features.intersection(.guestOffloads)
        // Without MQ there is one pair, and the control queue follows it (5.1.2).
        let count = features.contains(.mq) ? max(1, traits.queuePairs) : 1
        let queues = session.queues
        func queue(_ index: Int) -> (any VirtQueue)? { index < queues.count ? queues[index] : nil }
        let isMergeable = features.contains(.mergeableBuffers)
        pairs = (0 ..< count).map {
            QueuePair(receive: queue(2 &* $0), transmit: queue(2 &* $0 &+ 1), isMergeable: isMergeable)
        }
        control = features.contains(.ctrlVQ) ? queue(2 &* count) : nil
        filter = ReceiveFilter(address: state.address, filtersVLANs: features.contains(.ctrlVLAN))
        let isLarge = !features.isDisjoint(with: .guestLargeFrames)
        longestReceived = NetworkHeader.size &+ (isLarge ? Self.longestFrame : 18 &+ max(1500, Int(state.mtu ?? 0)))
        scratch = .allocate(byteCount: NetworkHeader.size &+ Self.longestFrame, alignment: 16)
        segmentScratch = .allocate(byteCount: Self.longestFrame, alignment: 16)
        vector = .allocate(capacity: Int(HOST_IOVEC_MAX))
    }

    deinit {
        scratch.deallocate()
        segmentScratch.deallocate()
        vector.deallocate()
    }

    /// Takes up the back end.
    package func begin() {
        backend.attach(self, features)
        backend.setGuestOffloads(guestOffloads)
        backend.setActivePairs(activePairs)
    }

    /// Lets go of it; nothing is touched any more.
    package func end() { backend.detach() }

    /// Does everything that has become possible.
    package func service(_ polls: PollSet) {
        guard !isBroken else { return }
        guarded { () throws(VirtQueueError) in
            if polls.events(controlPlace) != 0, let control { host_eventfd_drain(control.doorbell) }
            try serviceControl()
            for pair in pairs.prefix(activePairs) { try pair.service(polls) }
        }
        guard !isBroken else { return }
        backend.service(polls)
        for index in 0 ..< activePairs where !isBroken {
            guarded { () throws(VirtQueueError) in try transmit(index) }
        }
        finishReceiving()
    }

    /// Says what to wait for; the longest wait in milliseconds, -1 without limit.
    package func prepare(_ polls: PollSet) -> Int32 {
        guard !isBroken else { return -1 }
        controlPlace = control.map { polls.add($0.doorbell, HOST_WAIT_IN) } ?? -1
        for pair in pairs.prefix(activePairs) { pair.prepare(polls) }
        let timeout = backend.prepare(polls)
        // The back end may have asked for room in vain, and have sent something.
        finishReceiving()
        for pair in pairs.prefix(activePairs) where pair.hasFrames && !pair.isBlocked { return 0 }
        return timeout
    }

    package func takeNotes() -> Notes {
        defer { notes = Notes() }
        return notes
    }

    /// Runs `body`; a driver that broke the protocol stops the device.
    func guarded(_ body: () throws(VirtQueueError) -> Void) {
        do throws(VirtQueueError) {
            try body()
        } catch {
            isBroken = true
            notes.failure = error
        }
    }
}
