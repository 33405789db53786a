extension SoftFloat {
    @inline(never) package static func multiply32(_ a: UInt64, _ b: UInt64, _ rm: RoundingMode) -> FloatResult {
        multiply(a, b, rm, .binary32)
    }
    @inline(never) package static func multiply64(_ a: UInt64, _ b: UInt64, _ rm: RoundingMode) -> FloatResult {
        multiply(a, b, rm, .binary64)
    }

    @inline(__always) private static func multiply(_ a: UInt64, _ b: UInt64, _ rm: RoundingMode, _ f: FloatFormat) -> FloatResult {
        let sign = f.sign(a ^ b)
        if f.exponentField(a) == f.exponentMaximum || f.exponentField(b) == f.exponentMaximum {
            if f.isNaN(a) || f.isNaN(b) { return propagateNaN(a, b, f) }
            if f.isZero(a) || f.isZero(b) { return invalid(f) }
            return FloatResult(f.signed(sign, f.infinity))
        }
        if f.isZero(a) || f.isZero(b) { return FloatResult(f.signed(sign, 0)) }
        let (ea, ma) = unpackNormalized(a, f)
        let (eb, mb) = unpackNormalized(b, f)
        // Both factors at bit 63: the product's high half has its leading bit at 63 or 62.
        let up = UInt64(truncatingIfNeeded: 63 &- f.fractionBits)
        let product = (ma &<< up).multipliedFullWidth(by: mb &<< up)
        var significand = product.high | (product.low != 0 ? 1 : 0)
        var exponent = ea &+ eb &- f.bias &+ 1
        if significand &>> 63 == 0 {
            significand = (product.high &<< 1) | (product.low &>> 63) | (product.low &<< 1 != 0 ? 1 : 0)
            exponent &-= 1
        }
        return round(sign: sign, exponent: exponent, significand: significand, rm, f)
    }
}
