import ExecutionEngine
import Interpreter
import RISCV
import Testing

/// What an instruction does that privilege decides about.
private enum Verdict: String {
    case runs, illegal, virtual
}

/// Who may reach which register, from the sentences of the specification: privileged spec "CSR Address Mapping
/// Conventions", "Trap Cause Codes", Sstc, Smstateen, Sscofpmf and Zkr.
private struct AccessRules {
    var mcounteren: UInt64 = 0, hcounteren: UInt64 = 0, scounteren: UInt64 = 0
    var menvcfgSTCE = false, henvcfgSTCE = false
    var mstateen: [UInt64] = [0, 0, 0, 0], hstateen: [UInt64] = [0, 0, 0, 0]
    var tvm = false, vtvm = false
    var sseed = false, useed = false
    var fs = true, vsfs = true

    init(_ random: inout Random) {
        func flip(_ random: inout Random) -> Bool { random.next() & 1 == 0 }
        mcounteren = random.next() & 0xFFFF_FFFF
        hcounteren = random.next() & 0xFFFF_FFFF
        scounteren = random.next() & 0xFFFF_FFFF
        menvcfgSTCE = flip(&random)
        henvcfgSTCE = flip(&random)
        for i in 0..<4 {
            mstateen[i] = random.next() & (1 << 63 | (i == 0 ? 1 << 62 : 0))
            hstateen[i] = random.next() & (1 << 63 | (i == 0 ? 1 << 62 : 0))
        }
        tvm = flip(&random)
        vtvm = flip(&random)
        sseed = flip(&random)
        useed = flip(&random)
        fs = flip(&random)
        vsfs = flip(&random)
    }

    func apply(_ h: BareHart) {
        h[.mcounteren] = mcounteren
        h[.hcounteren] = hcounteren
        h[.scounteren] = scounteren
        h[.menvcfg] = menvcfgSTCE ? 1 << 63 : 0
        h[.henvcfg] = henvcfgSTCE ? 1 << 63 : 0
        for (i, (machine, own)) in ([(.mstateen0, .hstateen0), (.mstateen1, .hstateen1), (.mstateen2, .hstateen2), (.mstateen3, .hstateen3)] as [(CSR, CSR)]).enumerated() {
            h[machine] = mstateen[i]
            h[own] = hstateen[i]
        }
        h[.mstatus] = (tvm ? MStatus.TVM : 0) | (fs ? MStatus.FS : 0)
        h[.vsstatus] = vsfs ? MStatus.FS : 0
        h[.hstatus] = vtvm ? HStatus.VTVM : 0
        h[.mseccfg] = (sseed ? 1 << 9 : 0) | (useed ? 1 << 8 : 0)
    }

    /// Registers of each level that a hart with H, Sstc, Smstateen, Sscofpmf and Zkr has.
    static let user = Set<UInt16>([0x001, 0x002, 0x003, 0x015]).union(0xC00...0xC1F)
    static let supervisor: Set<UInt16> = [
        0x100, 0x104, 0x105, 0x106, 0x10A, 0x10C, 0x10D, 0x10E, 0x10F, 0x140, 0x141, 0x142, 0x143, 0x144, 0x14D, 0x180, 0xDA0,
    ]
    static let hypervisor: Set<UInt16> = [
        0x600, 0x602, 0x603, 0x604, 0x605, 0x606, 0x607, 0x60A, 0x60C, 0x60D, 0x60E, 0x60F, 0x643, 0x644, 0x645, 0x64A, 0x680, 0xE12,
        0x200, 0x204, 0x205, 0x240, 0x241, 0x242, 0x243, 0x244, 0x24D, 0x280,
    ]

    func verdict(_ number: UInt16, writes: Bool, _ mode: Mode) -> Verdict {
        // "Attempts to access a CSR without appropriate privilege level or to write a read-only register also raise
        // illegal-instruction exceptions"; a non-existent one does as well.
        guard Self.user.contains(number) || Self.supervisor.contains(number) || Self.hypervisor.contains(number) else { return .illegal }
        if writes, number >= 0xC00 { return .illegal }
        if mode == .m { return own(number, writes) }
        // FS: "the exception raised is always an illegal-instruction exception, never a virtual-instruction exception".
        if number >= 1, number <= 3 { return fs && (vsfs || !mode.isVirtual) ? .runs : .illegal }
        if number == 0x015 { return seed(writes, mode) }
        let bit = UInt64(1) << UInt64(number & 31)
        if Self.user.contains(number) {
            if mcounteren & bit == 0 { return .illegal }
            switch mode {
            case .hs: return .runs
            case .u: return scounteren & bit != 0 ? .runs : .illegal
            case .vs: return hcounteren & bit != 0 ? .runs : .virtual
            default: return hcounteren & scounteren & bit != 0 ? .runs : .virtual
            }
        }
        if mode == .u { return .illegal }
        // What HS-mode may, with TVM = 0.
        var allowed = true
        switch number {
        case 0x14D, 0x24D: allowed = menvcfgSTCE && mcounteren & 2 != 0
        case 0x10A, 0x60A: allowed = mstateen[0] >> 62 & 1 == 1
        case 0x10C...0x10F, 0x60C...0x60F: allowed = mstateen[Int(number & 3)] >> 63 == 1
        default: break
        }
        if !allowed { return .illegal }
        switch mode {
        case .hs: return (number == 0x180 || number == 0x680) && tvm ? .illegal : .runs
        case .vu: return .virtual
        default:
            if Self.hypervisor.contains(number) { return .virtual }
            switch number {
            case 0x180: return vtvm ? .virtual : .runs
            case 0x14D: return henvcfgSTCE && hcounteren & 2 != 0 ? .runs : .virtual
            case 0x10A: return hstateen[0] >> 62 & 1 == 1 ? .runs : .virtual
            case 0x10C...0x10F: return hstateen[Int(number & 3)] >> 63 == 1 ? .runs : .virtual
            default: return .runs
            }
        }
    }

    private func own(_ number: UInt16, _ writes: Bool) -> Verdict {
        if number >= 1, number <= 3 { return fs ? .runs : .illegal }
        return number == 0x015 && !writes ? .illegal : .runs
    }

    /// Zkr, "Access Control to seed".
    private func seed(_ writes: Bool, _ mode: Mode) -> Verdict {
        guard writes else { return .illegal }
        switch mode {
        case .u: return useed ? .runs : .illegal
        case .hs: return sseed ? .runs : .illegal
        default: return sseed ? .virtual : .illegal
        }
    }
}

@Suite("What a guest may execute")
struct AccessMatrixTests {
    private static func judge(_ guest: Guest, _ word: UInt32, _ mode: Mode) -> Verdict? {
        guest.load(Program(word))
        switch guest.run(in: mode) {
        case .exception(.breakpoint, Guest.code + 4, Guest.code + 4, mode.privilege): return .runs
        case .exception(.illegalInstruction, UInt64(word), Guest.code, mode.privilege): return .illegal
        // "On a virtual-instruction trap, mtval or stval is written the same as for an illegal-instruction trap."
        case .exception(.virtualInstruction, UInt64(word), Guest.code, mode.privilege): return .virtual
        default: return nil
        }
    }

    @Test("registers × modes × enables", arguments: 0..<6)
    func registers(_ seed: Int) throws {
        let guest = try Guest.hypervisor()
        var random = Random(UInt64(seed))
        var failures = Failures()
        // Machine registers, PMP and triggers are CSRTests' business.
        let numbers = (0..<4096 as Range<UInt16>).filter { $0 >> 8 & 3 != 3 && $0 != 0x120 }
        let known = numbers.filter { AccessRules.user.contains($0) || AccessRules.supervisor.contains($0) || AccessRules.hypervisor.contains($0) }
        for round in 0..<12 {
            let rules = AccessRules(&random)
            for number in round == 0 ? numbers : known {
                for mode in Mode.allCases {
                    for writes in [false, true] {
                        rules.apply(guest.hart)
                        guest.hart.setX(6, 0)
                        let word = encode(.csrrs, rd: 5, rs1: writes ? 6 : 0, imm: Int32(number))
                        let want = rules.verdict(number, writes: writes, mode)
                        let got = Self.judge(guest, word, mode)
                        failures.check(got == want, "\(hex(UInt64(number))) writes \(writes) in \(mode): \(got?.rawValue ?? "else"), not \(want) with \(rules)")
                    }
                }
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    /// The fields that decide about instructions.
    private struct Bits {
        var tvm = false, tw = false, tsr = false, vtvm = false, vtw = false, vtsr = false, hu = false
        init(_ n: Int) {
            tvm = n & 1 != 0
            tw = n & 2 != 0
            tsr = n & 4 != 0
            vtvm = n & 8 != 0
            vtw = n & 16 != 0
            vtsr = n & 32 != 0
            hu = n & 64 != 0
        }
    }

    /// "Trap Cause Codes", "Hypervisor Instructions", mstatus.TVM, TW and TSR, hstatus.VTVM, VTW and VTSR, Svinval.
    private static func verdict(_ instruction: Instruction, _ mode: Mode, _ b: Bits) -> Verdict {
        switch instruction {
        case .mret: return mode == .m ? .runs : .illegal
        case .sret:
            switch mode {
            case .m: return .runs
            case .hs: return b.tsr ? .illegal : .runs
            case .u: return .illegal
            case .vs: return b.vtsr ? .virtual : .runs
            case .vu: return .virtual
            }
        case .wfi:
            switch mode {
            case .m: return .runs
            case .hs: return b.tw ? .illegal : .runs
            case .u: return .illegal
            case .vs: return b.tw ? .illegal : b.vtw ? .virtual : .runs
            case .vu: return b.tw ? .illegal : .virtual
            }
        case .sfence_vma, .sinval_vma:
            switch mode {
            case .m: return .runs
            case .hs: return b.tvm ? .illegal : .runs
            case .u: return .illegal
            case .vs: return b.vtvm ? .virtual : .runs
            case .vu: return .virtual
            }
        case .sfence_w_inval, .sfence_inval_ir:
            return mode == .u ? .illegal : mode == .vu ? .virtual : .runs
        case .hfence_vvma, .hinval_vvma:
            return mode.isVirtual ? .virtual : mode == .u ? .illegal : .runs
        case .hfence_gvma, .hinval_gvma:
            return mode.isVirtual ? .virtual : mode == .u || (mode == .hs && b.tvm) ? .illegal : .runs
        default:  // HLV, HLVX, HSV
            return mode.isVirtual ? .virtual : mode == .u && !b.hu ? .illegal : .runs
        }
    }

    static let guarded: [Instruction] = [
        .mret, .sret, .wfi, .sfence_vma, .sinval_vma, .sfence_w_inval, .sfence_inval_ir, .hfence_vvma, .hfence_gvma, .hinval_vvma,
        .hinval_gvma, .hlv_b, .hlv_bu, .hlv_h, .hlv_hu, .hlv_w, .hlv_wu, .hlv_d, .hlvx_hu, .hlvx_wu, .hsv_b, .hsv_h, .hsv_w, .hsv_d,
    ]

    @Test("instructions × modes × TVM TW TSR VTVM VTW VTSR HU", arguments: guarded)
    func instructions(_ instruction: Instruction) throws {
        let guest = try Guest.hypervisor()
        let h = guest.hart
        var failures = Failures()
        let isStore = instruction.flags.contains(.isStore), isReturn = instruction == .mret || instruction == .sret
        let word = encode(instruction, rd: isStore || !instruction.flags.contains(.isLoad) ? 0 : 5, rs1: isReturn || instruction == .wfi ? 0 : 6, rs2: isStore ? 7 : 0)
        h.setX(6, Guest.data)
        for mode in Mode.allCases {
            for n in 0..<128 {
                let b = Bits(n)
                h[.mstatus] = (b.tvm ? MStatus.TVM : 0) | (b.tw ? MStatus.TW : 0) | (b.tsr ? MStatus.TSR : 0)
                h[.hstatus] = (b.vtvm ? HStatus.VTVM : 0) | (b.vtw ? HStatus.VTW : 0) | (b.vtsr ? HStatus.VTSR : 0) | (b.hu ? HStatus.HU : 0)
                // Returns lead to the ebreak, in the mode that the cleared status registers name.
                for csr: CSR in [.mepc, .sepc, .vsepc] { h[csr] = Guest.code + 4 }
                let want = Self.verdict(instruction, mode, b)
                // WFI ends at once with an interrupt that is pending and enabled, but taken nowhere from here.
                h[.mideleg] = 0x222
                h[.hideleg] = 0x444
                let wakes = instruction == .wfi && want == .runs
                h[.mie] = wakes ? (mode == .vs ? 4 : 2) : 0
                h.setPending(wakes ? (mode == .vs ? 4 : 2) : 0, true)
                guest.load(Program(word))
                let outcome = guest.run(in: mode)
                h.setPending(6, false)
                let from: Privilege = isReturn && want == .runs ? .user : mode.privilege
                let expected: Outcome =
                    switch want {
                    case .runs: .exception(.breakpoint, Guest.code + 4, Guest.code + 4, from)
                    case .illegal: .exception(.illegalInstruction, UInt64(word), Guest.code, from)
                    case .virtual: .exception(.virtualInstruction, UInt64(word), Guest.code, from)
                    }
                failures.check(outcome == expected, "\(instruction) in \(mode) with \(b): \(outcome), not \(expected)")
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    @Test("cache-block instructions: menvcfg, henvcfg and senvcfg", arguments: [Instruction.cbo_clean, .cbo_flush, .cbo_inval, .cbo_zero])
    func cacheBlocks(_ instruction: Instruction) throws {
        let guest = try Guest.hypervisor()
        let field: UInt64 = instruction == .cbo_zero ? 1 << 7 : instruction == .cbo_inval ? 3 << 4 : 1 << 6
        let word = encode(instruction, rs1: 6)
        guest.hart.setX(6, Guest.data)
        for mode in Mode.allCases {
            for n in 0..<8 {
                let machine = n & 1 != 0, hypervisor = n & 2 != 0, supervisor = n & 4 != 0
                guest.hart[.menvcfg] = machine ? field : 0
                guest.hart[.henvcfg] = hypervisor ? field : 0
                guest.hart[.senvcfg] = supervisor ? field : 0
                // CMO chapter, "cbo.* instruction execution": the conditions of each exception.
                let want: Verdict
                if mode != .m, !machine || (mode == .u && !supervisor) {
                    want = .illegal
                } else if mode == .vs && !hypervisor || mode == .vu && !(hypervisor && supervisor) {
                    want = .virtual
                } else {
                    want = .runs
                }
                #expect(Self.judge(guest, word, mode) == want, "\(instruction) in \(mode), menvcfg \(machine) henvcfg \(hypervisor) senvcfg \(supervisor)")
            }
        }
    }

    @Test("floating point in a guest needs both FS fields, and dirties both")
    func floatStatus() throws {
        let guest = try Guest.hypervisor()
        let h = guest.hart
        let words = [encode(.fadd_d, rd: 1, rs1: 2, rs2: 3), encode(.fld, rd: 1, rs1: 6), encode(.csrrwi, rs1: 0, imm: 1), encode(.csrrs, rd: 5, imm: 3), encode(.fsd, rs1: 6, rs2: 1)]
        h.setX(6, Guest.data)
        for (i, word) in words.enumerated() {
            for outer in 0..<4 as Range<UInt64> {
                for inner in 0..<4 as Range<UInt64> {
                    for mode in Mode.guests {
                        h[.mstatus] = outer << 13
                        h[.vsstatus] = inner << 13
                        let got = Self.judge(guest, word, mode)
                        #expect(got == (outer != 0 && inner != 0 ? .runs : .illegal), "\(i) \(outer) \(inner)")
                        let dirties = i < 3 && got == .runs
                        let now = (h[.mstatus] >> 13 & 3, h[.vsstatus] >> 13 & 3)
                        #expect(now == (dirties ? (3, 3) : (outer, inner)), "\(i) \(outer) \(inner): \(now)")
                        #expect(h[.vsstatus] >> 63 == (now.1 == 3 ? 1 : 0) && h[.mstatus] >> 63 == (now.0 == 3 ? 1 : 0))
                    }
                    // Outside a guest vsstatus.FS says nothing.
                    h[.mstatus] = outer << 13
                    h[.vsstatus] = inner << 13
                    #expect(Self.judge(guest, word, .hs) == (outer != 0 ? .runs : .illegal))
                    #expect(h[.vsstatus] >> 13 & 3 == inner)
                }
            }
        }
    }
}
