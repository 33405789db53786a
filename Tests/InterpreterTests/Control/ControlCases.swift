import RISCV

let branchConditions: [Instruction: @Sendable (UInt64, UInt64) -> Bool] = [
    .beq: { $0 == $1 }, .bne: { $0 != $1 }, .blt: { signed($0) < signed($1) }, .bge: { signed($0) >= signed($1) },
    .bltu: { unsigned($0) < unsigned($1) }, .bgeu: { unsigned($0) >= unsigned($1) },
]

let controlInstructions = Set(branchConditions.keys).union([.jal, .jalr, .fence, .fence_i, .pause])

/// Those with cases in Privilege/ and Memory/.
let systemInstructions: Set<Instruction> = [
    .ecall, .ebreak, .mret, .sret, .wfi, .sfence_vma, .sinval_vma, .sfence_w_inval, .sfence_inval_ir, .wrs_nto, .wrs_sto,
    .csrrw, .csrrs, .csrrc, .csrrwi, .csrrsi, .csrrci, .cbo_inval, .cbo_clean, .cbo_flush, .cbo_zero,
]
