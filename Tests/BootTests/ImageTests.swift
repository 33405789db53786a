import Boot
import Testing

@Suite struct ImageTests {
    @Test func placedAtTextOffset() throws {
        let kernel = try parse(image())
        #expect(kernel.format == "Image")
        #expect(kernel.start == 0x8020_0000)
        #expect(kernel.entry == 0x8020_0000)
        #expect(kernel.end == 0x8030_0000)
        #expect(kernel.segments.count == 1)
        #expect(kernel.segments[0].fileSize == 4096)
    }

    @Test(arguments: [
        (0, 0x8000_0000), (1, 0x8020_0000), (0x1F_FFFF, 0x8020_0000), (0x20_0000, 0x8020_0000), (0x20_0001, 0x8040_0000),
        (0x40_0000, 0x8040_0000),
    ] as [(UInt64, UInt64)])
    func roundedUpTo2MiB(offset: UInt64, start: UInt64) throws {
        #expect(try parse(image(textOffset: offset)).start == start)
    }

    @Test func reservesTheLargerOfImageSizeAndFile() throws {
        #expect(try parse(image(imageSize: 0)).end == 0x8020_1000)
        #expect(try parse(image(imageSize: 100)).end == 0x8020_1000)
        #expect(try parse(image(imageSize: 0x4001)).end == 0x8020_4001)
    }

    @Test(arguments: [.max, .max - 0x1F_FFFF, 1 << 63, .max - 0x8000_0000, .max - 0x801F_FFFF] as [UInt64])
    func absurdTextOffset(offset: UInt64) {
        let error = parseError(image(textOffset: offset))
        #expect(error?.category == .badData)
        #expect(error?.message.contains("asks for a place 0x") == true)
    }

    @Test(arguments: [.max, .max - 0x8020_0000, 1 << 62, 254 * miB + 1] as [UInt64])
    func absurdImageSize(imageSize: UInt64) {
        let error = parseError(image(imageSize: imageSize))
        #expect(error?.category == .usage)
        #expect(error?.message.contains("give more --mem") == true)
    }

    @Test func endsExactlyWithRAM() throws {
        #expect(try parse(image(imageSize: 254 * miB)).end == 0x9000_0000)
    }

    @Test func smallMemory() {
        #expect(
            parseError(image(), 1 * miB)?.message
                == "--kernel k: its Image header asks for a place 0x20_0000 above the start of RAM 0x8000_0000, and RAM ends at 0x8010_0000; give more --mem")
        #expect(parseError(image(imageSize: 31 * miB), 32 * miB)?.message == "--kernel k: 31 MiB at 0x8020_0000 doesn't fit before the end of RAM 0x8200_0000; give more --mem")
    }

    @Test func bigEndian() {
        #expect(parseError(image(flags: 1))?.category == .badData)
        #expect(parseError(image(flags: 1))?.message.contains("big-endian") == true)
    }

    @Test(arguments: [60, 61, 63, 59, 32, 2])
    func truncatedHeader(length: Int) {
        let error = parseError(image(length: length))
        #expect(error?.category == .badData)
    }

    @Test func headerAloneIsAccepted() throws { #expect(try parse(image(length: 64)).start == 0x8020_0000) }

    /// A PE header with one section, as an EFI stub's.
    private func stub(sectionEnd: UInt32, sections: UInt16 = 1, length: Int = 4096) -> [UInt8] {
        var bytes = image(length: max(length, 512))
        bytes.put("MZ", at: 0)
        bytes.put(UInt32(0x40), at: 60)
        bytes.put("PE\0\0", at: 0x40)
        bytes.put(UInt16(0x5064), at: 0x44)
        bytes.put(sections, at: 0x46)
        bytes.put(UInt16(0xA0), at: 0x54)
        bytes.put(sectionEnd - 0x100, at: 0x40 + 24 + 0xA0 + 16)
        bytes.put(UInt32(0x100), at: 0x40 + 24 + 0xA0 + 20)
        return Array(bytes[..<length])
    }

    @Test func truncatedFileIsNoticedByItsPEHeader() throws {
        #expect(try parse(stub(sectionEnd: 4096)).start == 0x8020_0000)
        #expect(
            parseError(stub(sectionEnd: 4097))?.message
                == "--kernel k: is 4096 bytes long and its PE header announces 4097; the file is a truncated copy")
        #expect(try parse(stub(sectionEnd: 4096, sections: 0)).start == 0x8020_0000)
    }

    @Test func randomBytesBehindAValidHeader() throws {
        var random = Xorshift(state: 42)
        var bytes = image(length: 65536)
        for i in 64..<bytes.count { bytes[i] = UInt8.random(in: 0...255, using: &random) }
        #expect(try parse(bytes).entry == 0x8020_0000)
    }

    @Test func mutationsNeverTrap() {
        var random = Xorshift(state: 7)
        let valid = stub(sectionEnd: 4096)
        var accepted = 0
        for _ in 0..<20_000 {
            if parseError(mutate(valid, &random, within: 0x120)) == nil { accepted += 1 }
        }
        #expect(accepted > 0 && accepted < 20_000)
    }
}

@Suite struct ForeignKernelTests {
    private func padded(_ text: String, at offset: Int = 0, length: Int = 40_000) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: length)
        bytes.put(text, at: offset)
        return bytes
    }

    @Test func named() {
        var bzImage = padded("MZ")
        bzImage.put("HdrS", at: 0x202)
        var arm = padded("MZ")
        arm.put("ARM\u{64}", at: 0x38)
        var pe = padded("MZ")
        pe.put(UInt32(0x80), at: 0x3C)
        pe.put("PE\0\0", at: 0x80)
        pe.put(UInt16(0x8664), at: 0x84)
        let cases: [([UInt8], String)] = [
            (Array("#!/bin/sh\necho hi\n".utf8), "is a script"),
            (Array("Dear kernel,\n\tplease boot. Grüße\n".utf8), "is a text file"),
            (bzImage, "is an x86 Linux kernel (bzImage)"),
            (padded("HdrS", at: 0x202), "is an x86 Linux kernel (bzImage)"),
            (arm, "is an aarch64 Linux Image"),
            (pe, "is a PE file for x86-64"),
            (padded("MZ"), "is a DOS or Windows program"),
            ([0xD0, 0x0D, 0xFE, 0xED] + padded(""), "is a device tree"),
            (padded("070701"), "is a cpio archive"),
            ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0] + padded(""), "is an xz-compressed file"),
            (padded("BZh9"), "is a bzip2-compressed file"),
            ([0x27, 0x05, 0x19, 0x56] + padded(""), "is a U-Boot uImage"),
            (padded("PK\u{3}\u{4}"), "is a zip archive"),
            (padded("CD001", at: 0x8001), "is an ISO 9660 disc image"),
            (padded("hsqs"), "is a squashfs file system"),
            ([0x80, 0x81, 0, 1, 2], "is 5 bytes, too short for a kernel"),
            ([UInt8](repeating: 0, count: 4096), "is no kernel of a kind rvkvm knows"),
        ]
        for (bytes, expected) in cases {
            let error = parseError(bytes)
            #expect(error?.category == .badData)
            #expect(error?.message.hasPrefix("--kernel k: \(expected)") == true, "\(error?.message ?? "accepted")")
            #expect(error?.message.hasSuffix("; rvkvm needs a riscv64 Image or ELF") == true)
        }
    }

    @Test func randomBytes() {
        var random = Xorshift(state: 99)
        for length in [1, 3, 4, 17, 63, 64, 65, 511, 4096] {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
            #expect(parseError(bytes)?.category == .badData)
        }
    }
}
