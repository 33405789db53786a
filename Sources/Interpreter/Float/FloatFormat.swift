/// A binary interchange format (IEEE 754-2019, 3.4), described by its two field widths.
///
/// Every operation of `SoftFloat` is written once over a format and inlined into one entry point
/// per width, where the format is a constant and folds away.
package struct FloatFormat {
    /// Width of the trailing significand field: p - 1.
    let fractionBits: Int
    /// All ones in the exponent field: infinities and NaNs.
    let exponentMaximum: Int

    @inline(__always) init(fractionBits: Int, exponentBits: Int) {
        self.fractionBits = fractionBits
        self.exponentMaximum = (1 &<< exponentBits) &- 1
    }

    @inline(__always) package static var binary16: FloatFormat { FloatFormat(fractionBits: 10, exponentBits: 5) }
    @inline(__always) package static var binary32: FloatFormat { FloatFormat(fractionBits: 23, exponentBits: 8) }
    @inline(__always) package static var binary64: FloatFormat { FloatFormat(fractionBits: 52, exponentBits: 11) }

    @inline(__always) var bias: Int { exponentMaximum &>> 1 }
    @inline(__always) var hiddenBit: UInt64 { 1 &<< UInt64(truncatingIfNeeded: fractionBits) }
    @inline(__always) var fractionMask: UInt64 { hiddenBit &- 1 }
    @inline(__always) var infinity: UInt64 { UInt64(truncatingIfNeeded: exponentMaximum) &<< UInt64(truncatingIfNeeded: fractionBits) }
    @inline(__always) var signBit: UInt64 { (UInt64(truncatingIfNeeded: exponentMaximum) &+ 1) &<< UInt64(truncatingIfNeeded: fractionBits) }
    @inline(__always) var magnitudeMask: UInt64 { signBit &- 1 }
    @inline(__always) var largestFinite: UInt64 { infinity &- 1 }
    @inline(__always) var quietBit: UInt64 { hiddenBit &>> 1 }

    /// The one NaN that RISC-V's operations produce (unprivileged spec, 20.3 "NaN Generation and Propagation").
    @inline(__always) var canonicalNaN: UInt64 { infinity | quietBit }

    @inline(__always) func sign(_ bits: UInt64) -> UInt64 {
        (bits & signBit) != 0 ? 1 : 0
    }
    @inline(__always) func signed(_ sign: UInt64, _ magnitude: UInt64) -> UInt64 {
        (sign != 0 ? signBit : 0) | magnitude
    }
    @inline(__always) func exponentField(_ bits: UInt64) -> Int {
        Int(truncatingIfNeeded: (bits & magnitudeMask) &>> UInt64(truncatingIfNeeded: fractionBits))
    }
    @inline(__always) func isNaN(_ bits: UInt64) -> Bool { bits & magnitudeMask > infinity }
    @inline(__always) func isSignalingNaN(_ bits: UInt64) -> Bool { isNaN(bits) && bits & quietBit == 0 }
    @inline(__always) func isInfinity(_ bits: UInt64) -> Bool { bits & magnitudeMask == infinity }
    @inline(__always) func isZero(_ bits: UInt64) -> Bool { bits & magnitudeMask == 0 }
}

/// A value's bits, right-aligned and not NaN-boxed, with the exceptions its computation raised.
package struct FloatResult {
    package var bits: UInt64
    package var flags: UInt8

    @inline(__always) package init(_ bits: UInt64, _ flags: UInt8 = 0) {
        self.bits = bits
        self.flags = flags
    }
}

/// Accrued exceptions at their places in fflags (unprivileged spec, 20.2).
package enum FloatFlag {
    @inline(__always) package static var inexact: UInt8 { 1 }
    @inline(__always) package static var underflow: UInt8 { 2 }
    @inline(__always) package static var overflow: UInt8 { 4 }
    @inline(__always) package static var divideByZero: UInt8 { 8 }
    @inline(__always) package static var invalid: UInt8 { 16 }
}

/// Rounding modes with the encoding of rm and frm (unprivileged spec, 20.2).
package enum RoundingMode: UInt8 {
    case nearestEven = 0
    case towardZero = 1
    case down = 2
    case up = 3
    case nearestMaxMagnitude = 4
}
