import ExecutionEngine
import Interpreter
import RISCV
import Testing

/// Which bits stick (AIA 1.0, chapters "Control and Status Registers", "Interrupts for Machine and Supervisor Levels",
/// "Interrupts for Virtual Machines").
@Suite("The AIA's registers")
struct InterruptRegisterTests {
    static let upper: UInt64 = ~0x1FFF

    @Test("after reset, and what all ones leave", arguments: [true, false])
    func bits(hasFiles: Bool) throws {
        let guest = try Guest(extensions: .aia, imsic: hasFiles ? .test : nil)
        let h = guest.hart
        // SSI, SEI and 13 to 63; hvien without 12:0; VTI, twelve bits of IID, DPR, IPRIOM, IPRIO.
        let wide: [(CSR, UInt64)] = [
            (.mvien, 0x202 | Self.upper), (.hvien, Self.upper), (.hvictl, 0x4FFF_03FF),
            (.hviprio1, 0xFFFF_FF00_FF00_FF00), (.hviprio2, ~0), (.hgeie, hasFiles ? 0xFE : 0),
            (.hvip, 0x444 | Self.upper),
        ]
        for (csr, mask) in wide {
            #expect(h[csr] == 0, "\(csr)")
            h[csr] = ~0
            #expect(h[csr] == mask, "\(csr): \(hex(h[csr]))")
            h[csr] = 0
            #expect(h[csr] == 0, "\(csr)")
        }
        // "must be able to hold any value": 0 to 0xFF, or to 0x3F without an IMSIC; vsiselect 0 to 0x1FF.
        for csr in [.miselect, .siselect, .vsiselect] as [CSR] {
            #expect(h[csr] == 0)
            for value in 0...0x1FF as ClosedRange<UInt64> {
                h[csr] = value
                #expect(h[csr] == value)
            }
        }
        // hstatus.VGEIN: 0 to GEILEN. "if any guest external interrupt is implemented, bit 12 is also read-only one".
        h[.hstatus] = ~0
        #expect(h[.hstatus] >> 12 & 63 == (hasFiles ? 7 : 0))
        let sgei: UInt64 = hasFiles ? 0x1000 : 0
        #expect(h[.mideleg] == 0x444 | sgei)
        h[.mideleg] = ~0
        #expect(h[.mideleg] == 0x2666 | sgei)
        h[.mideleg] = 0
        #expect(h[.mideleg] == 0x444 | sgei)
        h[.mie] = ~0
        #expect(h[.mie] == 0x2EEE | sgei && h[.hie] == 0x444 | sgei)
        h[.hie] = 0
        #expect(h[.mie] == 0x2AAA)
        h[.mie] = 0
        #expect(h[.mie] == 0 && h[.hgeip] == 0 && h[.mtopi] == 0 && h[.stopi] == 0 && h[.vstopi] == 0)
    }

    @Test("without Smaia there are no machine-level registers, without either none")
    func extensions() throws {
        let supervisor = try Guest.hypervisor(extensions: .hypervisor.union([.ssaia])).hart
        for csr in [.miselect, .mireg, .mtopei, .mtopi, .mvien, .mvip] as [CSR] {
            #expect(supervisor.csr(csr.rawValue) == nil && !supervisor.setCSR(csr.rawValue, 0), "\(csr)")
        }
        #expect(supervisor[.siselect] == 0 && supervisor[.stopi] == 0 && supervisor[.hvictl] == 0)
        let plain = try Guest.hypervisor().hart
        for csr in [.siselect, .stopi, .hvien, .hvictl, .hviprio1, .vsiselect, .vstopi, .mtopi, .mvien] as [CSR] {
            #expect(plain.csr(csr.rawValue) == nil, "\(csr)")
        }
    }

    /// "each byte is either a read-only zero or ... exactly IPRIOLEN bits", 8 here. Not settable: what mie hasn't, the
    /// level's own external interrupt, and at machine level the interrupts that never get there.
    @Test("the iprio arrays")
    func priorities() throws {
        let guest = try Guest.aia()
        let h = guest.hart
        func array(_ level: FileLevel) -> [UInt64] {
            for k in stride(from: 0x30 as UInt64, through: 0x3E, by: 2) { h[level, k] = ~0 }
            return (0..<64).filter { h[level, 0x30 + $0 / 8 * 2] >> ($0 % 8 * 8) & 0xFF == 0xFF }
        }
        #expect(array(.machine) == [1, 3, 5, 7, 9, 13])
        #expect(array(.supervisor) == [2, 6, 10, 12])
        // "if the corresponding bit is not writable either in sie or in hie, then ... read-only zero"
        h[.mideleg] = 0x2222
        #expect(array(.supervisor) == [1, 2, 5, 6, 10, 12, 13])
        h[.mideleg] = 0
        #expect(h[.supervisor, 0x30] == 0x00FF_0000_00FF_0000)
        h[.mvien] = 1 << 1 | 1 << 9 | 1 << 43 | 1 << 63
        #expect(array(.supervisor) == [1, 2, 6, 10, 12, 43, 63])
        // Without interrupt files all are read-only zeros.
        let without = try Guest.aia(imsic: nil).hart
        without[.mideleg] = 0x2222
        for level in [.machine, .supervisor] as [FileLevel] {
            without[level, 0x30] = ~0
            without[level, 0x32] = ~0
            #expect(without[level, 0x30] == 0 && without[level, 0x32] == 0)
        }
    }

    /// Table "The effects of mideleg and mvien on sip and sie".
    @Test("mideleg × mvien: sip and sie", arguments: [1, 13, 14, 43, 63] as [UInt64])
    func filtering(_ n: UInt64) throws {
        let h = try Guest.aia().hart
        let bit: UInt64 = 1 << n
        for delegated in [false, true] where !delegated || n == 1 || n == 13 {
            for virtual in [false, true] {
                for real in [false, true] {
                    for injected in [false, true] {
                        for enabled in [false, true] {
                            h[.mie] = 0
                            h[.mideleg] = delegated ? bit : 0
                            h[.mvien] = virtual ? bit : 0
                            h[.mip] = real ? bit : 0
                            // mvip's bit 1 is mip's own while mvien has it not.
                            if n != 1 || virtual { h[.mvip] = injected ? bit : 0 }
                            h[.sie] = enabled ? bit : 0
                            let mip = real && (n == 1 || n == 13)
                            let note: Comment = "\(n) delegated \(delegated) virtual \(virtual) real \(real) injected \(injected) enabled \(enabled)"
                            if delegated {
                                #expect(h[.sip] == (mip ? bit : 0) && h[.sie] == (enabled ? bit : 0), note)
                                #expect(h[.mie] == h[.sie], note)
                            } else if virtual {
                                #expect(h[.sip] == (injected ? bit : 0) && h[.sie] == (enabled ? bit : 0), note)
                                #expect(h[.mie] == 0, note)
                            } else {
                                #expect(h[.sip] == 0 && h[.sie] == 0 && h[.mie] == 0, note)
                            }
                            #expect(h[.mip] & bit == (mip ? bit : 0), note)
                            // Writes of sip go where its bit is from.
                            h[.sip] = 0
                            #expect(h[.mip] & bit == (mip && !delegated ? bit : 0), note)
                            if delegated || virtual { #expect(h[.sip] == 0, note) }
                            if virtual, !delegated { #expect(h[.mvip] == 0, note) }
                            h[.sip] = bit
                            if delegated || virtual { #expect(h[.sip] == bit, note) }
                            h[.mip] = 0
                            h[.mvip] = 0
                        }
                    }
                }
            }
        }
    }

    /// "When bit 1 of mvien is zero, bit 1 of mvip is an alias ...", and so for bits 5 and 9.
    @Test("mvip's aliases of mip")
    func aliases() throws {
        let guest = try Guest.aia()
        let h = guest.hart
        h[.mip] = 0x2
        #expect(h[.mvip] == 2)
        h[.mvip] = 0
        #expect(h[.mip] == 0)
        h[.mvien] = 2
        h[.mvip] = 2
        #expect(h[.mip] == 0 && h[.mvip] == 2)
        h[.mvien] = 0
        #expect(h[.mvip] == 0)

        // "Bit 5 of mvip is an alias of the same bit (STIP) in mip when that bit is writable in mip", else "read-only zero".
        h[.menvcfg] = 0
        h[.mvip] = 0x20
        #expect(h[.mip] == 0x20 && h[.mvip] == 0x20)
        h[.mvip] = 0
        h[.menvcfg] = EnvironmentConfiguration.STCE
        h[.stimecmp] = ~0
        h[.mvip] = 0x20
        #expect(h[.mip] == 0 && h[.mvip] == 0)
        h[.stimecmp] = 0
        #expect(h[.mip] == 0x20 && h[.mvip] == 0)
        h[.stimecmp] = ~0

        // "the value of bit 9 of mvip is logically ORed into the readable value of mip.SEIP. But when bit 9 of mvien is one,
        // bit SEIP in mip is read-only and does not include the value of bit 9 of mvip."
        h[.mip] = 0x200
        #expect(h[.mvip] == 0x200 && h[.mip] == 0x200)
        h[.mvien] = 0x200
        #expect(h[.mvip] == 0x200 && h[.mip] == 0 && h[.sip] == 0x200)
        h[.mip] = 0
        #expect(h[.mvip] == 0x200)
        h[.mip] = 0x200
        #expect(h[.mip] == 0)
        h.open(.supervisor)
        #expect(guest.msi(IMSICSetup.test.page(.supervisor), 9))
        #expect(h[.mip] == 0x200)
        h[.mvip] = 0
        #expect(h[.sip] == 0 && h[.mip] == 0x200)
        h[.stopei] = 0
        #expect(h[.mip] == 0)
        // "changing the value of bit 9 of mvien does not affect the value of bit 9 of mvip"
        h[.mvip] = 0x200
        h[.mvien] = 0
        #expect(h[.mvip] == 0x200 && h[.mip] == 0x200)
    }

    /// Table "The effects of hideleg and hvien on vsip and vsie", with sip from mip or from mvip.
    @Test("hideleg × hvien: vsip and vsie", arguments: [13, 14, 40, 63] as [UInt64])
    func guestFiltering(_ n: UInt64) throws {
        let h = try Guest.aia().hart
        let bit: UInt64 = 1 << n
        for source in 0..<3 {
            // 0: sip hasn't the bit; 1: it is mvip's; 2: mip's.
            if source == 2, n != 13 { continue }
            for delegated in [false, true] {
                for virtual in [false, true] {
                    for above in [false, true] {
                        for injected in [false, true] {
                            h[.mideleg] = source == 2 ? bit : 0
                            h[.mvien] = source == 1 ? bit : 0
                            h[.hideleg] = delegated ? bit : 0
                            // "if a bit is zero in the same position in both mideleg and mvien, then that bit is read-only zero
                            // in hideleg"
                            let passes = delegated && source != 0
                            #expect(h[.hideleg] == (passes ? bit : 0))
                            h[.hvien] = virtual ? bit : 0
                            h[.hvip] = injected ? bit : 0
                            h[.mip] = above ? bit : 0
                            h[.mvip] = above ? bit : 0
                            h[.sie] = 0
                            h[.vsie] = bit
                            let sip = above && source != 0
                            let note: Comment = "\(n) source \(source) delegated \(delegated) virtual \(virtual) above \(above) injected \(injected)"
                            if passes {
                                #expect(h[.vsip] == (sip ? bit : 0) && h[.vsie] == bit && h[.sie] == bit, note)
                                h[.vsip] = 0
                                #expect(h[.sip] == 0 && h[.hvip] == (injected ? bit : 0), note)
                            } else if virtual {
                                #expect(h[.vsip] == (injected ? bit : 0) && h[.vsie] == bit && h[.sie] == 0, note)
                                h[.vsip] = 0
                                #expect(h[.hvip] == 0 && h[.sip] == (sip ? bit : 0), note)
                            } else {
                                #expect(h[.vsip] == 0 && h[.vsie] == 0 && h[.sie] == 0, note)
                            }
                            // Delegation that goes away above takes what hangs on it along.
                            h[.mideleg] = 0
                            h[.mvien] = 0
                            #expect(h[.hideleg] == 0, note)
                            h[.vsie] = 0
                            h[.hvip] = 0
                            h[.mip] = 0
                            h[.mvip] = 0
                        }
                    }
                }
            }
        }
    }

    @Test("reset, and SBI HSM's start, leave nothing")
    func reset() throws {
        let guest = try Guest.aia()
        let h = guest.hart
        let csrs: [CSR] = [
            .miselect, .siselect, .vsiselect, .mvien, .mvip, .hvien, .hvip, .hvictl, .hviprio1, .hviprio2, .hgeie, .mie, .sie, .vsie, .hideleg,
        ]
        h.selectGuest(1)
        for level in FileLevel.allCases { h.open(level, threshold: 200) }
        for level in FileLevel.allCases { #expect(guest.msi(IMSICSetup.test.page(level), 5)) }
        h[.mideleg] = 0x2222
        for csr in csrs { h[csr] = ~0 }
        h[.machine, 0x30] = ~0
        h[.supervisor, 0x30] = ~0
        #expect(h[.mtopi] != 0 && h[.stopi] != 0 && h[.vstopi] != 0 && h[.hgeip] == 2)
        // mvip's alias of STIP, which is mip's and not the AIA's.
        h[.mip] = 0
        h.reset()
        for csr in csrs { #expect(h[csr] == 0, "\(csr)") }
        #expect(h[.mtopi] == 0 && h[.stopi] == 0 && h[.vstopi] == 0 && h[.hgeip] == 0 && h[.mip] == 0)
        #expect(h[.machine, 0x30] == 0)
        h.selectGuest(1)
        for level in FileLevel.allCases {
            for number in [0x70, 0x72, 0x80, 0xC0] as [UInt64] { #expect(h[level, number] == 0, "\(level) \(hex(number))") }
            #expect(h[level.top] == 0)
        }
    }
}
