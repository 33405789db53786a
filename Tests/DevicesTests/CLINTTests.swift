import Devices
import ExecutionEngine
import Testing

/// Remembers what the CLINT says to the harts.
private final class FakeHarts: MachineLevel, @unchecked Sendable {
    var time: UInt64 = 0x1122_3344_5566_7788
    var timers: [Int: UInt64] = [:]
    var software: [Int: Bool] = [:]

    func setTime(_ ticks: UInt64) { time = ticks }
    func setTimer(hart: Int, to ticks: UInt64) { timers[hart] = ticks }
    func setInterrupt(_ line: MachineInterrupt, hart: Int, _ level: Bool) {
        if case .software = line { software[hart] = level }
    }
}

@Suite struct CLINTTests {
    private let harts = FakeHarts()
    private let clint: CLINT

    init() { clint = CLINT(harts: harts, count: 3) }

    @Test func softwareInterruptsAreBit0OfAWordEach() {
        clint.write(offset: 8, width: 4, value: 0xFFFF_FFFF)
        #expect(harts.software == [2: true])
        #expect(clint.read(offset: 8, width: 4) == 1)
        #expect(clint.read(offset: 4, width: 4) == 0)
        clint.write(offset: 8, width: 4, value: 0xFFFF_FFFE)
        #expect(harts.software == [2: false])
        #expect(clint.read(offset: 8, width: 4) == 0)
    }

    @Test func eightBytesAreTwoHarts() {
        clint.write(offset: 0, width: 8, value: 1 << 32)
        #expect(harts.software == [0: false, 1: true])
        #expect(clint.read(offset: 0, width: 8) == 1 << 32)
    }

    @Test func timersReadAsWrittenInBothWidths() {
        #expect(clint.read(offset: 0x4000, width: 8) == ~0)
        clint.write(offset: 0x4008, width: 8, value: 0x0102_0304_0506_0708)
        #expect(harts.timers == [1: 0x0102_0304_0506_0708])
        #expect(clint.read(offset: 0x4008, width: 4) == 0x0506_0708)
        #expect(clint.read(offset: 0x400C, width: 4) == 0x0102_0304)
        clint.write(offset: 0x400C, width: 4, value: 0xAABB_CCDD)
        #expect(harts.timers == [1: 0xAABB_CCDD_0506_0708])
        clint.write(offset: 0x4008, width: 4, value: 9)
        #expect(clint.read(offset: 0x4008, width: 8) == 0xAABB_CCDD_0000_0009)
    }

    @Test func timeIsTheHartsAndWritable() {
        #expect(clint.read(offset: 0xBFF8, width: 8) == 0x1122_3344_5566_7788)
        #expect(clint.read(offset: 0xBFFC, width: 4) == 0x1122_3344)
        clint.write(offset: 0xBFF8, width: 4, value: 5)
        #expect(harts.time == 0x1122_3344_0000_0005)
        clint.write(offset: 0xBFF8, width: 8, value: 7)
        #expect(harts.time == 7)
    }

    /// Harts that don't exist, odd widths and odd places: nothing happens.
    @Test func theRestIsEmpty() {
        for offset in stride(from: 0 as UInt64, to: 0x1_0000, by: 1) {
            for width in [1, 2, 4, 8] where offset & UInt64(width - 1) != 0 || width < 4 {
                #expect(clint.read(offset: offset, width: width) == 0)
                clint.write(offset: offset, width: width, value: ~0)
            }
        }
        for offset: UInt64 in [0xC, 0x3FF8, 0x4018, 0xBFF0, 0xC000, 0xFFF8] {
            clint.write(offset: offset, width: 8, value: ~0)
            clint.write(offset: offset, width: 4, value: ~0)
            #expect(clint.read(offset: offset, width: 8) == 0)
        }
        #expect(harts.timers.isEmpty && harts.software.isEmpty)
        #expect(harts.time == 0x1122_3344_5566_7788)
    }
}
