import ExecutionEngine
import Interpreter
import RISCV
import Testing

/// hideleg, hvip, hie and who takes what first (privileged spec, "Hypervisor Interrupt Registers").
@Suite("Interrupts of guests")
struct GuestInterruptTests {
    /// With an AIA whose registers are all as reset left them, nothing is different.
    @Test("pending × delegated × mode × enables", arguments: [Extensions.hypervisor, .aia])
    func delegation(_ extensions: Extensions) throws {
        let guest = try Guest.hypervisor(extensions: extensions)
        let h = guest.hart
        var failures = Failures()
        guest.load(.end)
        h[.mideleg] = 0x222
        h[.stvec] = Guest.supervisorVector
        // SEI, SSI, STI, (SGEI,) VSEI, VSSI, VSTI.
        let order: [UInt64] = [9, 1, 5, 10, 2, 6]
        for own in 0..<8 as Range<UInt64> {
            for host in [0, 0x020, 0x200, 0x222] as [UInt64] {
                for hideleg in [0, 0x004, 0x040, 0x400, 0x444] as [UInt64] {
                    for masked in [0, 0x004, 0x440] as [UInt64] {
                        for mode in Mode.allCases {
                            for bits in 0..<4 {
                                let sie = bits & 1 != 0, vsie = bits & 2 != 0
                                let virtual = (own & 1) << 2 | (own & 2) << 5 | (own & 4) << 8
                                h[.mie] = 0x666 & ~masked
                                h[.hideleg] = hideleg
                                h[.hvip] = virtual
                                h.setPending(0x222, false)
                                h.setPending(host, true)
                                h[.mstatus] = sie ? MStatus.SIE : 0
                                h[.vsstatus] = vsie ? MStatus.SIE : 0
                                h[.hstatus] = 0
                                h[.scause] = 0
                                h[.vscause] = 0
                                let active = (virtual | host) & ~masked
                                let outcome = guest.run(in: mode)
                                let forHS = mode == .m || (mode == .hs && !sie) ? 0 : active & ~hideleg
                                let forVS = !mode.isVirtual || (mode == .vs && !vsie) ? 0 : active & hideleg
                                let name = "hvip \(hex(virtual)) mip \(hex(host)) hideleg \(hex(hideleg)) masked \(hex(masked)) in \(mode) \(bits)"
                                let first = order.first { forHS >> $0 & 1 == 1 }
                                if let first {
                                    failures.check(outcome.cause == 9 && h[.scause] == 1 << 63 | first && h[.sepc] == Guest.code, "\(name): \(outcome) scause \(hex(h[.scause]))")
                                    failures.check(h[.htinst] == 0 && h[.stval] == 0 && (h[.hstatus] & HStatus.SPV != 0) == mode.isVirtual, "\(name): details")
                                } else if let first = order.first(where: { forVS >> $0 & 1 == 1 }) {
                                    // A guest sees VSEI, VSTI and VSSI as SEI, STI and SSI.
                                    failures.check(outcome.cause == 10 && h[.vscause] == 1 << 63 | (first - 1) && h[.vsepc] == Guest.code, "\(name): \(outcome) vscause \(hex(h[.vscause]))")
                                    failures.check((h[.vsstatus] & MStatus.SPP != 0) == (mode == .vs), "\(name): SPP")
                                } else {
                                    failures.check(outcome == .exception(.breakpoint, Guest.code, Guest.code, mode.privilege), "\(name): \(outcome)")
                                }
                            }
                        }
                    }
                }
            }
        }
        #expect(failures.count == 0, "\(failures.summary)")
    }

    @Test("a vectored guest is entered by the numbers it knows")
    func vectored() throws {
        let guest = try Guest.hypervisor()
        let h = guest.hart
        for (bit, offset) in [(2, 4), (6, 20), (10, 36)] as [(UInt64, UInt64)] {
            guest.load(.end)
            var program = Program()
            program.emit(.ecall)
            guest.load(program, at: Guest.data + offset)
            h[.vstvec] = Guest.data | 1
            h[.hideleg] = 0x444
            h[.hie] = 0x444
            h[.hvip] = 1 << bit
            h[.vsstatus] = MStatus.SIE
            #expect(guest.run(in: .vs) == .exception(.ecallFromVS, 0, Guest.data + offset, .supervisor))
            h[.hvip] = 0
        }
    }

    /// The comparison with time + htimedelta goes on while the guest runs.
    @Test("vstimecmp interrupts a running guest, and wakes a waiting one", arguments: [false, true])
    func timer(waits: Bool) throws {
        let guest = try Guest.hypervisor()
        let h = guest.hart
        h[.menvcfg] = EnvironmentConfiguration.STCE
        h[.henvcfg] = EnvironmentConfiguration.STCE
        h[.hideleg] = 0x444
        h[.hie] = 0x444
        h[.vsstatus] = MStatus.SIE
        var program = Program()
        if waits { program.emit(.wfi) }
        program.emit(.jal, imm: waits ? -4 : 0)
        guest.load(program)
        h[.htimedelta] = 1 << 40
        h[.vstimecmp] = guest.machine.time + 1 << 40 + 100_000
        #expect(guest.run(in: .vs, kicks: 4000) == .exception(.ecallFromVS, 0, Guest.supervisorVector, .supervisor))
        #expect(h[.vscause] == Interrupt.causeBit | 5)
    }

    @Test("a guest's write of sip.SSIP and sie takes effect at once")
    func software() throws {
        let guest = try Guest.hypervisor()
        let h = guest.hart
        h[.hideleg] = 0x444
        h[.vsstatus] = MStatus.SIE
        var program = Program()
        program.emit(.csrrsi, rs1: 2, imm: Int32(CSR.sip.rawValue))
        program.emit(.csrrsi, rs1: 2, imm: Int32(CSR.sie.rawValue))
        program.nop()
        program.emit(.ebreak)
        guest.load(program)
        #expect(guest.run(in: .vs).cause == 10)
        #expect(h[.vscause] == Interrupt.causeBit | 1 && h[.vsepc] == Guest.code + 8)
        #expect(h[.hip] == 4 && h[.hie] == 4 && h[.sip] == 0 && h[.sie] == 0)
    }
}
