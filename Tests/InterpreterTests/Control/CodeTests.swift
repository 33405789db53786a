import ExecutionEngine
import Interpreter
import RISCV
import Testing

@Suite("Straight code, changing code")
struct CodeTests {
    @Test("runs of many instructions, of both lengths", arguments: [1, 62, 63, 64, 65, 127, 128, 129, 1000, 4000])
    func straight(_ count: Int) throws {
        let guest = try Guest()
        for short in [false, true] {
            var program = Program()
            for i in 0..<count {
                if short && i % 3 != 0 { program.half(0x0285) } else { program.emit(.addi, rd: 5, rs1: 5, imm: 1) }  // c.addi x5, 1
            }
            program.emit(.ebreak)
            guest.load(program)
            guest.hart.setX(5, 0)
            // First the interpreter meets each block, then it follows links.
            for round in 1...3 as ClosedRange<UInt64> {
                let before = guest.hart.retired
                let end = Guest.code + program.count - 4
                #expect(guest.run() == .exception(.breakpoint, end, end))
                #expect(guest.hart.x(5) == UInt64(count) * round)
                #expect(guest.hart.retired - before == count + 1)
            }
        }
    }

    @Test("a block per instruction: more blocks than the arena of one of many harts holds")
    func manyBlocks() throws {
        let guest = try Guest(harts: 48)
        var program = Program()
        let count = 12_000
        for _ in 0..<count {
            program.emit(.addi, rd: 5, rs1: 5, imm: 1)
            program.emit(.jal, imm: 4)
        }
        program.emit(.addi, rd: 6, rs1: 6, imm: -1)
        let done = Int32(-(program.bytes.count + 8))
        program.emit(.beq, rs1: 6, rs2: 0, imm: 8)
        program.emit(.jal, imm: done + 4)
        program.emit(.ebreak)
        guest.load(program, at: Guest.tables)
        guest.hart.setX(5, 0)
        guest.hart.setX(6, 4)
        #expect(guest.run(from: Guest.tables).isBreakpoint)
        #expect(guest.hart.x(5) == UInt64(4 * count))
    }

    /// addi x10, x0, n; jalr x0, 0(x1)
    static func function(_ n: Int32) -> Program {
        var program = Program()
        program.emit(.addi, rd: 10, imm: n)
        program.emit(.jalr, rs1: 1)
        return program
    }

    @Test("code that changes itself, with fence.i between", arguments: [false, true])
    func selfModifying(inLoop: Bool) throws {
        let guest = try Guest()
        guest.load(Self.function(1), at: Guest.data)
        var program = Program()
        program.emit(.jalr, rd: 1, rs1: 6)
        program.emit(.addi, rd: 20, rs1: 10)
        if inLoop {
            // Hundreds of new versions of the function: x10 has to follow each.
            program.emit(.addi, rd: 9)
            let top = program.bytes.count
            program.emit(.addi, rd: 9, rs1: 9, imm: 1)
            program.emit(.slli, rd: 8, rs1: 9, imm: 20)
            program.emit(.addi, rd: 8, rs1: 8, imm: 0x513)  // addi x10, x0, x9
            program.emit(.sw, rs1: 6, rs2: 8)
            program.emit(.fence_i)
            program.emit(.jalr, rd: 1, rs1: 6)
            program.emit(.bne, rs1: 10, rs2: 9, imm: 8)
            program.loop(.bne, rs1: 9, rs2: 7, to: top)
        } else {
            program.emit(.sw, rs1: 6, rs2: 8)
            program.emit(.fence_i)
            program.emit(.jalr, rd: 1, rs1: 6)
        }
        program.emit(.ebreak)
        guest.load(program)
        guest.hart.setX(6, Guest.data)
        guest.hart.setX(7, 500)
        guest.hart.setX(8, UInt64(encode(.addi, rd: 10, imm: 2)))
        #expect(guest.run().isBreakpoint)
        #expect(guest.hart.x(20) == 1)
        #expect(guest.hart.x(10) == (inLoop ? 500 : 2))
    }

    @Test("an instruction that overwrites the one behind it, behind a fence.i")
    func nextInstruction() throws {
        let guest = try Guest()
        var program = Program()
        program.emit(.sw, rs1: 6, rs2: 8)
        program.emit(.fence_i)
        program.emit(.addi, rd: 10, imm: 1)
        program.emit(.ebreak)
        for _ in 0..<3 {
            guest.load(program)
            guest.hart.setX(6, Guest.code + 8)
            guest.hart.setX(8, UInt64(encode(.addi, rd: 10, imm: 2)))
            #expect(guest.run().isBreakpoint)
            #expect(guest.hart.x(10) == 2)
        }
    }

    @Test("code changed through another mapping")
    func otherMapping() throws {
        let guest = try Guest()
        var tables = PageTables(guest)
        let code: UInt64 = 0x10_0000, page: UInt64 = 0x40_0000, alias: UInt64 = 0x80_0000_0000 >> 3
        tables.map(code, to: Guest.code)
        tables.map(page, to: Guest.data, PageTables.all & ~PTE.W)
        tables.map(alias, to: Guest.data, PageTables.all & ~PTE.X)
        guest.hart[.satp] = tables.satp()
        guest.load(Self.function(1), at: Guest.data)
        var program = Program()
        for _ in 0..<2 { program.emit(.jalr, rd: 1, rs1: 6) }
        program.emit(.addi, rd: 20, rs1: 10)
        program.emit(.sw, rs1: 7, rs2: 8)
        program.emit(.fence_i)
        program.emit(.jalr, rd: 1, rs1: 6)
        program.emit(.ebreak)
        guest.load(program)
        guest.hart.setX(6, page)
        guest.hart.setX(7, alias)
        guest.hart.setX(8, UInt64(encode(.addi, rd: 10, imm: 2)))
        #expect(guest.run(from: code, in: .supervisor).isBreakpoint)
        #expect(guest.hart.x(20) == 1 && guest.hart.x(10) == 2)
    }

    /// Hart 0 rewrites a function and tells hart 1, which fences and calls it (unprivileged specification,
    /// "Instruction-Fetch Fence": a fence.i on each hart).
    @Test("code that another hart writes")
    func otherHart() throws {
        let guest = try Guest(harts: 2)
        guest.load(Self.function(0), at: Guest.data)
        let rounds: UInt64 = 2000
        // Flags: data + 0x800 hart 0's turn number, + 0x840 hart 1's.
        var writer = Program()
        let top = writer.bytes.count
        writer.emit(.addi, rd: 9, rs1: 9, imm: 1)
        writer.emit(.slli, rd: 8, rs1: 9, imm: 20)
        writer.emit(.addi, rd: 8, rs1: 8, imm: 0x513)
        writer.emit(.sw, rs1: 6, rs2: 8)
        writer.emit(.fence, imm: 0xFF)
        writer.emit(.sd, rs1: 6, rs2: 9, imm: 0x7C0)
        let wait = writer.bytes.count
        writer.emit(.pause)
        writer.emit(.ld, rd: 5, rs1: 6, imm: 0x780)
        writer.loop(.bne, rs1: 5, rs2: 9, to: wait)
        writer.loop(.bne, rs1: 9, rs2: 7, to: top)
        writer.emit(.ebreak)
        var caller = Program()
        let again = caller.bytes.count
        caller.emit(.addi, rd: 9, rs1: 9, imm: 1)
        let look = caller.bytes.count
        caller.emit(.pause)
        caller.emit(.ld, rd: 5, rs1: 6, imm: 0x7C0)
        caller.loop(.bne, rs1: 5, rs2: 9, to: look)
        caller.emit(.fence, imm: 0xFF)
        caller.emit(.fence_i)
        caller.emit(.jalr, rd: 1, rs1: 6)
        caller.emit(.bne, rs1: 10, rs2: 9, imm: 12)
        caller.emit(.sd, rs1: 6, rs2: 9, imm: 0x780)
        caller.loop(.bne, rs1: 9, rs2: 7, to: again)
        caller.emit(.sd, rs1: 6, rs2: 9, imm: 0x780)
        caller.emit(.ebreak)
        guest.load(writer, at: Guest.code)
        guest.load(caller, at: Guest.code + 0x1000)
        for hart in guest.machine.harts {
            hart.setX(6, Guest.data)
            hart.setX(7, rounds)
            hart.setX(9, 0)
        }
        inParallel(2) { i in
            #expect(guest.run(from: Guest.code + UInt64(i) * 0x1000, hart: i, kicks: 20_000).isBreakpoint)
        }
        #expect(guest.machine.harts[1].x(10) == rounds)
    }

    /// Hart 0 rewrites a function without a pause; hart 1 may meet any version from the last one that it was told
    /// of on, but none before it.
    @Test("code that another hart writes while it is being fetched")
    func racingWriter() throws {
        let guest = try Guest(harts: 2)
        let versions: UInt64 = 60_000
        var function = Program()
        function.emit(.lui, rd: 10, imm: 0)
        function.emit(.jalr, rs1: 1)
        guest.load(function, at: Guest.data)
        var writer = Program()
        writer.li(8, UInt64(encode(.lui, rd: 10, imm: 0)))
        writer.li(12, 0x1000)
        let top = writer.bytes.count
        writer.emit(.addi, rd: 9, rs1: 9, imm: 1)
        writer.emit(.add, rd: 8, rs1: 8, rs2: 12)
        writer.emit(.sw, rs1: 6, rs2: 8)
        writer.emit(.fence, imm: 0xFF)
        writer.emit(.sd, rs1: 6, rs2: 9, imm: 0x7C0)
        writer.emit(.andi, rd: 13, rs1: 9, imm: 0x3FF)
        let delay = writer.bytes.count
        writer.emit(.addi, rd: 13, rs1: 13, imm: -1)
        writer.loop(.bge, rs1: 13, rs2: 0, to: delay)
        writer.loop(.bne, rs1: 9, rs2: 7, to: top)
        writer.emit(.ebreak)
        var caller = Program()
        let again = caller.bytes.count
        caller.emit(.ld, rd: 9, rs1: 6, imm: 0x7C0)
        caller.emit(.fence, imm: 0xFF)
        caller.emit(.fence_i)
        caller.emit(.jalr, rd: 1, rs1: 6)
        caller.emit(.srli, rd: 10, rs1: 10, imm: 12)
        caller.emit(.bgeu, rs1: 10, rs2: 9, imm: 8)
        caller.emit(.addi, rd: 26, rs1: 26, imm: 1)
        caller.loop(.bne, rs1: 9, rs2: 7, to: again)
        caller.emit(.ebreak)
        guest.load(writer, at: Guest.code)
        guest.load(caller, at: Guest.code + 0x1000)
        for hart in guest.machine.harts {
            hart.setX(6, Guest.data)
            hart.setX(7, versions)
            hart.setX(9, 0)
            hart.setX(26, 0)
        }
        inParallel(2) { i in
            #expect(guest.run(from: Guest.code + UInt64(i) * 0x1000, hart: i, kicks: 20_000).isBreakpoint)
        }
        #expect(guest.machine.harts[1].x(26) == 0, "calls of a version older than one that was published")
    }

    @Test("S and U on the same page, each with its own rights")
    func modes() throws {
        let guest = try Guest()
        var tables = PageTables(guest)
        let page: UInt64 = 0x40_0000
        tables.map(page, to: Guest.code)
        guest.hart[.satp] = tables.satp()
        guest.load(Program(encode(.addi, rd: 5, rs1: 5, imm: 1)))
        for _ in 0..<2 {
            #expect(guest.run(from: page, in: .supervisor).isBreakpoint)
            #expect(guest.run(from: page, in: .user) == .exception(.instructionPageFault, page, page, .user))
        }
        tables.map(page, to: Guest.code, PageTables.all | PTE.U)
        guest.hart.fenceTranslations()
        for _ in 0..<2 {
            #expect(guest.run(from: page, in: .user).isBreakpoint)
            #expect(guest.run(from: page, in: .supervisor) == .exception(.instructionPageFault, page, page, .supervisor))
        }
        // M-mode at the same address has no translation.
        #expect(guest.run(from: page) == .exception(.instructionAccessFault, page, page))
    }

    @Test("the same address in M, S and U, each behaving as its mode")
    func modeDependence() throws {
        let guest = try Guest()
        guest.load(Program(encode(.csrrs, rd: 5, imm: 0x100)))  // sstatus
        for _ in 0..<2 {
            #expect(guest.run(in: .machine).isBreakpoint)
            #expect(guest.run(in: .supervisor).isBreakpoint)
            #expect(guest.run(in: .user).cause == Exception.illegalInstruction.rawValue)
        }
    }

    @Test("fences, hints and pause do nothing to registers")
    func fences() throws {
        let guest = try Guest()
        var program = Program()
        for sets: Int32 in [0, 0xFF, 0x12, 0x21, 0x33, 0x0F, 0xF0, 0x833, 0xFFF] { program.emit(.fence, imm: sets) }
        program.emit(.fence_i)
        for _ in 0..<100 { program.emit(.pause) }
        program.emit(.add, rd: 0, rs1: 0, rs2: 2)  // ntl.p1
        program.emit(.ori, rd: 0, rs1: 5, imm: 0)  // prefetch.i
        program.emit(.ori, rd: 0, rs1: 5, imm: 1)
        program.emit(.ebreak)
        guest.load(program)
        for r in 1..<32 { guest.hart.setX(r, UInt64(r) << 33) }
        let before = guest.hart.retired
        #expect(guest.run().isBreakpoint)
        #expect(guest.hart.retired - before == 114)
        for r in 1..<32 { #expect(guest.hart.x(r) == UInt64(r) << 33) }
    }
}
