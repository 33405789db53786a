import CHost
import Testing

import Interpreter

/// Round to nearest, ties to the larger magnitude: the mode the host hasn't. The host's results rounded down
/// and up are the only candidates; exact arithmetic on wide integers tells which is nearer, or that both are.
@Suite struct NearestMaxMagnitudeTests {
    static let count = 60_000

    enum Operation: CaseIterable { case add, multiply, divide, squareRoot, fused }

    func host(_ o: Operation) -> host_fp_operation {
        switch o {
        case .add: host_fp_add
        case .multiply: host_fp_multiply
        case .divide: host_fp_divide
        case .squareRoot: host_fp_square_root
        case .fused: host_fp_fused
        }
    }

    func soft(_ o: Operation, _ w: Width, _ a: UInt64, _ b: UInt64, _ c: UInt64) -> FloatResult {
        let m = RoundingMode.nearestMaxMagnitude
        let s = w == .single
        return switch o {
        case .add: s ? SoftFloat.add32(a, b, m) : SoftFloat.add64(a, b, m)
        case .multiply: s ? SoftFloat.multiply32(a, b, m) : SoftFloat.multiply64(a, b, m)
        case .divide: s ? SoftFloat.divide32(a, b, m) : SoftFloat.divide64(a, b, m)
        case .squareRoot: s ? SoftFloat.squareRoot32(a, m) : SoftFloat.squareRoot64(a, m)
        case .fused: s ? SoftFloat.fusedMultiplyAdd32(a, b, c, m) : SoftFloat.fusedMultiplyAdd64(a, b, c, m)
        }
    }

    /// A finite number scaled by 2^1074; infinity as the number behind the largest one.
    func exact(_ bits: UInt64, _ w: Width) -> ExactInteger {
        if w == .double { return ExactInteger(scaled: Double(bitPattern: bits)) }
        if bits & w.magnitude == w.infinity { return ExactInteger(scaled: bits & w.sign != 0 ? -0x1p128 : 0x1p128) }
        return ExactInteger(scaled: Double(Float(bitPattern: UInt32(bits))))
    }

    /// Sign of the true result minus the middle of `low` and `high`.
    func side(_ o: Operation, _ w: Width, _ a: UInt64, _ b: UInt64, _ c: UInt64, _ low: UInt64, _ high: UInt64) -> Int {
        let a = exact(a, w), b = exact(b, w), c = exact(c, w)
        let twice = exact(low, w) + exact(high, w)
        switch o {
        case .add: return (((a + b) << 1) - twice).signum
        case .multiply: return (((a * b) << 1) - (twice << 1074)).signum
        case .fused: return (((a * b) << 1) + (c << 1075) - (twice << 1074)).signum
        case .divide:
            // 2a/b against the middle, multiplied by b.
            let s = ((a << 1075) - twice * b).signum
            return b.negative ? -s : s
        case .squareRoot: return ((a << 1076) - twice * twice).signum
        }
    }

    @Test(.enabled(if: host_fp_available() != 0), arguments: Operation.allCases, [Width.single, .double])
    func nearest(_ o: Operation, _ w: Width) {
        var source = OperandSource(seed: 50)
        var tally = Tally()
        var ties = 0
        for _ in 0..<Self.count {
            var a = source.number(w), b = source.number(near: a, w)
            var c = source.number(near: a, w)
            if source.next() & 3 == 0 {
                // Short significands make ties likely.
                let cut: UInt64 = ~0 << UInt64(w.fractionBits / 2 - 1)
                a &= cut
                b &= cut
                c = w.host(host_fp_multiply, .nearestEven, a, b).bits ^ (source.next() & 1 == 0 ? 0 : w.sign)
            }
            if o == .add && source.next() & 1 == 0 {
                // One beyond the last place of the other.
                let e = (a & w.infinity) >> UInt64(w.fractionBits)
                if e > UInt64(w.fractionBits + 1), e < w.infinity >> UInt64(w.fractionBits) {
                    b = (e - UInt64(w.fractionBits + 1)) << UInt64(w.fractionBits) | source.next() & w.sign
                }
            }
            let low = w.host(host(o), .down, a, b, c), high = w.host(host(o), .up, a, b, c), even = w.host(host(o), .nearestEven, a, b, c)
            let r = soft(o, w, a, b, c)
            var expected = even
            if low.bits != high.bits && low.flags & 1 != 0 {
                let s = side(o, w, a, b, c, low.bits, high.bits)
                if s == 0 { ties += 1 }
                expected.bits = s == 0 ? (low.bits & w.magnitude > high.bits & w.magnitude ? low.bits : high.bits) : s < 0 ? low.bits : high.bits
                expected.flags = 1
                let magnitude = expected.bits & w.magnitude
                if magnitude == w.infinity { expected.flags |= 4 }
                // Tiny results: below the smallest normal for sure, at it only the flag that is known.
                if magnitude < w.smallestNormal { expected.flags |= 2 }
                if magnitude == w.smallestNormal { expected.flags |= r.flags & 2 }
            } else if o == .fused && even.flags == 0 && w.isNaN(even.bits) {
                expected.flags = r.flags & 16
            }
            tally.check(r, expected, "\(o) \(w) \(hex(a)) \(hex(b)) \(hex(c))")
        }
        #expect(tally.failures.isEmpty)
        // Quotients and roots have no ties among normal numbers.
        if o != .divide && o != .squareRoot { #expect(ties > Self.count / 200) }
    }

    /// Where tininess after rounding begins: 2^-1022 (1 - 2^-54) is a tie at full precision between the
    /// largest number below 2^-1022 and itself.
    @Test func tininess() {
        let smallest = UInt64(1) << 52  // 2^-1022
        let m = RoundingMode.nearestMaxMagnitude
        // (1 + 2^-52) * (2^-1022 * (1 - 2^-52)) = 2^-1022 (1 - 2^-104): rounds up to the smallest normal, not tiny.
        let below = smallest - 1
        #expect(SoftFloat.multiply64(0x3FF0_0000_0000_0001, below, m) == FloatResult(smallest, 1))
        #expect(SoftFloat.multiply64(0x3FF0_0000_0000_0001, below, .towardZero) == FloatResult(below, 3))
        // fma with an addend that puts the sum exactly at the tie, and just below it.
        let tie = SoftFloat.fusedMultiplyAdd64((0x1p-538).bitPattern, (-0x1p-538).bitPattern, smallest, m)
        #expect(tie == FloatResult(smallest, 1))
        let even = SoftFloat.fusedMultiplyAdd64((0x1p-538).bitPattern, (-0x1p-538).bitPattern, smallest, .nearestEven)
        #expect(even == FloatResult(smallest, 1))
        let under = SoftFloat.fusedMultiplyAdd64((0x1.0000000000001p-538).bitPattern, (-0x1p-538).bitPattern, smallest, m)
        #expect(under == FloatResult(smallest, 3))
    }
}
