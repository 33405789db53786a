extension SoftFloat {
    @inline(never) package static func add32(_ a: UInt64, _ b: UInt64, _ rm: RoundingMode) -> FloatResult {
        add(a, b, rm, .binary32)
    }
    @inline(never) package static func add64(_ a: UInt64, _ b: UInt64, _ rm: RoundingMode) -> FloatResult {
        add(a, b, rm, .binary64)
    }
    @inline(never) package static func subtract32(_ a: UInt64, _ b: UInt64, _ rm: RoundingMode) -> FloatResult {
        subtract(a, b, rm, .binary32)
    }
    @inline(never) package static func subtract64(_ a: UInt64, _ b: UInt64, _ rm: RoundingMode) -> FloatResult {
        subtract(a, b, rm, .binary64)
    }

    /// x - y is x + (-y) in everything but the sign of a NaN, and that isn't kept.
    @inline(__always) private static func subtract(_ a: UInt64, _ b: UInt64, _ rm: RoundingMode, _ f: FloatFormat) -> FloatResult {
        add(a, b ^ f.signBit, rm, f)
    }

    @inline(__always) private static func add(_ a: UInt64, _ b: UInt64, _ rm: RoundingMode, _ f: FloatFormat) -> FloatResult {
        if f.exponentField(a) == f.exponentMaximum || f.exponentField(b) == f.exponentMaximum {
            return addSpecial(a, b, f)
        }
        let (ea, ma) = unpack(a, f)
        let (eb, mb) = unpack(b, f)
        let up = UInt64(truncatingIfNeeded: 62 &- f.fractionBits)
        return sum(f.sign(a), ea, ma &<< up, f.sign(b), eb, mb &<< up, rm, f)
    }

    /// A sum with an infinity or a NaN in it.
    @inline(__always) static func addSpecial(_ a: UInt64, _ b: UInt64, _ f: FloatFormat) -> FloatResult {
        if f.isNaN(a) || f.isNaN(b) { return propagateNaN(a, b, f) }
        if !f.isInfinity(a) { return FloatResult(b) }
        if f.isInfinity(b) && a != b { return invalid(f) }
        return FloatResult(a)
    }

    /// The rounded sum of two finite numbers. The exponents belong to bit 62; the leading bits may lie
    /// lower, as long as the format's precision and two bits more lie above bit 0 whenever an alignment
    /// loses bits: a subnormal operand has them since its result is rounded at its own last place.
    @inline(__always) static func sum(
        _ sa: UInt64, _ ea: Int, _ ma: UInt64, _ sb: UInt64, _ eb: Int, _ mb: UInt64,
        _ rm: RoundingMode, _ f: FloatFormat
    ) -> FloatResult {
        var x = ma, y = mb, exponent = ea
        if ea >= eb {
            y = shiftRightSticky(mb, ea &- eb)
        } else {
            x = shiftRightSticky(ma, eb &- ea)
            exponent = eb
        }
        var sign = sa
        var total: UInt64
        if sa == sb {
            total = x &+ y
            if total == 0 { return FloatResult(f.signed(sa, 0)) }
        } else {
            total = x &- y
            if x < y {
                total = y &- x
                sign = sb
            }
            if total == 0 { return cancelled(rm, f) }
        }
        let shift = total.leadingZeroBitCount
        total = total &<< UInt64(truncatingIfNeeded: shift)
        return round(sign: sign, exponent: exponent &+ 1 &- shift, significand: total, rm, f)
    }

    /// An exact zero from operands of opposite signs (IEEE 754-2019, 6.3).
    @inline(__always) static func cancelled(_ rm: RoundingMode, _ f: FloatFormat) -> FloatResult {
        FloatResult(f.signed(rm == .down ? 1 : 0, 0))
    }
}
