// Sign injection, moves and constants (unprivileged spec, 20.7, 21.5, 23; Zfa). No flags, no rounding.

@c func rv_fsgnj_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1), b = h.f(op.rs2)
    if isBoxed(a & b) {
        h.setF(op.rd, a ^ (a ^ b) & 0x8000_0000)
        return next(h, op, tlb, n)
    }
    return soft_fsgnj_s(h, op, tlb, n)
}
@inline(never)
@c func soft_fsgnj_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.single(op.rs1), b = h.single(op.rs2)
    h.setSingle(op.rd, a ^ (a ^ b) & 0x8000_0000)
    return next(h, op, tlb, n)
}

@c func rv_fsgnjn_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1), b = h.f(op.rs2)
    if isBoxed(a & b) {
        h.setF(op.rd, a ^ ~(a ^ b) & 0x8000_0000)
        return next(h, op, tlb, n)
    }
    return soft_fsgnjn_s(h, op, tlb, n)
}
@inline(never)
@c func soft_fsgnjn_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.single(op.rs1), b = h.single(op.rs2)
    h.setSingle(op.rd, a ^ ~(a ^ b) & 0x8000_0000)
    return next(h, op, tlb, n)
}

@c func rv_fsgnjx_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1), b = h.f(op.rs2)
    if isBoxed(a & b) {
        h.setF(op.rd, a ^ b & 0x8000_0000)
        return next(h, op, tlb, n)
    }
    return soft_fsgnjx_s(h, op, tlb, n)
}
@inline(never)
@c func soft_fsgnjx_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.single(op.rs1), b = h.single(op.rs2)
    h.setSingle(op.rd, a ^ b & 0x8000_0000)
    return next(h, op, tlb, n)
}

@c func rv_fsgnj_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1), b = h.f(op.rs2)
    h.setF(op.rd, a ^ (a ^ b) & 0x8000_0000_0000_0000)
    return next(h, op, tlb, n)
}
@c func rv_fsgnjn_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1), b = h.f(op.rs2)
    h.setF(op.rd, a ^ ~(a ^ b) & 0x8000_0000_0000_0000)
    return next(h, op, tlb, n)
}
@c func rv_fsgnjx_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.f(op.rs1), b = h.f(op.rs2)
    h.setF(op.rd, a ^ b & 0x8000_0000_0000_0000)
    return next(h, op, tlb, n)
}

// Moves carry bits, boxed or not.
@c func rv_fmv_x_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.setX(op.rd, h.f(op.rs1))
    return next(h, op, tlb, n)
}
@c func rv_fmv_d_x(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.setDouble(op.rd, h.x(op.rs1))
    return next(h, op, tlb, n)
}
@c func rv_fmv_x_w(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.setW(op.rd, UInt32(truncatingIfNeeded: h.f(op.rs1)))
    return next(h, op, tlb, n)
}
@c func rv_fmv_w_x(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.setSingle(op.rd, UInt64(h.w(op.rs1)))
    return next(h, op, tlb, n)
}
@c func rv_fmv_x_h(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.setX(op.rd, UInt64(bitPattern: Int64(Int16(truncatingIfNeeded: h.f(op.rs1)))))
    return next(h, op, tlb, n)
}
@c func rv_fmv_h_x(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.setHalf(op.rd, h.x(op.rs1) & 0xFFFF)
    return next(h, op, tlb, n)
}

@c func rv_fli_s(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.setSingle(op.rd, SoftFloat.constant32(op.constantIndex))
    return next(h, op, tlb, n)
}
@c func rv_fli_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.setDouble(op.rd, SoftFloat.constant64(op.constantIndex))
    return next(h, op, tlb, n)
}
