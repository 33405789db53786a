import CHost

// A block is straight-line guest code from one address to the first jump, decoded once. It lies in its hart's
// arena in one piece:
//
//   header      64 bytes, BlockHeader
//   operations  16 bytes a slot
//   places      2 bytes a slot: where the slot's instruction starts, in units of 2 bytes from the block's
//               start, and how many instructions of the block come before it
//   code        the guest's bytes as they were decoded, to find out after FENCE.I whether they still stand

struct BlockHeader {
    /// Virtual address of the first instruction.
    var pc: UInt64
    /// Host address of the first instruction's bytes.
    var code: UnsafeRawPointer
    /// Host address of the bytes on the next page when the block's only instruction crosses into it.
    var codeOnNextPage: UnsafeRawPointer?
    /// Next block with the same hash.
    var chain: UnsafeMutablePointer<BlockHeader>?
    /// The hart's code generation (FENCE.I count) for which the bytes were last found unchanged.
    var generation: UInt32
    /// What the block was decoded for; see `Live.variant`.
    var variant: UInt32
    var slots: Int32
    var codeBytes: Int32
    var padding: (UInt64, UInt64)
}

enum Block {
    static let headerSize = 64
    /// Most instructions in a block: keeps slot indexes and places in a byte.
    static let instructionLimit = 64
    static let slotLimit = 3 * instructionLimit + 4
    /// The arena space that the largest block needs.
    static let largest = headerSize + slotLimit * (OpLayout.size + 2) + instructionLimit * 4 + 16

    @inline(__always)
    static func header(of op: OpPointer) -> UnsafePointer<BlockHeader> {
        (op - op.slot &* OpLayout.size - headerSize).assumingMemoryBound(to: BlockHeader.self)
    }

    @inline(__always)
    private static func place(of op: OpPointer) -> UnsafeRawPointer {
        let start = op - op.slot &* OpLayout.size
        return start + Int(header(of: op).pointee.slots) &* OpLayout.size + op.slot &* 2
    }

    /// Virtual address of the instruction that `op` came from.
    static func pc(of op: OpPointer) -> UInt64 {
        header(of: op).pointee.pc &+ UInt64(place(of: op).load(as: UInt8.self)) &* 2
    }

    /// Instructions of the block before `op`.
    static func index(of op: OpPointer) -> Int { Int(place(of: op).load(fromByteOffset: 1, as: UInt8.self)) }

    /// The instruction of `op` as it was decoded: 16 or 32 bits.
    static func word(of op: OpPointer) -> UInt32 {
        word(at: codeCopy(header(of: op)) + Int(place(of: op).load(as: UInt8.self)) &* 2)
    }

    private static func word(at bytes: UnsafeRawPointer) -> UInt32 {
        let low = UInt32(bytes.loadUnaligned(as: UInt16.self))
        return low & 3 == 3 ? low | UInt32(bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)) &<< 16 : low
    }

    /// The first instruction of the block at `block`.
    static func firstWord(_ block: UnsafePointer<BlockHeader>) -> UInt32 { word(at: codeCopy(block)) }

    /// Virtual address behind the instruction of `op`.
    static func following(_ op: OpPointer) -> UInt64 { pc(of: op) &+ (word(of: op) & 3 == 3 ? 4 : 2) }

    /// First operation of the block.
    @inline(__always)
    static func entry(_ block: UnsafeMutablePointer<BlockHeader>) -> OpPointer {
        UnsafeRawPointer(block) + headerSize
    }

    static func codeCopy(_ block: UnsafePointer<BlockHeader>) -> UnsafeRawPointer {
        UnsafeRawPointer(block) + headerSize + Int(block.pointee.slots) &* (OpLayout.size + 2)
    }

    /// Whether the guest's memory still holds the bytes the block was decoded from. Other harts may be writing to it: an
    /// instruction that is found unchanged was there at some moment of the call.
    static func isCurrent(_ block: UnsafePointer<BlockHeader>) -> Bool {
        let copy = codeCopy(block)
        if let rest = block.pointee.codeOnNextPage {
            return host_is_copy(copy, block.pointee.code, 2) && host_is_copy(copy + 2, rest, 2)
        }
        return host_is_copy(copy, block.pointee.code, Int(block.pointee.codeBytes))
    }
}
