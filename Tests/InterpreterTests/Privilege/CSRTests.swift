import ExecutionEngine
import Interpreter
import RISCV
import Testing

/// One register: which bits must hold what is written, and which may.
struct CSRCase: Sendable {
    var csr: CSR
    var reset: UInt64 = 0
    /// Bits that software can set and clear.
    var must: UInt64
    /// Further bits that it may be able to: extensions that are on or not.
    var may: UInt64 = 0
    /// Bits that read as these whatever is written.
    var fixed: UInt64 = 0
}

private let MS = MStatus.self

let csrCases: [CSRCase] = {
    let supervisor = MS.SIE | MS.SPIE | MS.SPP | MS.FS | MS.SUM | MS.MXR
    let machine = supervisor | MS.MIE | MS.MPIE | MS.MPP | MS.MPRV | MS.TVM | MS.TW | MS.TSR
    let environment = 0xF1 as UInt64
    let counterOverflow = 1 << 13 as UInt64
    return [
        CSRCase(csr: .mstatus, reset: 0xA_0000_0000, must: machine, fixed: 0xA_0000_0000),
        CSRCase(csr: .sstatus, reset: 0x2_0000_0000, must: supervisor, fixed: 0x2_0000_0000),
        // Causes 0 to 8, 12, 13, 15; 9 as well, 11 never ("read-only 0 for exceptions that can't come from less privileged modes").
        CSRCase(csr: .medeleg, must: 0xB1FF, may: 0x200 | 1 << 16 | 1 << 18 | 1 << 19),
        CSRCase(csr: .mideleg, must: 0x222, may: counterOverflow),
        CSRCase(csr: .mie, must: 0xAAA, may: counterOverflow),
        CSRCase(csr: .mtvec, must: ~3, may: 1),
        CSRCase(csr: .stvec, must: ~3, may: 1),
        CSRCase(csr: .mcounteren, must: 7, may: 0xFFFF_FFF8),
        CSRCase(csr: .scounteren, must: 7, may: 0xFFFF_FFF8),
        CSRCase(csr: .mcountinhibit, must: 5, may: 0xFFFF_FFF8),
        CSRCase(csr: .mscratch, must: ~0),
        CSRCase(csr: .sscratch, must: ~0),
        CSRCase(csr: .mepc, must: ~1),
        CSRCase(csr: .sepc, must: ~1),
        CSRCase(csr: .mtval, must: ~0),
        CSRCase(csr: .stval, must: ~0),
        CSRCase(csr: .mcause, must: 1 << 63 | 0x1F, may: ~0),
        CSRCase(csr: .scause, must: 1 << 63 | 0x1F, may: ~0),
        CSRCase(csr: .menvcfg, must: environment | 1 << 61 | 1 << 62 | 1 << 63, may: 1 << 60),
        CSRCase(csr: .senvcfg, must: environment),
        CSRCase(csr: .stimecmp, reset: ~0, must: ~0),
        CSRCase(csr: .fflags, must: 31),
        CSRCase(csr: .frm, must: 7),
        CSRCase(csr: .fcsr, must: 255),
        CSRCase(csr: .mvendorid, must: 0), CSRCase(csr: .marchid, must: 0), CSRCase(csr: .mimpid, must: 0),
        CSRCase(csr: .mconfigptr, must: 0), CSRCase(csr: .mhartid, must: 0),
    ]
}()

@Suite("Control and status registers")
struct CSRTests {
    /// Runs one CSR instruction in a mode; whether it was legal.
    private func run(_ guest: Guest, _ instruction: Instruction, _ number: UInt16, rd: UInt8 = 5, rs1: UInt8 = 0, in mode: Privilege) -> Bool {
        let word = encode(instruction, rd: rd, rs1: rs1, imm: Int32(number))
        guest.load(Program(word))
        let outcome = guest.run(in: mode)
        if outcome == .exception(.breakpoint, Guest.code + 4, Guest.code + 4, mode) { return true }
        #expect(outcome == .exception(.illegalInstruction, UInt64(word), Guest.code, mode), "\(instruction) \(hex(UInt64(number))) in \(mode)")
        return false
    }

    @Test("reset values", arguments: csrCases.indices)
    func reset(_ index: Int) throws {
        let one = csrCases[index]
        let machine = try BareMachine(extensions: .withoutHypervisor)
        // Counters may start open: nothing says how they do.
        if one.csr == .mcounteren || one.csr == .scounteren { return }
        #expect(machine.harts[0][one.csr] == one.reset, "\(one.csr)")
    }

    @Test("what is written, what is read back", arguments: csrCases.indices)
    func legalization(_ index: Int) throws {
        let one = csrCases[index]
        let guest = try Guest()
        let number = one.csr.rawValue
        guest.hart[.mstatus] = MStatus.FS
        if number >> 10 == 3 {
            for (instruction, rs1) in [(.csrrw, 0), (.csrrw, 6), (.csrrs, 6), (.csrrc, 6), (.csrrwi, 0), (.csrrsi, 1), (.csrrci, 1)] as [(Instruction, UInt8)] {
                #expect(!run(guest, instruction, number, rs1: rs1, in: .machine))
            }
            // Without a source there is no write, though x6 being zero wouldn't do.
            for instruction: Instruction in [.csrrs, .csrrc, .csrrsi, .csrrci] {
                guest.hart.setX(5, 1)
                #expect(run(guest, instruction, number, in: .machine))
                #expect(guest.hart.x(5) == one.reset)
            }
            return
        }
        // FS is needed to reach fcsr again.
        let keep: UInt64 = one.csr == .mstatus || one.csr == .sstatus ? MStatus.FS : 0
        var random = Random(UInt64(index))
        func read() -> UInt64 {
            let all = guest.hart[one.csr]
            return one.csr == .mstatus || one.csr == .sstatus ? all & ~MStatus.SD : all
        }
        // Interrupts would be taken; the vector has to work; M-mode's loads and stores as well.
        guest.hart[.mtvec] = Guest.machineVector
        for value in [~0, 0, 0x5555_5555_5555_5555, 0xAAAA_AAAA_AAAA_AAAA] + (0..<20).map({ _ in random.next() }) {
            var value = value | keep
            // A reserved MPP or CBIE keeps the old one; tested apart.
            if one.csr == .mstatus, value & MStatus.MPP == 2 << 11 { value |= MStatus.MPP }
            if one.csr == .menvcfg || one.csr == .senvcfg, value & 0x30 == 0x20 { value |= 0x30 }
            guest.hart[one.csr] = value
            let got = read()
            #expect(got & one.must == value & one.must, "\(one.csr) \(hex(value)): \(hex(got))")
            #expect(got & ~(one.must | one.may) == one.fixed, "\(one.csr) \(hex(value)): \(hex(got))")
            // Reading back and writing that is no change: every value read is a legal one.
            guest.hart[one.csr] = got | keep
            #expect(read() == got)
        }
    }

    @Test("csrrw, csrrs and csrrc swap, set and clear", arguments: [CSR.mscratch, .sscratch, .stval, .mepc])
    func instructions(_ csr: CSR) throws {
        let guest = try Guest()
        let h = guest.hart
        let mask: UInt64 = csr == .mepc ? ~1 : ~0
        var failures = Failures()
        for (instruction, change) in [
            (.csrrw, { _, b in b }), (.csrrs, { a, b in a | b }), (.csrrc, { a, b in a & ~b }),
        ] as [(Instruction, (UInt64, UInt64) -> UInt64)] {
            let immediate: Instruction = instruction == .csrrw ? .csrrwi : instruction == .csrrs ? .csrrsi : .csrrci
            for (rd, rs1) in [(5, 6), (6, 6), (0, 6), (5, 0), (0, 0)] as [(UInt8, UInt8)] {
                let words = [encode(instruction, rd: rd, rs1: rs1, imm: Int32(csr.rawValue)), encode(immediate, rd: rd, rs1: rs1 == 0 ? 0 : 21, imm: Int32(csr.rawValue))]
                for (i, word) in words.enumerated() {
                    for old in Edges.words {
                        for operand in [0, 1, 0xFF00, ~0, 1 << 63] as [UInt64] {
                            var program = Program()
                            program.word(word)
                            // mepc changes with the trap that ends the program.
                            program.csrr(7, csr)
                            program.emit(.ebreak)
                            guest.load(program)
                            h[csr] = old
                            h.setX(5, 99)
                            h.setX(6, operand)
                            failures.check(guest.run().isBreakpoint, "no end")
                            let source = rs1 == 0 ? 0 : i == 0 ? operand : 21
                            let want = change(old & mask, source) & mask
                            failures.check(h.x(7) == want, "\(instruction) \(i): \(hex(h.x(7))), not \(hex(want))")
                            if rd != 0 { failures.check(h.x(Int(rd)) == old & mask, "\(instruction) \(i): old \(hex(h.x(Int(rd))))") }
                        }
                    }
                }
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    /// Registers that are there, by the extensions of the model.
    static let present: Set<UInt16> = {
        var all = Set(csrCases.map(\.csr.rawValue))
        for csr: CSR in [.satp, .sie, .sip, .mip, .misa, .cycle, .time, .instret, .mcycle, .minstret] { all.insert(csr.rawValue) }
        for number in 3...31 as ClosedRange<UInt16> { all.formUnion([0xC00 + number, 0xB00 + number, 0x320 + number]) }
        return all
    }()
    /// Those that may be there or not: PMP, Smstateen, Sscofpmf, mseccfg, Zkr, triggers, and what belongs to H
    /// and AIA.
    static func isOpen(_ number: UInt16) -> Bool {
        switch number {
        case 0x3A0...0x3EF, 0x10C...0x10F, 0x30C...0x30F, 0xDA0, 0x747, 0x015, 0x7A0...0x7AF, 0x120, 0x321, 0x322: true
        default: false
        }
    }

    @Test("every number from every mode", arguments: Privilege.allCases)
    func access(_ mode: Privilege) throws {
        let guest = try Guest()
        var failures = Failures()
        guest.hart[.mstatus] = MStatus.FS
        guest.hart[.mcounteren] = 0xFFFF_FFFF
        guest.hart[.scounteren] = 0xFFFF_FFFF
        guest.hart[.menvcfg] = EnvironmentConfiguration.STCE
        // Smstateen, where it is, mustn't stand before what is tested here.
        guest.hart[.mstateen0] = ~0
        for number in 0..<4096 as Range<UInt16> {
            if Self.isOpen(number) { continue }
            let there = Self.present.contains(number) && number >> 8 & 3 <= UInt16(mode.rawValue)
            let reads = run(guest, .csrrs, number, in: mode)
            failures.check(reads == there, "\(hex(UInt64(number))) in \(mode): read \(reads)")
            guest.hart[.mstatus] = MStatus.FS
            // Sets no bits, and is a write all the same.
            if number == 0x305 { continue }
            guest.hart.setX(6, 0)
            let writes = run(guest, .csrrs, number, rs1: 6, in: mode)
            failures.check(writes == (there && number >> 10 != 3), "\(hex(UInt64(number))) in \(mode): write \(writes)")
            guest.hart[.mstatus] = MStatus.FS
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    @Test("misa, where it says anything, says RV64 and the model's letters")
    func misa() throws {
        let guest = try Guest()
        let misa = guest.hart[.misa]
        if misa == 0 { return }
        #expect(misa >> 62 == 2)
        for letter in "imafdcsu".utf8 { #expect(misa >> UInt64(letter - 0x61) & 1 == 1) }
        for letter in "behv".utf8 { #expect(misa >> UInt64(letter - 0x61) & 1 == 0) }
    }

    @Test("mhartid differs from hart to hart")
    func hartID() throws {
        let machine = try BareMachine(harts: 3)
        #expect(machine.harts.map { $0[.mhartid] } == [0, 1, 2])
    }

    @Test("reserved values of MPP and CBIE keep the field")
    func reservedFields() throws {
        let guest = try Guest()
        for mpp in [0, 1, 3] as [UInt64] {
            guest.hart[.mstatus] = mpp << 11
            guest.hart[.mstatus] = 2 << 11
            let got = guest.hart[.mstatus] >> 11 & 3
            #expect(got == mpp)
        }
        for csr: CSR in [.menvcfg, .senvcfg] {
            for cbie in [0, 1, 3] as [UInt64] {
                guest.hart[csr] = cbie << 4
                guest.hart[csr] = 2 << 4
                #expect([0, 1, 3].contains(guest.hart[csr] >> 4 & 3))
            }
        }
    }

    @Test("sie and sip show what is delegated, and change no more")
    func delegatedInterrupts() throws {
        let guest = try Guest()
        let h = guest.hart
        for mideleg in [0, 0x222, 0x002, 0x200] as [UInt64] {
            h[.mideleg] = mideleg
            h[.mie] = 0xAAA
            #expect(h[.sie] == mideleg)
            h[.sie] = 0
            #expect(h[.mie] == 0xAAA & ~mideleg)
            h[.mie] = 0
            h[.sie] = ~0
            #expect(h[.mie] == mideleg)
            h.setPending(0xAAA, true)
            #expect(h[.sip] == mideleg)
            #expect(h[.mip] == 0xAAA)
            // SSIP alone is S-mode's to write.
            h[.sip] = 0
            #expect(h[.mip] == 0xAAA & ~(mideleg & 2))
            h.setPending(0xAAA, false)
            h[.sip] = ~0
            #expect(h[.mip] == mideleg & 2)
            h.setPending(0xAAA, false)
        }
        // mip: M-mode writes the supervisor's bits, STIP only while stimecmp doesn't drive it.
        h[.menvcfg] = 0
        h[.mip] = ~0
        #expect(h[.mip] & 0xAAA == 0x222)
        h[.mip] = 0
        #expect(h[.mip] & 0xAAA == 0)
        h[.menvcfg] = EnvironmentConfiguration.STCE
        h[.mip] = ~0
        #expect(h[.mip] & 0xAAA == 0x202)
    }

    @Test("SEIP is the line or what M-mode wrote, and only the latter is written")
    func externalInterrupt() throws {
        let guest = try Guest()
        let h = guest.hart
        let cpu = guest.machine.cpus[0]
        h[.mip] = 1 << 9
        #expect(h[.mip] >> 9 & 1 == 1)
        cpu.setExternalInterrupt(true)
        cpu.setExternalInterrupt(false)
        #expect(h[.mip] >> 9 & 1 == 1, "the line took M-mode's bit with it")
        h[.mip] = 0
        #expect(h[.mip] >> 9 & 1 == 0)
        cpu.setExternalInterrupt(true)
        h[.mip] = 0
        #expect(h[.mip] >> 9 & 1 == 1, "M-mode's write cleared the line")
        // Read-modify-write by csrrs takes M-mode's own bit, not the line.
        guest.load(Program(encode(.csrrsi, rd: 5, rs1: 2, imm: 0x344)))
        #expect(guest.run().isBreakpoint)
        #expect(guest.hart.x(5) >> 9 & 1 == 1)
        cpu.setExternalInterrupt(false)
        #expect(h[.mip] >> 9 & 1 == 0, "csrrs copied the line into M-mode's bit")
    }
}
