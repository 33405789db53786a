import RISCV

/// How a load or store moves bytes.
struct MemoryCase: Sendable {
    var instruction: Instruction
    var size: UInt64
    var isStore = false
    var isFloat = false
    /// A load's register from the bytes it read.
    var extend: @Sendable (UInt64) -> UInt64 = { $0 }
}

private func sign(_ bits: UInt64) -> @Sendable (UInt64) -> UInt64 {
    { v in wrap(Int128(v) >= power(bits - 1) ? Int128(v) - power(bits) : Int128(v)) }
}

let loadCases: [MemoryCase] = [
    MemoryCase(instruction: .lb, size: 1, extend: sign(8)),
    MemoryCase(instruction: .lh, size: 2, extend: sign(16)),
    MemoryCase(instruction: .lw, size: 4, extend: sign(32)),
    MemoryCase(instruction: .ld, size: 8),
    MemoryCase(instruction: .lbu, size: 1),
    MemoryCase(instruction: .lhu, size: 2),
    MemoryCase(instruction: .lwu, size: 4),
    // NaN boxes: all bits above the value are ones.
    MemoryCase(instruction: .flh, size: 2, isFloat: true) { 0xFFFF_FFFF_FFFF_0000 + $0 },
    MemoryCase(instruction: .flw, size: 4, isFloat: true) { 0xFFFF_FFFF_0000_0000 + $0 },
    MemoryCase(instruction: .fld, size: 8, isFloat: true),
]

let storeCases: [MemoryCase] = [
    MemoryCase(instruction: .sb, size: 1, isStore: true),
    MemoryCase(instruction: .sh, size: 2, isStore: true),
    MemoryCase(instruction: .sw, size: 4, isStore: true),
    MemoryCase(instruction: .sd, size: 8, isStore: true),
    MemoryCase(instruction: .fsh, size: 2, isStore: true, isFloat: true),
    MemoryCase(instruction: .fsw, size: 4, isStore: true, isFloat: true),
    MemoryCase(instruction: .fsd, size: 8, isStore: true, isFloat: true),
]

let memoryInstructions = Set((loadCases + storeCases).map(\.instruction))

/// Abbreviated loads and stores: the long form, the immediates they reach, and whether the base is x2.
struct CompressedMemoryCase: Sendable {
    var encoding: Encoding
    var long: Instruction
    var fromStack: Bool
    var immediates: [Int32]
}

let compressedMemoryCases: [CompressedMemoryCase] = [
    CompressedMemoryCase(encoding: .c_lw, long: .lw, fromStack: false, immediates: [0, 4, 64, 124]),
    CompressedMemoryCase(encoding: .c_ld, long: .ld, fromStack: false, immediates: [0, 8, 64, 248]),
    CompressedMemoryCase(encoding: .c_fld, long: .fld, fromStack: false, immediates: [0, 8, 64, 248]),
    CompressedMemoryCase(encoding: .c_sw, long: .sw, fromStack: false, immediates: [0, 4, 64, 124]),
    CompressedMemoryCase(encoding: .c_sd, long: .sd, fromStack: false, immediates: [0, 8, 64, 248]),
    CompressedMemoryCase(encoding: .c_fsd, long: .fsd, fromStack: false, immediates: [0, 8, 64, 248]),
    CompressedMemoryCase(encoding: .c_lwsp, long: .lw, fromStack: true, immediates: [0, 4, 64, 252]),
    CompressedMemoryCase(encoding: .c_ldsp, long: .ld, fromStack: true, immediates: [0, 8, 64, 504]),
    CompressedMemoryCase(encoding: .c_fldsp, long: .fld, fromStack: true, immediates: [0, 8, 64, 504]),
    CompressedMemoryCase(encoding: .c_swsp, long: .sw, fromStack: true, immediates: [0, 4, 64, 252]),
    CompressedMemoryCase(encoding: .c_sdsp, long: .sd, fromStack: true, immediates: [0, 8, 64, 504]),
    CompressedMemoryCase(encoding: .c_fsdsp, long: .fsd, fromStack: true, immediates: [0, 8, 64, 504]),
    CompressedMemoryCase(encoding: .c_lbu, long: .lbu, fromStack: false, immediates: [0, 1, 2, 3]),
    CompressedMemoryCase(encoding: .c_lhu, long: .lhu, fromStack: false, immediates: [0, 2]),
    CompressedMemoryCase(encoding: .c_lh, long: .lh, fromStack: false, immediates: [0, 2]),
    CompressedMemoryCase(encoding: .c_sb, long: .sb, fromStack: false, immediates: [0, 1, 2, 3]),
    CompressedMemoryCase(encoding: .c_sh, long: .sh, fromStack: false, immediates: [0, 2]),
]
