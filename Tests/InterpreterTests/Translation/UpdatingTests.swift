import ExecutionEngine
import Interpreter
import RISCV
import Testing

/// Svadu: who sets A and D, and when (privileged spec 12.3.1, "Addressing and Memory Protection").
@Suite("A and D bits")
struct UpdatingTests {
    private static let page: UInt64 = 0x40_A000
    private static let codePage: UInt64 = 0x10_0000
    private static let adue: UInt64 = 1 << 61

    private struct Case {
        var instruction: Instruction
        var rights: UInt64
        var sets: UInt64
        var pageFault: RISCV.Exception
        var accessFault: RISCV.Exception
    }

    private static let cases: [Case] = [
        Case(instruction: .ld, rights: PTE.R, sets: PTE.A, pageFault: .loadPageFault, accessFault: .loadAccessFault),
        Case(instruction: .lr_d, rights: PTE.R, sets: PTE.A, pageFault: .loadPageFault, accessFault: .loadAccessFault),
        Case(instruction: .sd, rights: PTE.R | PTE.W, sets: PTE.A | PTE.D, pageFault: .storePageFault, accessFault: .storeAccessFault),
        Case(instruction: .amoadd_d, rights: PTE.R | PTE.W, sets: PTE.A | PTE.D, pageFault: .storePageFault, accessFault: .storeAccessFault),
        Case(instruction: .jalr, rights: PTE.R | PTE.X, sets: PTE.A, pageFault: .instructionPageFault, accessFault: .instructionAccessFault),
    ]

    /// Runs one instruction on a page whose leaf is `entry`; the leaf afterwards.
    private static func run(
        _ one: Instruction, _ bits: UInt64, adue: Bool, tablesWritable: Bool = true, extensions: Extensions = .withoutHypervisor
    ) throws -> (outcome: Outcome, bits: UInt64) {
        let guest = try Guest(extensions: extensions)
        var tables = PageTables(guest)
        tables.map(codePage, to: Guest.code)
        tables.map(page, to: Guest.data, PTE.V | bits)
        guest[Guest.data] = 0x0010_0073_0010_0073
        var program = Program()
        program.emit(one, rd: 5, rs1: 6, rs2: one == .ld || one == .lr_d || one == .jalr ? 0 : 7)
        program.emit(.ebreak)
        guest.load(program, at: Guest.code)
        if adue { guest.hart[.menvcfg] = guest.hart[.menvcfg] | Self.adue }
        if !tablesWritable {
            // The tables' 2 MiB may be read alone, all else may be everything.
            guest.hart[.pmpaddr0] = Guest.tables >> 2 | 0x3_FFFF
            guest.hart[.pmpaddr1] = 1 << 54 &- 1
            guest.hart[.pmpcfg0] = 0x1F << 8 | 0x19
        }
        guest.hart[.satp] = tables.satp()
        guest.hart.fenceTranslations()
        guest.hart.setX(6, page)
        let outcome = guest.run(from: codePage, in: .supervisor)
        return (outcome, guest[tables.slot(page)] & 0xFF)
    }

    @Test func hartSetsThem() throws {
        for one in Self.cases {
            let (outcome, bits) = try Self.run(one.instruction, one.rights, adue: true)
            #expect(outcome.isBreakpoint, "\(one.instruction): \(outcome)")
            #expect(bits == PTE.V | one.rights | one.sets, "\(one.instruction)")
        }
    }

    @Test func softwareSetsThemWithoutADUE() throws {
        for one in Self.cases {
            for missing in [one.sets, one.sets & PTE.D] where missing != 0 {
                let before = one.rights | one.sets & ~missing
                let (outcome, bits) = try Self.run(one.instruction, before, adue: false)
                #expect(outcome.cause == one.pageFault.rawValue, "\(one.instruction): \(outcome)")
                #expect(bits == PTE.V | before, "\(one.instruction)")
            }
        }
    }

    /// Nothing is marked as used by an access that the leaf doesn't permit.
    @Test func refusedAccessLeavesThem() throws {
        let refused: [(Instruction, UInt64, RISCV.Exception)] = [
            (.ld, PTE.X, .loadPageFault), (.sd, PTE.R, .storePageFault), (.jalr, PTE.R | PTE.W, .instructionPageFault),
            (.ld, PTE.R | PTE.U, .loadPageFault),
        ]
        for (instruction, bits, cause) in refused {
            let (outcome, after) = try Self.run(instruction, bits, adue: true)
            #expect(outcome.cause == cause.rawValue)
            #expect(after == PTE.V | bits)
        }
    }

    @Test func tablesThatMustNotBeWritten() throws {
        for one in Self.cases {
            let (outcome, bits) = try Self.run(one.instruction, one.rights, adue: true, tablesWritable: false)
            #expect(outcome.cause == one.accessFault.rawValue, "\(one.instruction): \(outcome)")
            #expect(bits == PTE.V | one.rights)
            let marked = try Self.run(one.instruction, one.rights | one.sets, adue: true, tablesWritable: false)
            #expect(marked.outcome.isBreakpoint, "\(one.instruction): \(marked.outcome)")
        }
    }

    /// Svadu alone starts with updating on; with Svade beside it, or without it, off.
    @Test func reset() throws {
        let all = Extensions.withoutHypervisor
        for (extensions, starts, writable) in [
            (all, false, true), (all.subtracting(Extensions(.svade)), true, true), (all.subtracting(Extensions(.svadu)), false, false),
        ] as [(Extensions, Bool, Bool)] {
            let guest = try Guest(extensions: extensions)
            #expect((guest.hart[.menvcfg] & Self.adue != 0) == starts)
            guest.hart[.menvcfg] = ~0
            #expect((guest.hart[.menvcfg] & Self.adue != 0) == writable)
            guest.hart[.menvcfg] = 0
            #expect(guest.hart[.menvcfg] & Self.adue == 0)
            #expect(try Self.run(.sd, PTE.R | PTE.W, adue: false, extensions: extensions).outcome.isBreakpoint == starts)
        }
    }

    /// A load's translation is no permission for the store behind it to leave D clear.
    @Test func storeAfterLoad() throws {
        let guest = try Guest()
        var tables = PageTables(guest)
        tables.map(Self.codePage, to: Guest.code)
        tables.map(Self.page, to: Guest.data, PTE.V | PTE.R | PTE.W)
        var program = Program()
        program.emit(.ld, rd: 5, rs1: 6)
        program.emit(.ebreak)
        program.emit(.sd, rs1: 6, rs2: 5)
        program.emit(.ebreak)
        guest.load(program, at: Guest.code)
        guest.hart[.menvcfg] = Self.adue
        guest.hart[.satp] = tables.satp()
        guest.hart.setX(6, Self.page)
        #expect(guest.run(from: Self.codePage, in: .supervisor).isBreakpoint)
        #expect(guest[tables.slot(Self.page)] & (PTE.A | PTE.D) == PTE.A)
        #expect(guest.run(from: Self.codePage + 8, in: .supervisor).isBreakpoint)
        #expect(guest[tables.slot(Self.page)] & (PTE.A | PTE.D) == PTE.A | PTE.D)
    }
}
