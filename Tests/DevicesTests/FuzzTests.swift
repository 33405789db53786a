import Devices
import Testing

/// A million random accesses to each device: any width, offsets in and out of it, any value. What is tested is that
/// none of them stops the process, so the suite has to run with traps on, as release builds do.
@Suite struct FuzzTests {
    private static let rounds = 1_000_000

    /// `size` bytes of device. Of five offsets three are inside and aligned to the width, one is anywhere up to
    /// twice the size, and one is anywhere at all.
    private func fuzz(_ device: any MMIODevice, size: UInt64, seed: UInt64, also: (inout SeededGenerator) -> Void = { _ in }) {
        var random = SeededGenerator(seed: seed)
        let widths = [1, 2, 4, 8]
        for _ in 0..<Self.rounds {
            let bits = random.next()
            let width = widths[Int(bits & 3)]
            let offset: UInt64
            switch bits >> 2 & 7 {
            case 0: offset = random.next()
            case 1: offset = random.next() % (2 * size)
            case 2: offset = 0 &- random.next() % 16
            default: offset = random.next() % size & ~UInt64(width - 1)
            }
            if bits >> 5 & 1 == 0 {
                _ = device.read(offset: offset, width: width)
            } else {
                device.write(offset: offset, width: width, value: bits >> 6 & 1 == 0 ? random.next() : random.next() % 256)
            }
            if bits >> 7 & 15 == 0 { also(&random) }
        }
        // A device has to answer nonsense widths as well, whoever asks.
        for width in [0, -1, 3, 16, .min, .max] {
            for offset: UInt64 in [0, 1, size - 1, size, ~0] {
                _ = device.read(offset: offset, width: width)
                device.write(offset: offset, width: width, value: ~0)
            }
        }
    }

    @Test func uart() {
        let line = FakeLine()
        let uart = UART16550(line: line, sink: FakeSink())
        var received = 0
        let input = [UInt8](repeating: 0x5A, count: 40)
        fuzz(uart, size: 8, seed: 0xA1) { random in
            let count = Int(random.next() % 41)
            let taken = input[..<count].withUnsafeBytes { uart.receive($0) }
            #expect(taken >= 0 && taken <= min(count, 16))
            received += taken
        }
        #expect(received > 1_000)
        // Still a UART afterwards.
        uart.reset()
        #expect(uart.read(offset: 5, width: 1) == 0x60)
    }

    @Test func plic() {
        for (contexts, seed): (Int, UInt64) in [(2, 0xB1), (128, 0xB2)] {
            let c = Controller(contexts: contexts)
            fuzz(c.plic, size: 0x20_0000 + 0x1000 * UInt64(contexts), seed: seed) { random in
                let source = Int(random.next() % 95) + 1
                random.next() & 1 == 0 ? c.raise(source) : c.lower(source)
            }
            c.plic.reset()
            for source in 1...95 { c.lower(source) }
            c.set(up: 95)
            while c.claim(1) != 0 { c.complete(1, 95) }
            c.raise(95)
            #expect(c.claim(1) == 95)
        }
    }

    @Test func plicDense() {
        // Most random offsets hit nothing in that large a map; here every one hits something.
        let c = Controller(contexts: 4)
        var random = SeededGenerator(seed: 0xB3)
        let blocks: [(UInt64, UInt64)] = [(0, 0x190), (0x1000, 0x10), (0x2000, 0x200), (0x20_0000, 8), (0x20_1000, 8), (0x20_3000, 8)]
        for _ in 0..<Self.rounds {
            let (base, size) = blocks[Int(random.next() % 6)]
            let offset = base + random.next() % (size / 4) * 4
            let bits = random.next()
            if bits & 1 == 0 { _ = c.get(offset) } else { c.put(offset, UInt32(truncatingIfNeeded: bits >> 8) & (bits & 2 == 0 ? ~0 : 0x7F)) }
            if bits & 4 == 0 { bits & 8 == 0 ? c.raise(Int(bits >> 40 % 95) % 95 + 1) : c.lower(Int(bits >> 40 % 95) % 95 + 1) }
        }
        #expect(c.wires.contains { $0.calls > 100 })
    }

    @Test(arguments: [false, true])
    func aplic(messages: Bool) throws {
        let r = try APLICRig(messages: messages, hasMachineLevel: true, harts: 64)
        for (domain, seed): (DomainRegisters, UInt64) in [(r.root, 0xB4), (r.leaf, 0xB5)] {
            fuzz(domain.device, size: 0x4800, seed: seed) { random in
                let bits = random.next()
                r.wire(Int(bits % 96) + 1, bits >> 32 & 1 == 0)
                if bits >> 40 & 15 == 0 { r.root.sourcecfg(Int(bits >> 48 % 96) % 96 + 1, bits >> 41 & 1 == 0 ? 0x400 : 6) }
            }
        }
        // Still an APLIC afterwards.
        r.aplic.reset()
        for source in 1...96 { r.lower(source) }
        _ = r.inbox.take()
        r.root.domaincfg = 0x100
        r.root.idelivery(63, 1)
        r.root.set(up: 96, mode: .level1, target: 63 << 18 | 5)
        r.raise(96)
        if messages {
            #expect(r.inbox.take() == [.init(address: 0, data: 5)])
        } else {
            #expect(r.root.claimi(63) == 96 << 16 | 5)
            #expect(r.machineWires[63].level)
        }
    }

    @Test func rtc() {
        let clock = FakeClock(time: 1 << 60)
        let line = FakeLine()
        let rtc = GoldfishRTC(line: line, clock: clock)
        fuzz(rtc, size: 0x20, seed: 0xC1) { random in clock.advance(by: random.next() >> (random.next() % 64)) }
        #expect(line.edges.count > 100)
        rtc.reset()
        #expect(rtc.read(offset: 0, width: 8) == clock.time)
    }

    @Test func finisher() {
        let delegate = FinisherTests.Delegate()
        fuzz(TestFinisher(delegate: delegate), size: 4, seed: 0xD1)
    }

    @Test func bus() throws {
        let bus = Bus()
        let line = FakeLine()
        try bus.attach(UART16550(line: line, sink: FakeSink()), base: 0, size: 0x100)
        try bus.attach(PLIC(wires: [line, line]), base: 0x1000, size: 0x60_0000)
        try bus.attach(TestFinisher(delegate: FinisherTests.Delegate()), base: 0xFFFF_FFFF_FFFF_F000, size: 0x1000)
        final class Shim: MMIODevice, Sendable {
            let bus: Bus
            init(_ bus: Bus) { self.bus = bus }
            func read(offset: UInt64, width: Int) -> UInt64 { bus.read(offset, width: width) }
            func write(offset: UInt64, width: Int, value: UInt64) { bus.write(offset, width: width, value: value) }
        }
        fuzz(Shim(bus), size: 0x70_0000, seed: 0xE1)
        #expect(bus.unmappedCount > 1_000)
    }
}
