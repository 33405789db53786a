/// The bits of an instruction, for tests and for stubs that we write ourselves. Operands that it doesn't
/// have, and bits that don't fit, are dropped.
public func encode(
    _ instruction: Instruction, rd: UInt8 = 0, rs1: UInt8 = 0, rs2: UInt8 = 0, rs3: UInt8 = 0, imm: Int32 = 0,
    rm: UInt8 = 0, aqrl: UInt8 = 0
) -> UInt32 {
    encode(
        instruction.encoding,
        Decoded(instruction, rd: rd, rs1: rs1, rs2: rs2, rs3: rs3, rm: rm, aqrl: aqrl, imm: imm))
}

/// The bits of a line of the table. A 16-bit one takes its operands as its expansion has them.
public func encode(_ encoding: Encoding, _ operands: Decoded) -> UInt32 {
    var word = encoding.fixedBits
    placeOperands(encoding, operands, into: &word)
    return word
}
