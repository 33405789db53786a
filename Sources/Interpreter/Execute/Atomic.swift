import CHost

// A: atomics (unprivileged spec, chapter 13). Guest atomics are host atomics; every one of them is sequentially
// consistent on the host, which satisfies any aq and rl. Minimum and maximum are loops that need a frame, and rare.

@c func rv_amoswap_w(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb + TLBLayout.stores, h.x(op.rs1), 3) else { return fillAndRetryStore32(h, op, tlb, n) }
    let old = host_atomic_swap_32(p, UInt32(truncatingIfNeeded: h.x(op.rs2)))
    h.setW(op.rd, old)
    return next(h, op, tlb, n)
}

@c func rv_amoadd_w(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb + TLBLayout.stores, h.x(op.rs1), 3) else { return fillAndRetryStore32(h, op, tlb, n) }
    let old = host_atomic_add_32(p, UInt32(truncatingIfNeeded: h.x(op.rs2)))
    h.setW(op.rd, old)
    return next(h, op, tlb, n)
}

@c func rv_amoand_w(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb + TLBLayout.stores, h.x(op.rs1), 3) else { return fillAndRetryStore32(h, op, tlb, n) }
    let old = host_atomic_and_32(p, UInt32(truncatingIfNeeded: h.x(op.rs2)))
    h.setW(op.rd, old)
    return next(h, op, tlb, n)
}

@c func rv_amoor_w(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb + TLBLayout.stores, h.x(op.rs1), 3) else { return fillAndRetryStore32(h, op, tlb, n) }
    let old = host_atomic_or_32(p, UInt32(truncatingIfNeeded: h.x(op.rs2)))
    h.setW(op.rd, old)
    return next(h, op, tlb, n)
}

@c func rv_amoxor_w(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb + TLBLayout.stores, h.x(op.rs1), 3) else { return fillAndRetryStore32(h, op, tlb, n) }
    let old = host_atomic_xor_32(p, UInt32(truncatingIfNeeded: h.x(op.rs2)))
    h.setW(op.rd, old)
    return next(h, op, tlb, n)
}

@inline(never)
@c func rv_amomin_w(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb + TLBLayout.stores, h.x(op.rs1), 3) else { return fillAndRetryStore32(h, op, tlb, n) }
    let operand = UInt32(truncatingIfNeeded: h.x(op.rs2))
    var old = p.load(as: UInt32.self)
    while !host_atomic_cas_32(p, old, Int32(bitPattern: old) < Int32(bitPattern: operand) ? old : operand) { old = p.load(as: UInt32.self) }
    h.setW(op.rd, old)
    return next(h, op, tlb, n)
}

@inline(never)
@c func rv_amomax_w(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb + TLBLayout.stores, h.x(op.rs1), 3) else { return fillAndRetryStore32(h, op, tlb, n) }
    let operand = UInt32(truncatingIfNeeded: h.x(op.rs2))
    var old = p.load(as: UInt32.self)
    while !host_atomic_cas_32(p, old, Int32(bitPattern: old) > Int32(bitPattern: operand) ? old : operand) { old = p.load(as: UInt32.self) }
    h.setW(op.rd, old)
    return next(h, op, tlb, n)
}

@inline(never)
@c func rv_amominu_w(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb + TLBLayout.stores, h.x(op.rs1), 3) else { return fillAndRetryStore32(h, op, tlb, n) }
    let operand = UInt32(truncatingIfNeeded: h.x(op.rs2))
    var old = p.load(as: UInt32.self)
    while !host_atomic_cas_32(p, old, old < operand ? old : operand) { old = p.load(as: UInt32.self) }
    h.setW(op.rd, old)
    return next(h, op, tlb, n)
}

@inline(never)
@c func rv_amomaxu_w(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb + TLBLayout.stores, h.x(op.rs1), 3) else { return fillAndRetryStore32(h, op, tlb, n) }
    let operand = UInt32(truncatingIfNeeded: h.x(op.rs2))
    var old = p.load(as: UInt32.self)
    while !host_atomic_cas_32(p, old, old > operand ? old : operand) { old = p.load(as: UInt32.self) }
    h.setW(op.rd, old)
    return next(h, op, tlb, n)
}

@c func rv_amoswap_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb + TLBLayout.stores, h.x(op.rs1), 7) else { return fillAndRetryStore64(h, op, tlb, n) }
    let old = host_atomic_swap_64(p, UInt64(truncatingIfNeeded: h.x(op.rs2)))
    h.setX(op.rd, old)
    return next(h, op, tlb, n)
}

@c func rv_amoadd_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb + TLBLayout.stores, h.x(op.rs1), 7) else { return fillAndRetryStore64(h, op, tlb, n) }
    let old = host_atomic_add_64(p, UInt64(truncatingIfNeeded: h.x(op.rs2)))
    h.setX(op.rd, old)
    return next(h, op, tlb, n)
}

@c func rv_amoand_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb + TLBLayout.stores, h.x(op.rs1), 7) else { return fillAndRetryStore64(h, op, tlb, n) }
    let old = host_atomic_and_64(p, UInt64(truncatingIfNeeded: h.x(op.rs2)))
    h.setX(op.rd, old)
    return next(h, op, tlb, n)
}

@c func rv_amoor_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb + TLBLayout.stores, h.x(op.rs1), 7) else { return fillAndRetryStore64(h, op, tlb, n) }
    let old = host_atomic_or_64(p, UInt64(truncatingIfNeeded: h.x(op.rs2)))
    h.setX(op.rd, old)
    return next(h, op, tlb, n)
}

@c func rv_amoxor_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb + TLBLayout.stores, h.x(op.rs1), 7) else { return fillAndRetryStore64(h, op, tlb, n) }
    let old = host_atomic_xor_64(p, UInt64(truncatingIfNeeded: h.x(op.rs2)))
    h.setX(op.rd, old)
    return next(h, op, tlb, n)
}

@inline(never)
@c func rv_amomin_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb + TLBLayout.stores, h.x(op.rs1), 7) else { return fillAndRetryStore64(h, op, tlb, n) }
    let operand = UInt64(truncatingIfNeeded: h.x(op.rs2))
    var old = p.load(as: UInt64.self)
    while !host_atomic_cas_64(p, old, Int64(bitPattern: old) < Int64(bitPattern: operand) ? old : operand) { old = p.load(as: UInt64.self) }
    h.setX(op.rd, old)
    return next(h, op, tlb, n)
}

@inline(never)
@c func rv_amomax_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb + TLBLayout.stores, h.x(op.rs1), 7) else { return fillAndRetryStore64(h, op, tlb, n) }
    let operand = UInt64(truncatingIfNeeded: h.x(op.rs2))
    var old = p.load(as: UInt64.self)
    while !host_atomic_cas_64(p, old, Int64(bitPattern: old) > Int64(bitPattern: operand) ? old : operand) { old = p.load(as: UInt64.self) }
    h.setX(op.rd, old)
    return next(h, op, tlb, n)
}

@inline(never)
@c func rv_amominu_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb + TLBLayout.stores, h.x(op.rs1), 7) else { return fillAndRetryStore64(h, op, tlb, n) }
    let operand = UInt64(truncatingIfNeeded: h.x(op.rs2))
    var old = p.load(as: UInt64.self)
    while !host_atomic_cas_64(p, old, old < operand ? old : operand) { old = p.load(as: UInt64.self) }
    h.setX(op.rd, old)
    return next(h, op, tlb, n)
}

@inline(never)
@c func rv_amomaxu_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb + TLBLayout.stores, h.x(op.rs1), 7) else { return fillAndRetryStore64(h, op, tlb, n) }
    let operand = UInt64(truncatingIfNeeded: h.x(op.rs2))
    var old = p.load(as: UInt64.self)
    while !host_atomic_cas_64(p, old, old > operand ? old : operand) { old = p.load(as: UInt64.self) }
    h.setX(op.rd, old)
    return next(h, op, tlb, n)
}

/// The reservation is the address and the value seen: SC succeeds when the value is still there.
@c func rv_lr_w(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let va = h.x(op.rs1)
    guard let p = tlbHit(tlb, va, 3) else { return fillAndRetryLoad32(h, op, tlb, n) }
    let v = UInt32(truncatingIfNeeded: host_atomic_load_32(p))
    h.hart.pointee.reservedWide = false
    h.hart.pointee.reservation = va
    h.hart.pointee.reservedValue = UInt64(v)
    h.hart.pointee.reservedHost = UInt64(UInt(bitPattern: p))
    h.setW(op.rd, v)
    return next(h, op, tlb, n)
}

@c func rv_sc_w(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let va = h.x(op.rs1)
    guard let p = tlbHit(tlb + TLBLayout.stores, va, 3) else { return fillAndRetryStore32(h, op, tlb, n) }
    let held = h.hart.pointee.reservation == va && h.hart.pointee.reservedHost == UInt64(UInt(bitPattern: p))
    h.hart.pointee.reservation = ~0
    let done = held && host_atomic_cas_32(p, UInt32(truncatingIfNeeded: h.hart.pointee.reservedValue), UInt32(truncatingIfNeeded: h.x(op.rs2)))
    h.setX(op.rd, done ? 0 : 1)
    return next(h, op, tlb, n)
}

/// The reservation is the address and the value seen: SC succeeds when the value is still there.
@c func rv_lr_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let va = h.x(op.rs1)
    guard let p = tlbHit(tlb, va, 7) else { return fillAndRetryLoad64(h, op, tlb, n) }
    let v = UInt64(truncatingIfNeeded: host_atomic_load_64(p))
    h.hart.pointee.reservedWide = true
    h.hart.pointee.reservation = va
    h.hart.pointee.reservedValue = UInt64(v)
    h.hart.pointee.reservedHost = UInt64(UInt(bitPattern: p))
    h.setX(op.rd, v)
    return next(h, op, tlb, n)
}

@c func rv_sc_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let va = h.x(op.rs1)
    guard let p = tlbHit(tlb + TLBLayout.stores, va, 7) else { return fillAndRetryStore64(h, op, tlb, n) }
    let held = h.hart.pointee.reservation == va && h.hart.pointee.reservedHost == UInt64(UInt(bitPattern: p))
    h.hart.pointee.reservation = ~0
    let done = held && host_atomic_cas_64(p, UInt64(truncatingIfNeeded: h.hart.pointee.reservedValue), UInt64(truncatingIfNeeded: h.x(op.rs2)))
    h.setX(op.rd, done ? 0 : 1)
    return next(h, op, tlb, n)
}

// The page may be the first for which S-mode's tables are no longer shared: the operation then finds it in other
// ones than it missed in.

/// Brings the page of an atomic access into the TLB and runs the operation again, or traps.
@inline(never)
@c func fillAndRetryLoad32(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let stop = fillForAtomic(h, op, n, 4, .load)
    return stop >= 0 ? stop : jump(h, op, h.hart.pointee.tlb, n)
}

/// Brings the page of an atomic access into the TLB and runs the operation again, or traps.
@inline(never)
@c func fillAndRetryStore32(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let stop = fillForAtomic(h, op, n, 4, .store)
    return stop >= 0 ? stop : jump(h, op, h.hart.pointee.tlb, n)
}

/// Brings the page of an atomic access into the TLB and runs the operation again, or traps.
@inline(never)
@c func fillAndRetryLoad64(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let stop = fillForAtomic(h, op, n, 8, .load)
    return stop >= 0 ? stop : jump(h, op, h.hart.pointee.tlb, n)
}

/// Brings the page of an atomic access into the TLB and runs the operation again, or traps.
@inline(never)
@c func fillAndRetryStore64(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let stop = fillForAtomic(h, op, n, 8, .store)
    return stop >= 0 ? stop : jump(h, op, h.hart.pointee.tlb, n)
}
