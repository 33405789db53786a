// Loads and stores of f registers: narrower values are NaN-boxed (unprivileged spec, chapter 21.2).

@c func rv_flh(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb, h.x(op.rs1) &+ op.imm, 1) else { return slow_flh(h, op, tlb, n) }
    let v = p.load(as: UInt16.self)
    h.setF(op.rd, UInt64(v) | 0xFFFF_FFFF_FFFF_0000)
    return next(h, op, tlb, n)
}

@inline(never)
@c func slow_flh(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    var raw: UInt64 = 0
    let stop = loadSlow(h, op, n, .flh, &raw)
    if stop >= 0 { return stop }
    let v = UInt16(truncatingIfNeeded: raw)
    h.setF(op.rd, UInt64(v) | 0xFFFF_FFFF_FFFF_0000)
    return next(h, op, tlb, n)
}

@c func rv_flw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb, h.x(op.rs1) &+ op.imm, 3) else { return slow_flw(h, op, tlb, n) }
    let v = p.load(as: UInt32.self)
    h.setF(op.rd, UInt64(v) | 0xFFFF_FFFF_0000_0000)
    return next(h, op, tlb, n)
}

@inline(never)
@c func slow_flw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    var raw: UInt64 = 0
    let stop = loadSlow(h, op, n, .flw, &raw)
    if stop >= 0 { return stop }
    let v = UInt32(truncatingIfNeeded: raw)
    h.setF(op.rd, UInt64(v) | 0xFFFF_FFFF_0000_0000)
    return next(h, op, tlb, n)
}

@c func rv_fld(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb, h.x(op.rs1) &+ op.imm, 7) else { return slow_fld(h, op, tlb, n) }
    let v = p.load(as: UInt64.self)
    h.setF(op.rd, v)
    return next(h, op, tlb, n)
}

@inline(never)
@c func slow_fld(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    var raw: UInt64 = 0
    let stop = loadSlow(h, op, n, .fld, &raw)
    if stop >= 0 { return stop }
    let v = UInt64(truncatingIfNeeded: raw)
    h.setF(op.rd, v)
    return next(h, op, tlb, n)
}

@c func rv_fsh(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb + TLBLayout.stores, h.x(op.rs1) &+ op.imm, 1) else { return slow_fsh(h, op, tlb, n) }
    p.storeBytes(of: UInt16(truncatingIfNeeded: h.f(op.rs2)), as: UInt16.self)
    return next(h, op, tlb, n)
}

@inline(never)
@c func slow_fsh(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let stop = storeSlow(h, op, n, 2, h.f(op.rs2))
    return stop >= 0 ? stop : next(h, op, tlb, n)
}

@c func rv_fsw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb + TLBLayout.stores, h.x(op.rs1) &+ op.imm, 3) else { return slow_fsw(h, op, tlb, n) }
    p.storeBytes(of: UInt32(truncatingIfNeeded: h.f(op.rs2)), as: UInt32.self)
    return next(h, op, tlb, n)
}

@inline(never)
@c func slow_fsw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let stop = storeSlow(h, op, n, 4, h.f(op.rs2))
    return stop >= 0 ? stop : next(h, op, tlb, n)
}

@c func rv_fsd(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb + TLBLayout.stores, h.x(op.rs1) &+ op.imm, 7) else { return slow_fsd(h, op, tlb, n) }
    p.storeBytes(of: UInt64(truncatingIfNeeded: h.f(op.rs2)), as: UInt64.self)
    return next(h, op, tlb, n)
}

@inline(never)
@c func slow_fsd(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let stop = storeSlow(h, op, n, 8, h.f(op.rs2))
    return stop >= 0 ? stop : next(h, op, tlb, n)
}
