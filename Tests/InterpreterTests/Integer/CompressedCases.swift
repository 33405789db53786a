import RISCV

/// What a 16-bit instruction does, from its paragraph in the chapters "C" and "Zc*": which registers and
/// immediates it can name, and what becomes of rd.
struct CompressedCase: Sendable {
    var encoding: Encoding
    var destinations: [UInt8]
    var sources: [UInt8] = [0]
    var immediates: [Int32] = [0]
    /// rd, from the registers as they were before.
    var result: @Sendable (_ x: [UInt64], _ rd: Int, _ rs2: Int, _ imm: Int64) -> UInt64
}

private let all: [UInt8] = [1, 2, 5, 8, 15, 31]
private let few: [UInt8] = [8, 9, 12, 15]
private let six: [Int32] = [0, 1, -1, 31, -32, 15, -16]
private let shifts: [Int32] = [1, 2, 31, 32, 63]

let compressedCases: [CompressedCase] = [
    CompressedCase(encoding: .c_addi4spn, destinations: few, immediates: [4, 8, 64, 512, 1020]) { x, _, _, imm in
        wrap(unsigned(x[2]) + Int128(imm))
    },
    CompressedCase(encoding: .c_addi, destinations: all, immediates: six) { x, rd, _, imm in wrap(signed(x[rd]) + Int128(imm)) },
    CompressedCase(encoding: .c_addiw, destinations: all, immediates: six) { x, rd, _, imm in wrap32(signed32(x[rd]) + Int128(imm)) },
    CompressedCase(encoding: .c_li, destinations: all, immediates: six) { _, _, _, imm in wrap(Int128(imm)) },
    CompressedCase(encoding: .c_addi16sp, destinations: [2], immediates: [16, -16, 496, -512]) { x, _, _, imm in
        wrap(signed(x[2]) + Int128(imm))
    },
    CompressedCase(encoding: .c_lui, destinations: [1, 5, 8, 15, 31], immediates: [1 << 12, 31 << 12, -1 << 12, -32 << 12]) { _, _, _, imm in
        wrap(Int128(imm))
    },
    CompressedCase(encoding: .c_srli, destinations: few, immediates: shifts) { x, rd, _, imm in
        wrap(unsigned(x[rd]) / power(UInt64(imm)))
    },
    CompressedCase(encoding: .c_srai, destinations: few, immediates: shifts) { x, rd, _, imm in
        wrap(floorDivide(signed(x[rd]), power(UInt64(imm))))
    },
    CompressedCase(encoding: .c_andi, destinations: few, immediates: six) { x, rd, _, imm in
        build(64) { bit(x[rd], $0) && bit(wrap(Int128(imm)), $0) }
    },
    CompressedCase(encoding: .c_slli, destinations: all, immediates: shifts) { x, rd, _, imm in
        wrap(unsigned(x[rd]) % power(UInt64(64 - imm)) * power(UInt64(imm)))
    },
    CompressedCase(encoding: .c_sub, destinations: few, sources: few) { x, rd, rs2, _ in wrap(signed(x[rd]) - signed(x[rs2])) },
    CompressedCase(encoding: .c_xor, destinations: few, sources: few) { x, rd, rs2, _ in build(64) { bit(x[rd], $0) != bit(x[rs2], $0) } },
    CompressedCase(encoding: .c_or, destinations: few, sources: few) { x, rd, rs2, _ in build(64) { bit(x[rd], $0) || bit(x[rs2], $0) } },
    CompressedCase(encoding: .c_and, destinations: few, sources: few) { x, rd, rs2, _ in build(64) { bit(x[rd], $0) && bit(x[rs2], $0) } },
    CompressedCase(encoding: .c_subw, destinations: few, sources: few) { x, rd, rs2, _ in wrap32(signed32(x[rd]) - signed32(x[rs2])) },
    CompressedCase(encoding: .c_addw, destinations: few, sources: few) { x, rd, rs2, _ in wrap32(signed32(x[rd]) + signed32(x[rs2])) },
    CompressedCase(encoding: .c_mv, destinations: all, sources: all) { x, _, rs2, _ in x[rs2] },
    CompressedCase(encoding: .c_add, destinations: all, sources: all) { x, rd, rs2, _ in wrap(signed(x[rd]) + signed(x[rs2])) },
    CompressedCase(encoding: .c_zext_b, destinations: few) { x, rd, _, _ in x[rd] % 256 },
    CompressedCase(encoding: .c_sext_b, destinations: few) { x, rd, _, _ in
        let low = Int128(x[rd] % 256)
        return wrap(low >= 128 ? low - 256 : low)
    },
    CompressedCase(encoding: .c_zext_h, destinations: few) { x, rd, _, _ in x[rd] % 65536 },
    CompressedCase(encoding: .c_sext_h, destinations: few) { x, rd, _, _ in
        let low = Int128(x[rd] % 65536)
        return wrap(low >= 32768 ? low - 65536 : low)
    },
    CompressedCase(encoding: .c_zext_w, destinations: few) { x, rd, _, _ in x[rd] % (1 << 32) },
    CompressedCase(encoding: .c_not, destinations: few) { x, rd, _, _ in wrap(-1 - signed(x[rd])) },
    CompressedCase(encoding: .c_mul, destinations: few, sources: few) { x, rd, rs2, _ in
        UInt64(UInt128(x[rd]) * UInt128(x[rs2]) % (UInt128(1) << 64))
    },
]

/// 16-bit instructions whose cases are with their long forms' (loads, stores, jumps, ebreak) or do nothing.
let compressedElsewhere: [Encoding] =
    compressedMemoryCases.map(\.encoding) + [.c_nop, .c_j, .c_beqz, .c_bnez, .c_jr, .c_jalr, .c_ebreak]
