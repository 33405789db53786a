import RISCV
import TestSupport

/// Guest code as a test writes it.
struct Program {
    private(set) var bytes: [UInt8] = []
    var count: UInt64 { UInt64(bytes.count) }

    init() {}
    /// Nothing but the end of a run.
    static let end = Program([])
    private init(_ words: [UInt32]) {
        for word in words { self.word(word) }
        emit(.ebreak)
    }
    /// Instructions, then the ebreak that ends a run.
    init(_ words: UInt32...) { self.init(words) }

    mutating func half(_ value: UInt16) {
        bytes.append(UInt8(truncatingIfNeeded: value))
        bytes.append(UInt8(truncatingIfNeeded: value >> 8))
    }
    /// An instruction of either length.
    mutating func word(_ value: UInt32) {
        half(UInt16(truncatingIfNeeded: value))
        if value & 3 == 3 { half(UInt16(truncatingIfNeeded: value >> 16)) }
    }
    mutating func emit(
        _ instruction: Instruction, rd: UInt8 = 0, rs1: UInt8 = 0, rs2: UInt8 = 0, rs3: UInt8 = 0, imm: Int32 = 0,
        rm: UInt8 = 0, aqrl: UInt8 = 0
    ) {
        word(encode(instruction, rd: rd, rs1: rs1, rs2: rs2, rs3: rs3, imm: imm, rm: rm, aqrl: aqrl))
    }
    mutating func csrr(_ rd: UInt8, _ csr: CSR) { emit(.csrrs, rd: rd, imm: Int32(csr.rawValue)) }
    mutating func csrw(_ csr: CSR, _ rs1: UInt8) { emit(.csrrw, rs1: rs1, imm: Int32(csr.rawValue)) }
    mutating func nop(_ count: Int = 1) { for _ in 0..<count { emit(.addi) } }
    /// Any constant.
    mutating func li(_ rd: UInt8, _ value: UInt64) { for one in loadConstant(rd, value) { word(one) } }
    /// A backward jump or branch to a place in this program.
    mutating func loop(_ instruction: Instruction, rd: UInt8 = 0, rs1: UInt8 = 0, rs2: UInt8 = 0, to start: Int) {
        emit(instruction, rd: rd, rs1: rs1, rs2: rs2, imm: Int32(start - bytes.count))
    }
}

typealias Random = TestSupport.Random

/// Collects what went wrong and says it once, with a few examples: a wrong handler fails thousands of cases.
struct Failures {
    private(set) var count = 0
    private(set) var examples: [String] = []
    mutating func check(_ condition: Bool, _ text: @autoclosure () -> String) {
        if condition { return }
        count += 1
        if examples.count < 6 { examples.append(text()) }
    }
    var summary: String { "\(count) wrong, such as\n  " + examples.joined(separator: "\n  ") }
}
