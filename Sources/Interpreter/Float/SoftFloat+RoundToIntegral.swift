extension SoftFloat {
    // fround and froundnx (Zfa): to an integral number in the same format. Only froundnx raises NX.
    @inline(never) package static func roundToIntegral32(_ a: UInt64, _ rm: RoundingMode, exact: Bool) -> FloatResult {
        roundToIntegral(a, rm, exact: exact, .binary32)
    }
    @inline(never) package static func roundToIntegral64(_ a: UInt64, _ rm: RoundingMode, exact: Bool) -> FloatResult {
        roundToIntegral(a, rm, exact: exact, .binary64)
    }

    @inline(__always) private static func roundToIntegral(
        _ a: UInt64, _ rm: RoundingMode, exact: Bool, _ f: FloatFormat
    ) -> FloatResult {
        if f.isNaN(a) { return propagateNaN(a, a, f) }
        // From 2^(p-1) on, and at infinity, there is no fraction.
        if f.exponentField(a) &- f.bias >= f.fractionBits { return FloatResult(a) }
        let sign = f.sign(a)
        let (whole, fraction) = split(a, f)
        if fraction == 0 { return FloatResult(a) }
        let magnitude = whole &+ (roundsUp(fraction, odd: whole & 1 != 0, sign: sign, rm) ? 1 : 0)
        let flags = exact ? FloatFlag.inexact : 0
        if magnitude == 0 { return FloatResult(f.signed(sign, 0), flags) }
        // At most 2^(p-1): exact, and never subnormal.
        let top = 63 &- magnitude.leadingZeroBitCount
        let significand = magnitude &<< UInt64(truncatingIfNeeded: f.fractionBits &- top)
        let field = UInt64(truncatingIfNeeded: top &+ f.bias &- 1) &<< UInt64(truncatingIfNeeded: f.fractionBits)
        return FloatResult(f.signed(sign, field &+ significand), flags)
    }
}
