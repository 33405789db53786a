/// The 64 bytes at the front of a RISC-V Linux `Image` (Linux Documentation/arch/riscv/boot-image-header.rst).
package struct ImageHeader: Equatable, Sendable {
    static let size: UInt64 = 64
    /// `RSC\x05`, at 0x38. The older magic1, `RISCV` at 0x30, is deprecated and not looked at.
    static let magic2: UInt32 = 0x0543_5352

    /// Distance from the start of RAM at which the kernel wants to lie, in bytes.
    package let textOffset: UInt64
    /// Bytes the kernel takes in memory, bss included; 0 when it doesn't say.
    package let imageSize: UInt64
    /// Bit 0: the kernel is big-endian.
    package let flags: UInt64
    /// Minor version in the lower half, major in the upper.
    package let version: UInt32
    /// Offset of the PE header of a kernel with an EFI stub, otherwise 0.
    let peOffset: UInt32

    /// The header, or nil when the bytes don't start with one.
    package init?(_ bytes: PayloadBytes) {
        guard bytes.load(0x38, as: UInt32.self) == Self.magic2,
            let textOffset = bytes.load(0x08, as: UInt64.self),
            let imageSize = bytes.load(0x10, as: UInt64.self),
            let flags = bytes.load(0x18, as: UInt64.self),
            let version = bytes.load(0x20, as: UInt32.self),
            let peOffset = bytes.load(0x3C, as: UInt32.self)
        else { return nil }
        self.textOffset = textOffset
        self.imageSize = imageSize
        self.flags = flags
        self.version = version
        self.peOffset = peOffset
    }

    /// The length that the file must have according to its PE section table, if it has one for riscv64.
    ///
    /// `Image` itself doesn't tell its length (image_size counts the bss), so that this is the only way
    /// to notice a copy that was cut short.
    func announcedLength(_ bytes: PayloadBytes) -> UInt64? {
        let pe = UInt64(peOffset)
        guard pe >= Self.size, bytes.hasASCII("MZ", at: 0), bytes.hasASCII("PE\0\0", at: pe),
            bytes.load(pe + 4, as: UInt16.self) == 0x5064,
            let sections = bytes.load(pe + 6, as: UInt16.self),
            let optionalSize = bytes.load(pe + 20, as: UInt16.self)
        else { return nil }
        var end: UInt64 = 0
        for i in 0..<UInt64(sections) {
            let section = pe + 24 + UInt64(optionalSize) + i * 40
            guard let length = bytes.load(section + 16, as: UInt32.self),
                let start = bytes.load(section + 20, as: UInt32.self)
            else { return nil }
            end = max(end, UInt64(start) + UInt64(length))
        }
        return end
    }
}
