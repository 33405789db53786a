import CHost
import Testing

import Interpreter

/// Arithmetic against the host's FPU, in the four rounding modes it has.
@Suite struct FloatArithmeticTests {
    static let count = 2_000_000

    typealias Binary = (UInt64, UInt64, RoundingMode) -> FloatResult

    func compare(_ w: Width, _ operation: host_fp_operation, seed: UInt64, _ soft: Binary) {
        var source = OperandSource(seed: seed)
        var tally = Tally()
        for i in 0..<Self.count {
            let a = source.number(w), b = source.number(near: a, w)
            let mode = hostModes[i & 3]
            tally.check(soft(a, b, mode), w.host(operation, mode, a, b), "\(hex(a)) \(hex(b)) \(mode)")
        }
        #expect(tally.failures.isEmpty)
        #expect(tally.cases == Self.count)
    }

    @Test(.enabled(if: host_fp_available() != 0)) func add() {
        compare(.single, host_fp_add, seed: 1, SoftFloat.add32)
        compare(.double, host_fp_add, seed: 2, SoftFloat.add64)
    }
    @Test(.enabled(if: host_fp_available() != 0)) func subtract() {
        compare(.single, host_fp_subtract, seed: 3, SoftFloat.subtract32)
        compare(.double, host_fp_subtract, seed: 4, SoftFloat.subtract64)
    }
    @Test(.enabled(if: host_fp_available() != 0)) func multiply() {
        compare(.single, host_fp_multiply, seed: 5, SoftFloat.multiply32)
        compare(.double, host_fp_multiply, seed: 6, SoftFloat.multiply64)
    }
    @Test(.enabled(if: host_fp_available() != 0)) func divide() {
        compare(.single, host_fp_divide, seed: 7, SoftFloat.divide32)
        compare(.double, host_fp_divide, seed: 8, SoftFloat.divide64)
    }
    @Test(.enabled(if: host_fp_available() != 0)) func squareRoot() {
        compare(.single, host_fp_square_root, seed: 9) { a, _, m in SoftFloat.squareRoot32(a, m) }
        compare(.double, host_fp_square_root, seed: 10) { a, _, m in SoftFloat.squareRoot64(a, m) }
    }

    /// Addends near the opposite of the product make the cancellation deep.
    @Test(.enabled(if: host_fp_available() != 0), arguments: [Width.single, .double]) func fusedMultiplyAdd(_ w: Width) {
        var source = OperandSource(seed: 11)
        var tally = Tally()
        for i in 0..<Self.count {
            let a = source.number(w), b = source.number(near: a, w)
            let c = switch source.next() & 3 {
            case 0, 1: source.number(near: w.host(host_fp_multiply, .nearestEven, a, b).bits ^ w.sign, w)
            default: source.number(near: a, w)
            }
            let mode = hostModes[i & 3]
            let r = w == .single ? SoftFloat.fusedMultiplyAdd32(a, b, c, mode) : SoftFloat.fusedMultiplyAdd64(a, b, c, mode)
            var expected = w.host(host_fp_fused, mode, a, b, c)
            // x86 leaves the flag out when the addend is a quiet NaN; RISC-V sets it (20.6).
            if isInfinityTimesZero(a, b, w) { expected.flags = 16 }
            tally.check(r, expected, "\(hex(a)) \(hex(b)) \(hex(c)) \(mode)")
        }
        #expect(tally.failures.isEmpty)
        #expect(tally.cases == Self.count)
    }

    /// Results about the bottom of the normal range and below, where tininess is decided.
    @Test(.enabled(if: host_fp_available() != 0), arguments: [Width.single, .double]) func tinyResults(_ w: Width) {
        var source = OperandSource(seed: 13)
        var tally = Tally()
        let bias = w == .single ? 127 : 1023, places = UInt64(w.fractionBits)
        let s = w == .single
        for i in 0..<Self.count {
            let mode = hostModes[i & 3]
            let a = source.number(w), other = source.number(w)
            let field = Int((a & w.magnitude) >> places)
            let goal = 3 - Int(source.next() % (places + 6))
            func withField(_ e: Int) -> UInt64 {
                other & ~w.infinity | UInt64(min(max(e, 0), 2 * bias)) << places
            }
            let factor = withField(goal + bias - field), divisor = withField(field + bias - goal)
            let context = "\(hex(a)) \(hex(factor)) \(hex(divisor)) \(mode)"
            tally.check(
                s ? SoftFloat.multiply32(a, factor, mode) : SoftFloat.multiply64(a, factor, mode),
                w.host(host_fp_multiply, mode, a, factor), context)
            tally.check(
                s ? SoftFloat.divide32(a, divisor, mode) : SoftFloat.divide64(a, divisor, mode),
                w.host(host_fp_divide, mode, a, divisor), context)
            // No addend, a subnormal one, or one at the bottom.
            let sign = source.next() & w.sign
            let c = switch source.next() & 3 {
            case 0: sign
            case 1: sign | source.next() & (w.smallestNormal - 1)
            case 2: sign | (w.smallestNormal &+ source.next() % 5 &- 2)
            default: w.host(host_fp_multiply, .nearestEven, a, factor).bits ^ w.sign
            }
            var expected = w.host(host_fp_fused, mode, a, factor, c)
            if isInfinityTimesZero(a, factor, w) { expected.flags = 16 }
            tally.check(
                s ? SoftFloat.fusedMultiplyAdd32(a, factor, c, mode) : SoftFloat.fusedMultiplyAdd64(a, factor, c, mode),
                expected, context + " " + hex(c))
        }
        #expect(tally.failures.isEmpty)
        #expect(tally.cases == 3 * Self.count)
    }

    func isInfinityTimesZero(_ a: UInt64, _ b: UInt64, _ w: Width) -> Bool {
        let x = a & w.magnitude, y = b & w.magnitude
        return x == w.infinity && y == 0 || x == 0 && y == w.infinity
    }

    @Test(.enabled(if: host_fp_available() != 0)) func betweenSingleAndDouble() {
        var source = OperandSource(seed: 12)
        var tally = Tally()
        for i in 0..<Self.count {
            let mode = hostModes[i & 3]
            let a = source.number(.single)
            let wide = Width.single.host(host_fp_to_double, mode, a)
            tally.check(
                SoftFloat.convert32to64(a), FloatResult(Width.single.isNaN(a) ? Width.double.nan : wide.bits, wide.flags), hex(a))
            // Half of the operands lie where singles do, or just outside.
            var b = source.number(.double)
            if i & 4 != 0 { b = b & ~(0x7FF << 52) | (1023 - 152 + source.next() % 284) << 52 }
            let narrow = Width.double.host(host_fp_to_single, mode, b)
            tally.check(
                SoftFloat.convert64to32(b, mode),
                FloatResult(Width.double.isNaN(b) ? Width.single.nan : narrow.bits, narrow.flags), "\(hex(b)) \(mode)")
        }
        #expect(tally.failures.isEmpty)
    }
}
