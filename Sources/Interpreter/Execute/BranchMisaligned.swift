import RISCV

// Without C instructions lie at multiples of 4, and a jump elsewhere traps where it stands (unprivileged spec,
// "Control Transfer Instructions"). Blocks use these handlers only then.

/// A jump or branch to a constant target that no instruction can start at.
@inline(never)
@c func op_misaligned(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let stop = h.withHart { $0.jumpToMisaligned(op, n) }
    return stop >= 0 ? stop : next(h, op, tlb, n)
}

extension Hart {
    /// -1 for a branch that isn't taken.
    @inline(never)
    fileprivate func jumpToMisaligned(_ op: OpPointer, _ n: Int) -> Int {
        let a = raw.x(op.rs1)
        let b = raw.x(op.rs2)
        let taken =
            switch decode(Block.word(of: op), extensions).instruction {
            case .beq: a == b
            case .bne: a != b
            case .blt: Int64(bitPattern: a) < Int64(bitPattern: b)
            case .bge: Int64(bitPattern: a) >= Int64(bitPattern: b)
            case .bltu: a < b
            case .bgeu: a >= b
            default: true
            }
        return taken ? stop(op, n, .instructionAddressMisaligned, Block.pc(of: op) &+ op.imm) : -1
    }
}

@inline(never)
@c func op_jalr_checked(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let target = (h.x(op.rs1) &+ op.imm) & ~1
    if target & 2 != 0 { return h.withHart { $0.stop(op, n, .instructionAddressMisaligned, target) } }
    return op.rd == Int(OpLayout.discard) ? op_jr(h, op, tlb, n) : rv_jalr(h, op, tlb, n)
}
