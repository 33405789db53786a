import CHost
import GuestMemory
import VirtIO

/// A queue without a transport: rings in memory with canaries, for tests that pop and push by themselves.
final class DirectQueue {
    final class Interrupts: QueueInterrupt, @unchecked Sendable {
        var count = 0
        func bufferUsed() { count += 1 }
    }

    let canaries: CanaryMemory
    let ram: MockMemory
    let queue: any VirtQueue
    let interrupts = Interrupts()
    let packed: Bool
    let size: Int
    let areas: (descriptors: UInt64, driver: UInt64, device: UInt64)
    /// Free memory in the low slot.
    let data = CanaryMemory.low + 0x10000

    init(packed: Bool, size: Int = 8, features: UInt64 = 0) throws {
        canaries = try CanaryMemory()
        ram = MockMemory(memory: canaries.memory)
        self.packed = packed
        self.size = size
        let driver = CanaryMemory.low + 16 * UInt64(size)
        areas = (CanaryMemory.low, driver, packed ? driver + 4 : (driver + 6 + 2 * UInt64(size) + 3) & ~3)
        queue = try QueueSetup(
            index: 0, size: UInt32(size), descriptors: areas.descriptors, driver: areas.driver, device: areas.device,
            features: features | (packed ? TransportFeature.ringPacked : 0), doorbell: -1
        ).makeQueue(canaries.memory, interrupt: interrupts)
    }

    /// One raw descriptor: `next` counts in a split ring only, and in a packed one the flags gain AVAIL.
    func descriptor(_ slot: Int, _ address: UInt64, _ count: UInt32, _ flags: UInt16, next: UInt16 = 0) {
        let place = areas.descriptors + 16 * UInt64(slot)
        if packed {
            ram.describe(place, address, count, UInt16(slot), flags | 1 << 7)
        } else {
            ram.describe(place, address, count, flags, next)
        }
    }

    /// Moves the available index of a split ring, whose entries are 0, 1, 2...
    func available(_ index: UInt16) {
        guard !packed else { return }
        for i in 0..<size { ram.store16(areas.driver + 4 + 2 * UInt64(i), UInt16(i)) }
        ram.store16(areas.driver + 2, index)
    }
}
