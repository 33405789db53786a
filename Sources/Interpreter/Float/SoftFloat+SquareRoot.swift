import CHost

extension SoftFloat {
    @inline(never) package static func squareRoot32(_ a: UInt64, _ rm: RoundingMode) -> FloatResult {
        squareRoot(a, rm, .binary32)
    }
    @inline(never) package static func squareRoot64(_ a: UInt64, _ rm: RoundingMode) -> FloatResult {
        squareRoot(a, rm, .binary64)
    }

    @inline(__always) private static func squareRoot(_ a: UInt64, _ rm: RoundingMode, _ f: FloatFormat) -> FloatResult {
        if f.isNaN(a) { return propagateNaN(a, a, f) }
        // The root of -0 is -0 (IEEE 754-2019, 5.4.1).
        if f.isZero(a) { return FloatResult(a) }
        if f.sign(a) != 0 { return invalid(f) }
        if f.isInfinity(a) { return FloatResult(a) }
        let (ea, ma) = unpackNormalized(a, f)
        let unbiased = ea &- f.bias
        let odd = unbiased & 1
        return round(
            sign: 0, exponent: (unbiased &- odd) / 2 &+ f.bias,
            significand: root(ma &<< UInt64(truncatingIfNeeded: 52 &- f.fractionBits), odd: odd != 0), rm, f)
    }

    /// The root of x * 2^-52, doubled first when `odd`, for 2^52 <= x < 2^53: a number in [1, 2), its
    /// leading bit moved to 63, with a guard bit and a sticky bit below the first 53.
    ///
    /// The host's root is off by at most half a unit of bit 52; the remainder is then no larger than the
    /// root, so it is exact modulo 2^64.
    @inline(__always) private static func root(_ x: UInt64, odd: Bool) -> UInt64 {
        let fraction: UInt64 = (1 &<< 52) &- 1
        let exponent: UInt64 = odd ? 0x400 : 0x3FF
        let guess = host_square_root(Double(bitPattern: x & fraction | exponent &<< 52))
        var r = guess.bitPattern & fraction | (1 &<< 52)
        var remainder = ((odd ? x &+ x : x) &<< 52) &- r &* r
        if Int64(bitPattern: remainder) < 0 {
            r &-= 1
            remainder = remainder &+ r &+ r &+ 1
        }
        // (r + 1/2)^2 = r^2 + r + 1/4: never met exactly, so the bits below the guard are set if it is.
        let guardBit: UInt64 = remainder > r ? 1 : 0
        let sticky: UInt64 = remainder != 0 ? 1 : 0
        return r &<< 11 | guardBit &<< 10 | sticky
    }
}
