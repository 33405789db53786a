/// Bits of `fflags` (unprivileged specification, "Floating-Point Control and Status Register").
package enum FFlags {
    /// Inexact.
    package static var NX: UInt32 { 1 << 0 }
    /// Underflow.
    package static var UF: UInt32 { 1 << 1 }
    /// Overflow.
    package static var OF: UInt32 { 1 << 2 }
    /// Division by zero.
    package static var DZ: UInt32 { 1 << 3 }
    /// Invalid operation.
    package static var NV: UInt32 { 1 << 4 }
}

/// Rounding modes of `frm` and of an instruction's rm field (the same section).
package enum RoundingMode: UInt8, CaseIterable, Sendable {
    case nearestEven = 0
    case towardZero = 1
    case down = 2
    case up = 3
    case nearestAway = 4
    /// The one in `frm`; of instructions only.
    case dynamic = 7
}
