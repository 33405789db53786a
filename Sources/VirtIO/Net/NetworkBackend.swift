import CHost

/// The other end of a network device's cable.
///
/// A back end outlives the device's resets: what it has open stays open. It is used by one device at a time,
/// between `attach` and `detach` and by one thread at a time, and it never waits: whatever isn't ready is polled
/// for.
package protocol NetworkBackend: AnyObject, Sendable {
    var traits: NetworkTraits { get }
    /// The device starts, with what its driver accepted. Frames go to `receiver` from now on.
    func attach(_ receiver: any NetworkReceiver, _ features: NetworkFeatures)
    /// The receiver is gone. The back end may get frames from its peer, but must not hand them on.
    func detach()
    /// What of `NetworkFeatures.guestOffloads` frames to the guest may use from now on.
    func setGuestOffloads(_ offloads: NetworkFeatures)
    /// How many pairs of queues are in use from now on, out of `traits.queuePairs`.
    func setActivePairs(_ count: Int)
    /// Says what to wait for before the next `service`, and for how long at most: in milliseconds, -1 for no limit.
    func prepare(_ polls: PollSet) -> Int32
    /// Does what has become possible. `polls` is what `prepare` filled in, after the wait.
    func service(_ polls: PollSet)
    /// Takes a frame: one with the 12-byte header before it if `traits.hasHeader`. With no header it is one
    /// stretch, and the back end may write to it.
    func send(_ frame: UnsafeBufferPointer<host_iovec>, pair: Int) -> NetworkSendResult
    /// Ends a run of frames: what the back end has kept to itself until here goes on its way.
    func flush(pair: Int)
    /// Whether it pays to try what was `full` again.
    func canSend(pair: Int) -> Bool
}

/// What `NetworkBackend.send` did.
package enum NetworkSendResult: Equatable, Sendable {
    /// The back end has it, or its link is down and the frame is gone.
    case done
    /// No room: the frame is to be offered again.
    case full
}

/// What a back end can do.
package struct NetworkTraits: Equatable, Sendable {
    /// Frames carry the virtio-net header both ways, so that checksums and segmentation are the peer's.
    package var hasHeader = false
    /// The offloads to offer, `hostOffloads` and `guestOffloads`. Without a header the device does the work: it
    /// completes checksums and cuts TCP segments, and checks and merges those that come.
    package var offloads: NetworkFeatures = []
    /// Without a header: TCP segments up to 64 KiB are taken whole.
    package var takesLongSegments = false
    package var queuePairs = 1
    /// The peer can go and come back.
    package var hasLinkStatus = false

    package init() {}
}

/// Where a back end's frames go: the device. Only between `attach` and `detach`, inside the back end's own methods.
package protocol NetworkReceiver: AnyObject {
    /// Whether the guest has room for at least a frame. When it hasn't, the back end is serviced again once it may.
    func hasRoom(pair: Int) -> Bool
    /// Takes a frame without a header. `isChecked`: its checksums are right. What finds no room waits in the
    /// device, up to a limit; so `hasRoom` is to be asked first wherever the frame can be left where it is.
    func receive(_ frame: UnsafeRawBufferPointer, pair: Int, isChecked: Bool)
    /// Memory for a frame with its header, to be filled by the back end and then handed over with `received`; nil
    /// without room.
    func room(pair: Int) -> UnsafeBufferPointer<host_iovec>?
    /// `count` bytes are in the memory that `room` gave.
    func received(_ count: Int, pair: Int)
    /// The peer has gone or come back.
    func linkChanged(isUp: Bool)
}
