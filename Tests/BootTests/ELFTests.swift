import Boot
import GuestMemory
import Testing

@Suite struct ELFTests {
    @Test func loads() throws {
        let kernel = try parse(elf(entry: 0x8020_0010, [Segment(fileSize: 0x100, memorySize: 0x4000)]))
        #expect(kernel.format == "ELF")
        #expect(kernel.entry == 0x8020_0010)
        #expect(kernel.start == 0x8020_0000)
        #expect(kernel.end == 0x8020_4000)
        #expect(kernel.segments[0].fileOffset == 0x1000)
    }

    @Test func entryIsTranslatedToPhysical() throws {
        let kernel = try parse(elf(
            entry: 0xFFFF_FFFF_8000_0040,
            [Segment(vaddr: 0xFFFF_FFFF_7FFF_0000, paddr: 0x8800_0000, memorySize: 0x1000),
             Segment(vaddr: 0xFFFF_FFFF_8000_0000, paddr: 0x8040_0000, memorySize: 0x1000)]))
        #expect(kernel.entry == 0x8040_0040)
    }

    @Test func physicalEntryIsTaken() throws {
        #expect(try parse(elf(entry: 0x8020_0004, [Segment(vaddr: 0xFFFF_FFFF_8000_0000)])).entry == 0x8020_0004)
    }

    @Test func virtualRangeAtTheEndOfTheAddressSpace() throws {
        // p_vaddr + p_memsz is 2^64.
        let kernel = try parse(elf(entry: .max - 0xFF, [Segment(vaddr: .max - 0xFFF, memorySize: 0x1000)]))
        #expect(kernel.entry == 0x8020_0F00)
    }

    @Test func positionIndependentFileBelowRAMSlides() throws {
        let kernel = try parse(elf(type: 3, entry: 0x20, [Segment(vaddr: 0, paddr: 0)]))
        #expect(kernel.start == ramBase)
        #expect(kernel.entry == ramBase + 0x20)
        #expect(try parse(elf(type: 3)).start == 0x8020_0000)
    }

    @Test func headerReachesTheGuestUnchanged() throws {
        let bytes = elf([Segment(offset: 0, fileSize: 0x100)])
        let kernel = try parse(bytes)
        #expect(kernel.bytes.array() == bytes)
    }

    @Test func foreignMachines() {
        let cases: [(UInt16, UInt8, UInt8, String)] = [
            (62, 2, 1, "x86-64"), (3, 1, 1, "i386"), (183, 2, 1, "aarch64"), (40, 1, 1, "arm"), (243, 1, 1, "riscv32"),
            (243, 2, 2, "big-endian RISC-V"), (22, 2, 2, "s390x"), (21, 2, 2, "ppc64"), (21, 2, 1, "ppc64le"), (8, 1, 2, "mips"),
            (258, 2, 1, "loongarch"), (0x7777, 2, 1, "machine 30583"), (243, 0, 1, "RISC-V of class 0"), (243, 9, 1, "RISC-V of class 9"),
        ]
        for (machine, elfClass, order, name) in cases {
            let error = parseError(elf(machine: machine, elfClass: elfClass, order: order))
            #expect(error?.category == .badData)
            #expect(error?.message == "--kernel k: ELF is for \(name); rvkvm needs a riscv64 Image or ELF")
        }
    }

    @Test func wrongTypes() {
        #expect(parseError(elf(type: 1))?.message.contains("unlinked object or a kernel module") == true)
        #expect(parseError(elf(type: 4))?.message.contains("core dump") == true)
        #expect(parseError(elf(type: 0))?.message.contains("its type is 0") == true)
        #expect(parseError(elf([Segment(type: 3), Segment()]))?.message.contains("is a Linux program") == true)
        #expect(parseError(elf([]))?.message.contains("no segment to load") == true)
        #expect(parseError(elf([Segment(fileSize: 0, memorySize: 0)]))?.message.contains("no segment to load") == true)
    }

    @Test func hostile() {
        let cases: [(String, [UInt8])] = [
            ("beyond the end of the file", elf(phoff: 0x10_0000)),
            ("beyond the end of the file", elf(phoff: .max)),
            ("beyond the end of the file", elf(phoff: .max - 55)),
            ("beyond the end of the file", elf(phnum: 0xFFFF)),
            ("beyond the end of the file", elf(phnum: 0xFFFE)),
            ("headers are 1 bytes long", elf(phentsize: 1)),
            ("of memory", elf([Segment(fileSize: 0x200, memorySize: 0x100)])),
            ("truncated", elf([Segment(offset: 0x1F01)])),
            ("truncated", elf([Segment(offset: .max)])),
            ("truncated", elf([Segment(offset: .max - 0xFF)])),
            ("truncated", elf([Segment(fileSize: .max, memorySize: .max)])),
            ("outside RAM", elf([Segment(memorySize: .max)])),
            ("outside RAM", elf([Segment(paddr: 0)])),
            ("outside RAM", elf([Segment(paddr: 0xFFFF_FFFF_8000_0000)])),
            ("outside RAM", elf([Segment(paddr: .max - 0xF, memorySize: 0x100)])),
            ("outside RAM", elf([Segment(paddr: 0x7FFF_FFFF)])),
            ("outside RAM", elf(type: 3, [Segment(vaddr: 0, paddr: 0, memorySize: .max)])),
            ("on top of each other", elf([Segment(), Segment()])),
            ("on top of each other", elf([Segment(paddr: 0x8030_0000), Segment(memorySize: 0x10_0001)])),
            ("is odd", elf(entry: 0x8020_0001)),
            ("lies in none of its segments", elf(entry: 0x8020_0100)),
            ("lies in none of its segments", elf(entry: 0)),
        ]
        for (text, bytes) in cases {
            let error = parseError(bytes)
            #expect(error?.category == .badData, "\(error?.message ?? "accepted")")
            #expect(error?.message.contains(text) == true, "\(error?.message ?? "accepted")")
        }
    }

    @Test func endOfRAM() throws {
        #expect(try parse(elf([Segment(), Segment(paddr: 0x8FFF_FF00)])).end == 0x9000_0000)
        let error = parseError(elf([Segment(), Segment(paddr: 0x8FFF_FF01)]))
        #expect(error?.category == .usage)
        #expect(error?.message.hasSuffix("lies outside RAM 0x8000_0000 to 0x9000_0000; give more --mem") == true)
    }

    @Test(arguments: [4, 5, 19, 20, 51, 63, 64, 100])
    func truncated(length: Int) {
        #expect(parseError(Array(elf()[..<length]))?.category == .badData)
    }

    @Test(.timeLimit(.minutes(1))) func manyHeadersForTheSameBytes() {
        let segments = (0..<60_000).map { Segment(offset: 0, paddr: 0x8020_0000 + UInt64($0), fileSize: 0x30_0000, memorySize: 0x30_0000) }
        #expect(parseError(elf(segments, length: 64 + 60_000 * 56))?.category == .badData)
    }

    @Test(.timeLimit(.minutes(2))) func mutationsNeverTrap() {
        var random = Xorshift(state: 3)
        let valid = elf([Segment(memorySize: 0x1000), Segment(vaddr: 0x8030_0000, paddr: 0x8030_0000)])
        var accepted = 0
        for _ in 0..<20_000 {
            if parseError(mutate(valid, &random, within: 192)) == nil { accepted += 1 }
        }
        #expect(accepted > 0 && accepted < 20_000)
    }
}
