// A decoded operation is 16 bytes: the handler that carries it out, and its operands.
//
//   0  handler   8 bytes
//   8  rd        register numbers; an rd of x0 is written as `discard`
//   9  rs1
//  10  rs2
//  11  slot      index of this operation in its block, in units of 16 bytes
//  12  imm       32 bits, sign-extended on use
//
// Some operations use the 16 bytes that follow as well: a 64-bit constant, or a link to another block.

/// Points at an operation in a block.
typealias OpPointer = UnsafeRawPointer

enum OpLayout {
    static let size = 16
    static let shift = 4
    /// A register number whose slot in the hart is written and never read: where writes to x0 go.
    static let discard: UInt8 = 32
}

extension UnsafeRawPointer {
    @inline(__always) var rd: Int { Int(load(fromByteOffset: 8, as: UInt8.self)) }
    @inline(__always) var rs1: Int { Int(load(fromByteOffset: 9, as: UInt8.self)) }
    @inline(__always) var rs2: Int { Int(load(fromByteOffset: 10, as: UInt8.self)) }
    @inline(__always) var slot: Int { Int(load(fromByteOffset: 11, as: UInt8.self)) }
    /// The immediate, sign-extended to 64 bits.
    @inline(__always) var imm: UInt64 { UInt64(bitPattern: Int64(load(fromByteOffset: 12, as: Int32.self))) }
    /// The raw 32 bits of the immediate.
    @inline(__always) var imm32: UInt32 { load(fromByteOffset: 12, as: UInt32.self) }
    /// FP operations: third source register and rounding mode, packed in the immediate.
    @inline(__always) var rs3: Int { Int(load(fromByteOffset: 12, as: UInt8.self)) }
    @inline(__always) var rm: UInt8 { load(fromByteOffset: 13, as: UInt8.self) }
    /// The 64-bit constant in the slot behind the operation.
    @inline(__always) var constant: UInt64 { load(fromByteOffset: 16, as: UInt64.self) }
    /// The constant two slots behind the operation.
    @inline(__always) var secondConstant: UInt64 { load(fromByteOffset: 32, as: UInt64.self) }
}
