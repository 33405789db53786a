import RISCV
import Testing

/// PMU (SBI 3.0, chapter 11).
@Suite("SBI PMU")
struct PerformanceTests {
    private static let counters: UInt64 = 48
    private static let firmware = 32...47 as ClosedRange<UInt64>
    private enum Flag { static let skip: UInt64 = 1, clear: UInt64 = 2, start: UInt64 = 4 }

    @Test("counters and what they are")
    func description() throws {
        let g = try SBIGuest()
        expect(g.call(EID.pmu, 0), .success, Self.counters)
        for n in 0..<Self.counters where n != 1 {
            expect(g.call(EID.pmu, 1, n), .success, n < 32 ? 63 << 12 | 0xC00 + n : 1 << 63, "\(n)")
        }
        for n in [1, Self.counters, 63, 64, ~0] as [UInt64] { expect(g.call(EID.pmu, 1, n), .invalidParameter, nil, "\(n)") }
        for function in [7, 9, 100] as [UInt64] { expect(g.call(EID.pmu, function), .notSupported) }
    }

    @Test("events find the counters that count them")
    func matching() throws {
        let g = try SBIGuest(extensions: .withoutHypervisor.subtracting([.sscofpmf]))
        let all = UInt64(1) << Self.counters - 1
        expect(g.call(EID.pmu, 2, 0, all, 0, 1, 0), .success, 0)  // cycles
        expect(g.call(EID.pmu, 2, 0, all, 0, 2, 0), .success, 2)  // instructions
        expect(g.call(EID.pmu, 2, 0, all, 0, 1 << 16 | 3 << 3 | 1, 0), .success, 3)  // DTLB read misses
        expect(g.call(EID.pmu, 2, 0, all, 0, 2 << 16, 6), .success, 4)  // raw: walks
        expect(g.call(EID.pmu, 2, 0, all, 0, 15 << 16 | 5, 0), .success, 32)  // set_timer
        expect(g.call(EID.pmu, 2, 33, 1 << 5, 0, 15 << 16 | 6, 0), .success, 38)
        // Taken, unknown, or in no counter of the set.
        expect(g.call(EID.pmu, 2, 0, all, 0, 1, 0), .notSupported)
        for (event, data) in [(0, 0), (3, 0), (1 << 16, 0), (2 << 16, 0), (2 << 16, 11), (15 << 16, 0), (15 << 16 | 14, 0), (4 << 16, 0), (1 << 20, 1)] as [(UInt64, UInt64)] {
            expect(g.call(EID.pmu, 2, 0, all, 0, event, data), .notSupported, nil, hex(event))
        }
        expect(g.call(EID.pmu, 2, 0, 7, 0, 15 << 16 | 5, 0), .notSupported)
        for (base, mask) in [(0, 0), (0, ~0), (48, 1), (47, 2), (1 << 32, 1), (~0, 1)] as [(UInt64, UInt64)] {
            expect(g.call(EID.pmu, 2, base, mask, 0, 1, 0), .invalidParameter, nil, "\(base) \(hex(mask))")
        }
        expect(g.call(EID.pmu, 2, 0, all, 1 << 8, 1, 0), .invalidParameter)
        // Skipping the match is for counters that were configured.
        expect(g.call(EID.pmu, 2, 32, 1, Flag.skip, 0, 0), .success, 32)
        expect(g.call(EID.pmu, 2, 40, 1, Flag.skip, 0, 0), .invalidParameter)
    }

    @Test("with Sscofpmf cycles and instructions are counted where they can overflow and be filtered")
    func filtering() throws {
        let g = try SBIGuest(extensions: .hypervisor)
        let all = UInt64(1) << Self.counters - 1
        // SET_VUINH to SET_MINH are bits 3 to 7, in mhpmevent 58 to 62.
        for (n, flag) in [(3, 1 << 3), (4, 1 << 4), (5, 1 << 5), (6, 1 << 6), (7, 1 << 7)] as [(UInt64, UInt64)] {
            expect(g.call(EID.pmu, 2, 0, all, flag, 1 + n & 1, 0), .success, n)
            let selector = g.guest.hart.csr(UInt16(0x320 + n))!
            #expect(selector >> 8 == (flag << 55) >> 8, "\(n): \(hex(selector))")
        }
        // When nothing else is free or asked for, the fixed ones.
        expect(g.call(EID.pmu, 2, 0, 7, 0, 1, 0), .success, 0)
        expect(g.call(EID.pmu, 2, 0, 7, 0, 2, 0), .success, 2)
        expect(g.call(EID.pmu, 2, 0, 7, 0, 2, 0), .notSupported)
    }

    @Test("an overflow reaches S-mode, and a start arms the next", arguments: [1, 2] as [UInt64])
    func overflow(_ event: UInt64) throws {
        let g = try SBIGuest()
        let h = g.guest.hart
        var program = Program()
        program.emit(.jal, imm: 0)
        g.guest.load(program, at: Guest.code + 0x1000)
        program = Program()
        program.emit(.sb, imm: Int32(Guest.trapPort))
        g.guest.load(program, at: Guest.code + 0x2000)
        h[.stvec] = Guest.code + 0x2000
        expect(g.call(EID.pmu, 2, 3, 1, 0, event, 0), .success, 3)
        for _ in 0..<3 {
            expect(g.call(EID.pmu, 3, 3, 1, 1, 0 &- 5000), .success)
            h[.sie] = 1 << 13
            h[.sstatus] = MStatus.SIE
            h[.scause] = 0
            #expect(g.guest.run(from: Guest.code + 0x1000, in: .supervisor, kicks: 4000) == SBIGuest.done)
            #expect(h[.scause] == (1 << 63 | 13) as UInt64)
            #expect(h[.scountovf] == 1 << 3)
            h[.sie] = 0
            expect(g.call(EID.pmu, 4, 3, 1, 0), .success)
            let stopped = h.csr(0xC03)
            _ = g.call(EID.base, 0)
            #expect(h.csr(0xC03) == stopped)
            // Not served yet: a start leaves OF as it is.
            expect(g.call(EID.pmu, 3, 3, 1, 0, 0), .success)
            #expect(h[.scountovf] == 1 << 3)
            expect(g.call(EID.pmu, 4, 3, 1, 0), .success)
            h[.sip] = 0
        }
    }

    @Test("a firmware counter counts from its start to its stop")
    func firmwareEvents() throws {
        let g = try SBIGuest()
        func read() -> UInt64 { g.call(EID.pmu, 5, 32).value }
        expect(g.call(EID.pmu, 2, 32, 1, 0, 15 << 16 | 5, 0), .success, 32)
        _ = g.call(EID.time, 0, ~0)
        #expect(read() == 0)
        expect(g.call(EID.pmu, 3, 32, 1, 0, 0), .success)
        expect(g.call(EID.pmu, 3, 32, 1, 0, 0), .alreadyStarted)
        for _ in 0..<3 { _ = g.call(EID.time, 0, ~0) }
        #expect(read() == 3)
        expect(g.call(EID.pmu, 4, 32, 1, 0), .success)
        expect(g.call(EID.pmu, 4, 32, 1, 0), .alreadyStopped)
        _ = g.call(EID.time, 0, ~0)
        #expect(read() == 3)
        expect(g.call(EID.pmu, 3, 32, 1, 1, 100), .success)
        _ = g.call(EID.time, 0, ~0)
        #expect(read() == 101)
        expect(g.call(EID.pmu, 6, 32), .success, 0)
        for n in [0, 2, 31, 48, ~0] as [UInt64] {
            expect(g.call(EID.pmu, 5, n), .invalidParameter)
            expect(g.call(EID.pmu, 6, n), .invalidParameter)
        }
        for (base, mask) in [(48, 1), (0, 2), (0, ~0)] as [(UInt64, UInt64)] {
            expect(g.call(EID.pmu, 3, base, mask, 0, 0), .invalidParameter)
            expect(g.call(EID.pmu, 4, base, mask, 0), .invalidParameter)
        }
        expect(g.call(EID.pmu, 3, 32, 1, 2, 0), .invalidParameter)
        expect(g.call(EID.pmu, 4, 32, 1, 2), .invalidParameter)
    }

    @Test("IPIs and fences are counted where they are sent and where they arrive")
    func ipis() throws {
        let g = try SBIGuest(harts: 2)
        for (n, code) in [(32, 6), (33, 7), (34, 8), (35, 9)] as [(UInt64, UInt64)] {
            expect(g.call(EID.pmu, 2, n, 1, Flag.clear | Flag.start, 15 << 16 | code, 0), .success, n)
        }
        _ = g.call(EID.ipi, 0, 1, 0)
        _ = g.call(EID.rfence, 0, 1, 0)
        _ = g.call(EID.rfence, 0, 2, 0)
        #expect([32, 33, 34, 35].map { g.call(EID.pmu, 5, $0).value } == [1, 1, 2, 1])
    }

    @Test("cycle and instret stop, start and take values")
    func fixed() throws {
        let g = try SBIGuest()
        let h = g.guest.hart
        expect(g.call(EID.pmu, 4, 0, 5, 0), .success)
        let (cycle, instret) = (h[.cycle], h[.instret])
        _ = g.call(EID.base, 0)
        #expect(h[.cycle] == cycle && h[.instret] == instret)
        expect(g.call(EID.pmu, 3, 2, 1, 1, 1000), .success)
        _ = g.call(EID.base, 0)
        #expect(h[.cycle] == cycle)
        #expect((1001..<1100).contains(h[.instret]))
    }

    @Test("which events can be counted")
    func information() throws {
        let g = try SBIGuest()
        let events: [(UInt32, UInt64, Bool)] = [(1, 0, true), (2, 0, true), (3, 0, false), (15 << 16 | 5, 0, true), (2 << 16, 8, true), (2 << 16, 11, false), (1 << 20, 0, false)]
        for (i, event) in events.enumerated() {
            g.guest[Guest.data + UInt64(i) * 16] = UInt64(event.0) | 0xFFFF_FFFF_0000_0000
            g.guest[Guest.data + UInt64(i) * 16 + 8] = event.1
        }
        expect(g.call(EID.pmu, 8, Guest.data, 0, UInt64(events.count), 0), .success)
        for (i, event) in events.enumerated() {
            #expect(g.guest[Guest.data + UInt64(i) * 16] == UInt64(event.0) | (event.2 ? 1 << 32 : 0))
        }
        expect(g.call(EID.pmu, 8, Guest.data + 8, 0, 1, 0), .invalidParameter)
        expect(g.call(EID.pmu, 8, Guest.data, 0, 0, 0), .invalidParameter)
        expect(g.call(EID.pmu, 8, Guest.data, 0, 1, 1), .invalidParameter)
        for (low, high, count) in [(0, 0, 1), (Guest.data, 1, 1), (Guest.data, 0, 1 << 60), (Guest.base + Guest.ramSize - 16, 0, 2)] as [(UInt64, UInt64, UInt64)] {
            expect(g.call(EID.pmu, 8, low, high, count, 0), .invalidAddress)
        }
    }
}
