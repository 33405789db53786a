import ExecutionEngine
import Interpreter
import RISCV
import Testing

/// Events 9 and 10 of machine version rvkvm-1.0, cycles and instructions, in hpm counters: their filters and their
/// overflow are Sscofpmf's.
@Suite("Counters of cycles and instructions")
struct RetiredEventTests {
    static let events = [9, 10] as [UInt64]
    static let overflow = Outcome.trap(cause: 1 << 63 | 13, value: 0, pc: Guest.code, mode: .supervisor)
    /// OF, and the inhibiting bits by mode (Sscofpmf, "mhpmevent").
    static let OF: UInt64 = 1 << 63
    static let inhibits: [Mode: UInt64] = [.m: 1 << 62, .hs: 1 << 61, .u: 1 << 60, .vs: 1 << 59, .vu: 1 << 58]
    static let all: UInt64 = 0x7C << 56

    static func counter(_ i: Int) -> UInt16 { 0xB00 + UInt16(i) }
    static func event(_ i: Int) -> UInt16 { 0x320 + UInt16(i) }

    @Test("they count as instret does", arguments: events)
    func exactness(_ event: UInt64) throws {
        let guest = try Guest()
        guest.hart.setCSR(Self.event(7), event)
        for count in [0, 1, 5, 63, 64, 500] {
            var program = Program()
            program.emit(.csrrs, rd: 5, imm: Int32(Self.counter(7)))
            program.nop(count)
            program.emit(.csrrs, rd: 6, imm: Int32(Self.counter(7)))
            program.emit(.ebreak)
            guest.load(program)
            for _ in 0..<2 {
                #expect(guest.run().isBreakpoint)
                #expect(guest.hart.x(6) - guest.hart.x(5) == UInt64(count + 1))
            }
        }
    }

    @Test("what is written is what the next instruction reads; mcountinhibit stops them")
    func writing() throws {
        let guest = try Guest()
        guest.hart.setCSR(Self.event(3), 10)
        var program = Program()
        program.li(7, 1000)
        program.emit(.csrrw, rs1: 7, imm: Int32(Self.counter(3)))
        program.emit(.csrrs, rd: 5, imm: Int32(Self.counter(3)))
        program.emit(.csrrsi, rs1: 8, imm: Int32(CSR.mcountinhibit.rawValue))
        program.nop(20)
        program.emit(.csrrs, rd: 6, imm: Int32(Self.counter(3)))
        program.emit(.csrrci, rs1: 8, imm: Int32(CSR.mcountinhibit.rawValue))
        program.nop(20)
        program.emit(.csrrs, rd: 8, imm: Int32(Self.counter(3)))
        program.emit(.ebreak)
        guest.load(program)
        #expect(guest.run().isBreakpoint)
        #expect(guest.hart.x(5) == 1000)
        #expect((1001...1002).contains(guest.hart.x(6)))
        #expect((20...21).contains(guest.hart.x(8) - guest.hart.x(6)))
    }

    @Test("each mode by itself, and all but it", arguments: Mode.allCases)
    func filters(_ mode: Mode) throws {
        let guest = try Guest.hypervisor()
        let inhibit = try #require(Self.inhibits[mode])
        let h = guest.hart
        var program = Program()
        program.nop(50)
        program.emit(.ebreak)
        guest.load(program)
        h[.mcountinhibit] = 0
        h.setCSR(Self.event(3), 10 | Self.all & ~inhibit)
        h.setCSR(Self.event(4), 10 | inhibit | Self.inhibits[.m]!)
        for _ in 0..<2 {
            h.mode = .machine
            h.setCSR(Self.counter(3), 0)
            h.setCSR(Self.counter(4), 0)
            let outcome = guest.run(in: mode)
            #expect(outcome.isBreakpoint)
            // M-mode's vector is a store that retires once its exit is answered. A counter written counts from the
            // second instruction on.
            #expect((49...51).contains(h.csr(Self.counter(3))!))
            #expect(h.csr(Self.counter(4))! == 0)
        }
    }

    @Test("modes in turn: a guest's instructions and no others", arguments: [Mode.vs, .vu])
    func worldSwitches(_ mode: Mode) throws {
        let guest = try Guest.hypervisor()
        let h = guest.hart
        let inhibit = try #require(Self.inhibits[mode])
        // HS-mode enters the guest, whose ecall comes back and is stepped over, ten times; then a breakpoint.
        var handler = Program()
        handler.nop(17)
        handler.csrr(10, .sepc)
        handler.emit(.addi, rd: 10, rs1: 10, imm: 4)
        handler.csrw(.sepc, 10)
        handler.emit(.sret)
        guest.write(handler.bytes, at: Guest.base + 0x4000)
        h[.stvec] = Guest.base + 0x4000
        h[.medeleg] = 1 << 8 | 1 << 10
        var program = Program()
        for _ in 0..<10 {
            program.nop(3)
            program.emit(.ecall)
        }
        program.emit(.ebreak)
        guest.load(program)
        h.setCSR(Self.event(3), 10 | Self.all & ~inhibit)
        h.setCSR(Self.event(4), 10 | Self.inhibits[.m]! | inhibit)
        h.mode = .machine
        let before = (h.csr(Self.counter(3))!, h.csr(Self.counter(4))!)
        #expect(guest.run(in: mode).isBreakpoint)
        #expect(h.csr(Self.counter(3))! - before.0 == 30)
        #expect(h.csr(Self.counter(4))! - before.1 == 10 * 21)
    }

    @Test("an overflow interrupts a loop that does nothing else", arguments: events)
    func overflowInterrupts(_ event: UInt64) throws {
        let guest = try Guest()
        let h = guest.hart
        var program = Program()
        program.emit(.jal, imm: 0)
        guest.load(program)
        h[.mie] = 1 << 13
        h.setCSR(Self.event(5), event)
        for distance in [1, 1000, 1_000_000] as [UInt64] {
            h.setCSR(Self.counter(5), 0 &- distance)
            #expect(guest.run(in: .supervisor, kicks: 4000) == Self.overflow)
            #expect(h.csr(Self.counter(5))! < 1 << 40)
            #expect(h.csr(Self.event(5))! == event | Self.OF)
            #expect(h.csr(CSR.scountovf.rawValue)! == 1 << 5)
            // OF keeps the next one away, even when LCOFIP was cleared.
            h[.mip] = 0
            h.setCSR(Self.counter(5), 0 &- distance)
            #expect(guest.run(in: .supervisor, kicks: 4) == .endless)
            #expect(h.csr(Self.counter(5))! < 1 << 63)
            h.setCSR(Self.event(5), event)
        }
    }

    @Test("of two counters the nearer overflows first, in its own mode")
    func nearest() throws {
        let guest = try Guest()
        let h = guest.hart
        var program = Program()
        program.emit(.jal, imm: 0)
        guest.load(program)
        h[.mie] = 1 << 13
        h.setCSR(Self.event(3), 10)
        h.setCSR(Self.counter(3), 1 << 63)
        h.setCSR(Self.event(4), 10 | Self.inhibits[.hs]!)
        h.setCSR(Self.counter(4), ~0)
        h.setCSR(Self.event(5), 10 | Self.inhibits[.m]!)
        h.setCSR(Self.counter(5), 0 &- 100_000)
        h[.mcountinhibit] = 1 << 4
        h.mode = .supervisor
        h[.mcountinhibit] = 0
        #expect(guest.run(in: .supervisor, kicks: 4000) == Self.overflow)
        #expect(h.csr(Self.event(5))! >> 63 == 1)
        #expect(h.csr(Self.event(3))! >> 63 == 0)
    }

    @Test("who reads the counter past its overflow finds OF and LCOFIP set")
    func overflowIsSeen() throws {
        let guest = try Guest()
        let h = guest.hart
        var program = Program()
        program.nop(20)
        program.csrr(5, .mip)
        program.csrr(6, .scountovf)
        program.nop(20)
        program.csrr(7, .mip)
        program.csrr(8, .scountovf)
        program.emit(.ebreak)
        guest.load(program)
        h.setCSR(Self.event(31), 10)
        h.setCSR(Self.counter(31), 0 &- 30)
        #expect(guest.run().isBreakpoint)
        #expect(h.x(5) & 1 << 13 == 0 && h.x(6) == 0)
        #expect(h.x(7) & 1 << 13 != 0 && h.x(8) == 1 << 31)
    }

    @Test("without Sscofpmf they count, and nothing overflows")
    func withoutOverflow() throws {
        let guest = try Guest(extensions: .withoutHypervisor.subtracting([.sscofpmf]))
        let h = guest.hart
        var program = Program()
        program.nop(20)
        program.emit(.ebreak)
        guest.load(program)
        h.setCSR(Self.event(3), 10 | Self.all | Self.OF)
        #expect(h.csr(Self.event(3)) == 10)
        h.setCSR(Self.counter(3), 0 &- 5)
        #expect(guest.run().isBreakpoint)
        #expect((14...16).contains(h.csr(Self.counter(3))!))
        #expect(h[.mip] == 0)
    }
}
