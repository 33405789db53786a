import CHost
import RISCV
import Testing

/// STA (SBI 3.0, chapter 16).
@Suite("SBI STA")
struct StealTimeTests {
    @Test("what the shared memory has to be")
    func errors() throws {
        let g = try SBIGuest()
        expect(g.call(EID.sta, 0, Guest.data, 0, 1), .invalidParameter)
        for offset in [1, 8, 32, 63] as [UInt64] { expect(g.call(EID.sta, 0, Guest.data + offset, 0, 0), .invalidParameter) }
        for (low, high) in [(0, 0), (0x1000_0000, 0), (Guest.data, 1), (0xFFFF_FFFF_FFFF_FFC0, 0)] as [(UInt64, UInt64)] {
            expect(g.call(EID.sta, 0, low, high, 0), .invalidAddress)
        }
        expect(g.call(EID.sta, 1), .notSupported)
        expect(g.call(EID.sta, 0, ~0, ~0, 0), .success)
    }

    @Test("is zeroed at first, and an even sequence number stands by each value")
    func layout() throws {
        let g = try SBIGuest()
        g.guest.fill(Guest.data - 64, 192, 0xAA)
        expect(g.call(EID.sta, 0, Guest.data, 0, 0), .success)
        #expect(g.guest.bytes(Guest.data, 64) == [UInt8](repeating: 0, count: 64))
        #expect(g.guest[Guest.data - 8] == 0xAAAA_AAAA_AAAA_AAAA && g.guest[Guest.data + 64] == 0xAAAA_AAAA_AAAA_AAAA)
        var last: UInt64 = 0
        for _ in 0..<20 {
            host_sleep_ns(5_000_000)
            expect(g.call(EID.time, 0, ~0), .success)
            let steal = g.guest[Guest.data + 8]
            #expect(steal >= last)
            #expect(g.guest[Guest.data] & 1 == 0 && g.guest[Guest.data] >> 32 == 0)
            last = steal
        }
        // Taken away, it stays as it is.
        expect(g.call(EID.sta, 0, ~0, ~0, 0), .success)
        g.guest[Guest.data + 8] = 0x1234
        host_sleep_ns(5_000_000)
        expect(g.call(EID.time, 0, ~0), .success)
        #expect(g.guest[Guest.data + 8] == 0x1234)
    }
}
