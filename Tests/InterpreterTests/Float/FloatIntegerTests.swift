import CHost
import Testing

import Interpreter

/// Conversions to and from integers.
@Suite struct FloatIntegerTests {
    typealias ToInteger = @Sendable (UInt64, RoundingMode) -> FloatResult

    struct Form: Sendable {
        var name: String
        var lowest: Int128, highest: Int128
        var from32: ToInteger, from64: ToInteger

        /// The contents of the register: 32-bit results are sign-extended, unsigned ones too.
        func register(_ v: Int128) -> UInt64 {
            highest < 1 << 32 ? UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: v))) : UInt64(truncatingIfNeeded: v)
        }
    }

    static let forms = [
        Form(name: "w", lowest: -(1 << 31), highest: 1 << 31 - 1, from32: SoftFloat.word32, from64: SoftFloat.word64),
        Form(name: "wu", lowest: 0, highest: 1 << 32 - 1, from32: SoftFloat.unsignedWord32, from64: SoftFloat.unsignedWord64),
        Form(name: "l", lowest: -(1 << 63), highest: 1 << 63 - 1, from32: SoftFloat.long32, from64: SoftFloat.long64),
        Form(name: "lu", lowest: 0, highest: 1 << 64 - 1, from32: SoftFloat.unsignedLong32, from64: SoftFloat.unsignedLong64),
    ]

    /// By the spec's words: round, then saturate with NV alone; NaN as +infinity.
    func reference(_ bits: UInt64, _ mode: RoundingMode, _ form: Form) -> FloatResult {
        let x = Double(bitPattern: bits)
        if x.isNaN { return FloatResult(form.register(form.highest), 16) }
        if x >= 0x1p70 { return FloatResult(form.register(form.highest), 16) }
        if x <= -0x1p70 { return FloatResult(form.register(form.lowest), 16) }
        let rounded = switch mode {
        case .nearestEven: x.rounded(.toNearestOrEven)
        case .towardZero: x.rounded(.towardZero)
        case .down: x.rounded(.down)
        case .up: x.rounded(.up)
        case .nearestMaxMagnitude: x.rounded(.toNearestOrAwayFromZero)
        }
        let v = Int128(rounded)
        if v > form.highest { return FloatResult(form.register(form.highest), 16) }
        if v < form.lowest { return FloatResult(form.register(form.lowest), 16) }
        return FloatResult(form.register(v), rounded == x ? 0 : 1)
    }

    @Test func toInteger() {
        var source = OperandSource(seed: 30)
        var tally = Tally()
        let modes = hostModes + [.nearestMaxMagnitude]
        for i in 0..<2_000_000 {
            let mode = modes[i % 5], form = Self.forms[i / 5 & 3]
            // Mostly near the integers' range, and often halfway.
            var a = source.number(.double)
            if i & 7 != 0 { a = a & ~(0x7FF << 52) | (1023 - 3 + source.next() % 70) << 52 }
            tally.check(form.from64(a, mode), reference(a, mode, form), "\(form.name) \(hex(a)) \(mode)")
            var b = source.number(.single)
            if i & 7 != 0 { b = b & ~(0xFF << 23) | (127 - 3 + source.next() % 70) << 23 }
            let wide = Double(Float(bitPattern: UInt32(b))).bitPattern
            tally.check(form.from32(b, mode), reference(wide, mode, form), "\(form.name) \(hex(b)) \(mode)")
        }
        #expect(tally.failures.isEmpty)
    }

    /// Where the host's result is in range, it and its flags are RISC-V's.
    @Test(.enabled(if: host_fp_available() != 0)) func toSignedAsTheHost() {
        var source = OperandSource(seed: 31)
        var tally = Tally()
        for i in 0..<500_000 {
            let mode = hostModes[i & 3]
            let a = source.number(.double), b = source.number(.single)
            for (r, h) in [
                (SoftFloat.long64(a, mode), Width.double.rawHost(host_fp_to_long, mode, a)),
                (SoftFloat.word64(a, mode), Width.double.rawHost(host_fp_to_word, mode, a)),
                (SoftFloat.long32(b, mode), Width.single.rawHost(host_fp_to_long, mode, b)),
                (SoftFloat.word32(b, mode), Width.single.rawHost(host_fp_to_word, mode, b)),
            ] {
                // x86 has one answer to everything out of range.
                tally.check(h.flags & 16 != 0 ? FloatResult(0, r.flags) : r, h.flags & 16 != 0 ? FloatResult(0, 16) : h, "\(hex(a)) \(hex(b)) \(mode)")
            }
        }
        #expect(tally.failures.isEmpty)
    }

    @Test(.enabled(if: host_fp_available() != 0)) func fromInteger() {
        var source = OperandSource(seed: 32)
        var tally = Tally()
        for i in 0..<2_000_000 {
            let mode = hostModes[i & 3]
            let magnitude = source.next() >> (source.next() & 63)
            // Ones at the end make ties and near ties.
            var v = source.next() & 1 == 0 ? magnitude : 0 &- magnitude
            if i & 4 == 0 { v &= ~0 << (source.next() & 63) }
            if i & 24 == 0 { v &+= source.next() & 3 &- 1 }
            let s = Int64(bitPattern: v)
            tally.check(SoftFloat.float64(s, mode), Width.double.rawHost(host_fp_from_long, mode, v), "\(s) \(mode)")
            tally.check(SoftFloat.float32(s, mode), Width.single.rawHost(host_fp_from_long, mode, v), "\(s) \(mode)")
            if s >= 0 {
                tally.check(SoftFloat.float64(unsigned: v, mode), SoftFloat.float64(s, mode), "\(v) \(mode)")
                tally.check(SoftFloat.float32(unsigned: v, mode), SoftFloat.float32(s, mode), "\(v) \(mode)")
            } else {
                // Half of it, its last bit made sticky, is a signed integer; doubling is exact.
                let half = v >> 1 | v & 1
                var d = Width.double.rawHost(host_fp_from_long, mode, half)
                d.bits += 1 << 52
                tally.check(SoftFloat.float64(unsigned: v, mode), d, "\(v) \(mode)")
                var f = Width.single.rawHost(host_fp_from_long, mode, half)
                f.bits += 1 << 23
                tally.check(SoftFloat.float32(unsigned: v, mode), f, "\(v) \(mode)")
            }
        }
        #expect(tally.failures.isEmpty)
    }

    /// Unprivileged spec, the table "Domains of float-to-integer conversions and behavior for invalid inputs".
    @Test func limits() {
        let infinity = UInt64(0x7FF) << 52, nan = infinity | 1 << 51, sign = UInt64(1) << 63
        let expected: [(String, UInt64, UInt64)] = [
            ("w", 0x7FFF_FFFF, 0xFFFF_FFFF_8000_0000), ("wu", ~0, 0),
            ("l", 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000), ("lu", ~0, 0),
        ]
        for (form, (name, high, low)) in zip(Self.forms, expected) {
            #expect(form.name == name)
            for a in [infinity, nan, nan | sign, infinity | 1, infinity | 1 | sign, (0x1p64).bitPattern] {
                #expect(form.from64(a, .nearestEven) == FloatResult(high, 16), "\(name) \(hex(a))")
            }
            for a in [infinity | sign, (-0x1p64).bitPattern] {
                #expect(form.from64(a, .nearestEven) == FloatResult(low, 16), "\(name) \(hex(a))")
            }
            #expect(form.from32(0x7FC0_0000, .up) == FloatResult(high, 16))
            #expect(form.from32(0xFF80_0000, .up) == FloatResult(low, 16))
        }
        // Rounding comes before the range check.
        #expect(SoftFloat.unsignedWord64((-0.5).bitPattern, .up) == FloatResult(0, 1))
        #expect(SoftFloat.unsignedWord64((-0.5).bitPattern, .nearestEven) == FloatResult(0, 1))
        #expect(SoftFloat.unsignedWord64((-0.5).bitPattern, .nearestMaxMagnitude) == FloatResult(0, 16))
        #expect(SoftFloat.unsignedWord64((-0.5).bitPattern, .down) == FloatResult(0, 16))
        #expect(SoftFloat.unsignedLong64((-0.0).bitPattern, .down) == FloatResult(0))
        #expect(SoftFloat.word64((2147483647.5).bitPattern, .towardZero) == FloatResult(0x7FFF_FFFF, 1))
        #expect(SoftFloat.word64((2147483647.5).bitPattern, .nearestEven) == FloatResult(0x7FFF_FFFF, 16))
        #expect(SoftFloat.word64((-2147483648.5).bitPattern, .nearestEven) == FloatResult(0xFFFF_FFFF_8000_0000, 1))
        #expect(SoftFloat.word64((-2147483648.5).bitPattern, .down) == FloatResult(0xFFFF_FFFF_8000_0000, 16))
        #expect(SoftFloat.unsignedWord64((4294967295.5).bitPattern, .towardZero) == FloatResult(~0, 1))
    }

    /// Ties of 64-bit integers under RMM, which the host hasn't.
    @Test func tiesAwayFromZero() {
        let vectors: [(Int64, Double)] = [
            (0x20_0000_0000_0001, 0x1.0000000000001p53), (-0x20_0000_0000_0001, -0x1.0000000000001p53),
            (0x40_0000_0000_0002, 0x1.0000000000001p54), (0x40_0000_0000_0001, 0x1p54),
        ]
        for (v, bits) in vectors {
            #expect(SoftFloat.float64(v, .nearestMaxMagnitude) == FloatResult(bits.bitPattern, 1))
        }
        #expect(SoftFloat.float32(1 << 24 + 1, .nearestMaxMagnitude) == FloatResult(0x4B80_0001, 1))
        #expect(SoftFloat.float32(unsigned: ~0, .nearestMaxMagnitude) == FloatResult(0x5F80_0000, 1))
        #expect(SoftFloat.float64(unsigned: ~0, .down) == FloatResult(0x43EF_FFFF_FFFF_FFFF, 1))
    }

    /// fcvtmod.w.d: "the low 32 bits of the infinite-precision two's complement integer".
    @Test func modulo() {
        let two32 = 4294967296.0
        let vectors: [(Double, Int32, UInt8)] = [
            (0, 0, 0), (-0.0, 0, 0), (1, 1, 0), (-1, -1, 0), (1.5, 1, 1), (-1.9, -1, 1), (0.1, 0, 1),
            (2147483647, .max, 0), (2147483648, .min, 16), (-2147483648, .min, 0), (-2147483649, .max, 16),
            (2147483647.5, .max, 1), (-2147483648.5, .min, 1),
            (two32, 0, 16), (two32 + 5, 5, 16), (two32 + 5.5, 5, 16), (-two32 - 5, -5, 16), (-two32 - 5.5, -5, 16),
            (0x1p53 + 2, 2, 16), (0x1.0000_0000_0000_1p52, 1, 16), (0x1.0000_0000_0000_1p83, .min, 16),
            (0x1.0000_0000_0000_1p84, 0, 16), (0x1p200, 0, 16), (-0x1.8p1023, 0, 16),
            (.infinity, 0, 16), (-.infinity, 0, 16), (.nan, 0, 16), (.signalingNaN, 0, 16), (0x1p-1074, 0, 1),
        ]
        for (x, value, flags) in vectors {
            #expect(SoftFloat.moduloWord64(x.bitPattern) == FloatResult(UInt64(bitPattern: Int64(value)), flags), "\(x)")
        }
        // And, below 2^127, by arithmetic on whole integers.
        var source = OperandSource(seed: 33)
        var tally = Tally()
        for _ in 0..<500_000 {
            let a = source.number(.double) & ~(0x7FF << 52) | (1023 - 2 + source.next() % 128) << 52
            let x = Double(bitPattern: a)
            let whole = Int128(x.rounded(.towardZero))
            let fits = Int32(exactly: whole) != nil
            let flags: UInt8 = fits ? (x.rounded(.towardZero) == x ? 0 : 1) : 16
            tally.check(
                SoftFloat.moduloWord64(a), FloatResult(UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: whole))), flags), hex(a))
        }
        #expect(tally.failures.isEmpty)
    }

    /// fround and froundnx.
    @Test func integral() {
        var source = OperandSource(seed: 34)
        var tally = Tally()
        let rules: [(RoundingMode, FloatingPointRoundingRule)] = [
            (.nearestEven, .toNearestOrEven), (.towardZero, .towardZero), (.down, .down), (.up, .up),
            (.nearestMaxMagnitude, .toNearestOrAwayFromZero),
        ]
        for i in 0..<2_000_000 {
            let (mode, rule) = rules[i % 5]
            let a = source.number(.double), x = Double(bitPattern: a), rx = x.rounded(rule)
            let b = source.number(.single), y = Float(bitPattern: UInt32(b)), ry = y.rounded(rule)
            let (nx, ny): (UInt8, UInt8) = (x.isSignalingNaN ? 16 : 0, y.isSignalingNaN ? 16 : 0)
            let wide = x.isNaN ? Width.double.nan : rx.bitPattern
            let short = y.isNaN ? Width.single.nan : UInt64(ry.bitPattern)
            tally.check(SoftFloat.roundToIntegral64(a, mode, exact: false), FloatResult(wide, nx), "\(hex(a)) \(mode)")
            tally.check(SoftFloat.roundToIntegral32(b, mode, exact: false), FloatResult(short, ny), "\(hex(b)) \(mode)")
            tally.check(
                SoftFloat.roundToIntegral64(a, mode, exact: true), FloatResult(wide, !x.isNaN && rx != x ? 1 : nx), "\(hex(a)) \(mode)")
            tally.check(
                SoftFloat.roundToIntegral32(b, mode, exact: true), FloatResult(short, !y.isNaN && ry != y ? 1 : ny), "\(hex(b)) \(mode)")
        }
        #expect(tally.failures.isEmpty)
    }
}

extension Width {
    /// The host's answer as it is, where it isn't a number of this width.
    func rawHost(_ operation: host_fp_operation, _ mode: RoundingMode, _ a: UInt64) -> FloatResult {
        let r = self == .single
            ? host_fp32(operation, Int32(mode.rawValue), a, 0, 0) : host_fp64(operation, Int32(mode.rawValue), a, 0, 0)
        return FloatResult(r.bits, r.flags)
    }
}
