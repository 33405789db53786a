import CHost

/// Flags of a descriptor; the same bits in both kinds of ring (virtio 1.2, 2.7.5 and 2.8.1).
enum DescriptorFlag {
    static let next: UInt16 = 1
    static let write: UInt16 = 2
    static let indirect: UInt16 = 4
}

/// Turns the descriptors of one chain into a `DescriptorChain`, and refuses what the specification forbids.
///
/// Lives as long as its queue, so that a chain costs no more than the two arrays it ends up in.
struct ChainBuilder {
    /// Most descriptors that a chain may have through an indirect table. The specification's limit is the queue
    /// size (2.7.5.3.1), but Linux goes beyond it on short queues; this is as far as QEMU follows.
    static let longestIndirect = 1024

    let memory: QueueMemory
    private var segments: [BufferSegment] = []
    /// How many of `segments` are readable; the writable ones follow.
    private var readableSegments = 0
    private var hasWritable = false
    private var total: UInt64 = 0

    init(_ memory: QueueMemory) { self.memory = memory }

    mutating func begin() {
        segments.removeAll(keepingCapacity: true)
        readableSegments = 0
        hasWritable = false
        total = 0
    }

    /// A buffer of `count` bytes. An empty one names no memory: the specification doesn't forbid it, and there
    /// is nothing in it that could be outside, so it is passed over whatever its address.
    mutating func add(_ address: UInt64, _ count: UInt32, _ flags: UInt16) throws(VirtQueueError) {
        let isWritable = flags & DescriptorFlag.write != 0
        // "The driver MUST place any device-writable descriptor elements after any device-readable" (2.7.4.2).
        if hasWritable, !isWritable { throw .badDescriptor }
        hasWritable = isWritable
        total &+= UInt64(count)
        // No chain may be longer than 2^32 bytes (2.7.5); and `written` has 32 bits.
        guard total < 1 << 32 else { throw .badDescriptor }
        try memory.append(address, count: count, writable: isWritable, to: &segments)
        if !isWritable { readableSegments = segments.count }
    }

    func chain(token: UInt32) -> DescriptorChain {
        DescriptorChain(
            token: token, readable: Array(segments[..<readableSegments]), writable: Array(segments[readableSegments...]))
    }
}

/// One descriptor as it was when it was read: guest memory, which changes at will, is looked at once.
struct Descriptor {
    let address: UInt64
    let count: UInt32
    /// Split ring: flags. Packed ring: buffer id.
    let third: UInt16
    /// Split ring: next. Packed ring: flags.
    let fourth: UInt16

    static let size = 16

    /// At any alignment: an indirect table may have any.
    @inline(__always)
    init(_ place: UnsafeRawPointer) {
        address = host_load_once_64(place)
        let rest = host_load_once_64(place + 8)
        count = UInt32(truncatingIfNeeded: rest)
        third = UInt16(truncatingIfNeeded: rest >> 32)
        fourth = UInt16(truncatingIfNeeded: rest >> 48)
    }
}

/// An indirect table: an array of descriptors in guest memory.
struct IndirectTable {
    let place: UnsafeMutableRawPointer
    let count: Int

    init(_ descriptor: Descriptor, _ memory: QueueMemory) throws(VirtQueueError) {
        let bytes = UInt64(descriptor.count)
        guard bytes > 0, bytes % UInt64(Descriptor.size) == 0 else { throw .badDescriptor }
        place = try memory.area(descriptor.address, count: bytes, alignment: 1, writable: false)
        count = Int(truncatingIfNeeded: bytes) / Descriptor.size
    }
}
