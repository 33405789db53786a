/// The integer side of a conversion: w, wu, l or lu.
package struct IntegerFormat {
    let bits: UInt64
    let isSigned: Bool

    @inline(__always) package static var word: IntegerFormat { IntegerFormat(bits: 32, isSigned: true) }
    @inline(__always) package static var unsignedWord: IntegerFormat { IntegerFormat(bits: 32, isSigned: false) }
    @inline(__always) package static var long: IntegerFormat { IntegerFormat(bits: 64, isSigned: true) }
    @inline(__always) package static var unsignedLong: IntegerFormat { IntegerFormat(bits: 64, isSigned: false) }

    /// Largest magnitude of a result with this sign.
    @inline(__always) func limit(_ sign: UInt64) -> UInt64 {
        let all = ~UInt64(0) &>> (64 &- bits)
        if isSigned { return all &>> 1 &+ sign }
        return sign != 0 ? 0 : all
    }

    /// The register's contents for an integer of this format: 32-bit results, unsigned ones too, are
    /// sign-extended (unprivileged spec, 20.7).
    @inline(__always) func register(_ value: UInt64) -> UInt64 {
        bits == 32 ? UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: value))) : value
    }
}

extension SoftFloat {
    // Float to integer: `bits` is the integer register's new contents.
    @inline(never) package static func word32(_ a: UInt64, _ rm: RoundingMode) -> FloatResult { toInteger(a, rm, .word, .binary32) }
    @inline(never) package static func word64(_ a: UInt64, _ rm: RoundingMode) -> FloatResult { toInteger(a, rm, .word, .binary64) }
    @inline(never) package static func unsignedWord32(_ a: UInt64, _ rm: RoundingMode) -> FloatResult { toInteger(a, rm, .unsignedWord, .binary32) }
    @inline(never) package static func unsignedWord64(_ a: UInt64, _ rm: RoundingMode) -> FloatResult { toInteger(a, rm, .unsignedWord, .binary64) }
    @inline(never) package static func long32(_ a: UInt64, _ rm: RoundingMode) -> FloatResult { toInteger(a, rm, .long, .binary32) }
    @inline(never) package static func long64(_ a: UInt64, _ rm: RoundingMode) -> FloatResult { toInteger(a, rm, .long, .binary64) }
    @inline(never) package static func unsignedLong32(_ a: UInt64, _ rm: RoundingMode) -> FloatResult { toInteger(a, rm, .unsignedLong, .binary32) }
    @inline(never) package static func unsignedLong64(_ a: UInt64, _ rm: RoundingMode) -> FloatResult { toInteger(a, rm, .unsignedLong, .binary64) }

    // 64-bit integer to float; 32-bit ones are extended first, which keeps their value.
    @inline(never) package static func float32(_ value: Int64, _ rm: RoundingMode) -> FloatResult { fromSigned(value, rm, .binary32) }
    @inline(never) package static func float64(_ value: Int64, _ rm: RoundingMode) -> FloatResult { fromSigned(value, rm, .binary64) }
    @inline(never) package static func float32(unsigned value: UInt64, _ rm: RoundingMode) -> FloatResult { fromMagnitude(0, value, rm, .binary32) }
    @inline(never) package static func float64(unsigned value: UInt64, _ rm: RoundingMode) -> FloatResult { fromMagnitude(0, value, rm, .binary64) }

    /// fcvtmod.w.d: truncated, modulo 2^32, with the flags of fcvt.w.d (Zfa).
    @inline(never) package static func moduloWord64(_ a: UInt64) -> FloatResult {
        let f = FloatFormat.binary64
        let flags = toInteger(a, .towardZero, .word, f).flags
        let field = f.exponentField(a)
        let (e, m) = unpack(a, f)
        let place = e &- f.bias &- f.fractionBits  // of the significand's lowest bit
        var magnitude: UInt64 = 0
        if field != f.exponentMaximum {
            if place >= 0 {
                if place < 32 { magnitude = m &<< UInt64(truncatingIfNeeded: place) }
            } else if place > -64 {
                magnitude = m &>> UInt64(truncatingIfNeeded: 0 &- place)
            }
        }
        let value = f.sign(a) != 0 ? 0 &- magnitude : magnitude
        return FloatResult(IntegerFormat.word.register(value), flags)
    }

    @inline(__always) private static func fromSigned(_ value: Int64, _ rm: RoundingMode, _ f: FloatFormat) -> FloatResult {
        fromMagnitude(value < 0 ? 1 : 0, value.magnitude, rm, f)
    }

    @inline(__always) private static func fromMagnitude(_ sign: UInt64, _ m: UInt64, _ rm: RoundingMode, _ f: FloatFormat) -> FloatResult {
        if m == 0 { return FloatResult(0) }
        let shift = m.leadingZeroBitCount
        return round(
            sign: sign, exponent: f.bias &+ 63 &- shift,
            significand: m &<< UInt64(truncatingIfNeeded: shift), rm, f)
    }

    /// A number's magnitude split at the binary point: the whole part, and 64 bits of fraction with the
    /// lowest one sticky. Good for numbers below 2^64.
    @inline(__always) static func split(_ a: UInt64, _ f: FloatFormat) -> (whole: UInt64, fraction: UInt64) {
        let (e, m) = unpack(a, f)
        let significand = m &<< UInt64(truncatingIfNeeded: 63 &- f.fractionBits)
        let unbiased = e &- f.bias
        if unbiased < 0 { return (0, shiftRightSticky(significand, -1 &- unbiased)) }
        let whole = significand &>> UInt64(truncatingIfNeeded: 63 &- unbiased)
        // Two steps, since a shift by 64 isn't one.
        return (whole, (significand &<< UInt64(truncatingIfNeeded: unbiased)) &<< 1)
    }

    /// Whether a magnitude with this odd or even whole part goes up by one.
    @inline(__always) static func roundsUp(_ fraction: UInt64, odd: Bool, sign: UInt64, _ rm: RoundingMode) -> Bool {
        let half: UInt64 = 1 &<< 63
        return switch rm {
        case .nearestEven: fraction > half || fraction == half && odd
        case .towardZero: false
        case .down: sign != 0 && fraction != 0
        case .up: sign == 0 && fraction != 0
        case .nearestMaxMagnitude: fraction >= half
        }
    }

    /// Out of range gives the nearest limit and NaN the largest integer, with NV and without NX
    /// (unprivileged spec, 20.7: "Domains of float-to-integer conversions").
    @inline(__always) private static func toInteger(
        _ a: UInt64, _ rm: RoundingMode, _ i: IntegerFormat, _ f: FloatFormat
    ) -> FloatResult {
        let sign = f.sign(a)
        if f.exponentField(a) &- f.bias >= 64 {
            return FloatResult(saturated(f.isNaN(a) ? 0 : sign, i), FloatFlag.invalid)
        }
        let (whole, fraction) = split(a, f)
        let magnitude = whole &+ (roundsUp(fraction, odd: whole & 1 != 0, sign: sign, rm) ? 1 : 0)
        if magnitude > i.limit(sign) { return FloatResult(saturated(sign, i), FloatFlag.invalid) }
        let value = sign != 0 ? 0 &- magnitude : magnitude
        return FloatResult(i.register(value), fraction != 0 ? FloatFlag.inexact : 0)
    }

    @inline(__always) private static func saturated(_ sign: UInt64, _ i: IntegerFormat) -> UInt64 {
        i.register(sign != 0 ? 0 &- i.limit(1) : i.limit(0))
    }
}
