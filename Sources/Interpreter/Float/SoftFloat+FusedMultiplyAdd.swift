extension SoftFloat {
    /// a * b + c, rounded once (IEEE 754-2019, 5.4.1). The callers flip signs for the other three forms:
    /// that of c for fmsub, of a for fnmsub, of both for fnmadd.
    @inline(never) package static func fusedMultiplyAdd32(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ rm: RoundingMode) -> FloatResult {
        let f = FloatFormat.binary32
        if hasSpecial(a, b, c, f) { return fusedMultiplyAddSpecial(a, b, c, f) }
        let (ea, ma) = unpack(a, f)
        let (eb, mb) = unpack(b, f)
        let (ec, mc) = unpack(c, f)
        // 24 bits times 24 are 48, at bits 62...15: bit 62 is worth twice what the exponents' sum says.
        let product = (ma &* mb) &<< 15
        let exponent = ea &+ eb &- f.bias &+ 1
        // A zero product has no exponent of its own, and must not shift the addend out. A zero addend's is 1: it
        // shifts only a product below the normal range, which is rounded at that place anyway.
        return sum(
            f.sign(a ^ b), product == 0 ? ec : exponent, product,
            f.sign(c), ec, mc &<< 39, rm, f)
    }

    @inline(never) package static func fusedMultiplyAdd64(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ rm: RoundingMode) -> FloatResult {
        let f = FloatFormat.binary64
        if hasSpecial(a, b, c, f) { return fusedMultiplyAddSpecial(a, b, c, f) }
        let (ea, ma) = unpack(a, f)
        let (eb, mb) = unpack(b, f)
        let (ec, mc) = unpack(c, f)
        // 53 bits times 53 are 106, at bits 126...21 of 128.
        let wide = (ma &<< 10).multipliedFullWidth(by: mb &<< 11)
        let product = UInt128(truncatingIfNeeded: wide.high) &<< 64 | UInt128(truncatingIfNeeded: wide.low)
        let exponent = ea &+ eb &- f.bias &+ 1
        return wideSum(
            f.sign(a ^ b), product == 0 ? ec : exponent, product,
            f.sign(c), ec, UInt128(truncatingIfNeeded: mc) &<< 74, rm, f)
    }

    @inline(__always) private static func hasSpecial(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ f: FloatFormat) -> Bool {
        f.exponentField(a) == f.exponentMaximum || f.exponentField(b) == f.exponentMaximum
            || f.exponentField(c) == f.exponentMaximum
    }

    /// Infinity times zero is invalid even when the addend is a quiet NaN (unprivileged spec, 20.6).
    @inline(__always) private static func fusedMultiplyAddSpecial(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ f: FloatFormat) -> FloatResult {
        if f.isNaN(a) || f.isNaN(b) {
            let r = propagateNaN(a, b, f)
            return f.isSignalingNaN(c) ? invalid(f) : r
        }
        if f.isInfinity(a) && f.isZero(b) || f.isZero(a) && f.isInfinity(b) { return invalid(f) }
        if f.isInfinity(a) || f.isInfinity(b) {
            return addSpecial(f.signed(f.sign(a ^ b), f.infinity), c, f)
        }
        return addSpecial(0, c, f)
    }

    /// `sum` in 128 bits: the exponents belong to bit 126.
    @inline(__always) private static func wideSum(
        _ sa: UInt64, _ ea: Int, _ ma: UInt128, _ sb: UInt64, _ eb: Int, _ mb: UInt128,
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
        var total: UInt128
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
        total = total &<< UInt128(truncatingIfNeeded: shift)
        let low = UInt64(truncatingIfNeeded: total)
        let significand = UInt64(truncatingIfNeeded: total &>> 64) | (low != 0 ? 1 : 0)
        return round(sign: sign, exponent: exponent &+ 1 &- shift, significand: significand, rm, f)
    }
}
