import CHost

// Conversions between integers and floating point (unprivileged spec, 20.7, 21.5).
//
// To an integer: a whole number in range comes out the same in every mode, and truncation is the host's own
// instruction, with NX for what it cut off.

@c func rv_fcvt_w_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1)
    let x = hostSingle(a)
    if isBoxed(a) && x >= -0x1p31 && x < 0x1p31 {
        let whole = host_truncate_single(x)
        if Float(whole) == x ? h.hasRoundingMode(op) : op.rm == RoundingMode.towardZero.rawValue {
            h.setX(op.rd, UInt64(bitPattern: whole))
            if Float(whole) != x { h.raiseFlags(FloatFlag.inexact) }
            return next(h, op, tlb, n)
        }
    }
    return soft_fcvt_w_s(h, op, tlb, n)
}
@inline(never)
@c func soft_fcvt_w_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    return finishInteger(h, op, tlb, n, SoftFloat.word32(h.single(op.rs1), rm))
}

@c func rv_fcvt_wu_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1)
    let x = hostSingle(a)
    if isBoxed(a) && x >= 0 && x < 0x1p32 {
        let whole = host_truncate_single(x)
        if Float(whole) == x ? h.hasRoundingMode(op) : op.rm == RoundingMode.towardZero.rawValue {
            h.setW(op.rd, UInt32(truncatingIfNeeded: whole))
            if Float(whole) != x { h.raiseFlags(FloatFlag.inexact) }
            return next(h, op, tlb, n)
        }
    }
    return soft_fcvt_wu_s(h, op, tlb, n)
}
@inline(never)
@c func soft_fcvt_wu_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    return finishInteger(h, op, tlb, n, SoftFloat.unsignedWord32(h.single(op.rs1), rm))
}

@c func rv_fcvt_l_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1)
    let x = hostSingle(a)
    if isBoxed(a) && x >= -0x1p63 && x < 0x1p63 {
        let whole = host_truncate_single(x)
        if Float(whole) == x ? h.hasRoundingMode(op) : op.rm == RoundingMode.towardZero.rawValue {
            h.setX(op.rd, UInt64(bitPattern: whole))
            if Float(whole) != x { h.raiseFlags(FloatFlag.inexact) }
            return next(h, op, tlb, n)
        }
    }
    return soft_fcvt_l_s(h, op, tlb, n)
}
@inline(never)
@c func soft_fcvt_l_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    return finishInteger(h, op, tlb, n, SoftFloat.long32(h.single(op.rs1), rm))
}

@c func rv_fcvt_lu_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1)
    let x = hostSingle(a)
    if isBoxed(a) && x >= 0 && x < 0x1p63 {
        let whole = host_truncate_single(x)
        if Float(whole) == x ? h.hasRoundingMode(op) : op.rm == RoundingMode.towardZero.rawValue {
            h.setX(op.rd, UInt64(bitPattern: whole))
            if Float(whole) != x { h.raiseFlags(FloatFlag.inexact) }
            return next(h, op, tlb, n)
        }
    }
    return soft_fcvt_lu_s(h, op, tlb, n)
}
@inline(never)
@c func soft_fcvt_lu_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    return finishInteger(h, op, tlb, n, SoftFloat.unsignedLong32(h.single(op.rs1), rm))
}

@c func rv_fcvt_w_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1)
    let x = hostDouble(a)
    if x >= -0x1p31 && x < 0x1p31 {
        let whole = host_truncate(x)
        if Double(whole) == x ? h.hasRoundingMode(op) : op.rm == RoundingMode.towardZero.rawValue {
            h.setX(op.rd, UInt64(bitPattern: whole))
            if Double(whole) != x { h.raiseFlags(FloatFlag.inexact) }
            return next(h, op, tlb, n)
        }
    }
    return soft_fcvt_w_d(h, op, tlb, n)
}
@inline(never)
@c func soft_fcvt_w_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    return finishInteger(h, op, tlb, n, SoftFloat.word64(h.double(op.rs1), rm))
}

@c func rv_fcvt_wu_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1)
    let x = hostDouble(a)
    if x >= 0 && x < 0x1p32 {
        let whole = host_truncate(x)
        if Double(whole) == x ? h.hasRoundingMode(op) : op.rm == RoundingMode.towardZero.rawValue {
            h.setW(op.rd, UInt32(truncatingIfNeeded: whole))
            if Double(whole) != x { h.raiseFlags(FloatFlag.inexact) }
            return next(h, op, tlb, n)
        }
    }
    return soft_fcvt_wu_d(h, op, tlb, n)
}
@inline(never)
@c func soft_fcvt_wu_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    return finishInteger(h, op, tlb, n, SoftFloat.unsignedWord64(h.double(op.rs1), rm))
}

@c func rv_fcvt_l_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1)
    let x = hostDouble(a)
    if x >= -0x1p63 && x < 0x1p63 {
        let whole = host_truncate(x)
        if Double(whole) == x ? h.hasRoundingMode(op) : op.rm == RoundingMode.towardZero.rawValue {
            h.setX(op.rd, UInt64(bitPattern: whole))
            if Double(whole) != x { h.raiseFlags(FloatFlag.inexact) }
            return next(h, op, tlb, n)
        }
    }
    return soft_fcvt_l_d(h, op, tlb, n)
}
@inline(never)
@c func soft_fcvt_l_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    return finishInteger(h, op, tlb, n, SoftFloat.long64(h.double(op.rs1), rm))
}

@c func rv_fcvt_lu_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1)
    let x = hostDouble(a)
    if x >= 0 && x < 0x1p63 {
        let whole = host_truncate(x)
        if Double(whole) == x ? h.hasRoundingMode(op) : op.rm == RoundingMode.towardZero.rawValue {
            h.setX(op.rd, UInt64(bitPattern: whole))
            if Double(whole) != x { h.raiseFlags(FloatFlag.inexact) }
            return next(h, op, tlb, n)
        }
    }
    return soft_fcvt_lu_d(h, op, tlb, n)
}
@inline(never)
@c func soft_fcvt_lu_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    return finishInteger(h, op, tlb, n, SoftFloat.unsignedLong64(h.double(op.rs1), rm))
}

// Zfa: as JavaScript wants it.
@c func rv_fcvtmod_w_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let x = hostDouble(h.f(op.rs1))
    if x >= -0x1p31 && x < 0x1p31 {
        let whole = host_truncate(x)
        h.setX(op.rd, UInt64(bitPattern: whole))
        if Double(whole) != x { h.raiseFlags(FloatFlag.inexact) }
        return next(h, op, tlb, n)
    }
    return soft_fcvtmod_w_d(h, op, tlb, n)
}
@inline(never)
@c func soft_fcvtmod_w_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    return finishInteger(h, op, tlb, n, SoftFloat.moduloWord64(h.double(op.rs1)))
}

// From an integer: every 32-bit one is a double, but a reserved rounding mode is still illegal (unprivileged
// spec, 20.2: "implementations must treat the rm field as usual").
@c func rv_fcvt_d_w(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard h.hasRoundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    h.setDouble(op.rd, Double(Int32(bitPattern: h.w(op.rs1))).bitPattern)
    return next(h, op, tlb, n)
}
@c func rv_fcvt_d_wu(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard h.hasRoundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    h.setDouble(op.rd, Double(h.w(op.rs1)).bitPattern)
    return next(h, op, tlb, n)
}

// The others round: as the host does, or not at all when the integer is short.
@c func rv_fcvt_d_l(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let v = Int64(bitPattern: h.x(op.rs1))
    if h.mayUseHost(op) || UInt64(bitPattern: v) &+ (1 &<< 53) <= 1 &<< 54 && h.hasRoundingMode(op) {
        h.setDouble(op.rd, Double(v).bitPattern)
        return next(h, op, tlb, n)
    }
    return soft_fcvt_d_l(h, op, tlb, n)
}
@inline(never)
@c func soft_fcvt_d_l(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    let v = Int64(bitPattern: h.x(op.rs1))
    return finishDouble(h, op, tlb, n, SoftFloat.float64(v, rm))
}

@c func rv_fcvt_d_lu(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let v = h.x(op.rs1)
    if h.mayUseHost(op) || v <= 1 &<< 53 && h.hasRoundingMode(op) {
        h.setDouble(op.rd, Double(v).bitPattern)
        return next(h, op, tlb, n)
    }
    return soft_fcvt_d_lu(h, op, tlb, n)
}
@inline(never)
@c func soft_fcvt_d_lu(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    let v = h.x(op.rs1)
    return finishDouble(h, op, tlb, n, SoftFloat.float64(unsigned: v, rm))
}

@c func rv_fcvt_s_w(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let v = Int64(Int32(bitPattern: h.w(op.rs1)))
    if h.mayUseHost(op) || UInt64(bitPattern: v) &+ (1 &<< 24) <= 1 &<< 25 && h.hasRoundingMode(op) {
        h.setSingle(op.rd, UInt64(Float(v).bitPattern))
        return next(h, op, tlb, n)
    }
    return soft_fcvt_s_w(h, op, tlb, n)
}
@inline(never)
@c func soft_fcvt_s_w(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    let v = Int64(Int32(bitPattern: h.w(op.rs1)))
    return finishSingle(h, op, tlb, n, SoftFloat.float32(v, rm))
}

@c func rv_fcvt_s_wu(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let v = UInt64(h.w(op.rs1))
    if h.mayUseHost(op) || v <= 1 &<< 24 && h.hasRoundingMode(op) {
        h.setSingle(op.rd, UInt64(Float(v).bitPattern))
        return next(h, op, tlb, n)
    }
    return soft_fcvt_s_wu(h, op, tlb, n)
}
@inline(never)
@c func soft_fcvt_s_wu(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    let v = UInt64(h.w(op.rs1))
    return finishSingle(h, op, tlb, n, SoftFloat.float32(unsigned: v, rm))
}

@c func rv_fcvt_s_l(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let v = Int64(bitPattern: h.x(op.rs1))
    if h.mayUseHost(op) || UInt64(bitPattern: v) &+ (1 &<< 24) <= 1 &<< 25 && h.hasRoundingMode(op) {
        h.setSingle(op.rd, UInt64(Float(v).bitPattern))
        return next(h, op, tlb, n)
    }
    return soft_fcvt_s_l(h, op, tlb, n)
}
@inline(never)
@c func soft_fcvt_s_l(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    let v = Int64(bitPattern: h.x(op.rs1))
    return finishSingle(h, op, tlb, n, SoftFloat.float32(v, rm))
}

@c func rv_fcvt_s_lu(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let v = h.x(op.rs1)
    if h.mayUseHost(op) || v <= 1 &<< 24 && h.hasRoundingMode(op) {
        h.setSingle(op.rd, UInt64(Float(v).bitPattern))
        return next(h, op, tlb, n)
    }
    return soft_fcvt_s_lu(h, op, tlb, n)
}
@inline(never)
@c func soft_fcvt_s_lu(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    let v = h.x(op.rs1)
    return finishSingle(h, op, tlb, n, SoftFloat.float32(unsigned: v, rm))
}
