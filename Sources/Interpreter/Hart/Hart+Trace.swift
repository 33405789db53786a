import ExecutionEngine
import RISCV

/// Who wants to know what a hart does, and how much of it.
struct HartTrace {
    let sink: any TraceSink
    let traps: Bool
    let instructions: Bool
}

extension Hart {
    /// Tells of a trap that is about to be taken.
    func note(cause: UInt64, value: UInt64, to mode: AccessMode, target: UInt64) {
        guard let trace, trace.traps else { return }
        trace.sink.trap(
            TrapRecord(
                hart: id, pc: state.pointee.pc, cause: cause, value: value, from: currentMode.code,
                to: mode.code, target: target))
    }

    /// A block of one instruction that nothing else leads to, announced. The block lies in the arena's free
    /// space and is overwritten by the next.
    func tracedBlock(
        _ trace: HartTrace, at pc: UInt64, code: UnsafeRawPointer, available: Int, rest: UnsafeRawPointer?, variant: UInt32
    ) -> OpPointer? {
        guard let space = blocks.space else {
            discardBlocks()
            refreshRegime()
            return nil
        }
        var builder = BlockBuilder(space, pc: pc, extensions: extensions, floatingPoint: variant == 0, limit: 1)
        _ = builder.build(
            code: code, available: available, rest: rest, generation: generation, variant: variant)
        let op = OpPointer(space + Block.headerSize)
        trace.sink.instruction(hart: id, pc: pc, word: Block.firstWord(space.assumingMemoryBound(to: BlockHeader.self)), mode: currentMode.code)
        return op
    }
}
