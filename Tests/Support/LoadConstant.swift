import RISCV

/// Instructions that load any constant into `rd`, eleven bits at a time.
package func loadConstant(_ rd: UInt8, _ value: UInt64) -> [UInt32] {
    var words: [UInt32] = []
    for i in stride(from: 5, through: 0, by: -1) {
        let chunk = Int32(truncatingIfNeeded: value >> UInt64(i * 11) & 0x7FF)
        if !words.isEmpty {
            words.append(encode(.slli, rd: rd, rs1: rd, imm: 11))
            if chunk != 0 { words.append(encode(.ori, rd: rd, rs1: rd, imm: chunk)) }
        } else if chunk != 0 || i == 0 {
            words.append(encode(.addi, rd: rd, imm: chunk))
        }
    }
    return words
}
