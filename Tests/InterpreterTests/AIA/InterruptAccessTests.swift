import ExecutionEngine
import Interpreter
import RISCV
import Testing

/// Who may reach the AIA's registers, from the sentences of AIA 1.0, chapter "Control and Status Registers (CSRs) Added to
/// Harts".
private struct InterruptAccessRules {
    enum Verdict: String {
        case runs, illegal, virtual
    }

    var hasFiles: Bool
    var mstateen: UInt64, hstateen: UInt64
    var vgein: UInt64
    var miselect: UInt64, siselect: UInt64, vsiselect: UInt64
    var filters: Bool
    var vti: Bool
    var stce: Bool

    static let selects: [UInt64] = [0, 0x2F, 0x30, 0x31, 0x3E, 0x3F, 0x40, 0x6F, 0x70, 0x71, 0x72, 0x7F, 0x80, 0x81, 0xBE, 0xC0, 0xC1, 0xFF, 0x100, 0x1FF]
    static let bits: [UInt64] = [1 << 58, 1 << 59, 1 << 60]

    init(_ random: inout Random, hasFiles: Bool) {
        self.hasFiles = hasFiles
        // Each bit clear a third of the time, so that others get to matter.
        func enables(_ random: inout Random) -> UInt64 { Self.bits.reduce(1 << 63 | 1 << 62) { $0 | (random.below(3) == 0 ? 0 : $1) } }
        mstateen = enables(&random)
        hstateen = enables(&random)
        vgein = [0, 1, 7][Int(random.below(3))]
        func select(_ random: inout Random) -> UInt64 { Self.selects[Int(random.below(UInt64(Self.selects.count)))] }
        miselect = select(&random)
        siselect = select(&random)
        vsiselect = select(&random)
        filters = random.below(3) == 0
        vti = random.below(3) == 0
        stce = random.below(2) == 0
    }

    func apply(_ h: BareHart) {
        h[.mstateen0] = mstateen
        h[.hstateen0] = hstateen
        h[.hstatus] = vgein << 12
        h[.miselect] = miselect
        h[.siselect] = siselect
        h[.vsiselect] = vsiselect
        h[.mvien] = filters ? 1 << 9 : 0
        h[.hvictl] = vti ? 1 << 30 | 9 << 16 : 0
        h[.menvcfg] = stce ? 1 << 63 : 0
        h[.henvcfg] = stce ? 1 << 63 : 0
        h[.mcounteren] = 2
        h[.hcounteren] = 2
    }

    static let machine: [CSR] = [.miselect, .mireg, .mtopei, .mtopi, .mvien, .mvip]
    static let supervisor: [CSR] = [.siselect, .sireg, .stopei, .stopi]
    static let hypervisor: [CSR] = [.hvien, .hvictl, .hviprio1, .hviprio2, .vsiselect, .vsireg, .vstopei, .vstopi]
    static let others: [CSR] = [.sip, .sie, .stimecmp, .vstimecmp, .hgeip, .hgeie, .hvip, .mireg2, .sireg2, .sireg6, .vsireg2]

    private func isFile(_ select: UInt64) -> Bool { select >= 0x70 && select <= 0xFF }
    /// "When XLEN = 64, the odd-numbered registers eip1, eip3, … eip63 do not exist"; 0x71 and 0x73 to 0x7F read as zero.
    private func isFileRegister(_ select: UInt64) -> Bool { isFile(select) && (select < 0x80 || select % 2 == 0) }
    private func isPriority(_ select: UInt64) -> Bool { select >= 0x30 && select <= 0x3F && select % 2 == 0 }
    private var hasGuestFile: Bool { hasFiles && vgein != 0 }
    private func enabled(_ bit: UInt64, _ register: UInt64) -> Bool { register >> bit & 1 == 1 }

    func verdict(_ csr: CSR, writes: Bool, _ mode: Mode) -> Verdict {
        if writes, csr == .mtopi || csr == .stopi || csr == .vstopi || csr == .hgeip { return .illegal }
        if Self.machine.contains(csr) {
            if mode != .m { return .illegal }
            switch csr {
            case .mireg: return isPriority(miselect) || hasFiles && isFileRegister(miselect) ? .runs : .illegal
            case .mtopei: return hasFiles ? .runs : .illegal
            default: return .runs
            }
        }
        switch csr {
        // Smcsrind and Sscsrind aren't here.
        case .mireg2, .sireg2, .sireg6, .vsireg2: return .illegal
        case .hgeip, .hgeie, .hvip: return mode == .m || mode == .hs ? .runs : mode == .u ? .illegal : .virtual
        case .sip, .sie:
            switch mode {
            case .m, .hs: return .runs
            case .u: return .illegal
            case .vu: return .virtual
            // "When bit VTI = 1, attempts from VS-mode to explicitly access CSRs sip and sie cause a virtual
            // instruction exception."
            case .vs: return vti ? .virtual : .runs
            }
        case .stimecmp, .vstimecmp:
            switch mode {
            case .m: return .runs
            case .u: return .illegal
            default:
                if !stce { return .illegal }
                if mode == .hs { return .runs }
                if csr == .vstimecmp || mode == .vu { return .virtual }
                return vti && writes ? .virtual : .runs
            }
        default: return mode.isVirtual ? inGuest(csr, mode) : inHost(csr, mode)
        }
    }

    private func inHost(_ csr: CSR, _ mode: Mode) -> Verdict {
        if mode == .u { return .illegal }
        if mode == .hs {
            // "If one of these bits is zero in mstateen0, an attempt to access the corresponding state from a privilege mode
            // less privileged than M-mode results in an illegal instruction trap."
            switch csr {
            case .siselect, .sireg, .vsiselect, .vsireg: if !enabled(60, mstateen) { return .illegal }
            case .stopei, .vstopei: if hasFiles, !enabled(58, mstateen) { return .illegal }
            default: if !enabled(59, mstateen) { return .illegal }
            }
            // "... as well as to the supervisor-level interrupt priorities accessed through siselect + sireg"
            if csr == .sireg, isPriority(siselect), !enabled(59, mstateen) { return .illegal }
            // "all IMSIC state"
            if csr == .sireg && isFile(siselect) || csr == .vsireg && isFile(vsiselect), hasFiles, !enabled(58, mstateen) {
                return .illegal
            }
            // "when bit 9 of mvien is one, attempts from S-mode to explicitly access the supervisor-level interrupt file
            // raise an illegal instruction exception."
            if filters, csr == .stopei || csr == .sireg && isFile(siselect) { return .illegal }
        }
        switch csr {
        case .stopei: return hasFiles ? .runs : .illegal
        case .sireg: return isPriority(siselect) || hasFiles && isFileRegister(siselect) ? .runs : .illegal
        // "When vsiselect has the number of an inaccessible register, attempts from M-mode or HS-mode to access vsireg raise
        // an illegal instruction exception"
        case .vsireg: return hasGuestFile && isFileRegister(vsiselect) ? .runs : .illegal
        case .vstopei: return hasGuestFile ? .runs : .illegal
        default: return .runs
        }
    }

    private func inGuest(_ csr: CSR, _ mode: Mode) -> Verdict {
        switch csr {
        case .siselect, .vsiselect, .vsireg, .sireg: if !enabled(60, mstateen) { return .illegal }
        // "considered to be HS-qualified unless all of following are true: the hart has an IMSIC, extension Smstateen is
        // implemented, and bit 58 of mstateen0 is zero"
        case .stopei, .vstopei: if hasFiles, !enabled(58, mstateen) { return .illegal }
        default: if !enabled(59, mstateen) { return .illegal }
        }
        // "a virtual instruction exception is raised ... for all attempts from VS-mode or VU-mode to directly access vsireg,
        // and for all attempts from VU-mode to access sireg", "attempts from VS-mode to directly access a hypervisor or VS CSR"
        if mode == .vu || Self.hypervisor.contains(csr) { return .virtual }
        switch csr {
        case .siselect: return enabled(60, hstateen) ? .runs : .virtual
        case .stopi: return enabled(59, hstateen) ? .runs : .virtual
        // hstateen0.IMSIC zero: "prevented from accessing the hart's IMSIC the same as when hstatus.VGEIN = 0"
        case .stopei: return enabled(58, hstateen) && hasGuestFile ? .runs : .virtual
        default:
            // "If the CSRIND bit is one in mstateen0 but is zero in hstateen0, then all attempts ... raise a virtual
            // instruction exception, ... regardless of the value of vsiselect or any other mstateen bits."
            if !enabled(60, hstateen) { return .virtual }
            if isFile(vsiselect), hasFiles, !enabled(58, mstateen) { return .illegal }
            return enabled(58, hstateen) && hasGuestFile && isFileRegister(vsiselect) ? .runs : .virtual
        }
    }
}

@Suite("Who may reach the AIA's registers")
struct InterruptAccessTests {
    private static func judge(_ guest: Guest, _ word: UInt32, _ mode: Mode) -> InterruptAccessRules.Verdict? {
        guest.load(Program(word))
        switch guest.run(in: mode) {
        case .exception(.breakpoint, Guest.code + 4, Guest.code + 4, mode.privilege): return .runs
        case .exception(.illegalInstruction, UInt64(word), Guest.code, mode.privilege): return .illegal
        case .exception(.virtualInstruction, UInt64(word), Guest.code, mode.privilege): return .virtual
        default: return nil
        }
    }

    @Test("registers × modes × enables", arguments: [true, false], 0..<4)
    func registers(hasFiles: Bool, seed: Int) throws {
        let guest = try Guest.aia(imsic: hasFiles ? .test : nil)
        var random = Random(UInt64(seed))
        var failures = Failures()
        let all =
            InterruptAccessRules.machine + InterruptAccessRules.supervisor + InterruptAccessRules.hypervisor + InterruptAccessRules.others
        for _ in 0..<120 {
            let rules = InterruptAccessRules(&random, hasFiles: hasFiles)
            for csr in all {
                for mode in Mode.allCases {
                    for writes in [false, true] {
                        rules.apply(guest.hart)
                        guest.hart.setX(6, 0)
                        let word = encode(.csrrs, rd: 5, rs1: writes ? 6 : 0, imm: Int32(csr.rawValue))
                        let want = rules.verdict(csr, writes: writes, mode)
                        let got = Self.judge(guest, word, mode)
                        failures.check(got == want, "\(csr) writes \(writes) in \(mode): \(got?.rawValue ?? "else"), not \(want) with \(rules)")
                    }
                }
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    /// "In a virtual machine (in VS-mode or VU-mode) ... substitute for those supervisor CSRs".
    @Test("a guest's registers are the VS-level ones")
    func substitution() throws {
        let guest = try Guest.aia()
        let h = guest.hart
        h.selectGuest(2)
        h[.siselect] = 0x30
        h[.vsiselect] = 0x72
        h[.guest, 0x72] = 5
        var program = Program()
        program.csrr(10, .siselect)
        program.csrr(11, .sireg)
        program.emit(.addi, rd: 12, imm: 0xC0)
        program.csrw(.siselect, 12)
        program.emit(.addi, rd: 13, imm: 6)
        program.csrw(.sireg, 13)
        program.csrr(14, .stopi)
        program.emit(.ebreak)
        guest.load(program)
        #expect(guest.run(in: .vs).isBreakpoint)
        #expect(h.x(10) == 0x72 && h.x(11) == 5 && h.x(14) == 0)
        #expect(h[.siselect] == 0x30 && h[.vsiselect] == 0xC0)
        #expect(h[.guest, 0xC0] == 6)
        h.selectGuest(3)
        #expect(h[.guest, 0xC0] == 0 && h[.guest, 0x72] == 0)
        #expect(h[.supervisor, 0xC0] == 0)
    }

    @Test("bits of the state-enable registers")
    func stateEnables() throws {
        for hasFiles in [true, false] {
            let h = try Guest.aia(imsic: hasFiles ? .test : nil).hart
            let bits: UInt64 = 3 << 62 | 3 << 59 | (hasFiles ? 1 << 58 : 0)
            h[.mstateen0] = ~0
            h[.hstateen0] = ~0
            #expect(h[.mstateen0] == bits && h[.hstateen0] == bits)
            h[.mstateen0] = 1 << 59
            #expect(h[.hstateen0] == 1 << 59)
        }
        let plain = try Guest.hypervisor().hart
        plain[.mstateen0] = ~0
        #expect(plain[.mstateen0] == 3 << 62)
    }
}
