/// Binary floating point in integers, exact in every rounding mode and in every flag.
///
/// Operands and results are bit patterns, right-aligned in 64 bits. Inside, a number has
/// - a sign, 0 or 1,
/// - an exponent, counted like the format's exponent field but unlimited (0 and below: subnormal range),
/// - a significand whose leading bit's place each function states, and whose lowest bit is sticky: it
///   stands for everything that was shifted out below it.
///
/// The host's own FP instructions serve as a first guess of quotients and roots; the remainder, in
/// integers, decides. So no result depends on the host's rounding mode or flags.
package enum SoftFloat {
    /// `x` shifted right by `n` >= 0, the bits that fall out gathered in the lowest one.
    @inline(__always) static func shiftRightSticky(_ x: UInt64, _ n: Int) -> UInt64 {
        if n > 63 { return x != 0 ? 1 : 0 }
        let shift = UInt64(truncatingIfNeeded: n)
        let lost = x & ((1 &<< shift) &- 1)
        return (x &>> shift) | (lost != 0 ? 1 : 0)
    }

    @inline(__always) static func shiftRightSticky(_ x: UInt128, _ n: Int) -> UInt128 {
        if n > 127 { return x != 0 ? 1 : 0 }
        let shift = UInt128(truncatingIfNeeded: n)
        let lost = x & ((1 &<< shift) &- 1)
        return (x &>> shift) | (lost != 0 ? 1 : 0)
    }

    /// Exponent and significand of a finite number, hidden bit included and at place `fractionBits`.
    /// A subnormal keeps its leading zeros and has the exponent 1 that its field stands for; so has a zero.
    @inline(__always) static func unpack(_ bits: UInt64, _ f: FloatFormat) -> (exponent: Int, significand: UInt64) {
        let field = f.exponentField(bits)
        let fraction = bits & f.fractionMask
        return field == 0 ? (1, fraction) : (field, fraction | f.hiddenBit)
    }

    /// As `unpack`, for a number other than zero, with the leading bit at `fractionBits` even for a subnormal.
    @inline(__always) static func unpackNormalized(_ bits: UInt64, _ f: FloatFormat) -> (exponent: Int, significand: UInt64) {
        let field = f.exponentField(bits)
        let fraction = bits & f.fractionMask
        if field != 0 { return (field, fraction | f.hiddenBit) }
        let shift = fraction.leadingZeroBitCount &- (63 &- f.fractionBits)
        return (1 &- shift, fraction &<< UInt64(truncatingIfNeeded: shift))
    }

    /// The result of an operation with a NaN among its operands: the canonical NaN, and NV when one of
    /// them signals (IEEE 754-2019, 6.2; RISC-V never propagates a payload).
    @inline(__always) static func propagateNaN(_ a: UInt64, _ b: UInt64, _ f: FloatFormat) -> FloatResult {
        let signals = f.isSignalingNaN(a) || f.isSignalingNaN(b)
        return FloatResult(f.canonicalNaN, signals ? FloatFlag.invalid : 0)
    }

    @inline(__always) static func invalid(_ f: FloatFormat) -> FloatResult {
        FloatResult(f.canonicalNaN, FloatFlag.invalid)
    }
}
