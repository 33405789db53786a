import CHost

/// One receive and one transmit queue, and what waits at them.
final class QueuePair {
    /// A frame that found no buffers.
    struct Held {
        var header: NetworkHeader
        var frame: [UInt8]
    }

    /// Bytes of frames that may wait for buffers: a back end that can't be stopped amid a burst sends as much.
    private static let heldLimit = 4 << 20

    let receive: ReceiveQueue?
    let transmit: (any VirtQueue)?
    /// There may be frames to send.
    var hasFrames: Bool
    /// The back end had no room for the next one.
    var isBlocked = false
    private var doorbellPlace = -1
    private var held: [Held] = []
    private var heldBytes = 0

    init(receive: (any VirtQueue)?, transmit: (any VirtQueue)?, isMergeable: Bool) {
        self.receive = receive.map { ReceiveQueue($0, isMergeable: isMergeable) }
        self.transmit = transmit
        hasFrames = transmit != nil
    }

    func prepare(_ polls: PollSet) {
        receive?.prepare(polls)
        doorbellPlace = -1
        // A queue that is full of work already needn't be heard.
        if let transmit, !hasFrames { doorbellPlace = polls.add(transmit.doorbell, HOST_WAIT_IN) }
    }

    /// Hears what the driver has notified.
    func service(_ polls: PollSet) throws(VirtQueueError) {
        if let transmit, polls.events(doorbellPlace) != 0 {
            host_eventfd_drain(transmit.doorbell)
            hasFrames = true
        }
        _ = receive?.service(polls)
        try deliverHeld()
    }

    var holdsFrames: Bool { !held.isEmpty }

    /// Puts a frame into the driver's buffers, behind those that wait for some. What is too long for them is
    /// dropped, and so is what is too much to wait.
    func deliver(_ header: NetworkHeader, _ frame: UnsafeRawBufferPointer) throws(VirtQueueError) {
        guard let receive else { return }
        if held.isEmpty {
            guard try receive.deliver(header, frame) == .noRoom else { return }
        }
        guard heldBytes &+ frame.count <= Self.heldLimit else { return }
        held.append(Held(header: header, frame: [UInt8](frame)))
        heldBytes &+= frame.count
    }

    private func deliverHeld() throws(VirtQueueError) {
        guard let receive, !held.isEmpty else { return }
        var done = 0
        while done < held.count {
            let next = held[done]
            var outcome = ReceiveQueue.Outcome.noRoom
            var failure: VirtQueueError?
            next.frame.withUnsafeBytes { frame in
                do throws(VirtQueueError) { outcome = try receive.deliver(next.header, frame) } catch { failure = error }
            }
            if let failure { throw failure }
            if outcome == .noRoom { break }
            heldBytes &-= next.frame.count
            done &+= 1
        }
        held.removeFirst(done)
    }
}
