import Devices
import Testing

@Suite struct BusTests {
    @Test func dispatchesByOffset() throws {
        let bus = Bus()
        let low = FakeDevice(answer: 0x11), middle = FakeDevice(answer: 0x22), high = FakeDevice(answer: 0x33)
        // Out of order, and two of them touching.
        try bus.attach(high, base: 0x3000, size: 0x1000)
        try bus.attach(low, base: 0x1000, size: 0x100)
        try bus.attach(middle, base: 0x2000, size: 0x1000)

        #expect(bus.read(0x1000, width: 1) == 0x11)
        #expect(bus.read(0x10FF, width: 1) == 0x11)
        #expect(bus.read(0x2FFC, width: 4) == 0x22)
        #expect(bus.read(0x3000, width: 8) == 0x33)
        bus.write(0x3FF8, width: 8, value: 0xFEDC_BA98_7654_3210)
        #expect(low.accesses.map(\.offset) == [0, 0xFF])
        #expect(middle.accesses == [.init(offset: 0xFFC, width: 4, value: nil)])
        #expect(high.accesses.last == .init(offset: 0xFF8, width: 8, value: 0xFEDC_BA98_7654_3210))
        #expect(bus.unmappedCount == 0)
    }

    @Test func unmappedReadsZeroAndIsCounted() throws {
        let bus = Bus()
        let device = FakeDevice(answer: ~0)
        try bus.attach(device, base: 0x1000, size: 0x10)
        for address: UInt64 in [0, 0xFFF, 0x1010, 0x8000_0000, ~0] {
            #expect(bus.read(address, width: 1) == 0)
            bus.write(address, width: 1, value: 1)
        }
        #expect(device.accesses.isEmpty)
        #expect(bus.unmappedCount == 10)
    }

    @Test func straddlingIsUnmapped() throws {
        let bus = Bus()
        let device = FakeDevice(answer: ~0), next = FakeDevice(answer: ~0)
        try bus.attach(device, base: 0x1000, size: 0x10)
        try bus.attach(next, base: 0x1010, size: 0x10)
        #expect(bus.read(0x100D, width: 4) == 0)
        #expect(bus.read(0x100C, width: 8) == 0)
        #expect(bus.read(0x100F, width: 2) == 0)
        #expect(bus.read(0xFFF, width: 2) == 0)
        #expect(bus.read(0x100C, width: 4) == 0xFFFF_FFFF)
        #expect(device.accesses.count == 1)
        #expect(next.accesses.isEmpty)
    }

    @Test func widthsAreMasked() throws {
        let bus = Bus()
        let device = FakeDevice(answer: ~0)
        try bus.attach(device, base: 0, size: 0x10)
        #expect(bus.read(0, width: 1) == 0xFF)
        #expect(bus.read(0, width: 2) == 0xFFFF)
        #expect(bus.read(0, width: 4) == 0xFFFF_FFFF)
        #expect(bus.read(0, width: 8) == ~0)
        bus.write(0, width: 2, value: ~0)
        #expect(device.accesses.last?.value == 0xFFFF)
        for width in [-1, 0, 3, 5, 16, .min, .max] { #expect(bus.read(0, width: width) == 0) }
        #expect(device.accesses.count == 5)
    }

    @Test func refusesOverlap() throws {
        let bus = Bus()
        try bus.attach(FakeDevice(), base: 0x1000, size: 0x100)
        for (base, size): (UInt64, UInt64) in [(0x1000, 0x100), (0xFFF, 2), (0x10FF, 1), (0x1040, 0x10), (0, 0x1_0000)] {
            #expect(throws: BusError.overlap(base: base, size: size, otherBase: 0x1000, otherSize: 0x100)) {
                try bus.attach(FakeDevice(), base: base, size: size)
            }
        }
        try bus.attach(FakeDevice(), base: 0xFFF, size: 1)
        try bus.attach(FakeDevice(), base: 0x1100, size: 1)
    }

    @Test func refusesBadRanges() throws {
        let bus = Bus()
        #expect(throws: BusError.badRange(base: 0x1000, size: 0)) {
            try bus.attach(FakeDevice(), base: 0x1000, size: 0)
        }
        #expect(throws: BusError.badRange(base: 0xFFFF_FFFF_FFFF_F000, size: 0x1001)) {
            try bus.attach(FakeDevice(), base: 0xFFFF_FFFF_FFFF_F000, size: 0x1001)
        }
        // Up to the very end is fine.
        let device = FakeDevice(answer: 5)
        try bus.attach(device, base: 0xFFFF_FFFF_FFFF_F000, size: 0x1000)
        #expect(bus.read(~0, width: 1) == 5)
        #expect(bus.read(~0, width: 8) == 0)
    }

    @Test func observerSeesEverything() throws {
        final class Observer: BusObserver, @unchecked Sendable {
            var seen: [BusAccess] = []
            func accessed(_ access: BusAccess) { seen.append(access) }
        }
        let bus = Bus()
        let observer = Observer()
        bus.observer = observer
        try bus.attach(FakeDevice(answer: 7), base: 0x1000, size: 0x10)
        _ = bus.read(0x1004, width: 4)
        bus.write(0x2000, width: 1, value: 0x1FF)
        #expect(
            observer.seen == [
                BusAccess(address: 0x1004, width: 4, value: 7, isWrite: false, isMapped: true),
                BusAccess(address: 0x2000, width: 1, value: 0xFF, isWrite: true, isMapped: false),
            ])
    }
}

@Suite struct RegisterAccessTests {
    private struct Reading: Equatable { var value: UInt64, registers: [UInt64] }

    private func read(_ offset: UInt64, _ width: Int) -> Reading {
        var registers: [UInt64] = []
        let value = RegisterAccess.read(offset: offset, width: width) {
            registers.append($0)
            return 0xA000_0000 | UInt32(truncatingIfNeeded: $0)
        }
        return Reading(value: value, registers: registers)
    }

    @Test func wordsAndPairsOfWords() {
        #expect(read(8, 4) == Reading(value: 0xA000_0008, registers: [8]))
        #expect(read(8, 8) == Reading(value: 0xA000_000C_A000_0008, registers: [8, 12]))
        var written: [(UInt64, UInt32)] = []
        RegisterAccess.write(offset: 16, width: 8, value: 0x1111_1111_2222_2222) { written.append(($0, $1)) }
        RegisterAccess.write(offset: 4, width: 4, value: 0xFFFF_FFFF_3333_3333) { written.append(($0, $1)) }
        #expect(written.map(\.0) == [16, 20, 4])
        #expect(written.map(\.1) == [0x2222_2222, 0x1111_1111, 0x3333_3333])
    }

    @Test func othersReachNothing() {
        for (offset, width): (UInt64, Int) in [(0, 1), (3, 1), (0, 2), (2, 2), (2, 4), (1, 4), (4, 8), (1, 8), (~0, 8)] {
            #expect(read(offset, width) == Reading(value: 0, registers: []))
            RegisterAccess.write(offset: offset, width: width, value: ~0) { _, _ in Issue.record("reached a register") }
        }
    }
}
