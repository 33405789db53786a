/// What a driver did wrong with a queue.
package enum VirtQueueError: Error, Equatable, Sendable {
    /// A ring or a buffer isn't in RAM, or runs over a slot's end.
    case outsideMemory(address: UInt64, count: UInt64)
    /// An index or a descriptor number beyond the queue's size.
    case badIndex(UInt16)
    /// A chain that comes back to itself, or is longer than the queue.
    case loop
    /// A device-readable descriptor after a device-writable one, a nested indirect table, a table whose length
    /// isn't a multiple of 16, and other things that 2.7 and 2.8 forbid.
    case badDescriptor
    /// The available index ran backwards, or more buffers are out than the queue has descriptors.
    case badAvailableIndex
    /// The device type's own rules were broken: a request without its header or its status byte.
    case badRequest
}

/// A stretch of a buffer: host memory that is the guest's, which may change under the reader.
package struct BufferSegment: @unchecked Sendable {
    package let base: UnsafeMutableRawPointer
    package let count: Int
    package init(base: UnsafeMutableRawPointer, count: Int) {
        self.base = base
        self.count = count
    }
}

/// One buffer that the driver made available: checked, with the device-readable part before the
/// device-writable one. Segments are never empty; all of them lie in RAM.
package struct DescriptorChain: Sendable {
    /// What the queue needs to hand the buffer back.
    package let token: UInt32
    package let readable: [BufferSegment]
    package let writable: [BufferSegment]
    /// Sums of the segments' lengths; they don't overflow, for a chain that sums to 4 GiB or more is refused.
    package let readableCount: Int
    package let writableCount: Int

    package init(token: UInt32, readable: [BufferSegment], writable: [BufferSegment]) {
        self.token = token
        self.readable = readable
        self.writable = writable
        readableCount = readable.reduce(0) { $0 &+ $1.count }
        writableCount = writable.reduce(0) { $0 &+ $1.count }
    }
}

/// One virtqueue, split or packed (virtio 1.2, 2.7 and 2.8), from the device's side.
///
/// One thread at a time uses a queue; different queues are independent. `push` and `signal` may come from
/// another thread than `pop` when the device keeps them apart with a lock of its own.
package protocol VirtQueue: AnyObject, Sendable {
    var index: Int { get }
    /// Descriptors, as the driver chose.
    var size: Int { get }
    /// An eventfd that becomes readable when the driver notifies; the device reads it.
    var doorbell: Int32 { get }
    /// The next available buffer, or nil when there is none. A queue that has thrown is dead: from then on it
    /// answers nil until the driver resets the device.
    func pop() throws(VirtQueueError) -> DescriptorChain?
    /// Puts the buffer last popped back: the next `pop` gives it again. For a back end that is full. Only
    /// before another `pop`.
    func unpop()
    /// Hands a buffer back with `written` bytes in its writable part. Not seen as an interrupt until `signal`.
    func push(_ chain: DescriptorChain, written: Int)
    /// Interrupts the driver if it wants to hear of what was pushed since the last signal.
    func signal()
    /// Says whether the driver shall notify. `true` while the device waits on the doorbell; the result of
    /// turning it on is whether buffers have come meanwhile, and then the device has to look again.
    @discardableResult
    func wantNotifications(_ wanted: Bool) -> Bool
}
