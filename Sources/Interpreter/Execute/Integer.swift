// RV64I register operations (unprivileged spec, chapters 2 and 4).

typealias H = UnsafeMutableRawPointer
typealias O = UnsafeRawPointer

@c func rv_lui(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.setX(op.rd, op.imm)
    return next(h, op, tlb, n)
}
@c func rv_addi(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1)
    h.setX(op.rd, a &+ op.imm)
    return next(h, op, tlb, n)
}
@c func rv_slti(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1)
    h.setX(op.rd, Int64(bitPattern: a) < Int64(bitPattern: op.imm) ? 1 : 0)
    return next(h, op, tlb, n)
}
@c func rv_sltiu(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1)
    h.setX(op.rd, a < op.imm ? 1 : 0)
    return next(h, op, tlb, n)
}
@c func rv_xori(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1)
    h.setX(op.rd, a ^ op.imm)
    return next(h, op, tlb, n)
}
@c func rv_ori(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1)
    h.setX(op.rd, a | op.imm)
    return next(h, op, tlb, n)
}
@c func rv_andi(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1)
    h.setX(op.rd, a & op.imm)
    return next(h, op, tlb, n)
}
@c func rv_slli(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1)
    h.setX(op.rd, a &<< op.imm)
    return next(h, op, tlb, n)
}
@c func rv_srli(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1)
    h.setX(op.rd, a &>> op.imm)
    return next(h, op, tlb, n)
}
@c func rv_srai(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1)
    h.setX(op.rd, UInt64(bitPattern: Int64(bitPattern: a) &>> Int64(bitPattern: op.imm)))
    return next(h, op, tlb, n)
}
@c func rv_add(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, a &+ b)
    return next(h, op, tlb, n)
}
@c func rv_sub(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, a &- b)
    return next(h, op, tlb, n)
}
@c func rv_sll(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, a &<< b)
    return next(h, op, tlb, n)
}
@c func rv_slt(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, Int64(bitPattern: a) < Int64(bitPattern: b) ? 1 : 0)
    return next(h, op, tlb, n)
}
@c func rv_sltu(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, a < b ? 1 : 0)
    return next(h, op, tlb, n)
}
@c func rv_xor(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, a ^ b)
    return next(h, op, tlb, n)
}
@c func rv_srl(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, a &>> b)
    return next(h, op, tlb, n)
}
@c func rv_sra(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, UInt64(bitPattern: Int64(bitPattern: a) &>> Int64(bitPattern: b)))
    return next(h, op, tlb, n)
}
@c func rv_or(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, a | b)
    return next(h, op, tlb, n)
}
@c func rv_and(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, a & b)
    return next(h, op, tlb, n)
}
@c func rv_addiw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.w(op.rs1)
    h.setW(op.rd, a &+ op.imm32)
    return next(h, op, tlb, n)
}
@c func rv_slliw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.w(op.rs1)
    h.setW(op.rd, a &<< op.imm32)
    return next(h, op, tlb, n)
}
@c func rv_srliw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.w(op.rs1)
    h.setW(op.rd, a &>> op.imm32)
    return next(h, op, tlb, n)
}
@c func rv_sraiw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.w(op.rs1)
    h.setW(op.rd, UInt32(bitPattern: Int32(bitPattern: a) &>> Int32(bitPattern: op.imm32)))
    return next(h, op, tlb, n)
}
@c func rv_addw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.w(op.rs1), b = h.w(op.rs2)
    h.setW(op.rd, a &+ b)
    return next(h, op, tlb, n)
}
@c func rv_subw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.w(op.rs1), b = h.w(op.rs2)
    h.setW(op.rd, a &- b)
    return next(h, op, tlb, n)
}
@c func rv_sllw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.w(op.rs1), b = h.w(op.rs2)
    h.setW(op.rd, a &<< b)
    return next(h, op, tlb, n)
}
@c func rv_srlw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.w(op.rs1), b = h.w(op.rs2)
    h.setW(op.rd, a &>> b)
    return next(h, op, tlb, n)
}
@c func rv_sraw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.w(op.rs1), b = h.w(op.rs2)
    h.setW(op.rd, UInt32(bitPattern: Int32(bitPattern: a) &>> Int32(bitPattern: b)))
    return next(h, op, tlb, n)
}
