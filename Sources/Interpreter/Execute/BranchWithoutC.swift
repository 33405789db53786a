import RISCV

// Without C, instructions stand at multiples of four, and a jump elsewhere is an exception of the jump, with
// its target in tval (unprivileged spec 2.5). Rare enough to leave the other handlers free of it.

/// jal, or a conditional branch, to the middle of a word.
@inline(never)
@c func op_strayBranch(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let hart = h.owner
    let d = decode(Block.word(of: op), hart.extensions)
    let a = h.x(Int(d.rs1)), b = h.x(Int(d.rs2))
    let taken =
        switch d.instruction {
        case .beq: a == b
        case .bne: a != b
        case .blt: Int64(bitPattern: a) < Int64(bitPattern: b)
        case .bge: Int64(bitPattern: a) >= Int64(bitPattern: b)
        case .bltu: a < b
        case .bgeu: a >= b
        default: true
        }
    guard taken else { return next(h, op, tlb, n) }
    return hart.stop(op, n, .instructionAddressMisaligned, Block.pc(of: op) &+ UInt64(bitPattern: Int64(d.imm)))
}

@inline(never)
@c func op_checkedJalr(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let target = (h.x(op.rs1) &+ op.imm) & ~1
    guard target & 2 == 0 else { return h.owner.stop(op, n, .instructionAddressMisaligned, target) }
    return op.rd == Int(OpLayout.discard) ? op_jr(h, op, tlb, n) : rv_jalr(h, op, tlb, n)
}
