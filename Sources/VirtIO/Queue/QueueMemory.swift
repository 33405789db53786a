import GuestMemory

/// Guest RAM as queues look at it: what a driver's addresses mean.
struct QueueMemory: Sendable {
    private struct Slot: @unchecked Sendable {
        let slot: MemorySlot
    }

    private let slots: [Slot]

    init(_ memory: GuestMemory) { slots = memory.slots.map(Slot.init) }

    /// A ring or a table: `count` contiguous bytes at a multiple of `alignment`, all in one slot.
    func area(
        _ address: UInt64, count: UInt64, alignment: UInt64, writable: Bool
    ) throws(VirtQueueError) -> UnsafeMutableRawPointer {
        guard address & (alignment &- 1) == 0 else { throw .outsideMemory(address: address, count: count) }
        for entry in slots where entry.slot.contains(address, count) {
            if writable, entry.slot.readOnly { break }
            return entry.slot.host + Int(truncatingIfNeeded: address &- entry.slot.base)
        }
        throw .outsideMemory(address: address, count: count)
    }

    /// Appends the host's view of a buffer to `segments`: one segment, or several where it runs over from one
    /// slot into the slot behind, whose host memory is somewhere else.
    func append(
        _ address: UInt64, count: UInt32, writable: Bool, to segments: inout [BufferSegment]
    ) throws(VirtQueueError) {
        var address = address
        var left = UInt64(count)
        while left > 0 {
            guard let entry = slots.first(where: { $0.slot.contains(address, 1) }), !(writable && entry.slot.readOnly)
            else { throw .outsideMemory(address: address, count: left) }
            let offset = address &- entry.slot.base
            let part = min(left, entry.slot.size &- offset)
            segments.append(
                BufferSegment(
                    base: entry.slot.host + Int(truncatingIfNeeded: offset), count: Int(truncatingIfNeeded: part)))
            left &-= part
            // Wraps only at the end of the address space, where no slot begins again unless one is at 0.
            let (next, wraps) = address.addingReportingOverflow(part)
            if wraps, left > 0 { throw .outsideMemory(address: address, count: left) }
            address = next
        }
    }
}
