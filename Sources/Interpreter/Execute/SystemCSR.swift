import ExecutionEngine
import RISCV

// Zicsr (unprivileged spec, chapter 6). csrrw with rd = x0 doesn't read; csrrs and csrrc with a zero source
// field don't write, whatever the register holds.

@inline(never)
@c func rv_csrrw(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    access(h, op, n, .write, h.x(op.rs1), reads: op.rd != Int(OpLayout.discard), writes: true)
}

@inline(never)
@c func rv_csrrs(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    access(h, op, n, .set, h.x(op.rs1), reads: true, writes: op.rs1 != 0)
}

@inline(never)
@c func rv_csrrc(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    access(h, op, n, .clear, h.x(op.rs1), reads: true, writes: op.rs1 != 0)
}

@inline(never)
@c func rv_csrrwi(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    access(h, op, n, .write, UInt64(op.rs1), reads: op.rd != Int(OpLayout.discard), writes: true)
}

@inline(never)
@c func rv_csrrsi(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    access(h, op, n, .set, UInt64(op.rs1), reads: true, writes: op.rs1 != 0)
}

@inline(never)
@c func rv_csrrci(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    access(h, op, n, .clear, UInt64(op.rs1), reads: true, writes: op.rs1 != 0)
}

enum CSRChange {
    case write, set, clear
}

@inline(__always)
private func access(
    _ h: H, _ op: O, _ n: Int, _ change: CSRChange, _ operand: UInt64, reads: Bool, writes: Bool
) -> Int {
    let stop = h.withHart { $0.accessCSR(op, n, change, operand, reads: reads, writes: writes) }
    return stop >= 0 ? stop : next(h, op, h.hart.pointee.tlb, n)
}

extension Hart {
    /// One CSR instruction: a `Stop`, or -1 when the block goes on. Apart from its caller, which mustn't have
    /// anything left to do behind its tail call.
    @inline(never)
    fileprivate func accessCSR(
        _ op: OpPointer, _ n: Int, _ change: CSRChange, _ operand: UInt64, reads: Bool, writes: Bool
    ) -> Int {
        let s = state
        let live = s.pointee.live & ~Live.kick
        let number = UInt16(truncatingIfNeeded: op.imm32)
        // Whether C can go depends on where the next instruction lies.
        if number == CSR.misa.rawValue { pause(at: op, n) }
        // As under KVM, a machine without M-mode has its entropy from user space.
        if number == CSR.seed.rawValue, cluster.answersSBI { return askForSeed(op, n, change, operand, writes: writes) }
        if let exception = changeCSR(
            number, change, operand, reads: reads, writes: writes, rd: op.rd, retired: n &+ Block.index(of: op))
        {
            return stopIllegal(op, n, exception)
        }
        // misa may have discarded all blocks, this one too.
        if number == CSR.misa.rawValue { return resume(behind: op, n) }
        // A new regime, epoch or FS setting, or an interrupt that is now enabled: this block is over.
        return writes && (s.pointee.live & ~Live.kick != live || interruptDue) ? resume(behind: op, n) : -1
    }

    private func askForSeed(_ op: OpPointer, _ n: Int, _ change: CSRChange, _ operand: UInt64, writes: Bool) -> Int {
        if let exception = exceptionOnAccess(to: .seed, writes: writes) { return stopIllegal(op, n, exception) }
        pause(at: op, n)
        unfinished = .csr(rd: op.rd, length: Block.following(op) &- state.pointee.pc)
        let (value, mask): (UInt64, UInt64) =
            switch change {
            case .write: (operand, ~0)
            case .set: (~0, operand)
            case .clear: (0, operand)
            }
        exit = .csr(CSRAccess(number: CSR.seed.rawValue, newValue: value, writeMask: mask))
        return Stop.exit
    }
}
