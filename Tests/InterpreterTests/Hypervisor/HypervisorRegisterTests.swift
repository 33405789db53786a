import ExecutionEngine
import Interpreter
import RISCV
import Testing

/// The registers of H (privileged spec, "Hypervisor and Virtual Supervisor CSRs").
private let registers: [CSRCase] = {
    let environment: UInt64 = 0xF1
    return [
        // VSXL reads 2, for a guest of 64 bits. VGEIN is zero without guest interrupt files.
        CSRCase(csr: .hstatus, reset: 2 << 32, must: 1 << 6 | 1 << 7 | 1 << 8 | 1 << 9 | 7 << 20, may: 1 << 5, fixed: 2 << 32),
        CSRCase(csr: .hedeleg, must: 0xB1FF, may: 1 << 18 | 1 << 19),
        CSRCase(csr: .hideleg, must: 0x444),
        CSRCase(csr: .hie, must: 0x444),
        CSRCase(csr: .hvip, must: 0x444),
        CSRCase(csr: .hip, must: 4),
        CSRCase(csr: .htimedelta, must: ~0),
        // Shcounterenw: the bits of counters that are there are writable.
        CSRCase(csr: .hcounteren, must: 0xFFFF_FFFF),
        CSRCase(csr: .hgeie, must: 0),
        CSRCase(csr: .hgeip, must: 0),
        CSRCase(csr: .henvcfg, must: environment),
        // Shtvala: every address that a guest-page fault may have.
        CSRCase(csr: .htval, must: ~0 >> 2, may: ~0),
        CSRCase(csr: .htinst, must: 0xFFFF_FFFF, may: ~0),
        CSRCase(csr: .vsstatus, reset: 2 << 32, must: MStatus.SIE | MStatus.SPIE | MStatus.SPP | MStatus.FS | MStatus.SUM | MStatus.MXR, fixed: 2 << 32),
        CSRCase(csr: .vstvec, must: ~3, may: 1),
        CSRCase(csr: .vsscratch, must: ~0),
        CSRCase(csr: .vsepc, must: ~1),
        CSRCase(csr: .vscause, must: 1 << 63 | 0x1F, may: ~0),
        CSRCase(csr: .vstval, must: ~0),
        CSRCase(csr: .vstimecmp, reset: ~0, must: ~0),
        CSRCase(csr: .vsie, must: 0),
        CSRCase(csr: .vsip, must: 0),
        CSRCase(csr: .mtval2, must: ~0 >> 2, may: ~0),
        CSRCase(csr: .mtinst, must: 0xFFFF_FFFF, may: ~0),
        CSRCase(csr: .medeleg, must: 0xB1FF | 1 << 10 | 0xF << 20, may: 0x200 | 1 << 16 | 1 << 18 | 1 << 19),
        // VS-level interrupts always pass M-mode by.
        CSRCase(csr: .mideleg, reset: 0x444, must: 0x222, may: 1 << 13, fixed: 0x444),
        CSRCase(csr: .mie, must: 0xAAA | 0x444, may: 1 << 13),
    ]
}()

@Suite("Registers of the hypervisor extension")
struct HypervisorRegisterTests {
    @Test("reset values, what is written, what is read back", arguments: registers.indices)
    func legalization(_ index: Int) throws {
        let one = registers[index]
        let guest = try Guest(extensions: .hypervisor)
        let h = guest.hart
        if one.csr != .hcounteren { #expect(h[one.csr] == one.reset, "\(one.csr) after reset") }
        if one.csr.rawValue >> 10 == 3 { return }
        var random = Random(UInt64(index))
        func read() -> UInt64 { one.csr == .vsstatus ? h[one.csr] & ~MStatus.SD : h[one.csr] }
        for value in [~0, 0, 0x5555_5555_5555_5555, 0xAAAA_AAAA_AAAA_AAAA] + (0..<20).map({ _ in random.next() }) {
            var value = value
            if one.csr == .henvcfg, value & 0x30 == 0x20 { value |= 0x30 }
            h[one.csr] = value
            let got = read()
            #expect(got & one.must == value & one.must, "\(one.csr) \(hex(value)): \(hex(got))")
            #expect(got & ~(one.must | one.may) == one.fixed, "\(one.csr) \(hex(value)): \(hex(got))")
            h[one.csr] = got
            #expect(read() == got)
        }
    }

    @Test("without H there are none of them")
    func absent() throws {
        let guest = try Guest(extensions: .withoutHypervisor)
        for one in registers where ![.medeleg, .mideleg, .mie].contains(one.csr) {
            #expect(guest.hart.csr(one.csr.rawValue) == nil, "\(one.csr)")
        }
        guest.hart[.mideleg] = ~0
        guest.hart[.mie] = ~0
        guest.hart[.medeleg] = ~0
        #expect(guest.hart[.mideleg] & 0x1444 == 0 && guest.hart[.mie] & 0x1444 == 0 && guest.hart[.medeleg] >> 20 == 0)
        guest.hart[.mstatus] = ~0
        #expect(guest.hart[.mstatus] & (MStatus.MPV | MStatus.GVA) == 0)
        #expect(guest.hart[.misa] >> 7 & 1 == 0)
    }

    @Test("hgatp and vsatp: modes, VMIDLEN 14, ASIDLEN 16, a root of 16 KiB")
    func translationRegisters() throws {
        let guest = try Guest.hypervisor()
        let h = guest.hart
        for mode in [0, 8, 9, 10] as [UInt64] {
            h[.hgatp] = mode << 60 | 0x3FFF << 44 | 0xFFF_FFFF_FFFF
            #expect(h[.hgatp] == mode << 60 | 0x3FFF << 44 | 0xFFF_FFFF_FFFC)
            h[.vsatp] = mode << 60 | 0xFFFF << 44 | 0xFFF_FFFF_FFFF
            #expect(h[.vsatp] == mode << 60 | 0xFFFF << 44 | 0xFFF_FFFF_FFFF)
        }
        for mode in [1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 14, 15] as [UInt64] {
            h[.hgatp] = 9 << 60
            // "A write to hgatp with an unsupported MODE value is not ignored as it is for satp."
            h[.hgatp] = mode << 60 | 5 << 44 | 0x1230
            #expect([0, 8, 9, 10].contains(h[.hgatp] >> 60) && h[.hgatp] & ~HGATP.MODE == 5 << 44 | 0x1230)
            let valid: UInt64 = 8 << 60 | 77
            h[.vsatp] = valid
            h[.vsatp] = mode << 60
            #expect(h[.vsatp] == valid)
            // And from VS-mode, through satp: "is ignored and no write to vsatp is effected".
            h.setX(6, mode << 60)
            h[.vsatp] = 0
            h[.hgatp] = 0
            guest.load(Program(encode(.csrrw, rd: 0, rs1: 6, imm: Int32(CSR.satp.rawValue))))
            #expect(guest.run(in: .vs).isBreakpoint)
            #expect(h[.vsatp] == 0)
        }
    }

    @Test("henvcfg and hstateen have no more than menvcfg and mstateen let them")
    func withheld() throws {
        let guest = try Guest.hypervisor()
        let h = guest.hart
        let held = EnvironmentConfiguration.STCE | EnvironmentConfiguration.PBMTE | EnvironmentConfiguration.ADUE
        for enabled in [0, EnvironmentConfiguration.STCE, EnvironmentConfiguration.PBMTE, EnvironmentConfiguration.ADUE, held] {
            h[.menvcfg] = enabled
            h[.henvcfg] = ~0
            #expect(h[.henvcfg] & held == enabled)
        }
        for (machine, own) in [(.mstateen0, .hstateen0), (.mstateen1, .hstateen1), (.mstateen2, .hstateen2), (.mstateen3, .hstateen3)] as [(CSR, CSR)] {
            for bits in [0, 1 << 63, 1 << 63 | 1 << 62] as [UInt64] {
                h[machine] = bits
                h[own] = ~0
                #expect(h[own] == h[machine], "\(own)")
            }
        }
    }

    /// In VS-mode the supervisor's names mean the guest's registers, and only there.
    @Test("supervisor registers of a guest are the VS registers")
    func substitution() throws {
        let guest = try Guest.hypervisor()
        let h = guest.hart
        h[.menvcfg] = EnvironmentConfiguration.STCE
        h[.henvcfg] = EnvironmentConfiguration.STCE
        h[.hcounteren] = ~0
        for (name, own) in [
            (.sstatus, .vsstatus), (.stvec, .vstvec), (.sscratch, .vsscratch), (.sepc, .vsepc), (.scause, .vscause),
            (.stval, .vstval), (.stimecmp, .vstimecmp), (.sie, .vsie), (.satp, .vsatp),
        ] as [(CSR, CSR)] {
            h[.hideleg] = 0x444
            h[.mideleg] = 0x222
            let before = h[name]
            h[own] = 0
            let value: UInt64 = name == .sstatus ? MStatus.SUM | MStatus.FS : name == .sie ? 0x222 : name == .satp ? 0x1234 : 0x80
            h.setX(6, value)
            var program = Program()
            program.csrw(name, 6)
            program.csrr(5, name)
            program.emit(.ebreak)
            guest.load(program)
            #expect(guest.run(in: .vs).isBreakpoint, "\(name)")
            let mask: UInt64 = name == .sstatus ? MStatus.SUM : ~0
            #expect(h.x(5) & mask == value & mask && h[own] & mask == value & mask, "\(name): \(hex(h.x(5)))")
            #expect(h[name] == before, "\(name) of HS-mode changed")
            h[own] = 0
            guest.load(program)
            #expect(guest.run(in: .hs).isBreakpoint, "\(name)")
            #expect(h[own] & mask == 0, "\(own) changed from HS-mode")
            h[name] = before
        }
    }

    @Test("hvip, hip, hie, mip, mie, vsip and vsie show each other's bits")
    func aliases() throws {
        let guest = try Guest.hypervisor()
        let h = guest.hart
        for bit in [2, 6, 10] as [UInt64] {
            h[.hvip] = 1 << bit
            #expect(h[.hvip] == 1 << bit && h[.hip] == 1 << bit && h[.mip] & 0x444 == 1 << bit)
            #expect(h[.sip] == 0)
            for hideleg in [0, 0x444] as [UInt64] {
                h[.hideleg] = hideleg
                #expect(h[.vsip] == (1 << bit & hideleg) >> 1)
            }
            h[.hvip] = 0
            #expect(h[.hip] == 0 && h[.mip] & 0x444 == 0)
            h[.hie] = 1 << bit
            #expect(h[.mie] & 0x444 == 1 << bit && h[.sie] & 0x444 == 0 && h[.vsie] == 1 << (bit - 1))
            h[.mie] = 0
            #expect(h[.hie] == 0)
            h[.vsie] = ~0
            #expect(h[.hie] == 0x444)
            h[.hideleg] = 1 << bit
            h[.vsie] = 0
            #expect(h[.hie] == 0x444 & ~(1 << bit))
            h[.hie] = 0
        }
        // VSSIP alone is writable in hip, mip and vsip; VSTIP and VSEIP have hvip.
        h[.hideleg] = 0x444
        for csr: CSR in [.hip, .mip, .vsip] {
            h[.hvip] = 0
            h[csr] = csr == .vsip ? 0x222 : 0x444
            #expect(h[.hvip] == 4, "\(csr)")
            h[csr] = 0
            #expect(h[.hvip] == 0, "\(csr)")
        }
        h[.hideleg] = 0
        h[.vsip] = ~0
        #expect(h[.hvip] == 0)
    }

    @Test("time in a guest is time + htimedelta, and vstimecmp is compared with that")
    func time() throws {
        let guest = try Guest.hypervisor()
        let h = guest.hart
        let far: UInt64 = 1 << 60
        h[.htimedelta] = far
        h[.hcounteren] = ~0
        guest.load(Program(encode(.csrrs, rd: 5, imm: Int32(CSR.time.rawValue))))
        #expect(guest.run(in: .vs).isBreakpoint)
        #expect(h.x(5) >= far && h.x(5) < far + 1 << 40)
        #expect(guest.run(in: .hs).isBreakpoint)
        #expect(h.x(5) < 1 << 40)
        // VSTIP: only with both STCE bits; greater or equal, truncated to 64 bits.
        for (machine, own) in [(0, 0), (1, 0), (0, 1), (1, 1)] as [(UInt64, UInt64)] {
            h[.menvcfg] = machine << 63
            h[.henvcfg] = own << 63
            for (compare, due) in [(0, true), (far, true), (far + 1 << 50, false), (~0, false)] as [(UInt64, Bool)] {
                h[.vstimecmp] = compare
                #expect((h[.hip] >> 6 & 1 == 1) == (due && machine == 1 && own == 1), "\(machine) \(own) \(hex(compare))")
            }
            // hvip.VSTIP is the other source of the same bit.
            h[.hvip] = 1 << 6
            #expect(h[.hip] >> 6 & 1 == 1)
            h[.vstimecmp] = 0
            h[.hvip] = 0
            #expect((h[.hip] >> 6 & 1 == 1) == (machine == 1 && own == 1))
            h[.vstimecmp] = ~0
            #expect(h[.hip] >> 6 & 1 == 0)
        }
        h[.menvcfg] = 1 << 63
        h[.henvcfg] = 1 << 63
        h[.vstimecmp] = far + 1 << 50
        h[.htimedelta] = far + 1 << 50
        #expect(h[.hip] >> 6 & 1 == 1)
        h[.htimedelta] = 0
        #expect(h[.hip] >> 6 & 1 == 0)
    }
}
