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
        let g = try SBIGuest()
        let all = UInt64(1) << Self.counters - 1
        expect(g.call(EID.pmu, 2, 0, all, 0, 1, 0), .success, 0)  // cycles
        expect(g.call(EID.pmu, 2, 0, all, 0, 2, 0), .success, 2)  // instructions
        expect(g.call(EID.pmu, 2, 0, all, 0, 1 << 16 | 3 << 3 | 1, 0), .success, 3)  // DTLB read misses
        expect(g.call(EID.pmu, 2, 0, all, 0, 2 << 16, 6), .success, 4)  // raw: walks
        expect(g.call(EID.pmu, 2, 0, all, 0, 15 << 16 | 5, 0), .success, 32)  // set_timer
        expect(g.call(EID.pmu, 2, 33, 1 << 5, 0, 15 << 16 | 6, 0), .success, 38)
        // Taken, unknown, or in no counter of the set.
        expect(g.call(EID.pmu, 2, 0, all, 0, 1, 0), .notSupported)
        for (event, data) in [(0, 0), (3, 0), (1 << 16, 0), (2 << 16, 0), (2 << 16, 9), (15 << 16, 0), (15 << 16 | 14, 0), (4 << 16, 0), (1 << 20, 1)] as [(UInt64, UInt64)] {
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
        let events: [(UInt32, UInt64, Bool)] = [(1, 0, true), (2, 0, true), (3, 0, false), (15 << 16 | 5, 0, true), (2 << 16, 8, true), (2 << 16, 9, false), (1 << 20, 0, false)]
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
