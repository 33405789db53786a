// M: multiplication and division (unprivileged spec, chapter 12). Division never traps: by zero the quotient
// is all ones and the remainder the dividend; the most negative number over -1 is itself, remainder 0.

@c func rv_mul(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, a &* b)
    return next(h, op, tlb, n)
}
@c func rv_mulhu(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, a.multipliedFullWidth(by: b).high)
    return next(h, op, tlb, n)
}
@c func rv_mulh(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, UInt64(bitPattern: Int64(bitPattern: a).multipliedFullWidth(by: Int64(bitPattern: b)).high))
    return next(h, op, tlb, n)
}
@c func rv_mulhsu(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    h.setX(op.rd, a.multipliedFullWidth(by: b).high &- (b & UInt64(bitPattern: Int64(bitPattern: a) &>> 63)))
    return next(h, op, tlb, n)
}
@c func rv_mulw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.w(op.rs1), b = h.w(op.rs2)
    h.setW(op.rd, a &* b)
    return next(h, op, tlb, n)
}
@c func rv_div(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = Int64(bitPattern: h.x(op.rs1)), b = Int64(bitPattern: h.x(op.rs2))
    let r: Int64 = b == 0 ? -1 : b == -1 ? 0 &- a : unsafeQuotient(a, b)
    h.setX(op.rd, UInt64(bitPattern: r))
    return next(h, op, tlb, n)
}
@c func rv_divu(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    let r: UInt64 = b == 0 ? ~0 : unsafeQuotient(a, b)
    h.setX(op.rd, r)
    return next(h, op, tlb, n)
}
@c func rv_rem(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = Int64(bitPattern: h.x(op.rs1)), b = Int64(bitPattern: h.x(op.rs2))
    let r: Int64 = b == 0 ? a : b == -1 ? 0 : unsafeRemainder(a, b)
    h.setX(op.rd, UInt64(bitPattern: r))
    return next(h, op, tlb, n)
}
@c func rv_remu(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.x(op.rs1), b = h.x(op.rs2)
    let r: UInt64 = b == 0 ? a : unsafeRemainder(a, b)
    h.setX(op.rd, r)
    return next(h, op, tlb, n)
}
@c func rv_divw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = Int32(bitPattern: h.w(op.rs1)), b = Int32(bitPattern: h.w(op.rs2))
    let r: Int32 = b == 0 ? -1 : b == -1 ? 0 &- a : unsafeQuotient(a, b)
    h.setW(op.rd, UInt32(bitPattern: r))
    return next(h, op, tlb, n)
}
@c func rv_divuw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.w(op.rs1), b = h.w(op.rs2)
    let r: UInt32 = b == 0 ? ~0 : unsafeQuotient(a, b)
    h.setW(op.rd, r)
    return next(h, op, tlb, n)
}
@c func rv_remw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = Int32(bitPattern: h.w(op.rs1)), b = Int32(bitPattern: h.w(op.rs2))
    let r: Int32 = b == 0 ? a : b == -1 ? 0 : unsafeRemainder(a, b)
    h.setW(op.rd, UInt32(bitPattern: r))
    return next(h, op, tlb, n)
}
@c func rv_remuw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let a = h.w(op.rs1), b = h.w(op.rs2)
    let r: UInt32 = b == 0 ? a : unsafeRemainder(a, b)
    h.setW(op.rd, r)
    return next(h, op, tlb, n)
}
// The callers have excluded zero and overflow; `dividingFullWidth` and plain `/` would check again and leave
// a trap in the handler.
@inline(__always)
private func unsafeQuotient<T: FixedWidthInteger>(_ a: T, _ b: T) -> T { a.dividedReportingOverflow(by: b).partialValue }
@inline(__always)
private func unsafeRemainder<T: FixedWidthInteger>(_ a: T, _ b: T) -> T { a.remainderReportingOverflow(dividingBy: b).partialValue }
