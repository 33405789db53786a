import RISCV
import Testing

@Suite("Names")
struct NamesTests {
    @Test("ISA strings are in canonical order")
    func isaString() {
        #expect(
            Extensions.rv64gc.isaString(xlen: 64)
                == "rv64imafdc_zicbom_zicbop_zicboz_zicntr_zicond_zicsr_zifencei_zihintntl_zihintpause_zihpm_zaamo_zalrsc_zawrs"
                + "_zfa_zfhmin_zca_zcb_zcd_zba_zbb_zbs_sstc_svade_svinval_svnapot_svpbmt")
        #expect(Extensions.rv64gch.isaString(xlen: 64).hasPrefix("rv64imafdch_zicbom_"))
        #expect(
            Extensions.rv64gch.isaString(xlen: 64).contains(
                "_zbs_shcounterenw_shgatpa_shtvala_shvsatpa_shvstvala_shvstvecd_smstateen_"))
        #expect(Extensions.rv64gc.names.prefix(7) == ["i", "m", "a", "f", "d", "c", "zicbom"])
        let some: Extensions = [.i, .h, .v, .c]
        #expect(some.isaString(xlen: 32) == "rv32icvh")
    }

    /// Single letters by the naming chapter's order, Z by its second letter in that order, then by the
    /// alphabet, then S by the alphabet.
    @Test("the declaration's order follows the rule")
    func canonicalOrder() {
        let letters = Array("imafdqlcbkjtpvnh")
        func key(_ one: Extension) -> String {
            let name = one.name
            func place(_ letter: Character) -> String {
                String(Character(Unicode.Scalar(UInt8(65 + (letters.firstIndex(of: letter) ?? 50)))))
            }
            if name.count == 1 { return "0" + place(name.first!) }
            if name.hasPrefix("z") { return "1" + place(name.dropFirst().first!) + name }
            return "2" + name
        }
        let keys = Extension.allCases.map(key)
        #expect(keys == keys.sorted())
        #expect(Extension.allCases.count <= 128)
    }

    @Test("parse knows every name, in either case, and nothing else")
    func parse() {
        for one in Extension.allCases {
            #expect(Extension.parse(one.name) == one)
            #expect(Extension.parse(one.name.uppercased()) == one)
        }
        #expect(Extension.parse("") == nil)
        #expect(Extension.parse("zb") == nil)
        #expect(Extension.parse("zbaa") == nil)
    }

    @Test("a slip of the finger finds what was meant")
    func nearest() {
        #expect(Extension.nearest(to: "zicbon") == .zicbom)
        #expect(Extension.nearest(to: "svinvall") == .svinval)
        #expect(Extension.nearest(to: "Zihintpuase") == .zihintpause)
        #expect(Extension.nearest(to: "sscofpm") == .sscofpmf)
        #expect(Extension.nearest(to: "quantum") == nil)
        #expect(Extension.nearest(to: "") == nil || Extension.nearest(to: "")!.name.count == 1)
    }

    @Test("both models have all that their extensions need")
    func requirements() {
        #expect(Extensions.rv64gc.missingRequirement == nil)
        #expect(Extensions.rv64gch.missingRequirement == nil)
        let missing = Extensions.rv64gc.subtracting(Extensions(.f)).missingRequirement
        #expect(missing?.extension == .d && missing?.missing == .f)
    }

    @Test("CSR names and numbers", arguments: [
        (CSR.fcsr, 0x003), (.sstatus, 0x100), (.sie, 0x104), (.stimecmp, 0x14d), (.satp, 0x180), (.scountovf, 0xda0),
        (.vsstatus, 0x200), (.vsip, 0x244), (.vstimecmp, 0x24d), (.vsiselect, 0x250), (.vsatp, 0x280),
        (.vstopi, 0xeb0), (.mstatus, 0x300), (.menvcfg, 0x30a), (.mtinst, 0x34a), (.mtval2, 0x34b),
        (.hstatus, 0x600), (.htimedelta, 0x605), (.hgeie, 0x607), (.henvcfg, 0x60a), (.hstateen3, 0x60f),
        (.htval, 0x643), (.hvip, 0x645), (.hviprio2, 0x647), (.htinst, 0x64a), (.hgatp, 0x680), (.hgeip, 0xe12),
        (.stopei, 0x15c), (.stopi, 0xdb0), (.mtopei, 0x35c), (.mtopi, 0xfb0), (.pmpaddr63, 0x3ef),
        (.hpmcounter31, 0xc1f), (.mhpmcounter3, 0xb03), (.mhpmevent31, 0x33f), (.mhartid, 0xf14),
    ] as [(CSR, UInt16)])
    func csr(_ csr: CSR, _ number: UInt16) {
        #expect(csr.rawValue == number)
        #expect(CSR(rawValue: number) == csr)
        #expect(csr.name == "\(csr)")
    }

    @Test("the two top bits of a CSR's number make it read-only")
    func readOnly() {
        #expect(CSR.isReadOnly(CSR.cycle.rawValue) && CSR.isReadOnly(CSR.mhartid.rawValue))
        #expect(!CSR.isReadOnly(CSR.satp.rawValue))
        #expect(CSR.leastPrivilege(CSR.hgatp.rawValue) == 2 && CSR.leastPrivilege(CSR.mcycle.rawValue) == 3)
    }
}
