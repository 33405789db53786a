import ExecutionEngine
import Interpreter
import RISCV
import Testing

@Suite("Counters and the timer")
struct CounterTests {
    @Test("reads need the enabling bits of each mode above", arguments: Privilege.allCases)
    func gating(_ mode: Privilege) throws {
        let guest = try Guest()
        var failures = Failures()
        for number in 0..<32 as Range<UInt16> {
            let word = encode(.csrrs, rd: 5, imm: Int32(0xC00 + number))
            guest.load(Program(word))
            let bit = 1 << UInt64(number) as UInt64
            for mcounteren in [0, bit, ~bit & 0xFFFF_FFFF, 0xFFFF_FFFF] {
                for scounteren in [0, bit, ~bit & 0xFFFF_FFFF, 0xFFFF_FFFF] {
                    guest.hart[.mcounteren] = mcounteren
                    guest.hart[.scounteren] = scounteren
                    let m = guest.hart[.mcounteren] & bit != 0, s = guest.hart[.scounteren] & bit != 0
                    let allowed = mode == .machine || (m && (mode == .supervisor || s))
                    let outcome = guest.run(in: mode)
                    let want = allowed ? Outcome.exception(.breakpoint, Guest.code + 4, Guest.code + 4, mode) : .exception(.illegalInstruction, UInt64(word), Guest.code, mode)
                    failures.check(outcome == want, "counter \(number) in \(mode), \(hex(mcounteren)) \(hex(scounteren)): \(outcome)")
                }
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    @Test("instret counts what retires between two reads", arguments: [CSR.instret, .minstret])
    func exactness(_ csr: CSR) throws {
        let guest = try Guest()
        for count in [0, 1, 5, 61, 62, 63, 64, 65, 128, 500] {
            var program = Program()
            program.csrr(5, csr)
            program.nop(count)
            program.csrr(6, csr)
            program.emit(.ebreak)
            guest.load(program)
            for _ in 0..<2 {
                #expect(guest.run().isBreakpoint)
                #expect(guest.hart.x(6) - guest.hart.x(5) == UInt64(count + 1))
            }
        }
        // Branches taken and not, jumps, loads and stores, on first sight and in a loop.
        var program = Program()
        program.emit(.addi, rd: 7, imm: 100)
        program.csrr(5, csr)
        let top = program.bytes.count
        program.emit(.addi, rd: 7, rs1: 7, imm: -1)
        program.emit(.bne, rs1: 0, rs2: 0, imm: 8)
        program.emit(.jal, imm: 8)
        program.nop()
        program.emit(.ld, rd: 8, rs1: 9)
        program.emit(.sd, rs1: 9, rs2: 8, imm: 4)
        program.half(0x0001)
        program.half(0x0001)
        program.loop(.bne, rs1: 7, to: top)
        program.csrr(6, csr)
        program.emit(.ebreak)
        guest.load(program)
        guest.hart.setX(9, Guest.data + 0xFFE)
        for _ in 0..<2 {
            #expect(guest.run().isBreakpoint)
            #expect(guest.hart.x(6) - guest.hart.x(5) == 801)
        }
    }

    @Test("instructions that trap don't retire; xRET, fences and device accesses do")
    func traps() throws {
        let guest = try Guest()
        let h = guest.hart
        // M-mode handler: steps over the instruction.
        var handler = Program()
        handler.csrr(10, .mepc)
        handler.emit(.addi, rd: 10, rs1: 10, imm: 4)
        handler.csrw(.mepc, 10)
        handler.emit(.mret)
        let vector = Guest.base + 0x4000
        guest.load(handler, at: vector)
        for (word, retires) in [
            (encode(.ecall), 4), (encode(.ebreak), 4), (0xFFFF_FFFF, 4), (encode(.lr_w, rd: 8, rs1: 9), 4), (encode(.fence_i), 1), (encode(.sfence_vma), 1),
            (encode(.csrrw, rs1: 8, imm: 0x340), 1), (encode(.fence, imm: 0xFF), 1),
        ] as [(UInt32, UInt64)] {
            var program = Program()
            program.csrr(5, .minstret)
            program.word(word)
            program.csrr(6, .minstret)
            program.emit(.sb, imm: 32)
            guest.load(program)
            h[.mtvec] = vector
            h[.mstatus] = MStatus.MPP
            h.setX(9, Guest.data + 1)
            #expect(guest.run() == .exit(.mmioWrite(address: 32, width: 1, value: 0)))
            #expect(h.x(6) - h.x(5) == retires + 1, "\(hex(UInt64(word)))")
        }
        var program = Program()
        program.csrr(5, .minstret)
        program.emit(.lb, rd: 8, rs1: 0, imm: 64)
        program.emit(.sb, rs1: 0, imm: 64)
        program.csrr(6, .minstret)
        program.emit(.sb, imm: 32)
        guest.load(program)
        #expect(guest.run() == .exit(.mmioRead(address: 64, width: 1)))
        #expect(guest.resume(.data(1)) == .exit(.mmioWrite(address: 64, width: 1, value: 0)))
        #expect(guest.resume() == .exit(.mmioWrite(address: 32, width: 1, value: 0)))
        #expect(h.x(6) - h.x(5) == 3)
    }

    @Test("the next instruction reads what was written", arguments: [CSR.minstret, .mcycle])
    func writes(_ csr: CSR) throws {
        let guest = try Guest()
        for value in [0, 1, 0x1234_5678_9ABC_DEF0, ~0] as [UInt64] {
            var program = Program()
            program.csrw(csr, 7)
            program.csrr(5, csr)
            program.nop(3)
            program.csrr(6, csr)
            program.emit(.ebreak)
            guest.load(program)
            guest.hart.setX(7, value)
            #expect(guest.run().isBreakpoint)
            #expect(guest.hart.x(5) == value)
            #expect(guest.hart.x(6) == value &+ 4)
        }
        // The unprivileged register shows the same.
        guest.load(Program(encode(.csrrw, rs1: 7, imm: Int32(csr.rawValue)), encode(.csrrs, rd: 5, imm: Int32(csr.rawValue) + 0x100)))
        guest.hart.setX(7, 5000)
        #expect(guest.run().isBreakpoint)
        #expect(guest.hart.x(5) == 5000)
    }

    @Test("mcountinhibit stops one counter and lets it go on from where it was", arguments: [0, 2] as [UInt64])
    func inhibit(_ number: UInt64) throws {
        let guest = try Guest()
        let csr: CSR = number == 0 ? .mcycle : .minstret
        let other: CSR = number == 0 ? .minstret : .mcycle
        var program = Program()
        program.csrw(.mcountinhibit, 7)
        program.csrr(5, csr)
        program.csrr(8, other)
        program.nop(10)
        program.csrr(6, csr)
        program.csrr(9, other)
        program.csrw(csr, 10)
        program.nop(10)
        program.csrr(11, csr)
        program.csrw(.mcountinhibit, 0)
        program.nop(10)
        program.csrr(12, csr)
        program.emit(.ebreak)
        guest.load(program)
        guest.hart.setX(7, 1 << number)
        guest.hart.setX(10, 777)
        #expect(guest.run().isBreakpoint)
        let h = guest.hart
        #expect(h.x(5) == h.x(6))
        #expect(h.x(9) - h.x(8) == 12)
        #expect(h.x(11) == 777)
        // Whether the write that lets it go counts itself is nobody's business.
        #expect(h.x(12) == 787 || h.x(12) == 788)
    }

    @Test("time goes on, at its frequency's pace and never back")
    func time() throws {
        let guest = try Guest()
        var program = Program()
        program.csrr(5, .time)
        program.nop(50)
        program.csrr(6, .time)
        program.emit(.ebreak)
        guest.load(program)
        var last: UInt64 = 0
        for _ in 0..<50 {
            #expect(guest.run().isBreakpoint)
            #expect(guest.hart.x(5) >= last && guest.hart.x(6) >= guest.hart.x(5))
            last = guest.hart.x(6)
        }
        #expect(last <= guest.machine.time)
    }

    // ---- Sstc

    @Test("stimecmp raises and clears STIP")
    func timer() throws {
        let guest = try Guest()
        let h = guest.hart
        h[.menvcfg] = EnvironmentConfiguration.STCE
        h[.mcounteren] = 2
        func write(_ value: UInt64, in mode: Privilege) {
            guest.load(Program(encode(.csrrw, rd: 5, rs1: 6, imm: 0x14D), encode(.csrrs, rd: 7, imm: 0x144)))
            h.setX(6, value)
            h[.mideleg] = 0x222
            #expect(guest.run(in: mode).isBreakpoint)
        }
        for mode in [Privilege.machine, .supervisor] {
            write(0, in: mode)
            #expect(h.x(7) == 1 << 5)
            write(~0, in: mode)
            #expect(h.x(7) == 0)
        }
        // One that comes true while the hart sleeps.
        var program = Program()
        program.csrr(5, .time)
        program.emit(.addi, rd: 5, rs1: 5, imm: 2000)
        program.csrw(.stimecmp, 5)
        // A wfi may end early, and a kick ends it.
        let sleep = program.bytes.count
        program.emit(.wfi)
        program.csrr(7, .mip)
        program.emit(.andi, rd: 7, rs1: 7, imm: 1 << 5)
        program.loop(.beq, rs1: 7, to: sleep)
        program.csrr(6, .time)
        program.emit(.ebreak)
        guest.load(program)
        h[.mie] = 1 << 5
        #expect(guest.run(in: .machine, kicks: 4000).isBreakpoint)
        #expect(h[.mip] >> 5 & 1 == 1)
        #expect(h.x(6) >= h.x(5))
    }

    @Test("STIP is read as set as soon as time has been read past stimecmp")
    func timerAtOnce() throws {
        let guest = try Guest()
        let h = guest.hart
        h[.menvcfg] = EnvironmentConfiguration.STCE
        var program = Program()
        program.csrr(5, .time)
        program.emit(.addi, rd: 5, rs1: 5, imm: 50)
        program.csrw(.stimecmp, 5)
        let start = program.bytes.count
        program.csrr(6, .time)
        program.loop(.bltu, rs1: 6, rs2: 5, to: start)
        program.csrr(7, .mip)
        program.emit(.ebreak)
        guest.load(program)
        for _ in 0..<1000 {
            #expect(guest.run().isBreakpoint)
            #expect(h.x(7) >> 5 & 1 == 1)
        }
    }

    @Test("stimecmp from S needs menvcfg.STCE and mcounteren.TM, and U never has it")
    func timerAccess() throws {
        let guest = try Guest()
        let word = encode(.csrrs, rd: 5, imm: 0x14D)
        guest.load(Program(word))
        for stce in [false, true] {
            for tm in [false, true] {
                guest.hart[.menvcfg] = stce ? EnvironmentConfiguration.STCE : 0
                guest.hart[.mcounteren] = tm ? 2 : 5
                guest.hart[.scounteren] = 7
                #expect(guest.run(in: .machine).isBreakpoint)
                #expect((guest.run(in: .supervisor).cause == 2) == !(stce && tm))
                #expect(guest.run(in: .user).cause == 2)
            }
        }
    }

    @Test("while STCE is clear STIP is M-mode's own bit")
    func withoutTimer() throws {
        let guest = try Guest()
        let h = guest.hart
        h[.menvcfg] = 0
        h[.stimecmp] = 0
        #expect(h[.mip] >> 5 & 1 == 0, "stimecmp drives STIP though STCE is clear")
        h[.mip] = 1 << 5
        #expect(h[.mip] >> 5 & 1 == 1)
        h[.mip] = 0
        h[.menvcfg] = EnvironmentConfiguration.STCE
        #expect(h[.mip] >> 5 & 1 == 1, "STIP doesn't follow stimecmp once STCE is set")
        h[.stimecmp] = ~0
        #expect(h[.mip] >> 5 & 1 == 0)
    }
}
