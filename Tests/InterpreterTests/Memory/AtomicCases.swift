import RISCV

/// What an AMO leaves in memory, given what stood there and rs2, at its own width; rd gets what stood there,
/// sign-extended (unprivileged specification, "Atomic Memory Operations").
struct AtomicCase: Sendable {
    var word: Instruction
    var double: Instruction
    /// `signed` reads the width's two's complement.
    var result: @Sendable (_ old: UInt64, _ operand: UInt64, _ signed: @Sendable (UInt64) -> Int128) -> UInt64
}

let atomicCases: [AtomicCase] = [
    AtomicCase(word: .amoswap_w, double: .amoswap_d) { _, b, _ in b },
    AtomicCase(word: .amoadd_w, double: .amoadd_d) { a, b, _ in wrap(unsigned(a) + unsigned(b)) },
    AtomicCase(word: .amoxor_w, double: .amoxor_d) { a, b, _ in build(64) { bit(a, $0) != bit(b, $0) } },
    AtomicCase(word: .amoand_w, double: .amoand_d) { a, b, _ in build(64) { bit(a, $0) && bit(b, $0) } },
    AtomicCase(word: .amoor_w, double: .amoor_d) { a, b, _ in build(64) { bit(a, $0) || bit(b, $0) } },
    AtomicCase(word: .amomin_w, double: .amomin_d) { a, b, signed in signed(a) < signed(b) ? a : b },
    AtomicCase(word: .amomax_w, double: .amomax_d) { a, b, signed in signed(a) > signed(b) ? a : b },
    AtomicCase(word: .amominu_w, double: .amominu_d) { a, b, _ in a < b ? a : b },
    AtomicCase(word: .amomaxu_w, double: .amomaxu_d) { a, b, _ in a > b ? a : b },
]

let atomicInstructions = Set(atomicCases.flatMap { [$0.word, $0.double] } + [.lr_w, .lr_d, .sc_w, .sc_d])
