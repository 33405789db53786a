import GuestMemory
import Testing

@Suite struct GuestMemoryTests {
    let base: UInt64 = 0x8000_0000

    @Test func readsWhatWasWrittenAtEveryAlignment() throws {
        let memory = GuestMemory()
        try memory.addRAM(base: base, size: 0x4000)
        for offset: UInt64 in 0..<9 {
            try memory.write(0x0123_4567_89AB_CDEF as UInt64, at: base + 0xFFC + offset)
            #expect(try memory.read(base + 0xFFC + offset, as: UInt64.self) == 0x0123_4567_89AB_CDEF)
            #expect(try memory.read(base + 0xFFC + offset, as: UInt8.self) == 0xEF)
        }
    }

    @Test(arguments: [
        (0x7FFF_FFFF, 1), (0x8000_3FFF, 2), (0x8000_4000, 1), (UInt64.max, 1), (UInt64.max - 3, 8),
        (0x8000_0000, UInt64.max), (0, 0x9000_0000),
    ] as [(UInt64, UInt64)])
    func refusesRangesThatLeaveRAM(_ address: UInt64, _ count: UInt64) throws {
        let memory = GuestMemory()
        try memory.addRAM(base: base, size: 0x4000)
        #expect(memory.pointer(address, count: count) == nil)
    }

    @Test func writesAllOrNothing() throws {
        let memory = GuestMemory()
        try memory.addRAM(base: base, size: 0x1000)
        #expect(throws: GuestMemoryError.outOfRange(address: base + 0xFFE, count: 4)) {
            try memory.write([1, 2, 3, 4], at: base + 0xFFE)
        }
        #expect(try memory.bytes(base + 0xFFE, count: 2) == [0, 0])
    }

    /// With or without pages that the host has reserved, memory or a refusal, and never a fault.
    @Test func hugePagesAreThereOrRefused() throws {
        let memory = GuestMemory()
        #expect(throws: GuestMemoryError.badSlot(base: base, size: 0x1000)) {
            try memory.addRAM(base: base, size: 0x1000, hugePages: true)
        }
        do throws(GuestMemoryError) {
            try memory.addRAM(base: base, size: 4 << 20, hugePages: true)
            try memory.write(7 as UInt64, at: base + (4 << 20) - 8)
            #expect(try memory.read(base + (4 << 20) - 8, as: UInt64.self) == 7)
        } catch {
            #expect(error == .hostRefused(size: 4 << 20, errno: 12))
            #expect(memory.slots.isEmpty)
        }
        #expect(throws: GuestMemoryError.hostRefused(size: 1 << 50, errno: 12)) {
            try memory.addRAM(base: 1 << 51, size: 1 << 50, hugePages: true)
        }
    }

    @Test func refusesBadAndOverlappingSlots() throws {
        let memory = GuestMemory()
        try memory.addRAM(base: base, size: 0x2000)
        for (b, s): (UInt64, UInt64) in [(base + 0x1000, 0x1000), (base - 0x1000, 0x2000), (0, 0), (8, 0x1000), (0, 12), (~0xFFF, 0x2000)] {
            #expect(throws: GuestMemoryError.badSlot(base: b, size: s)) { try memory.addRAM(base: b, size: s) }
        }
        try memory.addRAM(base: base + 0x2000, size: 0x1000)
        // Neighbouring slots are not one stretch of host memory.
        #expect(memory.pointer(base + 0x1FFF, count: 2) == nil)
    }

    @Test func reservesMoreThanTheHostHas() throws {
        let memory = GuestMemory()
        try memory.addRAM(base: base, size: 256 << 30)
        try memory.write(7 as UInt32, at: base + (255 << 30))
        #expect(try memory.read(base + (255 << 30), as: UInt32.self) == 7)
        #expect(throws: GuestMemoryError.self) { try memory.addRAM(base: 1 << 55, size: 1 << 54) }
    }
}
