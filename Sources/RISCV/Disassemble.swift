/// One line of assembly for the instruction in the low bits of `word`, whatever the extensions: the
/// spelling of `llvm-objdump -M no-aliases`, 16-bit instructions under their own names.
public func disassemble(_ word: UInt32, pc: UInt64) -> String {
    let bits = isCompressed(word) ? word & 0xffff : word
    let encoding = identify(bits)
    var listing = Listing(encoding.mnemonic)
    list(encoding, decoded(encoding, bits), pc: pc, into: &listing)
    return listing.text
}
