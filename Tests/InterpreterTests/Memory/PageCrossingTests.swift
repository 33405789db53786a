import ExecutionEngine
import Interpreter
import RISCV
import Testing

@Suite("Accesses and instructions that cross pages")
struct PageCrossingTests {
    static let code: UInt64 = 0x10_0000
    static let page: UInt64 = 0x40_0000

    private func guest() throws -> (Guest, PageTables) {
        let guest = try Guest()
        var tables = PageTables(guest)
        tables.map(Self.code, to: Guest.code)
        // Neighbours in the address space that aren't in memory.
        tables.map(Self.page, to: Guest.data + 0x5000)
        tables.map(Self.page + 0x1000, to: Guest.data)
        guest.hart[.satp] = tables.satp()
        guest.hart[.mstatus] = MStatus.FS
        return (guest, tables)
    }

    @Test("they take each part from its own page", arguments: (loadCases + storeCases).filter { $0.size > 1 }.map(\.instruction))
    func translated(_ instruction: Instruction) throws {
        let one = (loadCases + storeCases).first { $0.instruction == instruction }!
        let (guest, _) = try guest()
        guest.load(Program(encode(instruction, rd: 5, rs1: 6, rs2: 7)))
        for head in 1..<one.size {
            let last = Guest.data + 0x6000 - head
            guest.write((0..<head).map { UInt8(0xA0 + $0) }, at: last)
            guest.write((head..<one.size).map { UInt8(0xA0 + $0) }, at: Guest.data)
            let bytes = (0..<one.size).map { UInt8(0xA0 + $0) }
            guest.hart.setX(6, Self.page + 0x1000 - head)
            let value: UInt64 = 0x1716_1514_1312_1110
            guest.hart.setX(7, value)
            guest.hart.setF(7, value)
            #expect(guest.run(from: Self.code, in: .supervisor).isBreakpoint)
            if one.isStore {
                #expect(guest.bytes(last, head) == (0..<head).map { UInt8(0x10 + $0) })
                #expect(guest.bytes(Guest.data, one.size - head) == (head..<one.size).map { UInt8(0x10 + $0) })
            } else {
                let want = one.extend(LoadStoreTests.little(bytes))
                #expect((one.isFloat ? guest.hart.f(5) : guest.hart.x(5)) == want)
            }
        }
    }

    @Test("rights of the second page: its first byte is blamed, and nothing is stored", arguments: (loadCases + storeCases).filter { $0.size > 1 }.map(\.instruction))
    func secondPage(_ instruction: Instruction) throws {
        let one = (loadCases + storeCases).first { $0.instruction == instruction }!
        let cases: [(UInt64, Bool)] = [
            (0, true), (PageTables.all & ~PTE.V, true), (PageTables.all & ~PTE.A, true), (PageTables.all | PTE.U, true),
            (PTE.V | PTE.X | PTE.A | PTE.D, true), (PTE.V | PTE.R | PTE.A | PTE.D, one.isStore), (PageTables.all & ~PTE.D, one.isStore),
            (PageTables.all, false),
        ]
        for (bits, faults) in cases {
            for first in [false, true] {
                var (guest, tables) = try guest()
                tables.map(Self.page + (first ? 0 : 0x1000), to: first ? Guest.data + 0x5000 : Guest.data, bits)
                guest.load(Program(encode(instruction, rd: 5, rs1: 6, rs2: 7)))
                guest.hart.setX(7, ~0)
                guest.hart.setF(7, ~0)
                guest.hart.setX(5, 0x33)
                for head in 1..<one.size {
                    let va = Self.page + 0x1000 - head
                    guest.hart.setX(6, va)
                    let outcome = guest.run(from: Self.code, in: .supervisor)
                    guard faults else {
                        #expect(outcome.isBreakpoint)
                        continue
                    }
                    let want = Outcome.exception(one.isStore ? .storePageFault : .loadPageFault, first ? va : Self.page + 0x1000, Self.code, .supervisor)
                    #expect(outcome == want, "\(instruction) \(hex(bits))")
                    #expect(guest.bytes(Guest.data + 0x5FF0, 16) == [UInt8](repeating: 0, count: 16))
                    #expect(guest.bytes(Guest.data, 16) == [UInt8](repeating: 0, count: 16))
                    #expect(guest.hart.x(5) == 0x33)
                }
            }
        }
    }

    @Test("an instruction whose second half is on a page that can't be fetched")
    func instruction() throws {
        for bits in [0, PageTables.all & ~PTE.X, PageTables.all & ~PTE.A, PageTables.all | PTE.U] {
            var (guest, tables) = try guest()
            tables.map(Self.page + 0x1000, to: Guest.data, bits)
            var program = Program()
            program.nop(2)
            program.word(0x0001)  // c.nop
            program.emit(.addi, rd: 5, rs1: 5, imm: 1)
            let start = 0x1000 - 2 - 10 as UInt64
            let halves = program.bytes
            guest.write(Array(halves[0..<12]), at: Guest.data + 0x5000 + start)
            guest.hart.setX(5, 1)
            let pc = Self.page + 0xFFE
            #expect(guest.run(from: Self.page + start, in: .supervisor) == .exception(.instructionPageFault, Self.page + 0x1000, pc, .supervisor))
            #expect(guest.hart.x(5) == 1)
            // A 16-bit instruction there is whole.
            guest.write([0x01, 0x00], at: Guest.data + 0x5FFE)
            guest.hart.fenceInstruction()
            #expect(guest.run(from: Self.page + start, in: .supervisor) == .exception(.instructionPageFault, Self.page + 0x1000, Self.page + 0x1000, .supervisor))
        }
    }

    @Test("an instruction is put together from two pages, whichever they are")
    func halves() throws {
        var (guest, tables) = try guest()
        tables.map(Self.page + 0x2000, to: Guest.data + 0x7000)
        // addi x5, x5, n: its upper half holds n.
        func half(_ n: Int32) -> [UInt8] {
            let word = encode(.addi, rd: 5, rs1: 5, imm: n)
            return [UInt8(truncatingIfNeeded: word >> 16), UInt8(truncatingIfNeeded: word >> 24)]
        }
        var end = Program()
        end.emit(.ebreak)
        let word = encode(.addi, rd: 5, rs1: 5, imm: 0)
        guest.write([UInt8(truncatingIfNeeded: word), UInt8(truncatingIfNeeded: word >> 8)], at: Guest.data + 0x5FFE)
        guest.write(half(3) + end.bytes, at: Guest.data)
        guest.write(half(7) + end.bytes, at: Guest.data + 0x7000)
        func run() -> UInt64 {
            guest.hart.setX(5, 0)
            #expect(guest.run(from: Self.page + 0xFFE, in: .supervisor).isBreakpoint)
            return guest.hart.x(5)
        }
        #expect(run() == 3)
        // The second half changes in memory, ...
        guest.write(half(4), at: Guest.data)
        guest.hart.fenceInstruction()
        #expect(run() == 4)
        // ... then the mapping of the second page.
        tables.map(Self.page + 0x1000, to: Guest.data + 0x7000)
        guest.hart.fenceTranslations()
        #expect(run() == 7)
    }
}
