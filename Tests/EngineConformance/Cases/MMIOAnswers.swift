import ExecutionEngine
import RISCV

extension ConformanceCase {
    /// Loads t1 from the device, reports it, loads once more, reports it, stores and ends.
    private static func twoLoads() -> GuestProgram {
        var program = GuestProgram()
        program.begin()
        program.li(X.t0, Layout.device)
        program.li(X.t1, 0x1234)
        program.ld(X.t1, X.t0)
        program.report(X.t1)
        program.emit(.lw, rd: X.t1, rs1: X.t0)
        program.report(X.t1)
        program.sd(X.t1, X.t0)
        program.end()
        return program
    }

    private static let first = Exit.mmioRead(address: Layout.device, width: 8)
    private static let second = Exit.mmioRead(address: Layout.device, width: 4)

    static let mmioAnswers = [
        ConformanceCase("mmio: an exit without an answer reads 0") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            try guest.load(twoLoads())
            try guest.expect(first)
            try guest.report(0, "the register")
            try guest.expect(second)
            try guest.report(0, "the register")
        },
        ConformanceCase("mmio: an answer to another kind of exit is none") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            try guest.load(twoLoads())
            try guest.expect(first, after: .data(7), "an answer before the first run")
            try guest.report(0, after: .sbi(error: 3, value: 4), "the register after an SBI answer")
            try guest.expect(second, after: .data(9), "an answer to a store")
            try guest.report(0, after: .csr(5), "the register after a CSR answer")
            try guest.expect(.mmioWrite(address: Layout.device, width: 8, value: 0))
        },
        ConformanceCase("mmio: an answer given twice counts once") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            try guest.load(twoLoads())
            try guest.expect(first)
            try guest.report(5, after: .data(5), "the register")
            try guest.expect(second, after: .data(5))
            try guest.report(0, "the register after no answer")
            try guest.expect(.mmioWrite(address: Layout.device, width: 8, value: 0), after: .data(6))
            try guest.done(after: .data(6))
        },
        ConformanceCase("mmio: a kick completes the open load once") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            let program = twoLoads()
            try guest.load(program)
            try guest.expect(first)
            guest.kick()
            try guest.expect(.interrupted, after: .data(0x4242))
            try same(try guest.get(.core(UInt64(X.t1))), 0x4242, "the register after the kick")
            try guest.report(0x4242, after: .data(9), "the register")
            try guest.expect(second)
            guest.kick()
            // Nobody answers before the kick, so the load has read 0 and doesn't wait.
            try guest.expect(.interrupted)
            try guest.report(0, after: .data(0x77), "the register after a late answer")
            try guest.expect(.mmioWrite(address: Layout.device, width: 8, value: 0))
            guest.kick()
            try guest.expect(.interrupted)
            try guest.done()
        },
        ConformanceCase("mmio: registers are whole after a kick") { bench throws(ConformanceFailure) in
            // What saves a machine kicks first, and finds no half of an instruction.
            let guest = try bench.guest()
            var program = GuestProgram()
            program.begin()
            program.li(X.t0, Layout.device)
            let load = program.pc
            program.ld(X.t1, X.t0)
            let store = program.pc
            program.sd(X.t1, X.t0)
            let end = program.pc
            program.end()
            try guest.load(program)
            try guest.expect(first)
            guest.kick()
            try guest.expect(.interrupted, after: .data(0xABCD))
            try same(try guest.get(.pc), store, "pc after the load at " + hex(load))
            try guest.expect(.mmioWrite(address: Layout.device, width: 8, value: 0xABCD))
            guest.kick()
            try guest.expect(.interrupted)
            try same(try guest.get(.pc), end, "pc after the store")
            try guest.done()
        },
    ]
}
