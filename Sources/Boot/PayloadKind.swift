/// What a file looks like from its first bytes.
enum PayloadKind: Equatable {
    /// Linux `Image` header for RISC-V: magic2 `RSC\x05` at 0x38.
    case image
    case elf
    case gzip
    case zstd
    /// Linux's EFI zboot: a PE file whose DOS header holds `zimg` and a compressed Image.
    case zboot
    case deviceTree
    /// Anything else that a name can be given to, with its article.
    case other(String)
    case unknown

    static func of(_ bytes: PayloadBytes) -> PayloadKind {
        if bytes.load(0x38, as: UInt32.self) == ImageHeader.magic2 { return .image }
        if bytes.hasASCII("\u{7F}ELF", at: 0) { return .elf }
        if isGzip(bytes, at: 0) { return .gzip }
        if bytes.load(0, as: UInt32.self) == zstdMagic { return .zstd }
        if bytes.hasASCII("MZ", at: 0) {
            if bytes.hasASCII("zimg", at: 4) { return .zboot }
            if bytes.hasASCII("HdrS", at: 0x202) { return .other("an x86 Linux kernel (bzImage)") }
            if bytes.hasASCII("ARM\u{64}", at: 0x38) { return .other("an aarch64 Linux Image") }
            return .other(peName(bytes))
        }
        if bytes.load(0, as: UInt32.self)?.byteSwapped == 0xD00D_FEED { return .deviceTree }
        if let name = otherName(bytes) { return .other(name) }
        return looksLikeText(bytes) ? .other("a text file") : .unknown
    }

    /// A gzip member's first three bytes (RFC 1952: magic, then method 8, deflate).
    static func isGzip(_ bytes: PayloadBytes, at offset: UInt64) -> Bool {
        bytes.load(offset, as: UInt16.self) == 0x8B1F && bytes.load(offset &+ 2, as: UInt8.self) == 8
    }

    static let zstdMagic: UInt32 = 0xFD2F_B528

    private static func otherName(_ bytes: PayloadBytes) -> String? {
        if bytes.hasASCII("#!", at: 0) { return "a script" }
        if bytes.hasASCII("HdrS", at: 0x202) { return "an x86 Linux kernel (bzImage)" }
        if bytes.hasASCII("ARM\u{64}", at: 0x38) { return "an aarch64 Linux Image" }
        if bytes.hasASCII("070701", at: 0) || bytes.hasASCII("070702", at: 0) { return "a cpio archive, an initrd perhaps" }
        if bytes.load(0, as: UInt32.self)?.byteSwapped == 0x2705_1956 { return "a U-Boot uImage" }
        if bytes.load(0, as: UInt32.self)?.byteSwapped == 0xFD37_7A58 { return "an xz-compressed file" }
        if bytes.hasASCII("BZh", at: 0) { return "a bzip2-compressed file" }
        if bytes.load(0, as: UInt32.self) == 0x184D_2204 || bytes.load(0, as: UInt32.self) == 0x184C_2102 {
            return "an lz4-compressed file"
        }
        if bytes.load(0, as: UInt32.self)?.byteSwapped == 0x894C_5A4F { return "an lzop-compressed file" }
        if bytes.hasASCII("!<arch>\n", at: 0) { return "an archive (.a or .deb)" }
        if bytes.hasASCII("PK\u{3}\u{4}", at: 0) { return "a zip archive" }
        if bytes.hasASCII("QFI", at: 0) && bytes.load(3, as: UInt8.self) == 0xFB { return "a qcow2 disk image" }
        if bytes.hasASCII("ustar", at: 257) { return "a tar archive" }
        if bytes.load(0x438, as: UInt16.self) == 0xEF53 { return "an ext2/3/4 file system" }
        if bytes.hasASCII("hsqs", at: 0) { return "a squashfs file system" }
        if bytes.hasASCII("CD001", at: 0x8001) { return "an ISO 9660 disc image" }
        if bytes.load(510, as: UInt16.self) == 0xAA55 { return "a disk image" }
        return nil
    }

    /// The machine of a PE file's COFF header.
    private static func peName(_ bytes: PayloadBytes) -> String {
        guard let offset = bytes.load(0x3C, as: UInt32.self), bytes.hasASCII("PE\0\0", at: UInt64(offset)),
            let machine = bytes.load(UInt64(offset) + 4, as: UInt16.self)
        else { return "a DOS or Windows program" }
        return switch machine {
        case 0x014C: "a PE file for x86"
        case 0x8664: "a PE file for x86-64"
        case 0xAA64: "a PE file for aarch64"
        case 0x5032: "a PE file for riscv32"
        case 0x5064: "a PE file (an EFI application) for riscv64"
        default: "a PE file for machine \(hex(UInt64(machine)))"
        }
    }

    /// No control characters but white space among the first bytes.
    private static func looksLikeText(_ bytes: PayloadBytes) -> Bool {
        for offset in 0..<UInt64(min(bytes.count, 512)) {
            guard let byte = bytes.load(offset, as: UInt8.self) else { return false }
            if byte < 0x20 && !(0x09...0x0D).contains(byte) && byte != 0x1B || byte == 0x7F { return false }
            // High bytes may be UTF-8, but a text in it has ASCII too: 0xFF and 0xC0 occur in no UTF-8.
            if byte == 0xC0 || byte == 0xC1 || byte >= 0xF5 { return false }
        }
        return true
    }
}
