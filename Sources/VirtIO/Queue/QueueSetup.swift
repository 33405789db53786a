import GuestMemory

/// Where the driver put a queue, and how the two of them have agreed to use it.
package struct QueueSetup: Sendable {
    package var index: Int
    /// Descriptors.
    package var size: UInt32
    /// Descriptor area, driver area and device area (virtio 1.2, 2.6), in guest physical addresses.
    package var descriptors: UInt64
    package var driver: UInt64
    package var device: UInt64
    /// What the driver accepted.
    package var features: UInt64
    package var doorbell: Int32

    package init(
        index: Int, size: UInt32, descriptors: UInt64, driver: UInt64, device: UInt64, features: UInt64, doorbell: Int32
    ) {
        self.index = index
        self.size = size
        self.descriptors = descriptors
        self.driver = driver
        self.device = device
        self.features = features
        self.doorbell = doorbell
    }

    /// The queue that this describes: packed if the driver accepted RING_PACKED. Throws when an area isn't
    /// aligned or isn't in RAM, or the size isn't one that the kind of ring can have.
    package func makeQueue(
        _ memory: GuestMemory, interrupt: any QueueInterrupt
    ) throws(VirtQueueError) -> any VirtQueue {
        let memory = QueueMemory(memory)
        if features & TransportFeature.ringPacked != 0 {
            return try PackedQueue(self, memory, interrupt: interrupt)
        }
        return try SplitQueue(self, memory, interrupt: interrupt)
    }
}

/// How a queue tells the driver that buffers were used.
package protocol QueueInterrupt: AnyObject, Sendable {
    /// A used buffer notification (virtio 1.2, 2.3). Any thread.
    func bufferUsed()
}

/// Feature bits that belong to queue and transport rather than to a type of device (virtio 1.2, chapter 6).
package enum TransportFeature {
    /// A descriptor may lead to a table of descriptors.
    package static let indirectDescriptors: UInt64 = 1 << 28
    /// Each side names the index at which it wants to hear from the other.
    package static let eventIndex: UInt64 = 1 << 29
    /// The device complies with virtio 1.0 and later.
    package static let version1: UInt64 = 1 << 32
    package static let ringPacked: UInt64 = 1 << 34
    /// What the transport offers beside a device's own features.
    package static let all = indirectDescriptors | eventIndex | version1 | ringPacked
}
