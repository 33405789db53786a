import RISCV

extension Hart {
    /// What htinst and mtinst say of an instruction whose explicit access trapped (privileged spec, "Transformed
    /// Instruction or Pseudoinstruction for mtinst or htinst"): its encoding without the address, with the distance
    /// `offset` of the byte that failed in the place of rs1. Bit 1 tells of a 16-bit original.
    func transformedInstruction(_ word: UInt32, offset: UInt64) -> UInt64 {
        var full = word
        if isCompressed(word) {
            let d = decode(word, extensions)
            full = encode(d.instruction, rd: d.rd, rs2: d.rs2)
        }
        let kept: UInt32
        switch full & 0x7F {
        case 0x03, 0x07: kept = 0x0000_7FFF  // loads: rd, funct3, opcode
        case 0x23, 0x27: kept = 0x01F0_707F  // stores: rs2, funct3, opcode
        case 0x2F, 0x73: kept = ~0x000F_8000  // atomics, HLV, HLVX, HSV
        // Cache-block operations name a block, not an address in it.
        case 0x0F: return UInt64(full & ~0x000F_8000)
        default: return 0
        }
        let base = full & kept | UInt32(truncatingIfNeeded: offset & 31) &<< 15
        return UInt64(isCompressed(word) ? base & ~2 : base)
    }
}
