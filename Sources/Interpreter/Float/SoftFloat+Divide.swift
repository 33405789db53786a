extension SoftFloat {
    @inline(never) package static func divide32(_ a: UInt64, _ b: UInt64, _ rm: RoundingMode) -> FloatResult {
        divide(a, b, rm, .binary32)
    }
    @inline(never) package static func divide64(_ a: UInt64, _ b: UInt64, _ rm: RoundingMode) -> FloatResult {
        divide(a, b, rm, .binary64)
    }

    @inline(__always) private static func divide(_ a: UInt64, _ b: UInt64, _ rm: RoundingMode, _ f: FloatFormat) -> FloatResult {
        let sign = f.sign(a ^ b)
        if f.exponentField(a) == f.exponentMaximum || f.exponentField(b) == f.exponentMaximum {
            if f.isNaN(a) || f.isNaN(b) { return propagateNaN(a, b, f) }
            if f.isInfinity(a) { return f.isInfinity(b) ? invalid(f) : FloatResult(f.signed(sign, f.infinity)) }
            return FloatResult(f.signed(sign, 0))
        }
        if f.isZero(b) {
            return f.isZero(a) ? invalid(f) : FloatResult(f.signed(sign, f.infinity), FloatFlag.divideByZero)
        }
        if f.isZero(a) { return FloatResult(f.signed(sign, 0)) }
        let (ea, ma) = unpackNormalized(a, f)
        let (eb, mb) = unpackNormalized(b, f)
        let up = UInt64(truncatingIfNeeded: 52 &- f.fractionBits)
        return round(
            sign: sign, exponent: ea &- eb &+ f.bias &- (ma < mb ? 1 : 0),
            significand: quotient(ma &<< up, mb &<< up), rm, f)
    }

    /// x / y for 2^52 <= x, y < 2^53, its leading bit moved to 63, with a guard bit and a sticky bit below
    /// the first 53.
    ///
    /// The host's division, of the same significands with the exponents of [1, 2), is off by at most half
    /// a unit of bit 52, and rounding never lifts a quotient below 1 or 2 to it (1 - 1/y < 1 - 2^-53). The
    /// remainder is then smaller than y, so it is exact modulo 2^64.
    @inline(__always) private static func quotient(_ x: UInt64, _ y: UInt64) -> UInt64 {
        let fraction: UInt64 = (1 &<< 52) &- 1
        let one: UInt64 = 0x3FF &<< 52
        let guess = Double(bitPattern: x & fraction | one) / Double(bitPattern: y & fraction | one)
        var q = guess.bitPattern & fraction | (1 &<< 52)
        var remainder = ((x < y ? x &+ x : x) &<< 52) &- q &* y
        if Int64(bitPattern: remainder) < 0 {
            q &-= 1
            remainder = remainder &+ y
        }
        let twice = remainder &+ remainder
        let guardBit: UInt64 = twice >= y ? 1 : 0
        let sticky: UInt64 = remainder != 0 && twice != y ? 1 : 0
        return q &<< 11 | guardBit &<< 10 | sticky
    }
}
