import CHost

// Loads and stores. The fast path is a hit in the soft TLB: the tag comparison also fails for an access that
// isn't naturally aligned, which leaves page crossings and misaligned accesses to the slow path.

/// A direct-mapped TLB of one translation regime: a table for loads, then one for stores.
///
/// An entry is a tag (the page's virtual address, or all ones) and what to add to a virtual address to get the
/// host's.
enum TLBLayout {
    static let entries = 512
    static let entryShift = 4
    static let stores = entries << entryShift
    static let size = 2 * stores
}

/// The host address of `va` when the table at `table` has its page and `va` is a multiple of `1 + mask`.
@inline(__always)
func tlbHit(_ table: UnsafeMutableRawPointer, _ va: UInt64, _ mask: UInt64) -> UnsafeMutableRawPointer? {
    let offset = Int(truncatingIfNeeded: va &>> 8) & ((TLBLayout.entries - 1) << TLBLayout.entryShift)
    let entry = table + offset
    guard entry.load(as: UInt64.self) == va & (~0xFFF | mask) else { return nil }
    return UnsafeMutableRawPointer(bitPattern: UInt(truncatingIfNeeded: va &+ entry.load(fromByteOffset: 8, as: UInt64.self)))
}

@c func rv_lb(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb, h.x(op.rs1) &+ op.imm, 0) else { return slow_lb(h, op, tlb, n) }
    let v = p.load(as: Int8.self)
    h.setX(op.rd, UInt64(bitPattern: Int64(v)))
    return next(h, op, tlb, n)
}

@inline(never)
@c func slow_lb(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    var raw: UInt64 = 0
    let stop = loadSlow(h, op, n, .lb, &raw)
    if stop >= 0 { return stop }
    let v = Int8(truncatingIfNeeded: raw)
    h.setX(op.rd, UInt64(bitPattern: Int64(v)))
    return next(h, op, tlb, n)
}

@c func rv_lh(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb, h.x(op.rs1) &+ op.imm, 1) else { return slow_lh(h, op, tlb, n) }
    let v = p.load(as: Int16.self)
    h.setX(op.rd, UInt64(bitPattern: Int64(v)))
    return next(h, op, tlb, n)
}

@inline(never)
@c func slow_lh(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    var raw: UInt64 = 0
    let stop = loadSlow(h, op, n, .lh, &raw)
    if stop >= 0 { return stop }
    let v = Int16(truncatingIfNeeded: raw)
    h.setX(op.rd, UInt64(bitPattern: Int64(v)))
    return next(h, op, tlb, n)
}

@c func rv_lw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb, h.x(op.rs1) &+ op.imm, 3) else { return slow_lw(h, op, tlb, n) }
    let v = p.load(as: Int32.self)
    h.setX(op.rd, UInt64(bitPattern: Int64(v)))
    return next(h, op, tlb, n)
}

@inline(never)
@c func slow_lw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    var raw: UInt64 = 0
    let stop = loadSlow(h, op, n, .lw, &raw)
    if stop >= 0 { return stop }
    let v = Int32(truncatingIfNeeded: raw)
    h.setX(op.rd, UInt64(bitPattern: Int64(v)))
    return next(h, op, tlb, n)
}

@c func rv_ld(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb, h.x(op.rs1) &+ op.imm, 7) else { return slow_ld(h, op, tlb, n) }
    let v = p.load(as: UInt64.self)
    h.setX(op.rd, v)
    return next(h, op, tlb, n)
}

@inline(never)
@c func slow_ld(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    var raw: UInt64 = 0
    let stop = loadSlow(h, op, n, .ld, &raw)
    if stop >= 0 { return stop }
    let v = UInt64(truncatingIfNeeded: raw)
    h.setX(op.rd, v)
    return next(h, op, tlb, n)
}

@c func rv_lbu(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb, h.x(op.rs1) &+ op.imm, 0) else { return slow_lbu(h, op, tlb, n) }
    let v = p.load(as: UInt8.self)
    h.setX(op.rd, UInt64(v))
    return next(h, op, tlb, n)
}

@inline(never)
@c func slow_lbu(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    var raw: UInt64 = 0
    let stop = loadSlow(h, op, n, .lbu, &raw)
    if stop >= 0 { return stop }
    let v = UInt8(truncatingIfNeeded: raw)
    h.setX(op.rd, UInt64(v))
    return next(h, op, tlb, n)
}

@c func rv_lhu(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb, h.x(op.rs1) &+ op.imm, 1) else { return slow_lhu(h, op, tlb, n) }
    let v = p.load(as: UInt16.self)
    h.setX(op.rd, UInt64(v))
    return next(h, op, tlb, n)
}

@inline(never)
@c func slow_lhu(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    var raw: UInt64 = 0
    let stop = loadSlow(h, op, n, .lhu, &raw)
    if stop >= 0 { return stop }
    let v = UInt16(truncatingIfNeeded: raw)
    h.setX(op.rd, UInt64(v))
    return next(h, op, tlb, n)
}

@c func rv_lwu(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb, h.x(op.rs1) &+ op.imm, 3) else { return slow_lwu(h, op, tlb, n) }
    let v = p.load(as: UInt32.self)
    h.setX(op.rd, UInt64(v))
    return next(h, op, tlb, n)
}

@inline(never)
@c func slow_lwu(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    var raw: UInt64 = 0
    let stop = loadSlow(h, op, n, .lwu, &raw)
    if stop >= 0 { return stop }
    let v = UInt32(truncatingIfNeeded: raw)
    h.setX(op.rd, UInt64(v))
    return next(h, op, tlb, n)
}

@c func rv_sb(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb + TLBLayout.stores, h.x(op.rs1) &+ op.imm, 0) else { return slow_sb(h, op, tlb, n) }
    p.storeBytes(of: UInt8(truncatingIfNeeded: h.x(op.rs2)), as: UInt8.self)
    return next(h, op, tlb, n)
}

@inline(never)
@c func slow_sb(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let stop = storeSlow(h, op, n, 1, h.x(op.rs2))
    return stop >= 0 ? stop : next(h, op, tlb, n)
}

@c func rv_sh(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb + TLBLayout.stores, h.x(op.rs1) &+ op.imm, 1) else { return slow_sh(h, op, tlb, n) }
    p.storeBytes(of: UInt16(truncatingIfNeeded: h.x(op.rs2)), as: UInt16.self)
    return next(h, op, tlb, n)
}

@inline(never)
@c func slow_sh(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let stop = storeSlow(h, op, n, 2, h.x(op.rs2))
    return stop >= 0 ? stop : next(h, op, tlb, n)
}

@c func rv_sw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb + TLBLayout.stores, h.x(op.rs1) &+ op.imm, 3) else { return slow_sw(h, op, tlb, n) }
    p.storeBytes(of: UInt32(truncatingIfNeeded: h.x(op.rs2)), as: UInt32.self)
    return next(h, op, tlb, n)
}

@inline(never)
@c func slow_sw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let stop = storeSlow(h, op, n, 4, h.x(op.rs2))
    return stop >= 0 ? stop : next(h, op, tlb, n)
}

@c func rv_sd(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard let p = tlbHit(tlb + TLBLayout.stores, h.x(op.rs1) &+ op.imm, 7) else { return slow_sd(h, op, tlb, n) }
    p.storeBytes(of: UInt64(truncatingIfNeeded: h.x(op.rs2)), as: UInt64.self)
    return next(h, op, tlb, n)
}

@inline(never)
@c func slow_sd(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let stop = storeSlow(h, op, n, 8, h.x(op.rs2))
    return stop >= 0 ? stop : next(h, op, tlb, n)
}
