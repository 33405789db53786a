extension SoftFloat {
    // fcvt.<to>.<from> of F, D and Zfhmin.
    @inline(never) package static func convert64to32(_ a: UInt64, _ rm: RoundingMode) -> FloatResult {
        narrow(a, .binary64, .binary32, rm)
    }
    @inline(never) package static func convert64to16(_ a: UInt64, _ rm: RoundingMode) -> FloatResult {
        narrow(a, .binary64, .binary16, rm)
    }
    @inline(never) package static func convert32to16(_ a: UInt64, _ rm: RoundingMode) -> FloatResult {
        narrow(a, .binary32, .binary16, rm)
    }
    @inline(never) package static func convert32to64(_ a: UInt64) -> FloatResult { widen(a, .binary32, .binary64) }
    @inline(never) package static func convert16to64(_ a: UInt64) -> FloatResult { widen(a, .binary16, .binary64) }
    @inline(never) package static func convert16to32(_ a: UInt64) -> FloatResult { widen(a, .binary16, .binary32) }

    @inline(__always) private static func narrow(
        _ a: UInt64, _ from: FloatFormat, _ to: FloatFormat, _ rm: RoundingMode
    ) -> FloatResult {
        let sign = from.sign(a)
        if from.exponentField(a) == from.exponentMaximum {
            if from.isNaN(a) { return FloatResult(to.canonicalNaN, from.isSignalingNaN(a) ? FloatFlag.invalid : 0) }
            return FloatResult(to.signed(sign, to.infinity))
        }
        if from.isZero(a) { return FloatResult(to.signed(sign, 0)) }
        let (e, m) = unpackNormalized(a, from)
        return round(
            sign: sign, exponent: e &- from.bias &+ to.bias,
            significand: m &<< UInt64(truncatingIfNeeded: 63 &- from.fractionBits), rm, to)
    }

    /// Every number of the narrower format is a normal one of the wider.
    @inline(__always) private static func widen(_ a: UInt64, _ from: FloatFormat, _ to: FloatFormat) -> FloatResult {
        let sign = from.sign(a)
        if from.exponentField(a) == from.exponentMaximum {
            if from.isNaN(a) { return FloatResult(to.canonicalNaN, from.isSignalingNaN(a) ? FloatFlag.invalid : 0) }
            return FloatResult(to.signed(sign, to.infinity))
        }
        if from.isZero(a) { return FloatResult(to.signed(sign, 0)) }
        let (e, m) = unpackNormalized(a, from)
        let fraction = (m & from.fractionMask) &<< UInt64(truncatingIfNeeded: to.fractionBits &- from.fractionBits)
        let field = UInt64(truncatingIfNeeded: e &- from.bias &+ to.bias)
        return FloatResult(to.signed(sign, field &<< UInt64(truncatingIfNeeded: to.fractionBits) | fraction))
    }
}
