import CELF

extension KernelImage {
    /// A riscv64 ELF file: its PT_LOAD segments at their physical addresses, bss cleared, entered at
    /// e_entry translated from virtual to physical.
    static func elf(_ bytes: PayloadBytes, ram: MachineDescription.Region, format: String, prefix: String, source: PayloadSource) throws(BootError) -> KernelImage {
        defer { withExtendedLifetime(bytes) {} }
        try checkIdentity(bytes, prefix: prefix, source: source)
        var loads: [GElf_Phdr] = []
        let image = try withoutSections(bytes, &loads, ram: ram, format: format, source: source)
        let harness = TestHarness.find(in: bytes) { address in
            for load in loads where address >= load.p_vaddr && address - load.p_vaddr <= load.p_memsz {
                return load.p_paddr + (address - load.p_vaddr)
            }
            return nil
        }
        return KernelImage(
            bytes: bytes, segments: image.segments, entry: image.entry, start: image.start, end: image.end, format: format,
            harness: harness)
    }

    /// Loads by program headers alone.
    private static func withoutSections(
        _ bytes: PayloadBytes, _ loads: inout [GElf_Phdr], ram: MachineDescription.Region, format: String,
        source: PayloadSource
    ) throws(BootError) -> KernelImage {
        // Sections are no matter of loading. Without e_shoff, e_shnum and e_shstrndx libelf sizes no table
        // by what the file says. The guest gets the header as it was.
        let sectionOffset = bytes.load(0x28, as: UInt64.self) ?? 0, sectionCount = bytes.load(0x3C, as: UInt32.self) ?? 0
        bytes.store(UInt64(0), at: 0x28)
        bytes.store(UInt32(0), at: 0x3C)
        defer {
            bytes.store(sectionOffset, at: 0x28)
            bytes.store(sectionCount, at: 0x3C)
        }

        guard elf_version(UInt32(EV_CURRENT)) != UInt32(EV_NONE),
            let file = elf_memory(bytes.storage.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
        else { throw damaged("libelf doesn't take it", source) }
        defer { elf_end(file) }
        var header = GElf_Ehdr()
        guard gelf_getehdr(file, &header) != nil else { throw damaged("its header is cut short", source) }

        // libelf reads the table with its own stride.
        guard header.e_phnum == 0 || Int(header.e_phentsize) == MemoryLayout<Elf64_Phdr>.size else {
            throw damaged("its program headers are \(header.e_phentsize) bytes long", source)
        }

        var count = 0
        guard elf_getphdrnum(file, &count) == 0 else { throw damaged("its program headers lie beyond the end of the file", source) }
        for i in 0..<count {
            var segment = GElf_Phdr()
            guard gelf_getphdr(file, Int32(i), &segment) != nil else {
                throw damaged("its program headers lie beyond the end of the file", source)
            }
            if segment.p_type == PT_INTERP {
                throw .badData(source, reason: "is a Linux program (it asks for a dynamic linker), not a kernel; \(wanted)")
            }
            if segment.p_type == PT_LOAD && segment.p_memsz > 0 { loads.append(segment) }
        }
        guard !loads.isEmpty else { throw damaged("it has no segment to load", source) }
        slide(&loads, type: header.e_type, ram: ram)

        var segments: [Segment] = []
        for load in loads { segments.append(try checked(load, bytes, ram, source)) }
        segments.sort { $0.address < $1.address }
        var start = UInt64.max, end: UInt64 = 0
        for (i, segment) in segments.enumerated() {
            // Without this, thousands of headers could name the same bytes and keep us copying for hours.
            if i > 0, segment.address < end {
                throw damaged("two of its segments lie on top of each other at \(hex(segment.address))", source)
            }
            start = min(start, segment.address)
            end = segment.address + segment.memorySize
        }
        let entry = try physicalEntry(header.e_entry, loads, source)
        return KernelImage(bytes: bytes, segments: segments, entry: entry, start: start, end: end, format: format)
    }

    /// A position-independent file linked below RAM (OpenSBI's, at 0) goes to the start of RAM.
    private static func slide(_ loads: inout [GElf_Phdr], type: UInt16, ram: MachineDescription.Region) {
        guard Int32(type) == ET_DYN else { return }
        for load in loads where load.p_paddr >= ram.base { return }
        for i in loads.indices { loads[i].p_paddr &+= ram.base }
    }

    private static func checked(_ load: GElf_Phdr, _ bytes: PayloadBytes, _ ram: MachineDescription.Region, _ source: PayloadSource) throws(BootError) -> Segment {
        guard load.p_filesz <= load.p_memsz else {
            throw damaged("a segment holds \(load.p_filesz) bytes of file in \(load.p_memsz) of memory", source)
        }
        guard bytes.holds(load.p_offset, load.p_filesz) else {
            throw .badData(
                source,
                reason: "a segment of \(load.p_filesz) bytes at offset \(hex(load.p_offset)) lies beyond the end of the file \(hex(UInt64(bytes.count))); the file is a truncated copy")
        }
        let (end, wraps) = load.p_paddr.addingReportingOverflow(load.p_memsz)
        guard !wraps, load.p_paddr >= ram.base, end <= ram.end else {
            let reason = "its segment of \(sizeText(load.p_memsz)) at physical address \(hex(load.p_paddr)) lies outside RAM \(hex(ram.base)) to \(hex(ram.end))"
            // More memory helps if the segment starts at a place that some guest might have.
            if !wraps, load.p_paddr >= ram.base, load.p_paddr - ram.base < 1 << 30, load.p_memsz <= 1 << 30 {
                throw .usage(source, reason: reason + "; give more --mem")
            }
            throw .badData(source, reason: reason + "; a Linux vmlinux has an Image beside it that can be placed")
        }
        return Segment(
            address: load.p_paddr, memorySize: load.p_memsz, fileOffset: load.p_offset, fileSize: load.p_filesz, clearsRest: true)
    }

    /// e_entry is virtual: the segment that holds it says how far physical is.
    private static func physicalEntry(_ entry: UInt64, _ loads: [GElf_Phdr], _ source: PayloadSource) throws(BootError) -> UInt64 {
        guard entry & 1 == 0 else { throw damaged("its entry point \(hex(entry)) is odd", source) }
        for load in loads where entry >= load.p_vaddr && entry - load.p_vaddr < load.p_memsz {
            return load.p_paddr + (entry - load.p_vaddr)
        }
        // Some linker scripts give the entry as a physical address.
        for load in loads where entry >= load.p_paddr && entry - load.p_paddr < load.p_memsz { return entry }
        throw damaged("its entry point \(hex(entry)) lies in none of its segments", source)
    }

    private static func damaged(_ what: String, _ source: PayloadSource) -> BootError {
        .badData(source, reason: "is an ELF file that can't be loaded: \(what)")
    }

    /// Class, byte order, machine and type, before libelf sees the file.
    private static func checkIdentity(_ bytes: PayloadBytes, prefix: String, source: PayloadSource) throws(BootError) {
        guard let elfClass = bytes.load(4, as: UInt8.self), let order = bytes.load(5, as: UInt8.self),
            let rawType = bytes.load(16, as: UInt16.self), let rawMachine = bytes.load(18, as: UInt16.self),
            bytes.count >= (elfClass == 2 ? 64 : 52)
        else { throw .badData(source, reason: "is \(prefix)ELF with its header cut short at \(sizeText(UInt64(bytes.count))); the file is a truncated copy") }
        let bigEndian = order == 2
        let machine = bigEndian ? rawMachine.byteSwapped : rawMachine
        let type = bigEndian ? rawType.byteSwapped : rawType
        guard machine == 243, elfClass == 2, !bigEndian else {
            let name = machineName(machine, elfClass: elfClass, bigEndian: bigEndian)
            throw .badData(source, reason: "\(prefix.isEmpty ? "ELF is" : "is \(prefix)ELF") for \(name); \(wanted)")
        }
        switch type {
        case 2, 3: return
        case 1: throw .badData(source, reason: "is \(prefix)ELF, an unlinked object or a kernel module; \(wanted)")
        case 4: throw .badData(source, reason: "is \(prefix)ELF, a core dump; \(wanted)")
        default: throw damaged("its type is \(type)", source)
        }
    }

    /// e_machine's name; RISC-V's width is in the class.
    private static func machineName(_ machine: UInt16, elfClass: UInt8, bigEndian: Bool) -> String {
        switch machine {
        case 243: bigEndian ? "big-endian RISC-V" : elfClass == 1 ? "riscv32" : "RISC-V of class \(elfClass)"
        case 62: elfClass == 1 ? "x32 (x86-64)" : "x86-64"
        case 3, 6: "i386"
        case 183: bigEndian ? "aarch64 (big-endian)" : "aarch64"
        case 40: "arm"
        case 8: "mips"
        case 20: "powerpc"
        case 21: bigEndian ? "ppc64" : "ppc64le"
        case 22: "s390x"
        case 258: "loongarch"
        case 2, 18: "sparc"
        case 43: "sparc64"
        case 4: "m68k"
        case 15: "hppa"
        case 42: "sh"
        case 50: "ia64"
        case 94: "xtensa"
        case 195, 93, 45: "arc"
        case 247: "BPF"
        case 0x9026: "alpha"
        default: "machine \(machine)"
        }
    }
}
