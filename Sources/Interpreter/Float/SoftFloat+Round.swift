extension SoftFloat {
    /// What to add below the last kept place so that the carry out of it is the rounding
    /// (IEEE 754-2019, 4.3). `half` is half a unit of that place, `odd` its present bit.
    @inline(__always) static func increment(_ rm: RoundingMode, sign: UInt64, odd: UInt64, half: UInt64) -> UInt64 {
        switch rm {
        case .nearestEven: half &- 1 &+ odd
        case .towardZero: 0
        case .down: sign != 0 ? half &+ half &- 1 : 0
        case .up: sign != 0 ? 0 : half &+ half &- 1
        case .nearestMaxMagnitude: half
        }
    }

    /// Rounds and packs a number other than zero. `significand` has its leading bit at 63 and its lowest
    /// bit sticky; `exponent` belongs to that leading bit.
    @inline(__always) static func round(
        sign: UInt64, exponent: Int, significand: UInt64, _ rm: RoundingMode, _ f: FloatFormat
    ) -> FloatResult {
        // One comparison for both ends of the normal range.
        if UInt(bitPattern: exponent &- 1) >= UInt(bitPattern: f.exponentMaximum &- 1) {
            return exponent > 0
                ? overflow(sign: sign, rm, f)
                : roundSubnormal(sign: sign, exponent: exponent, significand: significand, rm, f)
        }
        let (kept, inexact) = roundOff(significand, sign: sign, rm, f)
        // The hidden bit adds the missing one to the exponent, and a carry out of the fraction another.
        let magnitude = (UInt64(truncatingIfNeeded: exponent &- 1) &<< UInt64(truncatingIfNeeded: f.fractionBits)) &+ kept
        if magnitude >= f.infinity { return overflow(sign: sign, rm, f) }
        return FloatResult(f.signed(sign, magnitude), inexact ? FloatFlag.inexact : 0)
    }

    /// Drops the bits below the format's precision.
    @inline(__always) private static func roundOff(
        _ significand: UInt64, sign: UInt64, _ rm: RoundingMode, _ f: FloatFormat
    ) -> (kept: UInt64, inexact: Bool) {
        let drop = UInt64(truncatingIfNeeded: 63 &- f.fractionBits)
        let half: UInt64 = 1 &<< (drop &- 1)
        let low = significand & (half &+ half &- 1)
        let whole = significand &>> drop
        let carry = (low &+ increment(rm, sign: sign, odd: whole & 1, half: half)) &>> drop
        return (whole &+ carry, low != 0)
    }

    /// RISC-V detects tininess after rounding (unprivileged spec, 20.2; IEEE 754-2019, 7.5): a number is
    /// tiny unless rounding to full precision, with no bound on the exponent, would reach the smallest normal.
    @inline(__always) private static func roundSubnormal(
        sign: UInt64, exponent: Int, significand: UInt64, _ rm: RoundingMode, _ f: FloatFormat
    ) -> FloatResult {
        let (kept, inexact) = roundOff(shiftRightSticky(significand, 1 &- exponent), sign: sign, rm, f)
        let bits = f.signed(sign, kept)
        if !inexact { return FloatResult(bits) }
        let tiny = exponent < 0 || roundOff(significand, sign: sign, rm, f).kept < f.hiddenBit &<< 1
        return FloatResult(bits, tiny ? FloatFlag.underflow | FloatFlag.inexact : FloatFlag.inexact)
    }

    /// IEEE 754-2019, 7.4: to infinity, or to the largest finite number where the mode rounds inwards.
    @inline(__always) private static func overflow(sign: UInt64, _ rm: RoundingMode, _ f: FloatFormat) -> FloatResult {
        let inwards = switch rm {
        case .nearestEven, .nearestMaxMagnitude: false
        case .towardZero: true
        case .down: sign == 0
        case .up: sign != 0
        }
        return FloatResult(
            f.signed(sign, inwards ? f.largestFinite : f.infinity), FloatFlag.overflow | FloatFlag.inexact)
    }
}
