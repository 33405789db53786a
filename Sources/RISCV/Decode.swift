/// Whether the instruction that begins with this halfword has 16 bits (unprivileged specification,
/// "Base Instruction-Length Encoding").
@inline(__always)
public func isCompressed(_ word: UInt32) -> Bool { word & 3 != 3 }

/// Decodes the instruction in the low bits of `word`; of a 16-bit one, the upper half is ignored.
///
/// What the specification reserves, and what belongs to an extension that isn't enabled, comes out as
/// `illegal` with the bits in `imm`.
public func decode(_ word: UInt32, _ enabled: Extensions) -> Decoded {
    let bits = isCompressed(word) ? word & 0xffff : word
    var encoding = identify(bits)
    if !enabled.isSuperset(of: encoding.required) {
        encoding = encoding.fallback
    }
    return decoded(encoding, bits)
}

/// The line of the table, whatever the extensions.
@inline(__always)
func identify(_ bits: UInt32) -> Encoding {
    isCompressed(bits) ? identify16(bits) : identify32(bits)
}

@inline(__always)
func decoded(_ encoding: Encoding, _ bits: UInt32) -> Decoded {
    var decoded = Decoded(encoding.instruction, length: isCompressed(bits) ? 2 : 4)
    takeOperands(encoding, bits, into: &decoded)
    return decoded
}

/// A register's number.
@inline(__always)
func register(_ w: UInt32, at place: UInt32) -> UInt8 {
    UInt8(truncatingIfNeeded: w &>> place & 31)
}

/// The number of one of the eight registers that three bits reach, x8 to x15 (chapter "C").
@inline(__always)
func compressed(_ w: UInt32, at place: UInt32) -> UInt8 {
    UInt8(truncatingIfNeeded: w &>> place & 7 | 8)
}
