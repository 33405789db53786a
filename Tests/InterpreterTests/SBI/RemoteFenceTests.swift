import CHost
import ExecutionEngine
import Interpreter
import RISCV
import Testing

@Suite("Harts at work on each other")
struct RemoteFenceTests {
    /// Hart 0 remaps a page and fences hart 1, which uses the page all the time; once the call is back, hart 1
    /// must not see the old page again: it reports what it reads, with a sequence number of hart 0's.
    @Test("a remote fence is complete when the call returns", arguments: ["data", "code", "ranged data", "legacy"])
    func complete(_ kind: String) throws {
        let guest = try Guest(harts: 2, answersSBI: true)
        var tables = PageTables(guest)
        let page: UInt64 = 0x40_5000, code: UInt64 = 0x10_0000, shared: UInt64 = 0x50_6000, window: UInt64 = 0x4000_0000
        for i in 0..<4 as Range<UInt64> { tables.map(code + i << 12, to: Guest.code + i << 12) }
        tables.map(page, to: Guest.data)
        tables.map(shared, to: Guest.data + 0x8000)
        tables.map(window, to: Guest.tables, level: 1)
        let entries = (0..<2).map { PageTables.entry(Guest.data + UInt64($0) * 0x1000, PageTables.all) }
        for i in 0..<2 as Range<UInt64> {
            var function = Program()
            function.emit(.addi, rd: 10, imm: Int32(i))
            function.emit(.jalr, rs1: 1)
            guest.load(function, at: Guest.data + i * 0x1000)
            guest[Guest.data + i * 0x1000 + 0x800] = i
        }
        let rounds: UInt64 = 1500
        // Hart 0. x20: where the entry is; x21, x22: entries; x23: the shared page. For n = 1...: map page n & 1,
        // fence, publish n; then wait until hart 1 has answered n.
        var first = Program()
        first.emit(.addi, rd: 9)
        let top = first.bytes.count
        first.emit(.addi, rd: 9, rs1: 9, imm: 1)
        first.emit(.andi, rd: 5, rs1: 9, imm: 1)
        first.emit(.addi, rd: 6, rs1: 21)
        first.emit(.beq, rs1: 5, rs2: 0, imm: 8)
        first.emit(.addi, rd: 6, rs1: 22)
        first.emit(.sd, rs1: 20, rs2: 6)
        switch kind {
        case "legacy":
            first.emit(.addi, rd: 10)
            first.emit(.addi, rd: 11)
            first.emit(.addi, rd: 12)
            first.emit(.addi, rd: 17, imm: 6)
        case "ranged data":
            first.emit(.addi, rd: 10, imm: 2)
            first.emit(.addi, rd: 11)
            first.li(12, page)
            first.li(13, 0x1000)
            first.emit(.addi, rd: 16, imm: 1)
            first.li(17, EID.rfence)
        default:
            first.emit(.addi, rd: 10)
            first.emit(.addi, rd: 11, imm: -1)
            first.emit(.addi, rd: 12)
            first.emit(.addi, rd: 13)
            first.emit(.addi, rd: 16, imm: 1)
            first.li(17, EID.rfence)
        }
        first.emit(.ecall)
        first.emit(.sd, rs1: 23, rs2: 9)
        let wait = first.bytes.count
        first.emit(.pause)
        first.emit(.ld, rd: 5, rs1: 23, imm: 64)
        first.loop(.bne, rs1: 5, rs2: 9, to: wait)
        first.loop(.bne, rs1: 9, rs2: 7, to: top)
        first.emit(.sb, rs1: 24)
        // Hart 1: reads n, then the page, which has to be page n & 1; keeps count of those that aren't.
        var second = Program()
        let again = second.bytes.count
        second.emit(.ld, rd: 9, rs1: 23)
        second.emit(.fence, imm: 0x22)
        if kind == "code" {
            second.emit(.jalr, rd: 1, rs1: 8)
            second.emit(.addi, rd: 5, rs1: 10)
        } else {
            second.emit(.ld, rd: 5, rs1: 8, imm: 0x7C0)
        }
        // It may be n + 1's page already; n read once more then differs or the answer is late: only a value that
        // is neither n's while n stands counts. Hart 0 waits for the answer, so n's page stands unless n moved on.
        second.emit(.ld, rd: 6, rs1: 23)
        second.emit(.bne, rs1: 6, rs2: 9, imm: 20)
        second.emit(.beq, rs1: 9, rs2: 25, imm: 16)
        second.emit(.andi, rd: 6, rs1: 9, imm: 1)
        second.emit(.beq, rs1: 5, rs2: 6, imm: 8)
        second.emit(.addi, rd: 26, rs1: 26, imm: 1)
        second.emit(.addi, rd: 25, rs1: 9)
        second.emit(.sd, rs1: 23, rs2: 9, imm: 64)
        second.loop(.bne, rs1: 9, rs2: 7, to: again)
        second.emit(.sb, rs1: 24)
        guest.load(first, at: Guest.code)
        guest.load(second, at: Guest.code + 0x1000)
        tables.map(0x7000, to: 0x1000_0000)
        for (i, h) in guest.machine.harts.enumerated() {
            h.setX(7, rounds)
            h.setX(8, kind == "code" ? page : page + 0x40)
            h.setX(20, tables.slot(page) - Guest.tables + window)
            h.setX(21, entries[0])
            h.setX(22, entries[1])
            h.setX(23, shared)
            h.setX(24, 0x7000)
            h.setX(25, 0)
            h.setX(26, 0)
            h.setX(9, 0)
            h[.satp] = tables.satp()
            _ = i
        }
        try startAll(guest)
        inParallel(2) { i in
            let outcome = guest.run(from: code + UInt64(i) * 0x1000, in: .supervisor, hart: i, kicks: 20_000)
            #expect(outcome == .exit(.mmioWrite(address: 0x1000_0000, width: 1, value: 0)))
        }
        #expect(guest.machine.harts[1].x(26) == 0)
    }

    /// Makes the stopped harts of an SBI machine runnable, their registers untouched.
    private func startAll(_ guest: Guest) throws {
        let saved = guest.machine.harts.map { h in ((0..<32).map { h.x($0) }, h[.satp]) }
        var start = Program()
        start.emit(.ecall)
        start.emit(.sb, imm: Int32(Guest.trapPort))
        let at = Guest.base + 0x4000
        guest.load(start, at: at)
        for i in 1..<guest.machine.harts.count {
            let h = guest.hart
            h[.satp] = 0
            for (r, value) in [(10, UInt64(i)), (11, at + 4), (12, 0), (16, 0), (17, EID.hsm)] { h.setX(r, value) }
            #expect(guest.run(from: at, in: .supervisor) == SBIGuest.done)
            #expect(guest.resume(hart: i) == SBIGuest.done)
        }
        for (h, (x, satp)) in zip(guest.machine.harts, saved) {
            for r in 1..<32 { h.setX(r, x[r]) }
            h[.satp] = satp
        }
    }

    @Test("harts that fence each other at once don't wait for ever", arguments: [2, 4])
    func mutual(_ count: Int) throws {
        let guest = try Guest(harts: count, answersSBI: true)
        var p = Program()
        let top = p.bytes.count
        for function in [0, 1, 2] as [Int32] {
            p.emit(.addi, rd: 10)
            p.emit(.addi, rd: 11, imm: -1)
            p.li(12, 0x40_0000)
            p.li(13, 0x3000)
            p.emit(.addi, rd: 14)
            p.emit(.addi, rd: 16, imm: function)
            p.li(17, EID.rfence)
            p.emit(.ecall)
            p.emit(.add, rd: 18, rs1: 18, rs2: 10)
        }
        p.emit(.addi, rd: 7, rs1: 7, imm: -1)
        p.loop(.bne, rs1: 7, to: top)
        p.emit(.sb, imm: Int32(Guest.trapPort))
        guest.load(p)
        try startAll(guest)
        for h in guest.machine.harts {
            h.setX(7, 300)
            h.setX(18, 0)
        }
        inParallel(count) { i in
            #expect(guest.run(in: .supervisor, hart: i, kicks: 20_000) == SBIGuest.done)
        }
        for h in guest.machine.harts { #expect(h.x(18) == 0) }
    }

    @Test("a fence of a stopped hart, or one that sleeps in WFI, comes back")
    func sleeping() throws {
        let g = try SBIGuest(harts: 3)
        let guest = g.guest
        // Hart 1 sleeps, hart 2 is stopped.
        var p = Program()
        p.emit(.csrrsi, rs1: 2, imm: 0x104)
        p.emit(.wfi)
        p.emit(.sb, imm: Int32(Guest.trapPort))
        guest.load(p, at: Guest.code + 0x1000)
        #expect(g.call(EID.hsm, 0, 1, Guest.code + 0x1000, 0).error == 0)
        let h = guest.machine.harts[1]
        inParallel(2) { i in
            if i == 1 {
                while true {
                    let exit = h.run()
                    if exit != .interrupted { break }
                }
            } else {
                for _ in 0..<200 {
                    #expect(g.call(EID.rfence, 1, 0, ~0, 0, 0).error == 0)
                    #expect(g.call(EID.rfence, 0, 0b110, 0).error == 0)
                }
                #expect(g.call(EID.ipi, 0, 0b10, 0).error == 0)
            }
        }
    }

    @Test("an IPI wakes a hart from WFI, again and again")
    func wake() throws {
        let guest = try Guest(harts: 2, answersSBI: true)
        // Two harts pass a token to and fro, each asleep while the other has it.
        var p = Program()
        p.csrw(.sie, 27)
        let top = p.bytes.count
        let wait = p.bytes.count
        p.emit(.wfi)
        p.emit(.csrrci, rs1: 2, imm: 0x144)
        p.emit(.ld, rd: 5, rs1: 23)
        p.loop(.bne, rs1: 5, rs2: 20, to: wait)
        p.emit(.sd, rs1: 23, rs2: 21)
        p.emit(.addi, rd: 10, rs1: 22)
        p.emit(.addi, rd: 11)
        p.emit(.addi, rd: 16)
        p.li(17, EID.ipi)
        p.emit(.ecall)
        p.emit(.addi, rd: 7, rs1: 7, imm: -1)
        p.loop(.bne, rs1: 7, to: top)
        p.emit(.sb, imm: Int32(Guest.trapPort))
        guest.load(p)
        try startAll(guest)
        for (i, h) in guest.machine.harts.enumerated() {
            h.setX(7, 500)
            h.setX(20, UInt64(i))
            h.setX(21, UInt64(1 - i))
            h.setX(22, UInt64(2 - i))
            h.setX(23, Guest.data)
            h.setX(27, 2)
        }
        // Hart 0 begins with the token; nobody has sent it an IPI for it.
        guest.hart.setPending(2, true)
        inParallel(2) { i in
            #expect(guest.run(in: .supervisor, hart: i, kicks: 20_000) == SBIGuest.done)
        }
    }

    @Test("a kick before run ends the next run, once")
    func stickyKick() throws {
        let guest = try Guest()
        guest.load(Program(encode(.addi, rd: 5, rs1: 5, imm: 1)))
        guest.hart.pc = Guest.code
        guest.hart.kick()
        guest.hart.kick()
        #expect(guest.hart.run() == .interrupted)
        #expect(guest.hart.pc == Guest.code)
        #expect(guest.hart.run() == .mmioWrite(address: Guest.trapPort, width: 1, value: 0))
        #expect(guest.hart.x(5) == 1)
    }

    @Test("a kick ends an endless loop, a sleep and a stop")
    func kicks() throws {
        let guest = try Guest(harts: 2, answersSBI: true)
        var p = Program()
        p.emit(.jal)
        guest.load(p)
        guest.load(Program(encode(.wfi)), at: Guest.code + 0x100)
        for (hart, pc) in [(0, Guest.code), (0, Guest.code + 0x100), (1, Guest.code)] as [(Int, UInt64)] {
            let h = guest.machine.harts[hart]
            h.pc = pc
            inParallel(2) { i in
                if i == 0 { #expect(h.run() == .interrupted) } else { h.kick() }
            }
        }
    }
}
