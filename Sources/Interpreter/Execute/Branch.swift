// Control transfer (unprivileged spec, section 2.5).
//
// A branch, a jump and the end of a block are followed by a link in the next 16 bytes:
//
//   16  target  the operation to go on with
//   24  live    the hart's `live` word when the link was made; any difference invalidates the link
//   28  count   instructions retired since the start of the block when the link is taken
//
// A conditional branch that isn't taken stays in its block.

enum LinkLayout {
    static let target = 16
    static let live = 24
    static let count = 28
}

extension UnsafeRawPointer {
    @inline(__always) var linkTarget: UnsafeRawPointer { load(fromByteOffset: LinkLayout.target, as: UnsafeRawPointer.self) }
    @inline(__always) var linkLive: UInt32 { load(fromByteOffset: LinkLayout.live, as: UInt32.self) }
    @inline(__always) var linkCount: Int { Int(load(fromByteOffset: LinkLayout.count, as: UInt32.self)) }
}

@inline(__always)
func follow(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let retired = n &+ op.linkCount
    guard op.linkLive == h.live else { return linkMiss(h, op, tlb, retired) }
    return jump(h, op.linkTarget, tlb, retired)
}

/// The link behind `op` isn't valid, or something wants the hart's attention: let `Hart.run` see to it.
@inline(never)
@c func linkMiss(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let s = h.hart
    s.pointee.pc = Block.pc(of: op) &+ op.imm
    s.pointee.pendingLink = op
    s.pointee.retired = n
    return s.pointee.dispatch
}

// The conditions, of rs1's value and rs2's; isagen makes the handlers.

@inline(__always) func branch_beq(_ a: UInt64, _ b: UInt64) -> Bool { a == b }
@inline(__always) func branch_bne(_ a: UInt64, _ b: UInt64) -> Bool { a != b }
@inline(__always) func branch_blt(_ a: UInt64, _ b: UInt64) -> Bool { signed(a) < signed(b) }
@inline(__always) func branch_bge(_ a: UInt64, _ b: UInt64) -> Bool { signed(a) >= signed(b) }
@inline(__always) func branch_bltu(_ a: UInt64, _ b: UInt64) -> Bool { a < b }
@inline(__always) func branch_bgeu(_ a: UInt64, _ b: UInt64) -> Bool { a >= b }

/// A jump that keeps no return address, and the end of a block that merely goes on in another.
@c func op_j(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    follow(h, op, tlb, n)
}

@c func rv_jal(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.setX(op.rd, op.secondConstant)
    return follow(h, op, tlb, n)
}

/// The return address stands where a link has its target, the count in its place.
@c func rv_jalr(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let target = (h.x(op.rs1) &+ op.imm) & ~1
    h.setX(op.rd, op.constant)
    return indirect(h, op, tlb, n, target)
}

/// jalr that keeps no return address: `ret` and tail calls.
@c func op_jr(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    indirect(h, op, tlb, n, (h.x(op.rs1) &+ op.imm) & ~1)
}

/// Where indirect jumps find their target's block: a direct-mapped table of (address, live word, operation).
enum JumpCacheLayout {
    static let entries = 2048
    static let entryShift = 5
    static let size = entries << entryShift
    static let live = 8
    static let target = 16

    @inline(__always)
    static func offset(_ pc: UInt64) -> Int {
        Int(truncatingIfNeeded: pc &<< 4) & ((entries - 1) << entryShift)
    }
}

@inline(__always)
func indirect(_ h: H, _ op: O, _ tlb: H, _ n: Int, _ target: UInt64) -> Int {
    let retired = n &+ op.linkCount
    let entry = h.jumpCache + JumpCacheLayout.offset(target)
    guard entry.load(as: UInt64.self) == target,
        entry.load(fromByteOffset: JumpCacheLayout.live, as: UInt32.self) == h.live
    else {
        h.hart.pointee.pc = target
        return jumpMiss(h, op, tlb, retired)
    }
    return jump(h, entry.load(fromByteOffset: JumpCacheLayout.target, as: UnsafeRawPointer.self), tlb, retired)
}

@inline(never)
@c func jumpMiss(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.hart.pointee.retired = n
    return h.hart.pointee.dispatch
}

/// The address of an instruction plus a constant, computed when the block was made.
@c func rv_auipc(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    h.setX(op.rd, op.constant)
    return next(h, op, tlb, n, slots: 2)
}
