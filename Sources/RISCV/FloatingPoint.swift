/// Bits of `fflags` (unprivileged specification, "Floating-Point Control and Status Register").
public enum FFlags {
    /// Inexact.
    public static var NX: UInt32 { 1 << 0 }
    /// Underflow.
    public static var UF: UInt32 { 1 << 1 }
    /// Overflow.
    public static var OF: UInt32 { 1 << 2 }
    /// Division by zero.
    public static var DZ: UInt32 { 1 << 3 }
    /// Invalid operation.
    public static var NV: UInt32 { 1 << 4 }
}

/// Rounding modes of `frm` and of an instruction's rm field (the same section).
public enum RoundingMode: UInt8, CaseIterable, Sendable {
    case nearestEven = 0
    case towardZero = 1
    case down = 2
    case up = 3
    case nearestAway = 4
    /// The one in `frm`; of instructions only.
    case dynamic = 7
}
