import Testing

import Interpreter

/// Comparisons, minimum and maximum, classes: against Swift's own on Float and Double, with the rules for NaN
/// and zeros written out.
@Suite struct FloatCompareTests {
    @Test func comparisons() {
        var source = OperandSource(seed: 40)
        var tally = Tally()
        for _ in 0..<2_000_000 {
            let a = source.number(.double), b = source.number(near: a, .double)
            check(
                a, b, Double(bitPattern: a), Double(bitPattern: b), &tally,
                SoftFloat.equal64, SoftFloat.less64, SoftFloat.lessOrEqual64)
            let c = source.number(.single), d = source.number(near: c, .single)
            check(
                c, d, Float(bitPattern: UInt32(c)), Float(bitPattern: UInt32(d)), &tally,
                SoftFloat.equal32, SoftFloat.less32, SoftFloat.lessOrEqual32)
        }
        #expect(tally.failures.isEmpty)
    }

    @inline(__always) func check<T: BinaryFloatingPoint>(
        _ a: UInt64, _ b: UInt64, _ x: T, _ y: T, _ tally: inout Tally,
        _ equal: (UInt64, UInt64) -> FloatResult, _ less: (UInt64, UInt64, Bool) -> FloatResult,
        _ lessOrEqual: (UInt64, UInt64, Bool) -> FloatResult
    ) {
        let signals: UInt8 = x.isSignalingNaN || y.isSignalingNaN ? 16 : 0
        let any: UInt8 = x.isNaN || y.isNaN ? 16 : 0
        let context = { "\(hex(a)) \(hex(b))" }
        tally.check(equal(a, b), FloatResult(x == y ? 1 : 0, signals), context())
        tally.check(less(a, b, false), FloatResult(x < y ? 1 : 0, any), context())
        tally.check(less(a, b, true), FloatResult(x < y ? 1 : 0, signals), context())
        tally.check(lessOrEqual(a, b, false), FloatResult(x <= y ? 1 : 0, any), context())
        tally.check(lessOrEqual(a, b, true), FloatResult(x <= y ? 1 : 0, signals), context())
    }

    @Test func minimumAndMaximum() {
        var source = OperandSource(seed: 41)
        var tally = Tally()
        for _ in 0..<2_000_000 {
            let a = source.number(.double), b = source.number(near: a, .double)
            let (x, y) = (Double(bitPattern: a), Double(bitPattern: b))
            let flags: UInt8 = x.isSignalingNaN || y.isSignalingNaN ? 16 : 0
            let nan = Width.double.nan
            let low, high: UInt64
            if x.isNaN || y.isNaN {
                low = x.isNaN ? y.isNaN ? nan : b : a
                high = low
            } else if x == y {
                low = x.sign == .minus ? a : b
                high = x.sign == .minus ? b : a
            } else {
                low = x < y ? a : b
                high = x < y ? b : a
            }
            let context = { "\(hex(a)) \(hex(b))" }
            tally.check(SoftFloat.minimum64(a, b), FloatResult(low, flags), context())
            tally.check(SoftFloat.maximum64(a, b), FloatResult(high, flags), context())
            let either = x.isNaN || y.isNaN
            tally.check(SoftFloat.minimumOrNaN64(a, b), FloatResult(either ? nan : low, flags), context())
            tally.check(SoftFloat.maximumOrNaN64(a, b), FloatResult(either ? nan : high, flags), context())
        }
        #expect(tally.failures.isEmpty)
    }

    /// The rules of unprivileged spec, 20.6, in singles.
    @Test func minimumOfSpecials() {
        let zero: UInt64 = 0, minusZero: UInt64 = 0x8000_0000, one: UInt64 = 0x3F80_0000, two: UInt64 = 0x4000_0000
        let quiet: UInt64 = 0xFFC1_2345, signaling: UInt64 = 0x7F80_0001, canonical: UInt64 = 0x7FC0_0000
        for (a, b) in [(zero, minusZero), (minusZero, zero)] {
            #expect(SoftFloat.minimum32(a, b) == FloatResult(minusZero))
            #expect(SoftFloat.maximum32(a, b) == FloatResult(zero))
            #expect(SoftFloat.minimumOrNaN32(a, b) == FloatResult(minusZero))
            #expect(SoftFloat.maximumOrNaN32(a, b) == FloatResult(zero))
        }
        for f in [SoftFloat.minimum32, SoftFloat.maximum32] {
            #expect(f(quiet, one) == FloatResult(one))
            #expect(f(one, quiet) == FloatResult(one))
            #expect(f(signaling, one) == FloatResult(one, 16))
            #expect(f(one, signaling) == FloatResult(one, 16))
            #expect(f(quiet, quiet) == FloatResult(canonical))
            #expect(f(quiet, signaling) == FloatResult(canonical, 16))
        }
        for f in [SoftFloat.minimumOrNaN32, SoftFloat.maximumOrNaN32] {
            #expect(f(quiet, one) == FloatResult(canonical))
            #expect(f(one, signaling) == FloatResult(canonical, 16))
        }
        #expect(SoftFloat.minimum32(one, two) == FloatResult(one))
        #expect(SoftFloat.maximum32(one, two) == FloatResult(two))
    }

    @Test func classes() {
        // The ten classes in the order of fclass's bits.
        let doubles: [Double] = [
            -.infinity, -1, -0x1p-1074, -0.0, 0, 0x1.8p-1023, .leastNormalMagnitude, .infinity, .signalingNaN, .nan,
        ]
        for (bit, x) in doubles.enumerated() { #expect(SoftFloat.classify64(x.bitPattern) == 1 << UInt64(bit), "\(x)") }
        let singles: [UInt64] = [
            0xFF80_0000, 0x8080_0000, 0x807F_FFFF, 0x8000_0000, 0, 1, 0x7F7F_FFFF, 0x7F80_0000, 0xFF80_0001, 0xFFC0_0000,
        ]
        for (bit, x) in singles.enumerated() { #expect(SoftFloat.classify32(x) == 1 << UInt64(bit), "\(hex(x))") }
    }
}
