import ExecutionEngine
import Interpreter
import RISCV
import Testing

/// A read-only slot: code and data like any, and stores that are user space's, as KVM has it.
@Suite("Read-only memory")
struct ReadOnlyMemoryTests {
    static let rom: UInt64 = 0x2000_0000

    private func guest() throws -> Guest {
        let guest = try Guest()
        try guest.machine.memory.addRAM(base: Self.rom, size: 0x2000, readOnly: true)
        return guest
    }

    @Test("it can be fetched from and loaded from")
    func reads() throws {
        let guest = try guest()
        guest.load(Program(encode(.ld, rd: 5, rs1: 6, imm: 4), encode(.addi, rd: 7, rs1: 5, imm: 1)), at: Self.rom)
        guest[Self.rom + 0x1000] = 0x1122_3344_5566_7788
        guest.hart.setX(6, Self.rom + 0xFFC)
        #expect(guest.run(from: Self.rom).isBreakpoint)
        #expect(guest.hart.x(7) == 0x1122_3344_5566_7789)
    }

    @Test("stores are exits, whether or not the page was read before", arguments: storeCases.map(\.instruction))
    func stores(_ instruction: Instruction) throws {
        let one = storeCases.first { $0.instruction == instruction }!
        let guest = try guest()
        guest[Self.rom + 0x800] = 0x0102_0304_0506_0708
        guest.load(Program(encode(.ld, rd: 5, rs1: 6), encode(instruction, rs1: 6, rs2: 7), encode(.ld, rd: 8, rs1: 6)))
        guest.hart[.mstatus] = MStatus.FS
        guest.hart.setX(6, Self.rom + 0x800)
        guest.hart.setX(7, 0xA1A2_A3A4_A5A6_A7A8)
        guest.hart.setF(7, 0xA1A2_A3A4_A5A6_A7A8)
        let mask: UInt64 = one.size == 8 ? ~0 : 1 << (8 * one.size) - 1
        #expect(guest.run() == .exit(.mmioWrite(address: Self.rom + 0x800, width: Int(one.size), value: 0xA1A2_A3A4_A5A6_A7A8 & mask)))
        #expect(guest.resume().isBreakpoint)
        #expect(guest.hart.x(8) == 0x0102_0304_0506_0708)
        #expect(guest[Self.rom + 0x800] == 0x0102_0304_0506_0708)
    }

    @Test("atomics, block zeroing and stores across pages fault, and change nothing")
    func others() throws {
        let guest = try guest()
        for (word, address) in [
            (encode(.amoadd_d, rd: 5, rs1: 6, rs2: 7), Self.rom + 0x800), (encode(.amoswap_w, rd: 5, rs1: 6, rs2: 7), Self.rom + 0x800),
            (encode(.cbo_zero, rs1: 6), Self.rom + 0x800), (encode(.sd, rs1: 6, rs2: 7), Self.rom + 0xFFC),
        ] {
            guest.fill(Self.rom, 0x2000, 0x5A)
            guest.load(Program(word))
            guest.hart.setX(6, address)
            #expect(guest.run() == .exception(.storeAccessFault, address, Guest.code))
            #expect(guest.bytes(Self.rom, 0x2000).allSatisfy { $0 == 0x5A })
        }
        // A reservation can be had, and never be used.
        guest.load(Program(encode(.lr_d, rd: 5, rs1: 6), encode(.sc_d, rd: 8, rs1: 6, rs2: 7)))
        guest.hart.setX(6, Self.rom + 0x800)
        #expect(guest.run().cause == Exception.storeAccessFault.rawValue)
        #expect(guest.hart.x(5) == 0x5A5A_5A5A_5A5A_5A5A)
    }

    @Test("a table there can be walked, but A and D can't be set")
    func tables() throws {
        let guest = try guest()
        var tables = PageTables(guest)
        tables.map(0x10_0000, to: Guest.code)
        // The last level's entry lies in ROM: a root there with a gigapage, once complete and once without A.
        for (bits, faults) in [(PageTables.all, false), (PageTables.all & ~PTE.A, true)] as [(UInt64, Bool)] {
            guest[Self.rom + 2 * 8] = (0x8000_0000 >> 2) | bits
            guest.hart[.satp] = 8 << 60 | Self.rom >> 12
            guest.hart[.menvcfg] = EnvironmentConfiguration.ADUE
            guest.hart.fenceTranslations()
            guest.load(.end)
            let end = guest.run(from: Guest.code, in: .supervisor)
            #expect(end.cause == (faults ? Exception.instructionAccessFault : Exception.breakpoint).rawValue)
        }
    }
}
