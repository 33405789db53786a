import ExecutionEngine
import Interpreter
import RISCV
import Testing

/// What SFENCE.VMA and its relatives have to forget: data and, above all, code.
@Suite("Translation fences")
struct FenceTests {
    /// An address space whose S-mode code changes a mapping of its own and comes back to the changed page.
    final class Space {
        let guest: Guest
        var tables: PageTables
        static let code: UInt64 = 0x10_0000
        // Not equal in their low bits, so that direct-mapped tables keep all of them.
        static let page: UInt64 = 0x40_A000
        static let other: UInt64 = 0x50_C000
        /// The tables, as S-mode sees them.
        static let window: UInt64 = 0x4000_0000
        static let first = Guest.data
        static let second = Guest.data + 0x1000

        init(_ mode: TranslationMode = .sv39, asid: UInt64 = 0) throws {
            guest = try Guest()
            tables = PageTables(guest, mode)
            for i in 0..<8 as Range<UInt64> { tables.map(Self.code + i << 12, to: Guest.code + i << 12) }
            tables.map(Self.page, to: Self.first)
            tables.map(Self.other, to: Self.second)
            tables.map(Self.window, to: Guest.tables, level: 1)
            guest.hart[.satp] = tables.satp(asid: asid)
            // Functions that tell which page they are in.
            for (page, answer) in [(Self.first, 1), (Self.second, 2)] as [(UInt64, Int32)] {
                var program = Program()
                program.emit(.addi, rd: 10, imm: answer)
                program.emit(.jalr, rs1: 1)
                guest.load(program, at: page)
                guest[page + 0x800] = UInt64(answer)
            }
        }

        /// Where S-mode finds an entry.
        func window(_ slot: UInt64) -> UInt64 { slot - Guest.tables + Self.window }

        /// Calls x6, keeps a0 in x20; stores x8 to x9; fences; calls x6 again, keeps a0 in x21.
        func program(_ fence: (inout Program) -> Void) -> Program {
            var program = Program()
            for _ in 0..<3 { program.emit(.jalr, rd: 1, rs1: 6) }
            program.emit(.addi, rd: 20, rs1: 10)
            program.emit(.sd, rs1: 9, rs2: 8)
            fence(&program)
            program.emit(.jalr, rd: 1, rs1: 6)
            program.emit(.addi, rd: 21, rs1: 10)
            program.emit(.ebreak)
            return program
        }

        func remap(level: Int = 0, page: UInt64 = Space.page, _ fence: (inout Program) -> Void) -> (Outcome, UInt64, UInt64) {
            guest.load(program(fence))
            let slot = tables.slot(page, level: level)
            guest.hart.setX(6, page)
            guest.hart.setX(7, page)
            guest.hart.setX(8, PageTables.entry(Self.second, PageTables.all))
            guest.hart.setX(9, window(slot))
            guest.hart.setX(20, 0)
            guest.hart.setX(21, 0)
            let outcome = guest.run(from: Self.code, in: .supervisor)
            return (outcome, guest.hart.x(20), guest.hart.x(21))
        }
    }

    static let fences: [String: @Sendable (inout Program) -> Void] = [
        "by address": { $0.emit(.sfence_vma, rs1: 7) },
        "by address within the page": { p in
            p.emit(.addi, rd: 7, rs1: 7, imm: 0x7FF)
            p.emit(.sfence_vma, rs1: 7)
        },
        "by ASID": { p in
            p.emit(.addi, rd: 11, imm: 5)
            p.emit(.sfence_vma, rs2: 11)
        },
        "by address and ASID": { p in
            p.emit(.addi, rd: 11, imm: 5)
            p.emit(.sfence_vma, rs1: 7, rs2: 11)
        },
        "of everything": { $0.emit(.sfence_vma) },
        "by Svinval": { p in
            p.emit(.sfence_w_inval)
            p.emit(.sinval_vma, rs1: 7)
            p.emit(.sfence_inval_ir)
        },
        "by Svinval of everything": { p in
            p.emit(.sfence_w_inval)
            p.emit(.sinval_vma)
            p.emit(.sfence_inval_ir)
        },
    ]

    @Test("a page of code that was executed is mapped elsewhere", arguments: fences.keys.sorted())
    func code(_ name: String) throws {
        let space = try Space(asid: 5)
        let (outcome, before, after) = space.remap(Self.fences[name]!)
        #expect(outcome.isBreakpoint && before == 1 && after == 2, "\(outcome) \(before) \(after)")
    }

    /// Pages whose fetches were fenced before another page's were: nothing may be forgotten about those that
    /// stay in use meanwhile.
    @Test("a page of code that stayed in use while others were fenced", arguments: 1...6)
    func codeAfterOtherFences(_ count: Int) throws {
        let space = try Space()
        let g = space.guest
        // Some more pages to call, each at its own place.
        var extra: [UInt64] = []
        for i in 0..<UInt64(count) {
            let va = 0x60_E000 + i << 12
            space.tables.map(va, to: Space.second)
            extra.append(va)
        }
        var program = Program()
        program.emit(.jalr, rd: 1, rs1: 6)
        for va in extra {
            program.li(5, va)
            program.emit(.jalr, rd: 1, rs1: 5)
        }
        for va in extra {
            // Fence a page of code that isn't the one to change, then run the latter.
            program.li(5, va)
            program.emit(.sfence_vma, rs1: 5)
            program.emit(.jalr, rd: 1, rs1: 6)
            program.emit(.jalr, rd: 1, rs1: 6)
        }
        program.emit(.addi, rd: 20, rs1: 10)
        program.emit(.sd, rs1: 9, rs2: 8)
        program.emit(.sfence_vma, rs1: 6)
        program.emit(.jalr, rd: 1, rs1: 6)
        program.emit(.addi, rd: 21, rs1: 10)
        program.emit(.ebreak)
        g.load(program)
        g.hart.setX(6, Space.page)
        g.hart.setX(8, PageTables.entry(Space.second, PageTables.all))
        g.hart.setX(9, space.window(space.tables.slot(Space.page)))
        #expect(g.run(from: Space.code, in: .supervisor).isBreakpoint)
        #expect(g.hart.x(20) == 1)
        #expect(g.hart.x(21) == 2)
    }

    /// The same through direct jumps, which are linked to their targets rather than looked up: a caller in one
    /// page, what it calls in the next.
    @Test("direct jumps into a page that is mapped elsewhere", arguments: [0, 1, 2])
    func directJumps(_ otherFences: Int) throws {
        let space = try Space()
        let g = space.guest
        let here = Space.page - 0x1000
        space.tables.map(here, to: Guest.data + 0x2000)
        var caller = Program()
        caller.emit(.addi, rd: 2, rs1: 1)
        caller.emit(.jal, rd: 1, imm: Int32(0x1000 - caller.count))
        caller.emit(.jalr, rs1: 2)
        g.load(caller, at: Guest.data + 0x2000)
        var program = Program()
        func call() { program.emit(.jalr, rd: 1, rs1: 12) }
        for _ in 0..<3 { call() }
        for _ in 0..<otherFences {
            program.emit(.jalr, rd: 1, rs1: 13)
            program.emit(.sfence_vma, rs1: 13)
            for _ in 0..<3 { call() }
        }
        program.emit(.addi, rd: 20, rs1: 10)
        program.emit(.sd, rs1: 9, rs2: 8)
        program.emit(.sfence_vma, rs1: 6)
        call()
        program.emit(.addi, rd: 21, rs1: 10)
        program.emit(.ebreak)
        g.load(program)
        g.hart.setX(6, Space.page)
        g.hart.setX(12, here)
        g.hart.setX(13, Space.other)
        g.hart.setX(8, PageTables.entry(Space.second, PageTables.all))
        g.hart.setX(9, space.window(space.tables.slot(Space.page)))
        #expect(g.run(from: Space.code, in: .supervisor).isBreakpoint)
        #expect(g.hart.x(20) == 1 && g.hart.x(21) == 2, "\(g.hart.x(20)) then \(g.hart.x(21))")
    }

    @Test("an unmapped page of code faults at once", arguments: fences.keys.sorted())
    func unmappedCode(_ name: String) throws {
        let space = try Space(asid: 5)
        space.guest.load(space.program(Self.fences[name]!))
        let g = space.guest
        g.hart.setX(6, Space.page)
        g.hart.setX(7, Space.page)
        g.hart.setX(8, 0)
        g.hart.setX(9, space.window(space.tables.slot(Space.page)))
        #expect(g.run(from: Space.code, in: .supervisor) == .exception(.instructionPageFault, Space.page, Space.page, .supervisor))
        #expect(g.hart.x(20) == 1)
    }

    @Test("a page of data is mapped elsewhere, and one that became read-only", arguments: fences.keys.sorted())
    func data(_ name: String) throws {
        let space = try Space(asid: 5)
        let g = space.guest
        var program = Program()
        program.emit(.ld, rd: 20, rs1: 6, imm: 0)
        program.emit(.sd, rs1: 6, rs2: 20, imm: 8)
        program.emit(.sd, rs1: 9, rs2: 8)
        Self.fences[name]!(&program)
        program.emit(.ld, rd: 21, rs1: 6)
        program.emit(.sd, rs1: 6, rs2: 21, imm: 16)
        program.emit(.ebreak)
        g.load(program)
        g.hart.setX(6, Space.page + 0x800)
        g.hart.setX(7, Space.page)
        g.hart.setX(8, PageTables.entry(Space.second, PageTables.all & ~PTE.D))
        g.hart.setX(9, space.window(space.tables.slot(Space.page)))
        let outcome = g.run(from: Space.code, in: .supervisor)
        #expect(outcome.cause == Exception.storePageFault.rawValue)
        #expect(g.hart.x(20) == 1 && g.hart.x(21) == 2)
        #expect(g[Space.first + 0x808] == 1 && g[Space.second + 0x810] == 0)
    }

    @Test("a superpage goes with a fence of any address in it", arguments: [1, 2], [UInt64](arrayLiteral: 0, 0x1000, 0x12_3456, 0x1F_FFFF))
    func superpages(_ level: Int, _ offset: UInt64) throws {
        let space = try Space()
        let g = space.guest
        let size: UInt64 = 1 << UInt64(12 + 9 * level)
        let va = 0x20_0000_0000 as UInt64
        let physical = Guest.data / size * size
        space.tables.map(va, to: physical, level: level)
        let page = va + Guest.data % size
        var program = Program()
        // Loads and calls at several places of the superpage, then it shrinks to nothing.
        program.emit(.jalr, rd: 1, rs1: 6)
        program.emit(.ld, rd: 20, rs1: 5)
        program.emit(.sd, rs1: 9, rs2: 0)
        program.emit(.sfence_vma, rs1: 7)
        program.emit(.addi, rd: 22, imm: 1)
        program.emit(.ld, rd: 21, rs1: 5)
        program.emit(.ebreak)
        g.load(program)
        g.hart.setX(5, page + 0x1800)
        g.hart.setX(6, page)
        g.hart.setX(7, va + offset)
        g.hart.setX(9, space.window(space.tables.slot(va, level: level)))
        #expect(g.run(from: Space.code, in: .supervisor).cause == Exception.loadPageFault.rawValue)
        #expect(g.hart.x(10) == 1 && g.hart.x(20) == 2 && g.hart.x(22) == 1)
        // And its code.
        g[space.tables.slot(va, level: level)] = PageTables.entry(physical, PageTables.all)
        g.hart.fenceTranslations()
        var calls = Program()
        calls.emit(.jalr, rd: 1, rs1: 6)
        calls.emit(.sd, rs1: 9, rs2: 0)
        calls.emit(.sfence_vma, rs1: 7)
        calls.emit(.jalr, rd: 1, rs1: 6)
        calls.emit(.ebreak)
        g.load(calls)
        #expect(g.run(from: Space.code, in: .supervisor) == .exception(.instructionPageFault, page, page, .supervisor))
    }

    @Test("a fence of another page or ASID needs to forget nothing, and changes nothing")
    func others() throws {
        let space = try Space(asid: 5)
        let (outcome, before, _) = space.remap { p in
            p.emit(.addi, rd: 11, imm: 6)
            p.emit(.sfence_vma, rs2: 11)
            p.emit(.sfence_vma, rs1: 11)
        }
        #expect(outcome.isBreakpoint && before == 1)
    }

    @Test("address spaces by ASID don't mix, though they come and go")
    func spaces() throws {
        let space = try Space(asid: 0)
        let g = space.guest
        // Twelve spaces with the same code and a page each of their own, more than any cache of spaces holds.
        var satps: [UInt64] = []
        for i in 0..<12 as Range<UInt64> {
            var tables = PageTables(g, .sv39, at: Guest.tables + 0x1_0000 * (i + 1))
            for j in 0..<2 as Range<UInt64> { tables.map(Space.code + j << 12, to: Guest.code + j << 12) }
            let physical = Guest.data + 0x1_0000 + i << 12
            tables.map(Space.page, to: physical)
            var function = Program()
            function.emit(.addi, rd: 10, imm: Int32(100 + i))
            function.emit(.jalr, rs1: 1)
            g.load(function, at: physical)
            g[physical + 0x800] = 200 + i
            satps.append(tables.satp(asid: i + 1))
        }
        var program = Program()
        program.csrw(.satp, 5)
        program.emit(.jalr, rd: 1, rs1: 6)
        program.emit(.ld, rd: 11, rs1: 7)
        program.emit(.ebreak)
        g.load(program)
        g.hart.setX(6, Space.page)
        g.hart.setX(7, Space.page + 0x800)
        var random = Random(4)
        for _ in 0..<2000 {
            let i = Int(random.below(random.below(2) == 0 ? 3 : 12))
            g.hart.setX(5, satps[i])
            #expect(g.run(from: Space.code, in: .supervisor).isBreakpoint)
            #expect(g.hart.x(10) == UInt64(100 + i) && g.hart.x(11) == UInt64(200 + i))
        }
    }

    @Test("fences are illegal in U, and in S while TVM is set", arguments: [Instruction.sfence_vma, .sinval_vma])
    func traps(_ instruction: Instruction) throws {
        let guest = try Guest()
        let word = encode(instruction, rs1: 6, rs2: 7)
        guest.load(Program(word))
        #expect(guest.run(in: .machine).isBreakpoint)
        #expect(guest.run(in: .supervisor).isBreakpoint)
        #expect(guest.run(in: .user) == .exception(.illegalInstruction, UInt64(word), Guest.code, .user))
        guest.hart[.mstatus] = MStatus.TVM
        #expect(guest.run(in: .supervisor) == .exception(.illegalInstruction, UInt64(word), Guest.code, .supervisor))
        #expect(guest.run(in: .machine).isBreakpoint)
        for ordering: Instruction in [.sfence_w_inval, .sfence_inval_ir] {
            guest.load(Program(encode(ordering)))
            guest.hart[.mstatus] = MStatus.TVM
            #expect(guest.run(in: .machine).isBreakpoint)
            #expect(guest.run(in: .supervisor).isBreakpoint)
            #expect(guest.run(in: .user) == .exception(.illegalInstruction, UInt64(encode(ordering)), Guest.code, .user))
        }
    }

    @Test("satp: an unsupported MODE leaves all of it; its fields hold what was written; TVM")
    func satp() throws {
        let guest = try Guest()
        for mode in 0..<16 as Range<UInt64> {
            guest.hart[.satp] = 8 << 60 | 0x1234 << 44 | 0x56789
            let value = mode << 60 | (mode == 0 ? 0 : 0xFFFF << 44 | 0xABC_DEF0_1234)
            guest.hart[.satp] = value
            #expect(guest.hart[.satp] == ([0, 8, 9, 10].contains(mode) ? value : 8 << 60 | 0x1234 << 44 | 0x56789))
        }
        guest.hart[.satp] = 0
        guest.hart[.mstatus] = MStatus.TVM
        for word in [encode(.csrrs, rd: 5, imm: 0x180), encode(.csrrw, rs1: 0, imm: 0x180)] {
            guest.load(Program(word))
            #expect(guest.run(in: .supervisor) == .exception(.illegalInstruction, UInt64(word), Guest.code, .supervisor))
            #expect(guest.run(in: .machine).isBreakpoint)
        }
    }

    @Test("SUM and MXR take effect with the write that changes them")
    func statusBits() throws {
        let space = try Space()
        let g = space.guest
        space.tables.map(0x70_0000, to: Space.first, PageTables.all | PTE.U)
        space.tables.map(0x71_0000, to: Space.first, PTE.V | PTE.X | PTE.A)
        var program = Program()
        for (va, bit) in [(0x70_0000, MStatus.SUM), (0x71_0000, MStatus.MXR)] as [(UInt64, UInt64)] {
            program.li(5, va)
            program.li(6, bit)
            program.emit(.csrrs, rs1: 6, imm: 0x100)
            program.emit(.ld, rd: 10, rs1: 5)
            program.emit(.csrrc, rs1: 6, imm: 0x100)
            program.emit(.csrrs, rs1: 6, imm: 0x100)
            program.emit(.ld, rd: 10, rs1: 5)
            program.emit(.csrrc, rs1: 6, imm: 0x100)
        }
        let last = UInt64(program.bytes.count)
        program.emit(.ld, rd: 10, rs1: 5)
        program.emit(.ebreak)
        g.load(program)
        #expect(g.run(from: Space.code, in: .supervisor) == .exception(.loadPageFault, 0x71_0000, Space.code + last, .supervisor))
        #expect(g.hart.x(10) == g[Space.first])
    }
}
