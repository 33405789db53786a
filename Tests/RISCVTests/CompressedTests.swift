import RISCV
import Testing

/// 16-bit instructions against expansions worked out by hand from the unprivileged specification's
/// tables of the chapters C and Zcb.
@Suite("Compressed instructions")
struct CompressedTests {
    static let expansions: [(word: UInt32, want: Decoded)] = [
        // c.addi4spn: the smallest, the largest, and the bit that comes alone.
        (0x0040, c(.addi, rd: 8, rs1: 2, imm: 4)),
        (0x1ffc, c(.addi, rd: 15, rs1: 2, imm: 1020)),
        (0x0020, c(.addi, rd: 8, rs1: 2, imm: 8)),
        (0x0080, c(.addi, rd: 8, rs1: 2, imm: 64)),
        (0x1000, c(.addi, rd: 8, rs1: 2, imm: 32)),
        // Loads and stores of the register form.
        (0x2000, c(.fld, rd: 8, rs1: 8)),
        (0x3fe0, c(.fld, rd: 8, rs1: 15, imm: 248)),
        (0x4188, c(.lw, rd: 10, rs1: 11)),
        (0x41c8, c(.lw, rd: 10, rs1: 11, imm: 4)),
        (0x41a8, c(.lw, rd: 10, rs1: 11, imm: 64)),
        (0x5de8, c(.lw, rd: 10, rs1: 11, imm: 124)),
        (0x6510, c(.ld, rd: 12, rs1: 10, imm: 8)),
        (0x61a8, c(.ld, rd: 10, rs1: 11, imm: 64)),
        (0x7de8, c(.ld, rd: 10, rs1: 11, imm: 248)),
        (0xa000, c(.fsd, rs1: 8, rs2: 8)),
        (0xbde8, c(.fsd, rs1: 11, rs2: 10, imm: 248)),
        (0xc1c8, c(.sw, rs1: 11, rs2: 10, imm: 4)),
        (0xdde8, c(.sw, rs1: 11, rs2: 10, imm: 124)),
        (0xe188, c(.sd, rs1: 11, rs2: 10)),
        (0xfde8, c(.sd, rs1: 11, rs2: 10, imm: 248)),
        // Quadrant 1.
        (0x0001, c(.addi)),
        (0x1141, c(.addi, rd: 2, rs1: 2, imm: -16)),
        (0x157d, c(.addi, rd: 10, rs1: 10, imm: -1)),
        (0x1501, c(.addi, rd: 10, rs1: 10, imm: -32)),
        (0x057d, c(.addi, rd: 10, rs1: 10, imm: 31)),
        (0x2505, c(.addiw, rd: 10, rs1: 10, imm: 1)),
        (0x357d, c(.addiw, rd: 10, rs1: 10, imm: -1)),
        (0x2501, c(.addiw, rd: 10, rs1: 10, imm: 0)),
        (0x4501, c(.addi, rd: 10, imm: 0)),
        (0x557d, c(.addi, rd: 10, imm: -1)),
        (0x5501, c(.addi, rd: 10, imm: -32)),
        (0x7139, c(.addi, rd: 2, rs1: 2, imm: -64)),
        (0x7101, c(.addi, rd: 2, rs1: 2, imm: -512)),
        (0x617d, c(.addi, rd: 2, rs1: 2, imm: 496)),
        (0x6505, c(.lui, rd: 10, imm: 0x1000)),
        (0x757d, c(.lui, rd: 10, imm: -0x1000)),
        (0x7501, c(.lui, rd: 10, imm: -0x20000)),
        (0x657d, c(.lui, rd: 10, imm: 0x1f000)),
        (0x8105, c(.srli, rd: 10, rs1: 10, imm: 1)),
        (0x917d, c(.srli, rd: 10, rs1: 10, imm: 63)),
        (0x8505, c(.srai, rd: 10, rs1: 10, imm: 1)),
        (0x957d, c(.srai, rd: 10, rs1: 10, imm: 63)),
        (0x8905, c(.andi, rd: 10, rs1: 10, imm: 1)),
        (0x997d, c(.andi, rd: 10, rs1: 10, imm: -1)),
        (0x9901, c(.andi, rd: 10, rs1: 10, imm: -32)),
        (0x8d0d, c(.sub, rd: 10, rs1: 10, rs2: 11)),
        (0x8d2d, c(.xor, rd: 10, rs1: 10, rs2: 11)),
        (0x8d4d, c(.or, rd: 10, rs1: 10, rs2: 11)),
        (0x8d6d, c(.and, rd: 10, rs1: 10, rs2: 11)),
        (0x9d0d, c(.subw, rd: 10, rs1: 10, rs2: 11)),
        (0x9d2d, c(.addw, rd: 10, rs1: 10, rs2: 11)),
        // c.j: each bit of its scrambled offset.
        (0xa001, c(.jal)),
        (0xa009, c(.jal, imm: 2)),
        (0xa011, c(.jal, imm: 4)),
        (0xa021, c(.jal, imm: 8)),
        (0xa801, c(.jal, imm: 16)),
        (0xa005, c(.jal, imm: 32)),
        (0xa081, c(.jal, imm: 64)),
        (0xa041, c(.jal, imm: 128)),
        (0xa201, c(.jal, imm: 256)),
        (0xa401, c(.jal, imm: 512)),
        (0xa101, c(.jal, imm: 1024)),
        (0xb001, c(.jal, imm: -2048)),
        (0xaffd, c(.jal, imm: 2046)),
        (0xbffd, c(.jal, imm: -2)),
        (0xc111, c(.beq, rs1: 10, imm: 4)),
        (0xd101, c(.beq, rs1: 10, imm: -256)),
        (0xcd7d, c(.beq, rs1: 10, imm: 254)),
        (0xc105, c(.beq, rs1: 10, imm: 32)),
        (0xc121, c(.beq, rs1: 10, imm: 64)),
        (0xc141, c(.beq, rs1: 10, imm: 128)),
        (0xc501, c(.beq, rs1: 10, imm: 8)),
        (0xe111, c(.bne, rs1: 10, imm: 4)),
        (0xfd7d, c(.bne, rs1: 10, imm: -2)),
        // Quadrant 2.
        (0x0506, c(.slli, rd: 10, rs1: 10, imm: 1)),
        (0x157e, c(.slli, rd: 10, rs1: 10, imm: 63)),
        (0x2542, c(.fld, rd: 10, rs1: 2, imm: 16)),
        (0x357e, c(.fld, rd: 10, rs1: 2, imm: 504)),
        (0x4502, c(.lw, rd: 10, rs1: 2)),
        (0x557e, c(.lw, rd: 10, rs1: 2, imm: 252)),
        (0x60a2, c(.ld, rd: 1, rs1: 2, imm: 8)),
        (0x757e, c(.ld, rd: 10, rs1: 2, imm: 504)),
        (0x8082, c(.jalr, rs1: 1)),
        (0x852e, c(.add, rd: 10, rs2: 11)),
        (0x9002, c(.ebreak)),
        (0x9502, c(.jalr, rd: 1, rs1: 10)),
        (0x952e, c(.add, rd: 10, rs1: 10, rs2: 11)),
        (0xa42a, c(.fsd, rs1: 2, rs2: 10, imm: 8)),
        (0xbfaa, c(.fsd, rs1: 2, rs2: 10, imm: 504)),
        (0xc02a, c(.sw, rs1: 2, rs2: 10)),
        (0xdfaa, c(.sw, rs1: 2, rs2: 10, imm: 252)),
        (0xe406, c(.sd, rs1: 2, rs2: 1, imm: 8)),
        (0xffaa, c(.sd, rs1: 2, rs2: 10, imm: 504)),
        // Zcb.
        (0x8188, c(.lbu, rd: 10, rs1: 11)),
        (0x81c8, c(.lbu, rd: 10, rs1: 11, imm: 1)),
        (0x81a8, c(.lbu, rd: 10, rs1: 11, imm: 2)),
        (0x81e8, c(.lbu, rd: 10, rs1: 11, imm: 3)),
        (0x8588, c(.lhu, rd: 10, rs1: 11)),
        (0x85a8, c(.lhu, rd: 10, rs1: 11, imm: 2)),
        (0x85c8, c(.lh, rd: 10, rs1: 11)),
        (0x85e8, c(.lh, rd: 10, rs1: 11, imm: 2)),
        (0x89e8, c(.sb, rs1: 11, rs2: 10, imm: 3)),
        (0x8da8, c(.sh, rs1: 11, rs2: 10, imm: 2)),
        (0x9d61, c(.andi, rd: 10, rs1: 10, imm: 255)),
        (0x9d65, c(.sext_b, rd: 10, rs1: 10)),
        (0x9d69, c(.zext_h, rd: 10, rs1: 10)),
        (0x9d6d, c(.sext_h, rd: 10, rs1: 10)),
        (0x9d71, c(.add_uw, rd: 10, rs1: 10)),
        (0x9d75, c(.xori, rd: 10, rs1: 10, imm: -1)),
        (0x9d4d, c(.mul, rd: 10, rs1: 10, rs2: 11)),
        // HINTs do what they'd do, into x0 or by nothing.
        (0x0005, c(.addi, imm: 1)),
        (0x107d, c(.addi, imm: -1)),
        (0x0501, c(.addi, rd: 10, rs1: 10)),
        (0x4005, c(.addi, imm: 1)),
        (0x6005, c(.lui, imm: 0x1000)),
        (0x0502, c(.slli, rd: 10, rs1: 10)),
        (0x0012, c(.slli, imm: 4)),
        (0x8101, c(.srli, rd: 10, rs1: 10)),
        (0x8501, c(.srai, rd: 10, rs1: 10)),
        (0x800a, c(.add, rs2: 2)),
        (0x900a, c(.add, rs2: 2)),
    ]

    static let reserved: [UInt32] = [
        0x0000,  // all zero
        0x0004,  // c.addi4spn, nzuimm = 0
        0x8c40,  // c.sh with bit 6 set
        0x2001,  // c.addiw, rd = 0
        0x6101,  // c.addi16sp, nzimm = 0
        0x6501,  // c.lui, nzimm = 0
        0x4002,  // c.lwsp, rd = 0
        0x6002,  // c.ldsp, rd = 0
        0x8002,  // c.jr, rs1 = 0
        0x9d79, 0x9d7d,  // between c.not and the end of Zcb's one-operand space
        0x9000,  // 100 100 in quadrant 0: nothing of Zcb
    ]

    @Test("expansions by hand", arguments: expansions.indices)
    func expansion(_ index: Int) {
        let (word, want) = Self.expansions[index]
        #expect(decode(word, everything) == want, "\(hex(word))")
        // Whatever follows in the upper half isn't this instruction's.
        #expect(decode(word | 0xffff_0000, everything) == want, "\(hex(word))")
    }

    @Test("reserved encodings are illegal and keep their bits", arguments: reserved)
    func reservedEncoding(_ word: UInt32) {
        let want = Decoded(.illegal, length: 2, imm: Int32(word))
        #expect(decode(word, everything) == want, "\(hex(word))")
        #expect(decode(word | 0xabcd_0000, everything) == want)
    }

    @Test("with C off no 16-bit instruction is left")
    func withoutC() {
        for word in UInt32(0)...0xffff where word & 3 != 3 {
            #expect(decode(word, everything.subtracting(Extensions(.c))).instruction == .illegal)
        }
    }
}

/// An expansion: like `Decoded`, two bytes long.
private func c(
    _ instruction: Instruction, rd: UInt8 = 0, rs1: UInt8 = 0, rs2: UInt8 = 0, imm: Int32 = 0
) -> Decoded {
    Decoded(instruction, rd: rd, rs1: rs1, rs2: rs2, length: 2, imm: imm)
}
