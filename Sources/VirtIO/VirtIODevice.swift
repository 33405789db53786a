import GuestMemory

/// One virtio device type behind a transport (virtio 1.2, chapters 2 and 5).
///
/// The transport calls every method under one lock, on a vCPU's thread, so none of them may wait for a back
/// end; requests are worked on by threads of the device, between `start` and `stop`.
package protocol VirtIODevice: AnyObject, Sendable {
    /// Device ID (virtio 1.2, chapter 5): 1 network, 2 block, 3 console, 4 entropy, 5 balloon, 9 9P.
    var deviceID: UInt32 { get }
    /// The feature bits of this device type. The transport adds its own: VERSION_1, INDIRECT_DESC, EVENT_IDX,
    /// RING_PACKED.
    var features: UInt64 { get }
    /// The largest size of each queue, in descriptors: a power of two.
    var queueSizes: [UInt16] { get }
    /// Answers a load of `width` bytes (1, 2, 4 or 8) from the device's configuration; what lies outside it
    /// reads 0.
    func readConfiguration(offset: UInt64, width: Int) -> UInt64
    /// Takes a store to the device's configuration; what can't be written ignores it.
    func writeConfiguration(offset: UInt64, width: Int, value: UInt64)
    /// The driver has set DRIVER_OK. The session's queues may be used until `stop`.
    func start(_ session: VirtIOSession)
    /// The driver resets the device, or the machine ends. On return nothing of the device touches guest memory
    /// or the session's queues any more. Called as well when `start` never was.
    func stop()
}

/// What a device has between DRIVER_OK and its reset.
package protocol VirtIOSession: AnyObject, Sendable {
    /// What the driver accepted.
    var acceptedFeatures: UInt64 { get }
    /// By index; nil where the driver enabled none.
    var queues: [(any VirtQueue)?] { get }
    /// Guest RAM, for the few devices whose requests name addresses. None in a session without RAM of its own.
    var memory: GuestMemory { get }
    /// Raises the configuration interrupt and the generation. To be called after the change, from any thread
    /// that doesn't hold the transport's lock.
    func configurationChanged()
    /// The driver broke the protocol: sets DEVICE_NEEDS_RESET (2.1.1) and tells the driver. Any thread.
    func fail(_ error: VirtQueueError)
}

extension VirtIOSession {
    package var memory: GuestMemory { GuestMemory() }
}
