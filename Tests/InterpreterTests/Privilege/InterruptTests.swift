import ExecutionEngine
import Interpreter
import RISCV
import Testing

@Suite("Interrupts")
struct InterruptTests {
    static let sources: [UInt64] = [1, 3, 5, 7, 9, 11]
    /// Most urgent first (privileged specification, "Machine Interrupt (mip and mie) Registers").
    static let order: [UInt64] = [11, 3, 7, 9, 1, 5]

    /// Which interrupt is taken, and to which mode: "An interrupt i will trap to M-mode if all of: the current
    /// mode is M and MIE is set, or the mode is less privileged; bit i is set in mip and mie; and bit i is not
    /// set in mideleg." The same for S with SIE and bits delegated.
    static func oracle(_ mip: UInt64, _ mie: UInt64, _ mideleg: UInt64, _ mode: Privilege, MIE: Bool, SIE: Bool) -> (UInt64, Privilege)? {
        for number in order where mip >> number & 1 == 1 && mie >> number & 1 == 1 && mideleg >> number & 1 == 0 {
            if mode != .machine || MIE { return (number, .machine) }
        }
        for number in order where mip >> number & 1 == 1 && mie >> number & 1 == 1 && mideleg >> number & 1 == 1 {
            if mode == .user || (mode == .supervisor && SIE) { return (number, .supervisor) }
        }
        return nil
    }

    @Test("pending × enabled × delegated × mode × MIE × SIE", arguments: [Privilege.machine, .supervisor, .user])
    func taken(_ mode: Privilege) throws {
        let guest = try Guest()
        let h = guest.hart
        var failures = Failures()
        guest.load(Program(encode(.addi, rd: 5, rs1: 5, imm: 1)))
        var random = Random(6)
        var sets: [UInt64] = [0, 0xAAA] + Self.sources.map { 1 << $0 }
        for a in Self.sources { for b in Self.sources where a < b { sets.append(1 << a | 1 << b) } }
        for mip in sets {
            let enables: [UInt64] = [0xAAA, 0, mip, 0xAAA & ~mip, random.next() & 0xAAA, random.next() & 0xAAA]
            for mie in enables {
                for mideleg in [0, 0x222, 0x002, 0x020, 0x200, 0x022] as [UInt64] {
                    for (MIE, SIE) in [(false, false), (true, false), (false, true), (true, true)] {
                        h[.mie] = mie
                        h[.mideleg] = mideleg
                        let before = (MIE ? MStatus.MIE : 0) | (SIE ? MStatus.SIE : 0)
                        h[.mstatus] = before
                        h[.scause] = 0
                        h.setPending(0xAAA, false)
                        h.setPending(mip, true)
                        let outcome = guest.run(in: mode)
                        let want = Self.oracle(mip, mie, mideleg, mode, MIE: MIE, SIE: SIE)
                        let name = "mip \(hex(mip)) mie \(hex(mie)) mideleg \(hex(mideleg)) \(mode) MIE \(MIE) SIE \(SIE)"
                        if want == nil {
                            failures.check(outcome == .exception(.breakpoint, Guest.code + 4, Guest.code + 4, mode), "\(name): \(outcome)")
                        } else if let (number, to) = want, to == .machine {
                            failures.check(outcome == .trap(cause: 1 << 63 | number, value: 0, pc: Guest.code, mode: mode), "\(name): \(outcome)")
                            failures.check(h[.mstatus] & MStatus.MIE == 0, "\(name): MIE")
                            failures.check((h[.mstatus] & MStatus.MPIE != 0) == MIE, "\(name): MPIE")
                        } else if let (number, _) = want {
                            failures.check(h[.scause] == 1 << 63 | number && h[.sepc] == Guest.code && h[.stval] == 0, "\(name): scause \(hex(h[.scause])), \(outcome)")
                            failures.check((h[.mstatus] & MStatus.SPIE != 0) == SIE, "\(name): SPIE")
                            failures.check((h[.mstatus] & MStatus.SPP != 0) == (mode == .supervisor), "\(name): SPP")
                        }
                    }
                }
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    @Test("an interrupt that becomes enabled is taken behind the instruction that enables it", arguments: ["mie", "mstatus", "sie", "sstatus", "sret", "mret", "sip"])
    func enabling(_ by: String) throws {
        let guest = try Guest()
        let h = guest.hart
        h[.mideleg] = 0x222
        var program = Program()
        program.nop(3)
        var mode = Privilege.supervisor
        var machine = false
        switch by {
        case "mie", "mstatus":
            mode = .machine
            machine = true
            h.setPending(1 << 7, true)
            if by == "mie" {
                h[.mstatus] = MStatus.MIE
                h.setX(6, 1 << 7)
                program.emit(.csrrs, rs1: 6, imm: 0x304)
            } else {
                h[.mie] = 1 << 7
                program.emit(.csrrsi, rs1: 8, imm: 0x300)
            }
        case "mret":
            mode = .machine
            machine = true
            h.setPending(1 << 7, true)
            h[.mie] = 1 << 7
            h[.mepc] = Guest.code + 16
            h[.mstatus] = MStatus.MPP | MStatus.MPIE
            program.emit(.mret)
        case "sie":
            h.setPending(1 << 5, true)
            h[.mstatus] = MStatus.SIE
            h.setX(6, 1 << 5)
            program.emit(.csrrs, rs1: 6, imm: 0x104)
        case "sstatus":
            h.setPending(1 << 5, true)
            h[.mie] = 1 << 5
            program.emit(.csrrsi, rs1: 2, imm: 0x100)
        case "sip":
            h[.mstatus] = MStatus.SIE
            h[.mie] = 1 << 1
            program.emit(.csrrsi, rs1: 2, imm: 0x144)
        default:
            h.setPending(1 << 5, true)
            h[.mie] = 1 << 5
            h[.sepc] = Guest.code + 16
            h[.mstatus] = MStatus.SPP | MStatus.SPIE
            program.emit(.sret)
        }
        program.nop(20)
        program.emit(.ebreak)
        guest.load(program)
        _ = guest.run(in: mode)
        // "in a bounded amount of time"; here at once.
        #expect((machine ? h[.mcause] : h[.scause]) >> 63 == 1)
        #expect((machine ? h[.mepc] : h[.sepc]) == Guest.code + 16)
    }

    @Test("vectored mode: interrupts to base + 4 × cause, exceptions to base", arguments: [true, false])
    func vectored(machine: Bool) throws {
        let guest = try Guest()
        let h = guest.hart
        // A table of stores through x0 that tell where they stand; M-mode reaches no RAM at small addresses.
        let table = Guest.base + 0x4000
        var vector = Program()
        for i in 0..<16 as Range<Int32> { vector.emit(.sb, imm: 16 + i) }
        guest.load(vector, at: table)
        guest.load(.end)
        for number in machine ? Self.sources : [1, 5, 9] {
            for mode in [0, 1] as [UInt64] {
                h[machine ? .mtvec : .stvec] = table | mode
                h[.mideleg] = machine ? 0 : 0x222
                h[.mie] = 1 << number
                h[.mstatus] = MStatus.MIE | MStatus.SIE
                h.setPending(0xAAA, false)
                h.setPending(1 << number, true)
                let outcome = guest.run(in: machine ? .machine : .supervisor)
                #expect(outcome == .exit(.mmioWrite(address: 16 + (mode == 1 ? number : 0), width: 1, value: 0)))
            }
        }
        h.setPending(0xAAA, false)
        h[machine ? .mtvec : .stvec] = table | 1
        h[.medeleg] = machine ? 0 : 1 << 3
        #expect(guest.run(in: machine ? .machine : .supervisor) == .exit(.mmioWrite(address: 16, width: 1, value: 0)))
    }

    @Test("WFI sleeps until an enabled interrupt is pending, taken or not", arguments: [Privilege.machine, .supervisor])
    func wfi(_ mode: Privilege) throws {
        let guest = try Guest()
        let h = guest.hart
        var program = Program()
        program.emit(.wfi)
        program.emit(.ebreak)
        guest.load(program)
        h[.mie] = 1 << 9
        if mode == .supervisor { h[.mideleg] = 0x222 }
        // Another interrupt, not enabled, doesn't wake it; kicks don't either.
        h.setPending(1 << 5, true)
        h.pc = Guest.code
        h.mode = mode
        h.kick()
        #expect(h.run() == .interrupted)
        inParallel(2) { i in
            if i == 1 {
                for _ in 0..<1000 { h.kick() }
                h.setPending(1 << 9, true)
            } else {
                // Interrupts are off, so it goes on behind the wfi.
                #expect(guest.resume(kicks: 100_000) == .exception(.breakpoint, Guest.code + 4, Guest.code + 4, mode))
            }
        }
        // With one pending it is no more than a no-op.
        #expect(guest.run(in: mode) == .exception(.breakpoint, Guest.code + 4, Guest.code + 4, mode))
        // Enabled and not masked: taken behind it.
        h[.mstatus] = MStatus.MIE
        if mode == .supervisor { h[.mideleg] = 0 }
        #expect(guest.run(in: mode).cause == UInt64(1) << 63 | 9)
        #expect([Guest.code, Guest.code + 4].contains(h[.mepc]))
    }

    @Test("WFI in U, and in S under TW, is illegal")
    func wfiTraps() throws {
        let guest = try Guest()
        let word = UInt64(encode(.wfi))
        guest.load(Program(encode(.wfi)))
        guest.hart[.mie] = 2
        guest.hart.setPending(2, true)
        guest.hart[.mideleg] = 2
        guest.hart[.mstatus] = MStatus.TW
        #expect(guest.run(in: .supervisor) == .exception(.illegalInstruction, word, Guest.code, .supervisor))
        #expect(guest.run(in: .machine).isBreakpoint)
        guest.hart[.mie] = 0
        for tw in [0, MStatus.TW] {
            guest.hart[.mstatus] = tw
            #expect(guest.run(in: .user) == .exception(.illegalInstruction, word, Guest.code, .user))
        }
    }

    @Test("Zawrs stalls end when the reserved place changes")
    func reservationWait() throws {
        let guest = try Guest()
        var program = Program()
        program.emit(.wrs_sto)
        program.emit(.wrs_nto)
        let top = program.bytes.count
        program.emit(.lr_d, rd: 5, rs1: 6)
        program.emit(.bne, rs1: 5, rs2: 0, imm: 12)
        program.emit(.wrs_nto)
        program.loop(.jal, to: top)
        program.emit(.lr_w, rd: 7, rs1: 6)
        program.emit(.wrs_sto)
        program.emit(.ebreak)
        guest.load(program)
        guest.hart.setX(6, Guest.data)
        inParallel(2) { i in
            if i == 0 {
                #expect(guest.run(in: .user, kicks: 100_000).isBreakpoint)
            } else {
                guest[Guest.data] = 42
            }
        }
        #expect(guest.hart.x(5) == 42)
    }
}
