/// One instruction with its operands taken apart: 12 bytes, no references.
///
/// A 16-bit instruction comes out as the 32-bit one that it abbreviates; only `length` tells.
/// Operands that the instruction doesn't have are zero.
public struct Decoded: Sendable, Equatable {
    public var instruction: Instruction
    public var rd: UInt8
    /// First source register; the five-bit immediate of `csrrwi`, `csrrsi` and `csrrci`.
    public var rs1: UInt8
    public var rs2: UInt8
    public var rs3: UInt8
    /// The rounding mode that a floating-point instruction names, 7 for the one in `frm`. Instructions
    /// that can't be given one have 0.
    public var rm: UInt8
    /// In bytes: 2 or 4.
    public var length: UInt8
    /// Ordering of an atomic: bit 1 acquire, bit 0 release.
    public var aqrl: UInt8
    /// Sign-extended immediate or shift amount. `lui` and `auipc`: all 32 bits, the low 12 zero. CSR
    /// instructions: the CSR's number. `fence`: the 12 bits fm, predecessor, successor. `fli`: which
    /// constant. `illegal`: the bits themselves, as `stval` wants them.
    public var imm: Int32

    @inline(__always)
    public init(
        _ instruction: Instruction, rd: UInt8 = 0, rs1: UInt8 = 0, rs2: UInt8 = 0, rs3: UInt8 = 0,
        rm: UInt8 = 0, length: UInt8 = 4, aqrl: UInt8 = 0, imm: Int32 = 0
    ) {
        self.instruction = instruction
        self.rd = rd
        self.rs1 = rs1
        self.rs2 = rs2
        self.rs3 = rs3
        self.rm = rm
        self.length = length
        self.aqrl = aqrl
        self.imm = imm
    }
}
