import CHost
import GuestMemory

/// A split virtqueue (virtio 1.2, 2.7) from the device's side.
final class SplitQueue: VirtQueue, @unchecked Sendable {
    let index: Int
    let size: Int
    let doorbell: Int32

    private let interrupt: any QueueInterrupt
    private let hasIndirect: Bool
    private let hasEventIndex: Bool
    private let table: UnsafeMutableRawPointer
    private let available: AvailableRing
    private let used: UsedRing
    private var builder: ChainBuilder

    /// The available index up to which buffers were popped, and the one up to which the driver is known to have
    /// filled the ring.
    private var popped: UInt16 = 0
    private var filled: UInt16 = 0
    /// The used index, which only the device writes.
    private var pushed: UInt16 = 0
    /// Buffers pushed since the last signal.
    private var unsignalled = 0
    private var isBroken = false

    /// The ring that the driver writes (2.7.6).
    private struct AvailableRing {
        let base: UnsafeMutableRawPointer
        let mask: UInt16
        var flags: UInt16 { host_load_relaxed_16(base) }
        /// Everything that the driver did before it moved the index is seen after this.
        var index: UInt16 { host_load_acquire_16(base + 2) }
        func entry(_ i: UInt16) -> UInt16 { host_load_relaxed_16(base + 4 + 2 * Int(i & mask)) }
        var usedEvent: UInt16 { host_load_relaxed_16(base + 4 + 2 * (Int(mask) + 1)) }
        static let noInterrupt: UInt16 = 1
    }

    /// The ring that the device writes (2.7.8).
    private struct UsedRing {
        let base: UnsafeMutableRawPointer
        let mask: UInt16
        func setFlags(_ flags: UInt16) { host_store_relaxed_16(base, flags) }
        func setIndex(_ index: UInt16) { host_store_release_16(base + 2, index) }
        func setEntry(_ i: UInt16, id: UInt32, count: UInt32) {
            let place = base + 4 + 8 * Int(i & mask)
            host_store_relaxed_32(place, id)
            host_store_relaxed_32(place + 4, count)
        }
        func setAvailableEvent(_ index: UInt16) { host_store_relaxed_16(base + 4 + 8 * (Int(mask) + 1), index) }
        static let noNotify: UInt16 = 1
    }

    /// Sizes are powers of two up to 32768; alignments and lengths of the areas are those of 2.7.
    init(_ setup: QueueSetup, _ memory: QueueMemory, interrupt: any QueueInterrupt) throws(VirtQueueError) {
        guard setup.size > 0, setup.size <= 1 << 15, setup.size & (setup.size &- 1) == 0 else {
            throw .badIndex(UInt16(clamping: setup.size))
        }
        let count = UInt64(setup.size)
        index = setup.index
        size = Int(setup.size)
        doorbell = setup.doorbell
        self.interrupt = interrupt
        hasIndirect = setup.features & TransportFeature.indirectDescriptors != 0
        hasEventIndex = setup.features & TransportFeature.eventIndex != 0
        let mask = UInt16(truncatingIfNeeded: setup.size &- 1)
        table = try memory.area(setup.descriptors, count: 16 * count, alignment: 16, writable: false)
        available = AvailableRing(
            base: try memory.area(setup.driver, count: 6 + 2 * count, alignment: 2, writable: false), mask: mask)
        used = UsedRing(
            base: try memory.area(setup.device, count: 6 + 8 * count, alignment: 4, writable: true), mask: mask)
        builder = ChainBuilder(memory)
    }

    func pop() throws(VirtQueueError) -> DescriptorChain? {
        guard !isBroken else { return nil }
        do throws(VirtQueueError) {
            if popped == filled {
                let index = available.index
                // Buffers that wait and buffers that are out share the same descriptors.
                guard Int(index &- pushed) <= size, Int(index &- popped) <= size else { throw .badAvailableIndex }
                filled = index
                if popped == index { return nil }
            }
            let chain = try chain(at: available.entry(popped))
            popped &+= 1
            return chain
        } catch {
            isBroken = true
            throw error
        }
    }

    func unpop() { popped &-= 1 }

    func push(_ chain: DescriptorChain, written: Int) {
        used.setEntry(pushed, id: chain.token, count: UInt32(clamping: written))
        pushed &+= 1
        used.setIndex(pushed)
        unsignalled &+= 1
    }

    func signal() {
        guard unsignalled > 0 else { return }
        // The index has to be out before the driver's wish is read: the driver writes its wish, then looks at
        // the index again.
        host_fence_full()
        let wanted =
            hasEventIndex
            // Whether the index has moved past used_event since the last signal (2.7.7.2).
            ? unsignalled > 0xFFFF || Int(pushed &- available.usedEvent &- 1) < unsignalled
            : available.flags & AvailableRing.noInterrupt == 0
        unsignalled = 0
        if wanted { interrupt.bufferUsed() }
    }

    @discardableResult
    func wantNotifications(_ wanted: Bool) -> Bool {
        guard !isBroken else { return false }
        guard wanted else {
            // With an event index it is enough not to move it.
            if !hasEventIndex { used.setFlags(UsedRing.noNotify) }
            return false
        }
        if hasEventIndex { used.setAvailableEvent(popped) } else { used.setFlags(0) }
        // The driver moves its index, then reads our wish; we do it the other way round.
        host_fence_full()
        return popped != filled || available.index != popped
    }

    /// Follows the chain that begins with descriptor `head`.
    private func chain(at head: UInt16) throws(VirtQueueError) -> DescriptorChain {
        builder.begin()
        var number = head
        // No chain has more descriptors than the queue: one that goes on beyond has come back to itself.
        for _ in 0..<size {
            guard Int(number) < size else { throw .badIndex(number) }
            let descriptor = Descriptor(table + Descriptor.size * Int(number))
            let flags = descriptor.third
            if flags & DescriptorFlag.indirect != 0 {
                // It ends the chain (2.7.5.3.1); its own WRITE flag means nothing (2.7.5.3.2).
                guard hasIndirect, flags & DescriptorFlag.next == 0 else { throw .badDescriptor }
                try follow(try IndirectTable(descriptor, builder.memory))
                return builder.chain(token: UInt32(head))
            }
            try builder.add(descriptor.address, descriptor.count, flags)
            if flags & DescriptorFlag.next == 0 { return builder.chain(token: UInt32(head)) }
            number = descriptor.fourth
        }
        throw .loop
    }

    /// The chain in an indirect table begins with its first entry.
    private func follow(_ table: IndirectTable) throws(VirtQueueError) {
        var number = 0
        for _ in 0..<min(table.count, max(size, ChainBuilder.longestIndirect)) {
            guard number < table.count else { throw .badIndex(UInt16(truncatingIfNeeded: number)) }
            let descriptor = Descriptor(table.place + Descriptor.size * number)
            let flags = descriptor.third
            guard flags & DescriptorFlag.indirect == 0 else { throw .badDescriptor }
            try builder.add(descriptor.address, descriptor.count, flags)
            if flags & DescriptorFlag.next == 0 { return }
            number = Int(descriptor.fourth)
        }
        throw .loop
    }
}
