import CELF

/// What a bare-metal test names by ELF symbols, as Spike reads them: its end of HTIF, and the memory whose
/// content is its result. Guest physical addresses.
package struct TestHarness: Equatable, Sendable {
    package var toHost: UInt64?
    package var fromHost: UInt64?
    package var signatureStart: UInt64?
    package var signatureEnd: UInt64?

    fileprivate mutating func take(_ name: String, _ address: UInt64) {
        switch name {
        case "tohost": toHost = address
        case "fromhost": fromHost = address
        case "begin_signature": signatureStart = address
        case "end_signature": signatureEnd = address
        default: break
        }
    }
}

extension TestHarness {
    /// Looks the names up in an ELF file's symbol tables; nil when none is there. A file whose sections make no
    /// sense has no symbols: nothing else depends on them.
    static func find(in bytes: PayloadBytes, _ physical: (UInt64) -> UInt64?) -> TestHarness? {
        defer { withExtendedLifetime(bytes) {} }
        // libelf sizes tables by what the file says, so that is compared with the file first.
        guard let offset = bytes.load(0x28, as: UInt64.self), let stride = bytes.load(0x3A, as: UInt16.self),
            let count = bytes.load(0x3C, as: UInt16.self), offset > 0, count > 0,
            Int(stride) == MemoryLayout<Elf64_Shdr>.size, bytes.holds(offset, UInt64(stride) * UInt64(count)),
            elf_version(UInt32(EV_CURRENT)) != UInt32(EV_NONE),
            let file = elf_memory(bytes.storage.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
        else { return nil }
        defer { elf_end(file) }
        var found = TestHarness()
        var section: OpaquePointer? = elf_nextscn(file, nil)
        while let current = section {
            var header = GElf_Shdr()
            if gelf_getshdr(current, &header) != nil, header.sh_type == UInt32(SHT_SYMTAB) {
                scan(file, header, bytes, physical, &found)
            }
            section = elf_nextscn(file, current)
        }
        return found == TestHarness() ? nil : found
    }

    private static func scan(
        _ file: OpaquePointer, _ table: GElf_Shdr, _ bytes: PayloadBytes, _ physical: (UInt64) -> UInt64?,
        _ found: inout TestHarness
    ) {
        var names = GElf_Shdr()
        guard let section = elf_getscn(file, Int(table.sh_link)), gelf_getshdr(section, &names) != nil,
            bytes.holds(names.sh_offset, names.sh_size), bytes.holds(table.sh_offset, table.sh_size),
            table.sh_offset <= UInt64(Int64.max),
            let data = elf_getdata_rawchunk(file, Int64(table.sh_offset), Int(table.sh_size), ELF_T_SYM)
        else { return }
        for i in 0..<Int(clamping: table.sh_size / UInt64(MemoryLayout<Elf64_Sym>.size)) {
            var symbol = GElf_Sym()
            guard gelf_getsym(data, Int32(clamping: i), &symbol) != nil else { return }
            guard UInt64(symbol.st_name) < names.sh_size, symbol.st_shndx != 0, let address = physical(symbol.st_value)
            else { continue }
            found.take(name(bytes, names, UInt64(symbol.st_name)), address)
        }
    }

    /// A name of at most 32 bytes, which the wanted ones are; a longer one is cut.
    private static func name(_ bytes: PayloadBytes, _ names: GElf_Shdr, _ start: UInt64) -> String {
        var text: [UInt8] = []
        var at = start
        while at < names.sh_size, text.count < 32, let byte = bytes.load(names.sh_offset + at, as: UInt8.self), byte != 0 {
            text.append(byte)
            at += 1
        }
        return String(decoding: text, as: UTF8.self)
    }
}
