import CHost
import Testing

import Interpreter

/// binary16, which has conversions only (Zfhmin).
@Suite struct HalfPrecisionTests {
    /// Every half, from its definition (IEEE 754-2019, 3.4), as a double.
    func value(_ half: UInt64) -> UInt64 {
        let sign = half >> 15, exponent = Int(half >> 10 & 31), fraction = Double(half & 1023)
        let magnitude: Double =
            if exponent == 31 { fraction == 0 ? .infinity : .nan }
            else if exponent == 0 { fraction * 0x1p-24 }
            else { (1 + fraction / 1024) * Double(sign: .plus, exponent: exponent - 15, significand: 1) }
        if magnitude.isNaN { return Width.double.nan }
        return (sign == 1 ? -magnitude : magnitude).bitPattern
    }

    @Test func widening() {
        var tally = Tally()
        for h in UInt64(0)..<65536 {
            let isNaN = h & 0x7FFF > 0x7C00
            let flags: UInt8 = isNaN && h & 0x200 == 0 ? 16 : 0
            let expected = value(h)
            tally.check(SoftFloat.convert16to64(h), FloatResult(expected, flags), hex(h))
            let single = isNaN ? Width.single.nan : UInt64(Float(Double(bitPattern: expected)).bitPattern)
            tally.check(SoftFloat.convert16to32(h), FloatResult(single, flags), hex(h))
            // And back, exactly.
            let back: UInt64 = isNaN ? 0x7E00 : h
            tally.check(SoftFloat.convert64to16(expected, .up), FloatResult(back), hex(h))
            tally.check(SoftFloat.convert32to16(single, .down), FloatResult(back), hex(h))
        }
        #expect(tally.failures.isEmpty)
        #expect(tally.cases == 4 * 65536)
    }

    @Test(.enabled(if: host_fp_available() != 0)) func narrowing() {
        var source = OperandSource(seed: 20)
        var tally = Tally()
        for i in 0..<2_000_000 {
            let mode = hostModes[i & 3]
            var a = source.number(.single)
            if i & 12 != 0 { a = a & ~(0xFF << 23) | (127 - 27 + source.next() % 46) << 23 }
            tally.check(SoftFloat.convert32to16(a, mode), half(a, mode), "\(hex(a)) \(mode)")

            var b = source.number(.double)
            if i & 12 != 0 { b = b & ~(0x7FF << 52) | (1023 - 27 + source.next() % 46) << 52 }
            // A double goes through a single rounded to odd, which can't tip the second rounding.
            let cut = Width.double.host(host_fp_to_single, .towardZero, b)
            let single = Width.double.isNaN(b) ? Width.single.nan : cut.flags & 1 != 0 ? cut.bits | 1 : cut.bits
            var expected = half(single, mode)
            if Width.double.isSignaling(b) { expected.flags |= 16 }
            tally.check(SoftFloat.convert64to16(b, mode), expected, "\(hex(b)) \(mode)")
        }
        #expect(tally.failures.isEmpty)
    }

    func half(_ a: UInt64, _ mode: RoundingMode) -> FloatResult {
        let r = Width.single.host(host_fp_to_half, mode, a)
        return FloatResult(Width.single.isNaN(a) ? 0x7E00 : r.bits, r.flags)
    }

    @Test func tiesAwayFromZero() {
        // 1 + 2^-11, 1 + 3 * 2^-11, 2^-25, 65520: each halfway between two halves.
        let vectors: [(Float, UInt64, UInt8)] = [
            (1 + 0x1p-11, 0x3C01, 1), (-(1 + 0x1p-11), 0xBC01, 1), (1 + 0x3p-11, 0x3C02, 1), (1 + 0x0.FFp-11, 0x3C00, 1),
            (0x1p-25, 0x0001, 3), (0x0.FFp-25, 0x0000, 3), (65520, 0x7C00, 5), (65519, 0x7BFF, 1),
            // The largest subnormal and a half: rounds to the smallest normal, and isn't tiny only from
            // 2^-14 - 2^-26 on, a quarter of the subnormals' unit below it.
            (0x1p-14 - 0x1p-25, 0x0400, 3), (0x1p-14 - 0x1p-26, 0x0400, 1),
        ]
        for (x, bits, flags) in vectors {
            #expect(SoftFloat.convert32to16(UInt64(x.bitPattern), .nearestMaxMagnitude) == FloatResult(bits, flags), "\(x)")
            #expect(SoftFloat.convert64to16(Double(x).bitPattern, .nearestMaxMagnitude) == FloatResult(bits, flags), "\(x)")
        }
    }
}
