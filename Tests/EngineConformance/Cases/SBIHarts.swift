import ExecutionEngine
import RISCV

extension ConformanceCase {
    static let sbiHarts = [
        ConformanceCase("sbi: HSM starts, stops and starts again") { bench throws(ConformanceFailure) in
            let guest = try bench.guest(cpus: 2)
            // Reports its arguments and state in memory, sets a flag, waits for another and stops.
            var other = GuestProgram(at: Layout.otherCode)
            other.li(X.s0, Layout.data)
            other.sd(X.a0, X.s0, 8)
            other.sd(X.a1, X.s0, 16)
            other.csrr(X.t0, .satp)
            other.sd(X.t0, X.s0, 24)
            other.csrr(X.t0, .sstatus)
            other.emit(.andi, rd: X.t0, rs1: X.t0, imm: 2)
            other.sd(X.t0, X.s0, 32)
            // Only supervisor mode has it.
            other.csrw(.sscratch, X.a1)
            other.fence()
            other.sd(X.a1, X.s0)
            let wait = other.here()
            other.ld(X.t0, X.s0, 40)
            other.branch(.beq, X.t0, X.zero, to: wait)
            other.call(SBI.hsm, 1)
            // Not reached.
            other.sd(X.a0, X.s0, 48)
            other.spin()
            var program = GuestProgram()
            program.begin()
            program.li(X.s0, Layout.data)
            program.call(SBI.hsm, 2, 1)
            program.reportCall()
            for round in UInt64(1)...2 {
                program.sd(X.zero, X.s0, 40)
                program.call(SBI.hsm, 0, 1, Layout.otherCode, 0xA5A5_0000 + round)
                program.report(X.a0)
                program.li(X.t1, 0xA5A5_0000 + round)
                let wait = program.here()
                program.ld(X.t0, X.s0)
                program.branch(.bne, X.t0, X.t1, to: wait)
                program.call(SBI.hsm, 2, 1)
                program.reportCall()
                program.call(SBI.hsm, 0, 1, Layout.otherCode, 0)
                program.report(X.a0)
                program.sd(X.s0, X.s0, 40)
                // STOP_PENDING may come before STOPPED.
                let stopped = program.here()
                program.call(SBI.hsm, 2, 1)
                program.li(X.t0, 1)
                program.branch(.bne, X.a1, X.t0, to: stopped)
                program.reportCall()
            }
            program.call(SBI.hsm, 2, 0)
            program.reportCall()
            program.call(SBI.hsm, 0, 2, Layout.otherCode, 0)
            program.report(X.a0)
            program.call(SBI.hsm, 2, 9)
            program.reportCall()
            program.call(SBI.hsm, 0, 0, Layout.otherCode, 0)
            program.report(X.a0)
            program.end()
            try guest.load(program)
            try guest.place(other)
            let first = [try guest.power(cpu: 0), try guest.power(cpu: 1)]
            try require(first == [.runnable, .stopped], "the vCPUs' first power states")
            let runner = guest.start(1)
            try guest.report(0, "hart_get_status's error")
            try guest.report(1, "the status of hart 1 at first")
            for _ in 0..<2 {
                try guest.report(0, "hart_start's error")
                try guest.report(0, "hart_get_status's error")
                try guest.report(0, "the status of hart 1 when started")
                try guest.report(SBI.alreadyAvailable, "the error of a second hart_start")
                try guest.report(0, "hart_get_status's error")
                try guest.report(1, "the status of hart 1 when stopped")
            }
            try guest.report(0, "hart_get_status's error")
            try guest.report(0, "the status of hart 0")
            try guest.report(SBI.invalidParameter, "the error of hart_start of hart 2")
            let error = try guest.report("hart_get_status of hart 9")
            let status = try guest.report("hart_get_status of hart 9")
            try guest.report(SBI.alreadyAvailable, "the error of hart_start of hart 0")
            try guest.done()
            try runner.stop()
            try same(guest[Layout.data + 8], 1, "a0 at hart_start")
            try same(guest[Layout.data + 16], 0xA5A5_0002, "a1 at hart_start")
            try same(guest[Layout.data + 24], 0, "satp at hart_start")
            try same(guest[Layout.data + 32], 0, "sstatus.SIE at hart_start")
            try same(guest[Layout.data + 48], 0, "what follows hart_stop")
            try require(try guest.power(cpu: 1) == .stopped, "hart 1 isn't stopped after hart_stop")
            if error != SBI.invalidParameter {
                throw ConformanceFailure(
                    "hart_get_status of hart 9 has the error " + hex(error), fault: error == 0 && status == 0 ? .statusOfNoHart : nil)
            }
        },
        ConformanceCase("sbi: HSM's retentive suspend ends with an interrupt") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            var program = GuestProgram()
            program.begin()
            program.csrw(.sie, value: Bits.sti)
            program.li(X.s0, bench.ticks(milliseconds: 5))
            program.csrr(X.t0, .time)
            program.emit(.add, rd: X.s0, rs1: X.t0, rs2: X.s0)
            program.csrw(.stimecmp, X.s0)
            program.call(SBI.hsm, 3, 0, 0, 0)
            program.csrr(X.t0, .time)
            program.emit(.sltu, rd: X.t0, rs1: X.t0, rs2: X.s0)
            program.report(X.a0)
            program.report(X.t0)
            program.report(csr: .sip)
            program.end()
            try guest.load(program)
            try guest.report(0, "hart_suspend's error")
            try guest.report(0, "whether it ended early")
            try guest.report(Bits.sti, "sip")
            try guest.done()
        },
        ConformanceCase("sbi: SRST ends the machine") { bench throws(ConformanceFailure) in
            let wanted: [(type: UInt64, reason: UInt64, event: SystemEvent)] = [
                (0, 0, .shutdown(reason: 0)), (0, 1, .shutdown(reason: 1)), (1, 0, .reset(reason: 0)), (2, 1, .reset(reason: 1)),
            ]
            for one in wanted {
                let guest = try bench.guest(cpus: 2)
                var program = GuestProgram()
                program.begin()
                program.call(SBI.reset, 0, 3, 0)
                program.report(X.a0)
                program.call(SBI.reset, 7)
                program.report(X.a0)
                program.call(SBI.hsm, 0, 1, Layout.otherCode, 0)
                program.call(SBI.reset, 0, one.type, one.reason)
                program.end()
                var other = GuestProgram(at: Layout.otherCode)
                other.spin()
                try guest.load(program)
                try guest.place(other)
                let runner = guest.start(1)
                let error = Int64(bitPattern: try guest.report("a reset type that there isn't"))
                try require(error < 0, "the error of a reset type that there isn't is \(error)")
                try guest.report(SBI.notSupported, "the error of a function that SRST doesn't have")
                try guest.expect(.systemEvent(one.event))
                try runner.stop()
                let last = [try guest.power(cpu: 0), try guest.power(cpu: 1)]
                try require(last == [.stopped, .stopped], "not all vCPUs are stopped after SRST")
            }
        },
    ]
}
