import ExecutionEngine
import RISCV

extension ConformanceCase {
    static let registerValues = [
        ConformanceCase("registers: integers move to the guest and back") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            var program = GuestProgram()
            for i in UInt8(1)..<32 { program.sd(i, X.zero, Int32(8 * Int(i))) }
            for i in UInt8(1)..<32 { program.ld(i, X.zero, Int32(8 * Int(i))) }
            program.sd(X.zero, X.zero, 0x700)
            try guest.load(program)
            func value(_ i: UInt64) -> UInt64 { 0x8000_0000_1111_0000 &* (i + 1) ^ i }
            for i in UInt64(1)..<32 { try guest.set(.core(i), value(i)) }
            for i in UInt64(1)..<32 { try same(try guest.get(.core(i)), value(i), "x\(i)") }
            for i in UInt64(1)..<32 { try guest.expect(.mmioWrite(address: 8 * i, width: 8, value: value(i)), "x\(i)") }
            var answer = ExitAnswer.none
            for i in UInt64(1)..<32 {
                try guest.expect(.mmioRead(address: 8 * i, width: 8), after: answer, "x\(i)")
                answer = .data(~value(i))
            }
            try guest.expect(.mmioWrite(address: 0x700, width: 8, value: 0), after: answer)
            for i in UInt64(1)..<32 { try same(try guest.get(.core(i)), ~value(i), "x\(i) from the guest") }
        },
        ConformanceCase("registers: supervisor CSRs move to the guest and back") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            // Without what would change the program's course.
            let csrs: [(CSR, index: UInt64, first: UInt64, second: UInt64, mask: UInt64)] = [
                (.sstatus, 0, Bits.spp | Bits.spie | Bits.sum | Bits.fsInitial, Bits.spie, Bits.spp | Bits.spie | Bits.sum | Bits.sie),
                (.sie, 1, Bits.ssi | Bits.sei, Bits.sti, Bits.ssi | Bits.sti | Bits.sei),
                (.stvec, 2, 0x8000_0400, 0x8000_0801, ~0), (.sscratch, 3, 0x1234_5678_9ABC_DEF0, ~0, ~0),
                (.sepc, 4, 0x8000_0010, 0x8000_0024, ~0), (.scause, 5, 13, 1 << 63 | 5, ~0),
                (.stval, 6, 0xFFFF_FFC0_0000_1234, 0x55, ~0), (.scounteren, 9, 7, 2, 7),
            ]
            var program = GuestProgram()
            program.li(X.gp, Layout.report)
            for one in csrs { program.report(csr: one.0) }
            for one in csrs { program.csrw(one.0, value: one.second) }
            program.end()
            try guest.load(program)
            for one in csrs { try guest.set(.csr(one.index), one.first) }
            for one in csrs { try same(try guest.get(.csr(one.index)) & one.mask, one.first & one.mask, "CSR \(one.index)") }
            for one in csrs {
                try same(try guest.report("CSR \(one.index)") & one.mask, one.first & one.mask, "CSR \(one.index) in the guest")
            }
            try guest.done()
            for one in csrs { try same(try guest.get(.csr(one.index)) & one.mask, one.second & one.mask, "CSR \(one.index) from the guest") }
        },
        ConformanceCase("registers: satp moves to the guest and back") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            guest.mapGiants()
            var program = GuestProgram(at: Layout.code)
            program.li(X.gp, Guest.lowAlias + Layout.report)
            program.report(csr: .satp)
            program.emit(.csrrw, imm: Int32(CSR.satp.rawValue))
            program.li(X.gp, Layout.report)
            program.report(csr: .satp)
            program.end()
            try guest.load(program)
            try guest.set(.csr(8), Guest.satp)
            try guest.report(Guest.satp, "satp in the guest")
            try same(try guest.get(.csr(8)), Guest.satp, "satp while the guest uses it")
            try guest.report(0, "satp when the guest has cleared it")
            try guest.done()
            try same(try guest.get(.csr(8)), 0, "satp")
        },
        ConformanceCase("registers: FP moves to the guest and back, NaN-boxes included") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            var program = GuestProgram()
            program.li(X.gp, Layout.report)
            for i in UInt8(0)..<32 {
                program.emit(.fmv_x_d, rd: X.t0, rs1: i)
                program.report(X.t0)
            }
            program.report(csr: .fcsr)
            // A single in each: boxed.
            for i in UInt8(0)..<32 {
                program.li(X.t0, 0x3F80_0000 + UInt64(i))
                program.emit(.fmv_w_x, rd: i, rs1: X.t0)
            }
            program.csrw(.fcsr, value: 0x5F)
            program.end()
            try guest.load(program)
            func value(_ i: UInt64) -> UInt64 { i % 3 == 0 ? 0xFFFF_FFFF_4000_0000 + i : 0x4009_21FB_5444_2D18 ^ i << 40 }
            try guest.set(.csr(0), Bits.fsInitial)
            for i in UInt64(0)..<32 { try guest.set(.fp(i), value(i)) }
            try guest.set(.fcsr, 0x31)
            for i in UInt64(0)..<32 { try same(try guest.get(.fp(i)), value(i), "f\(i)") }
            for i in UInt64(0)..<32 { try guest.report(value(i), "f\(i) in the guest") }
            try guest.report(0x31, "fcsr in the guest")
            try guest.done()
            for i in UInt64(0)..<32 { try same(try guest.get(.fp(i)), 0xFFFF_FFFF_3F80_0000 + i, "f\(i) from the guest") }
            try same(try guest.get(.fcsr), 0x5F, "fcsr from the guest")
        },
        ConformanceCase("registers: sip's SSIP interrupts") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            var program = GuestProgram()
            program.begin()
            let back = program.label()
            program.onTrap(back)
            program.csrw(.sie, value: Bits.ssi)
            program.report(csr: .sip)
            program.csrs(.sstatus, value: Bits.sie)
            program.spin()
            program.place(back)
            program.csrc(.sip, value: Bits.ssi)
            program.end()
            try guest.load(program)
            try guest.set(.csr(7), Bits.ssi)
            try same(try guest.get(.csr(7)), Bits.ssi, "sip")
            try guest.report(Bits.ssi, "sip in the guest")
            try guest.trap(Cause.software, value: 0)
            try guest.done()
            try same(try guest.get(.csr(7)), 0, "sip")
        },
        ConformanceCase("registers: mode 0 starts in user mode") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            var program = GuestProgram()
            let start = program.label()
            program.jump(to: start)
            program.begin()
            program.place(start)
            let call = program.pc
            program.emit(.ecall)
            try guest.load(program)
            try same(try guest.get(.mode), 1, "mode at the start")
            // The handler of `begin`, four bytes behind its own jump.
            try guest.set(.csr(2), program.origin + 8)
            try guest.set(.mode, 0)
            try same(try guest.get(.mode), 0, "mode")
            try guest.trap(Cause.userCall, value: 0, pc: call)
            try same(try guest.get(.mode), 1, "mode after a trap")
        },
        ConformanceCase("registers: an interrupt is taken at the pc that was set") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            var program = GuestProgram()
            program.begin()
            program.report(value: 1)
            program.spin()
            let target = program.pc
            program.report(value: 2)
            program.end()
            try guest.load(program)
            try guest.report(1, "the program")
            guest.kick()
            try guest.expect(.interrupted)
            try guest.set(.pc, target)
            try guest.set(.csr(1), Bits.ssi)
            try guest.set(.csr(7), Bits.ssi)
            try guest.set(.csr(3), target)
            let status = try guest.get(.csr(0))
            try guest.set(.csr(0), status | Bits.sie)
            try guest.trap(Cause.software, value: 0, pc: target)
            try guest.report(2, "the program")
            try guest.done()
        },
    ]
}
