// Zba, Zbb, Zbs and Zicond (unprivileged spec, chapters 28 and 12: bit manipulation, conditional operations).

@c func rv_sh1add(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, (a &<< 1) &+ b)
    return next(h, op, tlb, n)
}
@c func rv_sh2add(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, (a &<< 2) &+ b)
    return next(h, op, tlb, n)
}
@c func rv_sh3add(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, (a &<< 3) &+ b)
    return next(h, op, tlb, n)
}
@c func rv_add_uw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.setX(op.rd, UInt64(h.w(op.rs1)) &+ h.x(op.rs2))
    return next(h, op, tlb, n)
}
@c func rv_sh1add_uw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.setX(op.rd, (UInt64(h.w(op.rs1)) &<< 1) &+ h.x(op.rs2))
    return next(h, op, tlb, n)
}
@c func rv_sh2add_uw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.setX(op.rd, (UInt64(h.w(op.rs1)) &<< 2) &+ h.x(op.rs2))
    return next(h, op, tlb, n)
}
@c func rv_sh3add_uw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.setX(op.rd, (UInt64(h.w(op.rs1)) &<< 3) &+ h.x(op.rs2))
    return next(h, op, tlb, n)
}
@c func rv_slli_uw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.setX(op.rd, UInt64(h.w(op.rs1)) &<< op.imm)
    return next(h, op, tlb, n)
}
@c func rv_andn(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, a & ~b)
    return next(h, op, tlb, n)
}
@c func rv_orn(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, a | ~b)
    return next(h, op, tlb, n)
}
@c func rv_xnor(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, ~(a ^ b))
    return next(h, op, tlb, n)
}
@c func rv_clz(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1)
    h.setX(op.rd, UInt64(truncatingIfNeeded: a.leadingZeroBitCount))
    return next(h, op, tlb, n)
}
@c func rv_ctz(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1)
    h.setX(op.rd, UInt64(truncatingIfNeeded: a.trailingZeroBitCount))
    return next(h, op, tlb, n)
}
@c func rv_cpop(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1)
    h.setX(op.rd, UInt64(truncatingIfNeeded: a.nonzeroBitCount))
    return next(h, op, tlb, n)
}
@c func rv_clzw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.setX(op.rd, UInt64(truncatingIfNeeded: h.w(op.rs1).leadingZeroBitCount))
    return next(h, op, tlb, n)
}
@c func rv_ctzw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.setX(op.rd, UInt64(truncatingIfNeeded: h.w(op.rs1).trailingZeroBitCount))
    return next(h, op, tlb, n)
}
@c func rv_cpopw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.setX(op.rd, UInt64(truncatingIfNeeded: h.w(op.rs1).nonzeroBitCount))
    return next(h, op, tlb, n)
}
@c func rv_max(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, Int64(bitPattern: a) < Int64(bitPattern: b) ? b : a)
    return next(h, op, tlb, n)
}
@c func rv_min(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, Int64(bitPattern: a) < Int64(bitPattern: b) ? a : b)
    return next(h, op, tlb, n)
}
@c func rv_maxu(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, a < b ? b : a)
    return next(h, op, tlb, n)
}
@c func rv_minu(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, a < b ? a : b)
    return next(h, op, tlb, n)
}
@c func rv_sext_b(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.setX(op.rd, UInt64(bitPattern: Int64(Int8(truncatingIfNeeded: h.w(op.rs1)))))
    return next(h, op, tlb, n)
}
@c func rv_sext_h(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.setX(op.rd, UInt64(bitPattern: Int64(Int16(truncatingIfNeeded: h.w(op.rs1)))))
    return next(h, op, tlb, n)
}
@c func rv_zext_h(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.setX(op.rd, h.x(op.rs1) & 0xFFFF)
    return next(h, op, tlb, n)
}
@c func rv_rol(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, a &<< b | a &>> (0 &- b))
    return next(h, op, tlb, n)
}
@c func rv_ror(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, a &>> b | a &<< (0 &- b))
    return next(h, op, tlb, n)
}
@c func rv_rori(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1)
    h.setX(op.rd, a &>> op.imm | a &<< (0 &- op.imm))
    return next(h, op, tlb, n)
}
@c func rv_rolw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.w(op.rs1), b = h.w(op.rs2)
    h.setW(op.rd, a &<< b | a &>> (0 &- b))
    return next(h, op, tlb, n)
}
@c func rv_rorw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.w(op.rs1), b = h.w(op.rs2)
    h.setW(op.rd, a &>> b | a &<< (0 &- b))
    return next(h, op, tlb, n)
}
@c func rv_roriw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.w(op.rs1)
    h.setW(op.rd, a &>> op.imm32 | a &<< (0 &- op.imm32))
    return next(h, op, tlb, n)
}
@c func rv_rev8(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1)
    h.setX(op.rd, a.byteSwapped)
    return next(h, op, tlb, n)
}
/// Sets every byte that isn't zero to 0xFF.
@c func rv_orc_b(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    var v = h.x(op.rs1)
    v |= v &>> 4 & 0x0F0F_0F0F_0F0F_0F0F
    v |= v &>> 2 & 0x3333_3333_3333_3333
    v |= v &>> 1
    h.setX(op.rd, (v & 0x0101_0101_0101_0101) &* 0xFF)
    return next(h, op, tlb, n)
}
@c func rv_bclr(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, a & ~(1 &<< b))
    return next(h, op, tlb, n)
}
@c func rv_bext(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, a &>> b & 1)
    return next(h, op, tlb, n)
}
@c func rv_binv(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, a ^ (1 &<< b))
    return next(h, op, tlb, n)
}
@c func rv_bset(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, a | 1 &<< b)
    return next(h, op, tlb, n)
}
@c func rv_bclri(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1)
    h.setX(op.rd, a & ~(1 &<< op.imm))
    return next(h, op, tlb, n)
}
@c func rv_bexti(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1)
    h.setX(op.rd, a &>> op.imm & 1)
    return next(h, op, tlb, n)
}
@c func rv_binvi(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1)
    h.setX(op.rd, a ^ (1 &<< op.imm))
    return next(h, op, tlb, n)
}
@c func rv_bseti(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1)
    h.setX(op.rd, a | 1 &<< op.imm)
    return next(h, op, tlb, n)
}
@c func rv_czero_eqz(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, b == 0 ? 0 : a)
    return next(h, op, tlb, n)
}
@c func rv_czero_nez(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, b != 0 ? 0 : a)
    return next(h, op, tlb, n)
}
