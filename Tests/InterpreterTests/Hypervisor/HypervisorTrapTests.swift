import ExecutionEngine
import Interpreter
import RISCV
import Testing

/// Trap entry and return with H (privileged spec, "Trap Entry", "Trap Return").
@Suite("Traps of and around guests")
struct HypervisorTrapTests {
    /// An exception that any mode can raise, and whether its value is an address.
    private struct Case {
        var cause: RISCV.Exception
        var word: UInt32
        var value: UInt64
        var isAddress: Bool
        var pc: UInt64? = nil
    }
    private static let nowhere: UInt64 = 1 << 57
    private static let cases: [Case] = [
        Case(cause: .illegalInstruction, word: 0xFFFF_FFFF, value: 0xFFFF_FFFF, isAddress: false),
        Case(cause: .breakpoint, word: encode(.ebreak), value: Guest.code, isAddress: true),
        Case(cause: .loadAccessFault, word: encode(.lb, rd: 5, rs1: 6), value: nowhere, isAddress: true),
        Case(cause: .storeAccessFault, word: encode(.sb, rs1: 6), value: nowhere, isAddress: true),
        Case(cause: .instructionAccessFault, word: encode(.jalr, rs1: 6), value: nowhere, isAddress: true, pc: nowhere),
        Case(cause: .loadAddressMisaligned, word: encode(.lr_w, rd: 5, rs1: 7), value: Guest.data + 2, isAddress: true),
        Case(cause: .storeAddressMisaligned, word: encode(.amoadd_d, rd: 5, rs1: 7), value: Guest.data + 2, isAddress: true),
        Case(cause: .ecallFromU, word: encode(.ecall), value: 0, isAddress: false),
    ]

    private static func cause(_ one: Case, _ mode: Mode) -> UInt64 {
        if one.cause != .ecallFromU { return one.cause.rawValue }
        switch mode {
        case .u, .vu: return 8
        case .hs: return 9
        case .vs: return 10
        case .m: return 11
        }
    }

    @Test("to M, to HS, to VS: what each of them learns")
    func entry() throws {
        let guest = try Guest.hypervisor()
        let h = guest.hart
        var failures = Failures()
        let marked: UInt64 = 0x5A5A_5A5A_5A5A_5A58
        for one in Self.cases {
            var program = Program()
            program.word(one.word)
            program.nop(2)
            guest.load(program)
            for mode in Mode.allCases {
                for delegation in 0..<4 {
                    for bits in 0..<32 {
                        let cause = Self.cause(one, mode)
                        // S-mode's vector is an ecall, which mustn't come back to itself.
                        let medeleg: UInt64 = delegation & 1 != 0 && cause != 9 && cause != 10 ? 1 << cause : 0
                        let hedeleg: UInt64 = delegation & 2 != 0 ? 1 << cause & 0xB1FF : 0
                        let sie = bits & 1 != 0, vsie = bits & 2 != 0, mie = bits & 4 != 0, spvp = bits & 8 != 0, stale = bits & 16 != 0
                        h.setX(6, Self.nowhere)
                        h.setX(7, Guest.data + 2)
                        h[.medeleg] = medeleg
                        h[.hedeleg] = hedeleg
                        h[.mstatus] = (sie ? MStatus.SIE : 0) | (mie ? MStatus.MIE : 0) | (stale ? MStatus.GVA | MStatus.MPV | MStatus.SPP | MStatus.SPIE : 0)
                        h[.vsstatus] = (vsie ? MStatus.SIE : 0) | (stale ? MStatus.SPP | MStatus.SPIE : 0)
                        h[.hstatus] = (spvp ? HStatus.SPVP : 0) | (stale ? HStatus.SPV | HStatus.GVA : 0)
                        for csr: CSR in [.scause, .stval, .sepc, .vscause, .vstval, .vsepc, .htval, .htinst, .mtval2, .mtinst] { h[csr] = marked }
                        let before = (status: h[.mstatus], guest: h[.vsstatus], hypervisor: h[.hstatus])
                        let outcome = guest.run(in: mode)
                        let name = "\(one.cause) in \(mode), medeleg \(hex(medeleg)) hedeleg \(hex(hedeleg)) \(bits)"
                        let pc = one.pc ?? Guest.code
                        let gva = one.isAddress && mode.isVirtual
                        let toHS = mode != .m && medeleg != 0 && !(mode.isVirtual && hedeleg != 0)
                        let toVS = mode.isVirtual && medeleg != 0 && hedeleg != 0
                        if toVS {
                            failures.check(outcome == .exception(.ecallFromVS, 0, Guest.supervisorVector, .supervisor) && guest.trappedMode == .vs, "\(name): \(outcome)")
                            failures.check(h[.vscause] == cause && h[.vstval] == one.value && h[.vsepc] == pc, "\(name): VS registers")
                            let s = h[.vsstatus]
                            failures.check((s & MStatus.SPP != 0) == (mode == .vs) && (s & MStatus.SPIE != 0) == vsie && s & MStatus.SIE == 0, "\(name): vsstatus")
                            // "Register hstatus and the HS-level sstatus are not modified".
                            failures.check(h[.hstatus] == before.hypervisor && h[.scause] == marked && h[.htinst] == marked, "\(name): HS registers")
                            failures.check(h[.mstatus] & (MStatus.SPP | MStatus.SPIE | MStatus.SIE) == before.status & (MStatus.SPP | MStatus.SPIE | MStatus.SIE), "\(name): sstatus")
                        } else if toHS {
                            failures.check(outcome == .exception(.ecallFromS, 0, Guest.supervisorVector, .supervisor) && guest.trappedMode == .hs, "\(name): \(outcome)")
                            failures.check(h[.scause] == cause && h[.stval] == one.value && h[.sepc] == pc, "\(name): S registers")
                            let s = h[.mstatus], x = h[.hstatus]
                            failures.check((s & MStatus.SPP != 0) == (mode == .hs || mode == .vs) && (s & MStatus.SPIE != 0) == sie && s & MStatus.SIE == 0, "\(name): sstatus")
                            failures.check((x & HStatus.SPV != 0) == mode.isVirtual && (x & HStatus.GVA != 0) == gva, "\(name): SPV, GVA")
                            failures.check((x & HStatus.SPVP != 0) == (mode.isVirtual ? mode == .vs : spvp), "\(name): SPVP")
                            failures.check(h[.htval] == 0, "\(name): htval")
                            failures.check(h[.vscause] == marked && h[.vsstatus] == before.guest, "\(name): VS registers")
                        } else {
                            failures.check(outcome == .trap(cause: cause, value: one.value, pc: pc, mode: mode.privilege) && guest.trappedMode == mode, "\(name): \(outcome)")
                            let s = h[.mstatus]
                            failures.check((s & MStatus.GVA != 0) == gva && (s & MStatus.MPIE != 0) == mie && s & MStatus.MIE == 0, "\(name): mstatus")
                            failures.check(h[.mtval2] == 0, "\(name): mtval2")
                            failures.check(h[.scause] == marked && h[.vscause] == marked && h[.hstatus] == before.hypervisor && h[.vsstatus] == before.guest, "\(name): other registers")
                        }
                    }
                }
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    @Test("mret: MPP and MPV")
    func machineReturn() throws {
        let guest = try Guest.hypervisor()
        let h = guest.hart
        guest.load(Program(encode(.mret)))
        guest.load(.end, at: Guest.data)
        for mpp in [0, 1, 3] as [UInt64] {
            for mpv in [false, true] {
                for mpie in [false, true] {
                    h[.mepc] = Guest.data
                    h[.mstatus] = mpp << MStatus.MPPShift | (mpv ? MStatus.MPV : 0) | (mpie ? MStatus.MPIE : 0)
                    let outcome = guest.run(in: .m)
                    #expect(outcome == .exception(.breakpoint, Guest.data, Guest.data, Privilege(rawValue: UInt8(mpp))!))
                    // "MPV is ignored when MPP=3."
                    let want: Mode = mpp == 3 ? .m : mpp == 1 ? (mpv ? .vs : .hs) : mpv ? .vu : .u
                    #expect(guest.trappedMode == want)
                }
            }
        }
        // MPV = 0, MPP = 0, MIE = MPIE, MPIE = 1 are seen by an instruction that doesn't trap: from M to M.
        var program = Program()
        program.emit(.mret)
        guest.load(program)
        program = Program()
        program.csrr(5, .mstatus)
        program.emit(.ebreak)
        guest.load(program, at: Guest.data)
        h[.mepc] = Guest.data
        h[.mstatus] = MStatus.MPP | MStatus.MPV | MStatus.MPIE
        #expect(guest.run(in: .m).isBreakpoint)
        #expect(h.x(5) & (MStatus.MPP | MStatus.MPV | MStatus.MIE | MStatus.MPIE) == MStatus.MIE | MStatus.MPIE)
    }

    @Test("sret: SPV and SPP outside, vsstatus inside")
    func supervisorReturn() throws {
        let guest = try Guest.hypervisor()
        let h = guest.hart
        var failures = Failures()
        guest.load(Program(encode(.sret)))
        guest.load(.end, at: Guest.data)
        guest.load(.end, at: Guest.data + 0x1000)
        for mode in [Mode.m, .hs, .vs] {
            for n in 0..<32 {
                let spv = n & 1 != 0, spp = n & 2 != 0, spie = n & 4 != 0, vspp = n & 8 != 0, vspie = n & 16 != 0
                h[.sepc] = Guest.data
                h[.vsepc] = Guest.data + 0x1000
                h[.mstatus] = (spp ? MStatus.SPP : 0) | (spie ? MStatus.SPIE : 0)
                h[.vsstatus] = (vspp ? MStatus.SPP : 0) | (vspie ? MStatus.SPIE : 0)
                h[.hstatus] = (spv ? HStatus.SPV : 0) | HStatus.SPVP
                let outcome = guest.run(in: mode)
                let name = "\(mode) \(n)"
                let outside = mode != .vs
                let pc = outside ? Guest.data : Guest.data + 0x1000
                let want: Mode = outside ? (spv ? (spp ? .vs : .vu) : spp ? .hs : .u) : vspp ? .vs : .vu
                failures.check(outcome == .exception(.breakpoint, pc, pc, want.privilege) && guest.trappedMode == want, "\(name): \(outcome) \(guest.trappedMode)")
                let s = h[.mstatus], v = h[.vsstatus], x = h[.hstatus]
                if outside {
                    failures.check(s & MStatus.SPP == 0 && (s & MStatus.SIE != 0) == spie && s & MStatus.SPIE != 0, "\(name): sstatus")
                    failures.check(x & HStatus.SPV == 0 && x & HStatus.SPVP != 0, "\(name): hstatus")
                    failures.check((v & MStatus.SPP != 0) == vspp && v & MStatus.SIE == 0 && (v & MStatus.SPIE != 0) == vspie, "\(name): vsstatus")
                } else {
                    failures.check(v & MStatus.SPP == 0 && (v & MStatus.SIE != 0) == vspie && v & MStatus.SPIE != 0, "\(name): vsstatus")
                    failures.check((s & MStatus.SPP != 0) == spp && s & MStatus.SIE == 0 && (s & MStatus.SPIE != 0) == spie, "\(name): sstatus")
                    failures.check((x & HStatus.SPV != 0) == spv, "\(name): hstatus")
                }
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    /// The rows of "Transformed Instruction or Pseudoinstruction for mtinst or htinst".
    @Test("mtinst and htinst hold the transformed instruction of an explicit access")
    func transformed() throws {
        let guest = try Guest.hypervisor()
        let h = guest.hart
        // G-stage with nothing mapped but the code.
        var tables = GuestPageTables(guest)
        tables.map(Guest.code & ~0xFFF, to: Guest.code & ~0xFFF)
        tables.map(Guest.base, to: Guest.base)
        h[.hgatp] = tables.hgatp()
        h.fenceTranslations()
        let load: UInt64 = 0x7FFF, store: UInt64 = 0x1F0_707F, atomic: UInt64 = 0xFFFF_FFFF & ~0xF_8000
        var cases: [(UInt32, UInt64, Bool)] = []
        for i: Instruction in [.lb, .lh, .lw, .ld, .lbu, .lhu, .lwu, .flw, .fld] {
            let word = encode(i, rd: 9, rs1: 6, imm: -64)
            cases.append((word, UInt64(word) & load, false))
        }
        for i: Instruction in [.sb, .sh, .sw, .sd, .fsw, .fsd] {
            let word = encode(i, rs1: 6, rs2: 9, imm: -64)
            cases.append((word, UInt64(word) & store, true))
        }
        for i: Instruction in [.lr_w, .lr_d, .sc_w, .amoadd_d, .amoswap_w] {
            let word = encode(i, rd: 9, rs1: 6, rs2: i == .lr_w || i == .lr_d ? 0 : 8, aqrl: 3)
            cases.append((word, UInt64(word) & atomic, i != .lr_w && i != .lr_d))
        }
        cases.append((encode(.cbo_zero, rs1: 6), UInt64(encode(.cbo_zero)), true))
        // 16 bits: the expansion's, with bit 1 clear. c.lw x9, 4(x8); c.sd x9, 8(x8); c.ldsp x9, 16(sp).
        cases.append((encode(.c_lw, Decoded(.lw, rd: 9, rs1: 8, imm: 4)), UInt64(encode(.lw, rd: 9)) & ~2, false))
        cases.append((encode(.c_sd, Decoded(.sd, rs1: 8, rs2: 9, imm: 8)), UInt64(encode(.sd, rs2: 9)) & ~2, true))
        cases.append((encode(.c_ldsp, Decoded(.ld, rd: 9, rs1: 2, imm: 16)), UInt64(encode(.ld, rd: 9)) & ~2, false))
        h[.menvcfg] = 1 << 7
        h[.henvcfg] = 1 << 7
        for (word, want, isStore) in cases {
            for delegated in [false, true] {
                h[.medeleg] = delegated ? 0xF << 20 : 0
                h[.mstatus] = MStatus.FS
                h[.vsstatus] = MStatus.FS
                for r in [2, 6, 8] { h.setX(r, Guest.data) }
                var program = Program()
                program.word(word)
                program.nop(2)
                guest.load(program)
                let outcome = guest.run(in: .vs)
                let cause: UInt64 = isStore ? 23 : 21
                let got = delegated ? (h[.scause], h[.htinst], h[.htval]) : (h[.mcause], h[.mtinst], h[.mtval2])
                let value = delegated ? h[.stval] : h[.mtval]
                #expect(got.0 == cause && got.1 == want && got.2 == value >> 2, "\(hex(UInt64(word))): \(outcome) cause \(got.0) tinst \(hex(got.1)), not \(hex(want)); tval2 \(hex(got.2)) tval \(hex(value))")
                #expect(!delegated || h[.hstatus] & HStatus.GVA != 0)
                #expect(delegated || h[.mstatus] & MStatus.GVA != 0)
            }
        }
        // A misaligned access that fails in its second page: the distance stands in the place of rs1.
        h[.medeleg] = 0
        tables.map(Guest.data, to: Guest.data)
        h.fenceTranslations()
        let last = Guest.data + 0xFFD
        h.setX(6, last)
        for (word, kept, cause) in [(encode(.ld, rd: 9, rs1: 6), load, 21), (encode(.sd, rs1: 6, rs2: 9), store, 23)] as [(UInt32, UInt64, UInt64)] {
            guest.load(Program(word))
            let outcome = guest.run(in: .vs)
            #expect(outcome == .trap(cause: cause, value: Guest.data + 0x1000, pc: Guest.code, mode: .supervisor))
            #expect(h[.mtinst] == UInt64(word) & kept | 3 << 15 && h[.mtval2] == (Guest.data + 0x1000) >> 2, "\(hex(h[.mtinst]))")
        }
        // HLV from HS-mode: GVA without SPV.
        h.setX(6, Guest.data + 0x5000)
        h[.medeleg] = 0xF << 20
        for i: Instruction in [.hlv_d, .hlvx_wu, .hsv_b] {
            let word = encode(i, rd: i == .hsv_b ? 0 : 9, rs1: 6, rs2: i == .hsv_b ? 9 : 0)
            guest.load(Program(word))
            h[.hstatus] = HStatus.SPVP
            #expect(guest.run(in: .hs).cause == 9)
            #expect(h[.scause] == (i == .hsv_b ? 23 : 21) && h[.htinst] == UInt64(word) & atomic && h[.htval] == h[.stval] >> 2)
            #expect(h[.hstatus] & (HStatus.GVA | HStatus.SPV) == HStatus.GVA)
        }
        // Fetches and what isn't an access leave zero.
        h[.medeleg] = 0
        h.setX(6, Guest.data + 0x6000)
        guest.load(Program(encode(.jalr, rs1: 6)))
        #expect(guest.run(in: .vs) == .trap(cause: 20, value: Guest.data + 0x6000, pc: Guest.data + 0x6000, mode: .supervisor))
        #expect(h[.mtinst] == 0 && h[.mtval2] == (Guest.data + 0x6000) >> 2 && h[.mstatus] & MStatus.GVA != 0)
        guest.load(Program(encode(.wfi)))
        h[.hstatus] = HStatus.VTW
        #expect(guest.run(in: .vs).cause == 22)
        #expect(h[.mtinst] == 0 && h[.mtval2] == 0 && h[.mstatus] & MStatus.GVA == 0)
    }

    @Test("HU lets U-mode use HLV and HSV; SPVP says whose rules they follow")
    func userMode() throws {
        let guest = try Guest.hypervisor()
        let h = guest.hart
        var tables = PageTables(guest)
        tables.map(0x1000, to: Guest.data, PageTables.all)
        tables.map(0x2000, to: Guest.data + 0x1000, PageTables.all | PTE.U)
        guest[Guest.data] = 11
        guest[Guest.data + 0x1000] = 22
        h[.vsatp] = tables.satp()
        h.fenceTranslations()
        for mode in [Mode.u, .hs, .m] {
            for (spvp, sum, va, want) in [
                (true, false, 0x1000, 11), (true, false, 0x2000, nil), (true, true, 0x2000, 22), (false, false, 0x1000, nil), (false, false, 0x2000, 22),
            ] as [(Bool, Bool, UInt64, UInt64?)] {
                h[.hstatus] = HStatus.HU | (spvp ? HStatus.SPVP : 0)
                // "the HS-level sstatus.SUM is ignored"
                h[.mstatus] = sum ? 0 : MStatus.SUM
                h[.vsstatus] = sum ? MStatus.SUM : 0
                h.setX(6, va)
                guest.load(Program(encode(.hlv_d, rd: 5, rs1: 6)))
                let outcome = guest.run(in: mode)
                if let want {
                    #expect(outcome.isBreakpoint && h.x(5) == want, "\(mode) \(spvp) \(sum) \(hex(va)): \(outcome)")
                } else {
                    #expect(outcome == .exception(.loadPageFault, va, Guest.code, mode.privilege), "\(mode) \(spvp) \(sum) \(hex(va)): \(outcome)")
                    #expect(h[.mstatus] & MStatus.GVA != 0 && h[.mstatus] & MStatus.MPV == 0)
                }
            }
        }
    }

    @Test("HLV and HSV by width and sign")
    func widths() throws {
        let guest = try Guest.hypervisor()
        let h = guest.hart
        let pattern: UInt64 = 0x8182_8384_8586_8788
        for (i, want) in [
            (.hlv_b, 0xFFFF_FFFF_FFFF_FF88), (.hlv_bu, 0x88), (.hlv_h, 0xFFFF_FFFF_FFFF_8788), (.hlv_hu, 0x8788), (.hlvx_hu, 0x8788),
            (.hlv_w, 0xFFFF_FFFF_8586_8788), (.hlv_wu, 0x8586_8788), (.hlvx_wu, 0x8586_8788), (.hlv_d, pattern),
        ] as [(Instruction, UInt64)] {
            guest[Guest.data] = pattern
            h.setX(6, Guest.data)
            guest.load(Program(encode(i, rd: 5, rs1: 6)))
            #expect(guest.run(in: .hs).isBreakpoint)
            #expect(h.x(5) == want, "\(i): \(hex(h.x(5)))")
        }
        for (i, size) in [(.hsv_b, 1), (.hsv_h, 2), (.hsv_w, 4), (.hsv_d, 8)] as [(Instruction, UInt64)] {
            guest[Guest.data] = 0
            h.setX(7, pattern)
            guest.load(Program(encode(i, rs1: 6, rs2: 7)))
            #expect(guest.run(in: .hs).isBreakpoint)
            #expect(guest[Guest.data] == pattern & (size == 8 ? ~0 : 1 << (8 * size) - 1), "\(i)")
        }
        // A device behind a guest physical address is a device.
        h.setX(6, 0x1000_0000)
        guest.load(Program(encode(.hlv_w, rd: 5, rs1: 6)))
        #expect(guest.run(in: .hs) == .exit(.mmioRead(address: 0x1000_0000, width: 4)))
        #expect(guest.resume(.data(0x8000_0000)).isBreakpoint)
        #expect(h.x(5) == 0xFFFF_FFFF_8000_0000)
    }

    @Test("misa.H off: no guests, no registers, no instructions")
    func withoutLetter() throws {
        let guest = try Guest.hypervisor()
        let h = guest.hart
        #expect(h[.misa] >> 7 & 1 == 1)
        h[.mstatus] = MStatus.MPV
        h[.misa] = h[.misa] & ~(1 << 7)
        #expect(h[.misa] >> 7 & 1 == 0 && h.csr(CSR.hstatus.rawValue) == nil && h[.mstatus] & MStatus.MPV == 0)
        for word in [encode(.hfence_gvma), encode(.hlv_b, rd: 5, rs1: 6), encode(.csrrs, rd: 5, imm: 0x600), encode(.csrrs, rd: 5, imm: 0x200)] {
            guest.load(Program(word))
            #expect(guest.run(in: .m) == .exception(.illegalInstruction, UInt64(word), Guest.code))
        }
        h[.misa] = ~0
        #expect(h[.misa] >> 7 & 1 == 1 && h[.hstatus] == 2 << 32)
    }
}
