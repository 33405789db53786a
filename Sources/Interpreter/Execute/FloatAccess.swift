// What the floating-point handlers share: NaN boxes, rounding modes, and when the host may stand in.

extension UnsafeMutableRawPointer {
    /// An f register as a single: one that isn't boxed reads as the canonical NaN (unprivileged spec, 21.2).
    @inline(__always) func single(_ r: Int) -> UInt64 {
        let v = f(r)
        return isBoxed(v) ? v & 0xFFFF_FFFF : FloatFormat.binary32.canonicalNaN
    }
    @inline(__always) func double(_ r: Int) -> UInt64 { f(r) }
    @inline(__always) func half(_ r: Int) -> UInt64 {
        let v = f(r)
        return v >= 0xFFFF_FFFF_FFFF_0000 ? v & 0xFFFF : FloatFormat.binary16.canonicalNaN
    }
    @inline(__always) func setSingle(_ r: Int, _ v: UInt64) { setF(r, v | 0xFFFF_FFFF_0000_0000) }
    @inline(__always) func setDouble(_ r: Int, _ v: UInt64) { setF(r, v) }
    @inline(__always) func setHalf(_ r: Int, _ v: UInt64) { setF(r, v | 0xFFFF_FFFF_FFFF_0000) }

    /// The instruction's rounding mode, frm's when it is dynamic (7); nil for a reserved one.
    @inline(__always) func roundingMode(_ op: UnsafeRawPointer) -> RoundingMode? {
        RoundingMode(rawValue: op.rm == 7 ? frm : op.rm)
    }
    @inline(__always) func hasRoundingMode(_ op: UnsafeRawPointer) -> Bool {
        op.rm <= 4 || op.rm == 7 && frm <= 4
    }
    /// Whether nothing but the result tells the host's operation from the exact one: it rounds to nearest
    /// even, as the host does, and inexact is set already. `fpFast` knows the latter and frm.
    @inline(__always) func mayUseHost(_ op: UnsafeRawPointer) -> Bool {
        // Nearest even is 0 and dynamic 7.
        fpFast && (op.rm &+ 1) & 7 <= 1
    }
}

/// All bits above a single are ones.
@inline(__always) func isBoxed(_ v: UInt64) -> Bool { v >= 0xFFFF_FFFF_0000_0000 }

@inline(__always) func hostSingle(_ v: UInt64) -> Float { Float(bitPattern: UInt32(truncatingIfNeeded: v)) }
@inline(__always) func hostDouble(_ v: UInt64) -> Double { Double(bitPattern: v) }

/// Neither is a NaN. Written as comparisons for the sake of one `ucomisd`; `isNaN` takes the bits apart.
@inline(__always) func isOrdered(_ x: Float, _ y: Float) -> Bool { x == x && y == y }
@inline(__always) func isOrdered(_ x: Double, _ y: Double) -> Bool { x == x && y == y }

/// A result of the host that shows that no exception but inexact was met: neither zero nor NaN nor infinite,
/// and not as small as the smallest normal, to which a tiny one may have been rounded.
@inline(__always) func isOrdinary(_ v: UInt64) -> Bool { (v &>> 52 &- 2) & 0x7FF < 0x7FD }
@inline(__always) func isOrdinary(_ v: UInt32) -> Bool { (v &>> 23 &- 2) & 0xFF < 0xFD }

/// Exactly halfway between two singles, as long as those are normal.
@inline(__always) func isBetweenSingles(_ x: Double) -> Bool { x.bitPattern & 0x1FFF_FFFF == 0x1000_0000 }

extension UnsafeRawPointer {
    /// fli's operand: which constant.
    @inline(__always) var constantIndex: UInt8 { UInt8(truncatingIfNeeded: imm32) }
}

// The ends of the soft paths.

@inline(__always)
func finishSingle(_ h: H, _ op: O, _ tlb: H, _ n: Int, _ r: FloatResult) -> Int {
    h.setSingle(op.rd, r.bits)
    h.raiseFlags(r.flags)
    return next(h, op, tlb, n)
}
@inline(__always)
func finishDouble(_ h: H, _ op: O, _ tlb: H, _ n: Int, _ r: FloatResult) -> Int {
    h.setDouble(op.rd, r.bits)
    h.raiseFlags(r.flags)
    return next(h, op, tlb, n)
}
@inline(__always)
func finishHalf(_ h: H, _ op: O, _ tlb: H, _ n: Int, _ r: FloatResult) -> Int {
    h.setHalf(op.rd, r.bits)
    h.raiseFlags(r.flags)
    return next(h, op, tlb, n)
}
@inline(__always)
func finishInteger(_ h: H, _ op: O, _ tlb: H, _ n: Int, _ r: FloatResult) -> Int {
    h.setX(op.rd, r.bits)
    h.raiseFlags(r.flags)
    return next(h, op, tlb, n)
}
