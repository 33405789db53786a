import ExecutionEngine
import Interpreter
import RISCV
import Testing

@Suite("Exceptions and returns from them")
struct TrapTests {
    /// One exception: an instruction, what has to be in registers, and what it leaves in tval.
    struct Case: Sendable {
        var cause: Exception
        var word: UInt32
        var x6: UInt64 = 0
        var value: UInt64
        /// The trapping instruction's address, when it isn't the one in `word`.
        var pc: UInt64?
        var modes: [Privilege] = [.user, .supervisor, .machine]
    }
    static let nowhere: UInt64 = 1 << 57
    static let cases: [Case] = [
        Case(cause: .illegalInstruction, word: 0xFFFF_FFFF, value: 0xFFFF_FFFF),
        Case(cause: .illegalInstruction, word: encode(.csrrs, rd: 5, imm: 0x5C0), value: UInt64(encode(.csrrs, rd: 5, imm: 0x5C0))),
        Case(cause: .illegalInstruction, word: encode(.mret), value: UInt64(encode(.mret)), modes: [.user, .supervisor]),
        Case(cause: .illegalInstruction, word: encode(.sret), value: UInt64(encode(.sret)), modes: [.user]),
        Case(cause: .breakpoint, word: encode(.ebreak), value: Guest.code),
        Case(cause: .breakpoint, word: 0x9002, value: Guest.code),
        Case(cause: .loadAccessFault, word: encode(.lb, rd: 5, rs1: 6), x6: nowhere, value: nowhere),
        Case(cause: .storeAccessFault, word: encode(.sb, rs1: 6), x6: nowhere, value: nowhere),
        Case(cause: .loadAddressMisaligned, word: encode(.lr_w, rd: 5, rs1: 6), x6: Guest.data + 2, value: Guest.data + 2),
        Case(cause: .storeAddressMisaligned, word: encode(.amoadd_d, rd: 5, rs1: 6), x6: Guest.data + 4, value: Guest.data + 4),
        Case(cause: .instructionAccessFault, word: encode(.jalr, rs1: 6), x6: nowhere, value: nowhere, pc: nowhere),
        Case(cause: .ecallFromU, word: encode(.ecall), value: 0, modes: [.user]),
        Case(cause: .ecallFromS, word: encode(.ecall), value: 0, modes: [.supervisor]),
        Case(cause: .ecallFromM, word: encode(.ecall), value: 0, modes: [.machine]),
    ]

    @Test("cause, tval, epc, the status stack and delegation", arguments: cases.indices)
    func exceptions(_ index: Int) throws {
        let one = Self.cases[index]
        let guest = try Guest()
        let h = guest.hart
        var failures = Failures()
        var program = Program()
        program.word(one.word)
        program.nop(4)
        guest.load(program)
        for mode in one.modes {
            for delegated in [false, true] {
                // S-mode's vector calls M-mode, which is what it must not delegate to itself.
                if delegated, one.cause == .ecallFromS { continue }
                for bits in 0..<8 as Range<UInt64> {
                    h.setX(6, one.x6)
                    h[.medeleg] = delegated ? 1 << one.cause.rawValue : 0
                    // Interrupts: enable bits only, nothing pending.
                    let MIE = bits & 1 != 0, SIE = bits & 2 != 0
                    h[.mstatus] = (MIE ? MStatus.MIE : 0) | (SIE ? MStatus.SIE : 0) | (bits & 4 != 0 ? MStatus.SPP | MStatus.SPIE | MStatus.MPIE | MStatus.MPP : 0)
                    let before = h[.mstatus]
                    for csr: CSR in [.scause, .stval, .sepc] { h[csr] = 0x5A5A_5A5A_5A5A_5A5A }
                    let outcome = guest.run(in: mode)
                    let pc = one.pc ?? Guest.code
                    let name = "\(one.cause) in \(mode) delegated \(delegated) \(bits)"
                    if delegated && mode != .machine {
                        // Then the vector's ecall.
                        failures.check(outcome == .exception(.ecallFromS, 0, Guest.supervisorVector, .supervisor), "\(name): \(outcome)")
                        failures.check(h[.scause] == one.cause.rawValue && h[.stval] == one.value && h[.sepc] == pc, "\(name): \(hex(h[.scause])) \(hex(h[.stval])) \(hex(h[.sepc]))")
                        let s = h[.mstatus]
                        failures.check((s & MStatus.SPIE != 0) == SIE && s & MStatus.SIE == 0, "\(name): SIE")
                        failures.check((s & MStatus.SPP != 0) == (mode == .supervisor), "\(name): SPP")
                    } else {
                        failures.check(outcome == .exception(one.cause, one.value, pc, mode), "\(name): \(outcome)")
                        let s = h[.mstatus]
                        failures.check((s & MStatus.MPIE != 0) == MIE && s & MStatus.MIE == 0, "\(name): MIE")
                        let rest = ~(MStatus.MPIE | MStatus.MIE | MStatus.MPP)
                        failures.check(s & rest == before & rest, "\(name): other fields")
                        failures.check(h[.scause] == 0x5A5A_5A5A_5A5A_5A5A && h[.sepc] == 0x5A5A_5A5A_5A5A_5A5A & ~1, "\(name): S-mode's registers")
                    }
                }
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    @Test("page faults are delegated like all others")
    func pageFaults() throws {
        let guest = try Guest()
        var tables = PageTables(guest)
        tables.mapVectors()
        tables.map(0x10_0000, to: Guest.code)
        guest.hart[.satp] = tables.satp()
        for (cause, word) in [
            (.loadPageFault, encode(.ld, rd: 5, rs1: 6)), (.storePageFault, encode(.sd, rs1: 6)),
            (.storePageFault, encode(.sc_d, rd: 5, rs1: 6)), (.loadPageFault, encode(.lr_d, rd: 5, rs1: 6)),
            (.storePageFault, encode(.amoor_w, rd: 5, rs1: 6)), (.instructionPageFault, encode(.jalr, rs1: 6)),
            (.storePageFault, encode(.cbo_zero, rs1: 6)),
        ] as [(Exception, UInt32)] {
            guest.load(Program(word))
            guest.hart.setX(6, 0x7000)
            guest.hart[.menvcfg] = EnvironmentConfiguration.CBZE
            let pc: UInt64 = cause == .instructionPageFault ? 0x7000 : 0x10_0000
            guest.hart[.medeleg] = 0
            #expect(guest.run(from: 0x10_0000, in: .supervisor) == .exception(cause, 0x7000, pc, .supervisor))
            guest.hart[.medeleg] = 1 << cause.rawValue
            #expect(guest.run(from: 0x10_0000, in: .supervisor).cause == Exception.ecallFromS.rawValue)
            #expect(guest.hart[.scause] == cause.rawValue && guest.hart[.stval] == 0x7000 && guest.hart[.sepc] == pc)
        }
    }

    @Test("mret and sret restore what was stacked", arguments: [Instruction.mret, .sret])
    func returns(_ instruction: Instruction) throws {
        let guest = try Guest()
        let h = guest.hart
        var failures = Failures()
        guest.load(Program(encode(instruction)))
        guest.load(.end, at: Guest.data)
        let machine = instruction == .mret
        for mode in machine ? [Privilege.machine] : [.machine, .supervisor] {
            for mpp in [0, 1, 3] as [UInt64] {
                for bits in 0..<32 as Range<UInt64> {
                    var status = mpp << MStatus.MPPShift
                    for (i, bit) in [MStatus.MPIE, MStatus.SPIE, MStatus.SPP, MStatus.MPRV, MStatus.SIE].enumerated() where bits >> UInt64(i) & 1 != 0 { status |= bit }
                    // MPRV would divert the vector's store, unless it ends at M or is cleared.
                    h[.mstatus] = status
                    h[.mepc] = Guest.data
                    h[.sepc] = Guest.data
                    status = h[.mstatus]
                    let to: Privilege = machine ? Privilege(rawValue: UInt8(mpp))! : status & MStatus.SPP != 0 ? .supervisor : .user
                    h.setX(5, 0)
                    let outcome = guest.run(in: mode)
                    let name = "\(instruction) from \(mode) with \(hex(status))"
                    failures.check(outcome == .exception(.breakpoint, Guest.data, Guest.data, to), "\(name): \(outcome)")
                    // What the return left, seen through the ebreak's own trap: MPP, MPIE and MIE are its own.
                    var want = status
                    if machine {
                        want = status & ~MStatus.MPRV
                        if to == .machine { want |= status & MStatus.MPRV }
                        failures.check((h[.mstatus] & MStatus.MPIE != 0) == (status & MStatus.MPIE != 0), "\(name): MIE from MPIE")
                    } else {
                        want = status & ~(MStatus.SIE | MStatus.SPP | MStatus.MPRV) | MStatus.SPIE
                        if status & MStatus.SPIE != 0 { want |= MStatus.SIE }
                    }
                    let mask = ~(MStatus.MPIE | MStatus.MIE | MStatus.MPP)
                    failures.check(h[.mstatus] & mask == want & mask, "\(name): \(hex(h[.mstatus])), not \(hex(want))")
                }
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    @Test("mret leaves MPP at U and MPIE set")
    func returnLeaves() throws {
        let guest = try Guest()
        var program = Program()
        program.emit(.mret)
        program.csrr(5, .mstatus)
        program.emit(.ebreak)
        guest.load(program)
        guest.hart[.mepc] = Guest.code + 4
        guest.hart[.mstatus] = MStatus.MPP
        #expect(guest.run().isBreakpoint)
        let left = guest.hart.x(5) & (MStatus.MPP | MStatus.MPIE | MStatus.MIE)
        #expect(left == MStatus.MPIE)
    }

    @Test("returns where they aren't allowed are illegal")
    func returnTraps() throws {
        let guest = try Guest()
        func illegal(_ i: Instruction, _ mode: Privilege) -> Bool {
            guest.load(Program(encode(i)))
            guest.hart[.sepc] = Guest.data
            return guest.run(in: mode) == .exception(.illegalInstruction, UInt64(encode(i)), Guest.code, mode)
        }
        guest.load(.end, at: Guest.data)
        #expect(illegal(.mret, .user) && illegal(.mret, .supervisor) && illegal(.sret, .user))
        guest.hart[.mstatus] = MStatus.TSR | MStatus.SPP
        #expect(illegal(.sret, .supervisor))
        guest.hart[.mstatus] = MStatus.TSR | MStatus.SPP
        #expect(!illegal(.sret, .machine))
        guest.hart[.mstatus] = MStatus.SPP
        #expect(!illegal(.sret, .supervisor))
    }

    @Test("cache-block operations follow menvcfg, senvcfg and page rights")
    func cacheBlocks() throws {
        let guest = try Guest()
        let h = guest.hart
        typealias E = EnvironmentConfiguration
        var failures = Failures()
        for (instruction, field) in [(.cbo_clean, E.CBCFE), (.cbo_flush, E.CBCFE), (.cbo_inval, E.CBIE), (.cbo_inval, 1 << 4), (.cbo_zero, E.CBZE)] as [(Instruction, UInt64)] {
            let word = encode(instruction, rs1: 6)
            guest.load(Program(word))
            for menvcfg in [0, field, 0xF1 & ~(field & 0x30 != 0 ? 0x30 : field)] {
                for senvcfg in [0, field, 0xF1 & ~(field & 0x30 != 0 ? 0x30 : field)] {
                    for mode in Privilege.allCases {
                        h[.menvcfg] = menvcfg
                        h[.senvcfg] = senvcfg
                        guest.fill(Guest.data, 256, 0xEE)
                        h.setX(6, Guest.data + 64 + 13)
                        let allowed = mode == .machine || (menvcfg & field != 0 && (mode == .supervisor || senvcfg & field != 0))
                        let outcome = guest.run(in: mode)
                        failures.check(outcome == (allowed ? .exception(.breakpoint, Guest.code + 4, Guest.code + 4, mode) : .exception(.illegalInstruction, UInt64(word), Guest.code, mode)), "\(instruction) \(mode) \(hex(menvcfg)) \(hex(senvcfg)): \(outcome)")
                        let zeroed = allowed && instruction == .cbo_zero
                        failures.check(guest.bytes(Guest.data, 256) == (0..<256).map { zeroed && $0 / 64 == 1 ? 0 : 0xEE }, "\(instruction) \(mode): memory")
                    }
                }
            }
        }
        // A page that may be read is enough for clean, flush and inval; zero stores.
        var tables = PageTables(guest)
        tables.map(0x10_0000, to: Guest.code)
        h[.menvcfg] = 0xF0
        h[.satp] = tables.satp()
        for instruction: Instruction in [.cbo_clean, .cbo_flush, .cbo_inval, .cbo_zero] {
            guest.load(Program(encode(instruction, rs1: 6)))
            for (bits, reads, writes) in [(0, false, false), (PTE.V | PTE.R | PTE.A | PTE.D, true, false), (PageTables.all, true, true), (PTE.V | PTE.X | PTE.A, false, false)] as [(UInt64, Bool, Bool)] {
                tables.map(0x20_0000, to: Guest.data, bits)
                h.fenceTranslations()
                h.setX(6, 0x20_0040)
                let allowed = instruction == .cbo_zero ? writes : reads
                let outcome = guest.run(from: 0x10_0000, in: .supervisor)
                failures.check(allowed ? outcome.isBreakpoint : outcome == .exception(.storePageFault, 0x20_0040, 0x10_0000, .supervisor), "\(instruction) \(hex(bits)): \(outcome)")
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }
}
