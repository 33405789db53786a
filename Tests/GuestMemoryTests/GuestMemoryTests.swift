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

@Suite struct MovableSlotTests {
    let base: UInt64 = 0x8000_0000

    @Test func movesWithItsContents() throws {
        let memory = GuestMemory()
        try memory.addRAM(base: base, size: 0x2000)
        try memory.addRAM(base: base + 0x2000, size: 0x1000)
        try memory.write(7 as UInt64, at: base + 0x1000)
        try memory.moveSlot(0, to: nil)
        #expect(memory.pointer(base, count: 1) == nil && memory.writablePointer(base, count: 1) == nil)
        // Its place is free.
        try memory.moveSlot(1, to: base)
        #expect(throws: GuestMemoryError.badSlot(base: base, size: 0x2000)) { try memory.moveSlot(0, to: base) }
        #expect(throws: GuestMemoryError.badSlot(base: 8, size: 0x2000)) { try memory.moveSlot(0, to: 8) }
        #expect(throws: GuestMemoryError.noSuchSlot(2)) { try memory.moveSlot(2, to: nil) }
        #expect(memory.pointer(base + 0x1000, count: 8) == nil)
        try memory.moveSlot(0, to: base + 0x1000)
        #expect(try memory.read(base + 0x2000, as: UInt64.self) == 7)
        // A step that overlaps its old place.
        try memory.moveSlot(0, to: base + 0x2000)
        #expect(try memory.read(base + 0x3000, as: UInt64.self) == 7)
    }

    @Test func notesThePagesOfWrites() throws {
        let memory = GuestMemory()
        try memory.addRAM(base: base, size: 70 << 12)
        #expect(memory.takeWrites(0) == nil)
        try memory.logWrites(0, true)
        #expect(memory.takeWrites(0) == [0, 0])
        #expect(memory.notedPointer(base + 0xFFF, count: 2) == memory.pointer(base + 0xFFF, count: 2))
        _ = memory.notedPointer(base + 69 << 12, count: 4096)
        _ = memory.writablePointer(base + 8 << 12, count: 8)
        try memory.logWrites(0, true)
        #expect(memory.takeWrites(0) == [3, 1 << 5])
        #expect(memory.takeWrites(0) == [0, 0])
        try memory.logWrites(0, false)
        #expect(memory.takeWrites(0) == nil && memory.takeWrites(1) == nil)
        #expect(throws: GuestMemoryError.noSuchSlot(1)) { try memory.logWrites(1, true) }
    }
}
