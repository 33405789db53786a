import RISCV
import Testing

/// 32-bit words that look like an instruction and aren't one, or are in spite of odd fields.
@Suite("Reserved encodings")
struct ReservedTests {
    static let illegal: [(what: String, word: UInt32)] = [
        ("all ones", 0xffff_ffff),
        ("48-bit length", 0x0000_001f),
        ("add with an unknown funct7", 0x02b5_0533 | 0x8000_0000),
        ("slliw by 32", 0x0205_151b),
        ("srliw by 32", 0x0205_551b),
        ("sraiw by 32", 0x4205_551b),
        ("slli with a bit above the shift amount", 0x0405_1513),
        ("jalr with funct3 1", 0x0005_1567),
        ("branch with funct3 2", 0x00b5_2063),
        ("load with funct3 7", 0x0005_7503),
        ("store with funct3 4", 0x00a5_c023),
        ("lr.w with rs2", 0x1015_a52f),
        ("amo of a halfword", 0x00b6_152f),
        ("amo with an unknown funct5", 0xf8b6_252f),
        ("fadd.s, rounding mode 5", 0x00c5_d553),
        ("fadd.s, rounding mode 6", 0x00c5_e553),
        ("fmadd.d, rounding mode 5", 0x6ac5_d543),
        ("fcvt.d.w, rounding mode 6", 0xd205_6553),
        ("fadd.h without Zfh", 0x04c5_f553),
        ("fadd.q", 0x06c5_f553),
        ("fsqrt.s with rs2", 0x5815_f553),
        ("fcvtmod.w.d, not rtz", 0xc285_0553),
        ("fsgnj.s with funct3 3", 0x20c5_b553),
        ("fclass.s with rs2", 0xe015_9553),
        ("csr with funct3 4 outside H", 0x0005_4573),
        ("ecall with rd", 0x0000_00f3),
        ("ecall with rs1", 0x0000_8073),
        ("mret with rd", 0x3020_00f3),
        ("uret", 0x0020_0073),
        ("sfence.vma with rd", 0x1200_00f3),
        ("cbo.zero with rd", 0x0045_208f),
        ("cbo with an unknown operation", 0x0055_200f),
        ("zext.h with rs2 is Zbkb's packw", 0x0815_453b),
        ("hlv.b with an unknown rs2", 0x6025_c573),
        ("hsv.b with rd", 0x62b5_c0f3),
    ]

    @Test("illegal, with the bits kept", arguments: illegal.indices)
    func isIllegal(_ index: Int) {
        let (what, word) = Self.illegal[index]
        #expect(decode(word, everything) == Decoded(.illegal, imm: Int32(bitPattern: word)), "\(what)")
    }

    @Test("a fence with reserved fields is a plain fence")
    func fences() {
        #expect(decode(0x0ff0_000f, everything) == Decoded(.fence, imm: 0x0ff))
        #expect(decode(0x8330_000f, everything) == Decoded(.fence, imm: 0x833))
        #expect(decode(0xf33f_8f8f, everything) == Decoded(.fence, imm: 0xf33))
        #expect(decode(0x0100_000f, everything) == Decoded(.pause))
        #expect(decode(0x0100_000f, Extensions(.i)) == Decoded(.fence, imm: 0x010))
        #expect(decode(0x0000_100f, everything) == Decoded(.fence_i))
        #expect(decode(0xffff_9f8f, everything) == Decoded(.fence_i))
    }

    @Test("HINTs decode as what they are HINTs of")
    func hints() {
        // prefetch.i, prefetch.r, prefetch.w 0(a0)
        #expect(decode(0x0005_6013, everything) == Decoded(.ori, rs1: 10))
        #expect(decode(0x0015_6013, everything) == Decoded(.ori, rs1: 10, imm: 1))
        #expect(decode(0x0035_6013, everything) == Decoded(.ori, rs1: 10, imm: 3))
        // ntl.p1, ntl.all
        #expect(decode(0x0020_0033, everything) == Decoded(.add, rs2: 2))
        #expect(decode(0x0050_0033, everything) == Decoded(.add, rs2: 5))
    }

    @Test("operands land where the interpreter looks for them")
    func operands() {
        #expect(decode(0xffff_f537, everything) == Decoded(.lui, rd: 10, imm: -4096))
        #expect(decode(0x8000_0517, everything) == Decoded(.auipc, rd: 10, imm: .min))
        #expect(decode(0xf14f_f573, everything) == Decoded(.csrrci, rd: 10, rs1: 31, imm: 0xf14))
        #expect(decode(0xf01f_8553, everything) == Decoded(.fli_s, rd: 10, imm: 31))
        #expect(decode(0x1605_a52f, everything) == Decoded(.lr_w, rd: 10, rs1: 11, aqrl: 3))
        #expect(decode(0x04b6_352f, everything) == Decoded(.amoadd_d, rd: 10, rs1: 12, rs2: 11, aqrl: 2))
        #expect(decode(0x68c5_f543, everything) == Decoded(.fmadd_s, rd: 10, rs1: 11, rs2: 12, rs3: 13, rm: 7))
        #expect(MemoryLayout<Decoded>.size <= 16)
    }
}
