import CHost
import GuestMemory

/// A packed virtqueue (virtio 1.2, 2.8) from the device's side: one ring, in which the driver makes descriptors
/// available and the device overwrites them with used ones.
final class PackedQueue: VirtQueue, @unchecked Sendable {
    let index: Int
    let size: Int
    let doorbell: Int32

    private let interrupt: any QueueInterrupt
    private let hasIndirect: Bool
    private let hasEventIndex: Bool
    private let ring: UnsafeMutableRawPointer
    /// Event suppression structures: the one the driver writes and the one the device writes (2.8.10).
    private let driverEvent: UnsafeMutableRawPointer
    private let deviceEvent: UnsafeMutableRawPointer
    private var builder: ChainBuilder

    /// Where the next available descriptor is expected, and where the last pop began.
    private var next = Position()
    private var beforePop = Position()
    /// Where the next used descriptor goes.
    private var used = Position()
    /// Descriptors of buffers that are popped and not pushed.
    private var outstanding = 0
    private var lastPopped = 0
    /// Descriptors pushed over since the last signal.
    private var unsignalled = 0
    private var isBroken = false

    /// A place in the ring and the lap's parity, "wrap counter" (2.8.1).
    private struct Position {
        var slot = 0
        var wrap = true

        mutating func advance(by count: Int, size: Int) {
            slot &+= count
            if slot >= size {
                slot &-= size
                wrap.toggle()
            }
        }
    }

    private enum Flag {
        static let available: UInt16 = 1 << 7
        static let used: UInt16 = 1 << 15
    }

    /// RING_EVENT_FLAGS: the wishes of an event suppression structure.
    private enum Event {
        static let enable: UInt16 = 0
        static let disable: UInt16 = 1
        static let descriptor: UInt16 = 2
    }

    /// Any size up to 32768; alignments and lengths of the areas are those of 2.8.
    init(_ setup: QueueSetup, _ memory: QueueMemory, interrupt: any QueueInterrupt) throws(VirtQueueError) {
        guard setup.size > 0, setup.size <= 1 << 15 else { throw .badIndex(UInt16(clamping: setup.size)) }
        index = setup.index
        size = Int(setup.size)
        doorbell = setup.doorbell
        self.interrupt = interrupt
        hasIndirect = setup.features & TransportFeature.indirectDescriptors != 0
        hasEventIndex = setup.features & TransportFeature.eventIndex != 0
        ring = try memory.area(setup.descriptors, count: 16 * UInt64(setup.size), alignment: 16, writable: true)
        driverEvent = try memory.area(setup.driver, count: 4, alignment: 4, writable: false)
        deviceEvent = try memory.area(setup.device, count: 4, alignment: 4, writable: true)
        builder = ChainBuilder(memory)
    }

    func pop() throws(VirtQueueError) -> DescriptorChain? {
        guard !isBroken, isAvailable(next) else { return nil }
        do throws(VirtQueueError) {
            let (chain, count) = try chain(at: next.slot)
            beforePop = next
            lastPopped = count
            outstanding &+= count
            next.advance(by: count, size: size)
            return chain
        } catch {
            isBroken = true
            throw error
        }
    }

    func unpop() {
        next = beforePop
        outstanding &-= lastPopped
    }

    func push(_ chain: DescriptorChain, written: Int) {
        let place = ring + Descriptor.size * used.slot
        let count = Int(chain.token >> 16)
        host_store_relaxed_32(place + 8, UInt32(clamping: written))
        host_store_relaxed_16(place + 12, UInt16(truncatingIfNeeded: chain.token))
        var flags = used.wrap ? Flag.available | Flag.used : 0
        if written > 0 { flags |= DescriptorFlag.write }
        // Length and id are out before the flags that say so.
        host_store_release_16(place + 14, flags)
        used.advance(by: count, size: size)
        outstanding &-= count
        unsignalled &+= count
    }

    func signal() {
        guard unsignalled > 0 else { return }
        // The flags have to be out before the driver's wish is read: the driver writes its wish, then looks at
        // the flags again.
        host_fence_full()
        let wish = host_load_relaxed_32(driverEvent)
        let wanted: Bool =
            switch UInt16(truncatingIfNeeded: wish >> 16) & 3 {
            case Event.disable: false
            case Event.descriptor where hasEventIndex: hasPassed(UInt16(truncatingIfNeeded: wish))
            default: true
            }
        unsignalled = 0
        if wanted { interrupt.bufferUsed() }
    }

    @discardableResult
    func wantNotifications(_ wanted: Bool) -> Bool {
        guard !isBroken else { return false }
        guard wanted else {
            setEvent(Event.disable)
            return false
        }
        setEvent(hasEventIndex ? Event.descriptor : Event.enable)
        // The driver writes its flags, then reads our wish; we do it the other way round.
        host_fence_full()
        return isAvailable(next)
    }

    /// Offset and wrap counter in the low half, flags in the high one: one store, so that the driver sees both.
    private func setEvent(_ flags: UInt16) {
        let place = UInt32(truncatingIfNeeded: next.slot) | (next.wrap ? 1 << 15 : 0)
        host_store_relaxed_32(deviceEvent, UInt32(flags) << 16 | place)
    }

    /// Whether the descriptor that the driver wants to hear of is among those pushed since the last signal.
    private func hasPassed(_ event: UInt16) -> Bool {
        if unsignalled >= size { return true }
        let slot = Int(event & 0x7FFF)
        let lap = (event & 0x8000 != 0) == used.wrap ? 0 : size
        let distance = used.slot &+ lap &- slot
        return distance > 0 && distance <= unsignalled
    }

    /// A descriptor is available when AVAIL is the lap's parity and USED isn't (2.8.1).
    private func isAvailable(_ position: Position) -> Bool {
        let flags = host_load_acquire_16(ring + (Descriptor.size * position.slot + 14))
        return (flags & Flag.available != 0) == position.wrap && (flags & Flag.used != 0) != position.wrap
    }

    /// The buffer whose first descriptor is in `slot`, and how many descriptors it takes. The driver makes the
    /// first one available last, so the others are there.
    private func chain(at slot: Int) throws(VirtQueueError) -> (DescriptorChain, Int) {
        builder.begin()
        var slot = slot
        // Descriptors that are out can't be available again.
        for count in 1...size {
            guard count <= size &- outstanding else { throw .badAvailableIndex }
            let descriptor = Descriptor(ring + Descriptor.size * slot)
            let flags = descriptor.fourth
            if flags & DescriptorFlag.indirect != 0 {
                guard hasIndirect, flags & DescriptorFlag.next == 0 else { throw .badDescriptor }
                try follow(try IndirectTable(descriptor, builder.memory))
            } else {
                try builder.add(descriptor.address, descriptor.count, flags)
            }
            if flags & DescriptorFlag.next == 0 {
                // The id is in the last descriptor (2.8.6).
                return (builder.chain(token: UInt32(descriptor.third) | UInt32(count) << 16), count)
            }
            slot = slot &+ 1 == size ? 0 : slot &+ 1
        }
        throw .loop
    }

    /// All entries of an indirect table are the chain, in order (2.8.7).
    private func follow(_ table: IndirectTable) throws(VirtQueueError) {
        guard table.count <= max(size, ChainBuilder.longestIndirect) else { throw .loop }
        for number in 0..<table.count {
            let descriptor = Descriptor(table.place + Descriptor.size * number)
            guard descriptor.fourth & DescriptorFlag.indirect == 0 else { throw .badDescriptor }
            try builder.add(descriptor.address, descriptor.count, descriptor.fourth)
        }
    }
}
