// Conversions between floating-point formats (unprivileged spec, 21.5, 23 "Zfhmin").

// Widening is exact: only a NaN needs care, and a reserved rounding mode, which is illegal here too (20.2:
// "implementations must treat the rm field as usual").
@c func rv_fcvt_d_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1)
    let x = hostSingle(a)
    if isBoxed(a) && x == x && h.hasRoundingMode(op) {
        h.setDouble(op.rd, Double(x).bitPattern)
        return next(h, op, tlb, n)
    }
    return soft_fcvt_d_s(h, op, tlb, n)
}
@inline(never)
@c func soft_fcvt_d_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard h.hasRoundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    return finishDouble(h, op, tlb, n, SoftFloat.convert32to64(h.single(op.rs1)))
}

@c func rv_fcvt_s_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    if h.mayUseHost(op) {
        let r = Float(hostDouble(h.f(op.rs1))).bitPattern
        if isOrdinary(r) {
            h.setSingle(op.rd, UInt64(r))
            return next(h, op, tlb, n)
        }
    }
    return soft_fcvt_s_d(h, op, tlb, n)
}
@inline(never)
@c func soft_fcvt_s_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    return finishSingle(h, op, tlb, n, SoftFloat.convert64to32(h.double(op.rs1), rm))
}

// Halves are stored, rarely computed with: no short way.
@c func rv_fcvt_s_h(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    return soft_fcvt_s_h(h, op, tlb, n)
}
@inline(never)
@c func soft_fcvt_s_h(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard h.hasRoundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    return finishSingle(h, op, tlb, n, SoftFloat.convert16to32(h.half(op.rs1)))
}

@c func rv_fcvt_d_h(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    return soft_fcvt_d_h(h, op, tlb, n)
}
@inline(never)
@c func soft_fcvt_d_h(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard h.hasRoundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    return finishDouble(h, op, tlb, n, SoftFloat.convert16to64(h.half(op.rs1)))
}

@c func rv_fcvt_h_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    return soft_fcvt_h_s(h, op, tlb, n)
}
@inline(never)
@c func soft_fcvt_h_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    return finishHalf(h, op, tlb, n, SoftFloat.convert32to16(h.single(op.rs1), rm))
}

@c func rv_fcvt_h_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    return soft_fcvt_h_d(h, op, tlb, n)
}
@inline(never)
@c func soft_fcvt_h_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    return finishHalf(h, op, tlb, n, SoftFloat.convert64to16(h.double(op.rs1), rm))
}

// Zfa: to an integral number in the same format.
@c func rv_fround_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    return soft_fround_s(h, op, tlb, n)
}
@inline(never)
@c func soft_fround_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    return finishSingle(h, op, tlb, n, SoftFloat.roundToIntegral32(h.single(op.rs1), rm, exact: false))
}

@c func rv_froundnx_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    return soft_froundnx_s(h, op, tlb, n)
}
@inline(never)
@c func soft_froundnx_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    return finishSingle(h, op, tlb, n, SoftFloat.roundToIntegral32(h.single(op.rs1), rm, exact: true))
}

@c func rv_fround_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    return soft_fround_d(h, op, tlb, n)
}
@inline(never)
@c func soft_fround_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    return finishDouble(h, op, tlb, n, SoftFloat.roundToIntegral64(h.double(op.rs1), rm, exact: false))
}

@c func rv_froundnx_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    return soft_froundnx_d(h, op, tlb, n)
}
@inline(never)
@c func soft_froundnx_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let rm = h.roundingMode(op) else { return raiseIllegal(h, op, tlb, n) }
    return finishDouble(h, op, tlb, n, SoftFloat.roundToIntegral64(h.double(op.rs1), rm, exact: true))
}
