import ExecutionEngine
import RISCV

extension ConformanceCase {
    static let registerTimes = [
        ConformanceCase("timer: time goes on, and can be set") { bench throws(ConformanceFailure) in
            let guest = try bench.guest(cpus: 2)
            var program = GuestProgram()
            program.begin()
            for _ in 0..<4 { program.report(csr: .time) }
            program.end()
            try guest.load(program)
            let first = try guest.get(.time)
            let seen = try guest.report("time")
            try require(seen >= first, "the guest's time \(seen) is before the register's \(first)")
            bench.sleep(milliseconds: 20)
            let later = try guest.report("time")
            try require(later - seen >= bench.ticks(milliseconds: 20), "20 ms are \(later - seen) ticks of \(bench.timebase) Hz")
            // An hour ahead, for all vCPUs.
            guest.kick()
            try guest.expect(.interrupted)
            let hour = bench.ticks(milliseconds: 3_600_000)
            try guest.set(.time, later + hour)
            let jumped = try guest.report("time")
            try require(jumped >= later + hour && jumped < later + hour + hour, "time is \(jumped) after it was set to \(later + hour)")
            let other = try guest.get(.time, cpu: 1)
            try require(other >= jumped && other < jumped + hour, "time is \(other) on the other vCPU")
            // And back.
            guest.kick()
            try guest.expect(.interrupted)
            try guest.set(.time, 1000, cpu: 1)
            let back = try guest.report("time")
            try require(back >= 1000 && back < hour, "time is \(back) after it was set to 1000")
            try guest.done()
        },
        ConformanceCase("timer: compare and state arm it") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            var program = GuestProgram()
            program.begin()
            let back = program.label()
            program.onTrap(back)
            program.csrw(.sie, value: Bits.sti)
            program.csrs(.sstatus, value: Bits.sie)
            program.report(value: 1)
            program.sleep()
            program.place(back)
            program.report(csr: .time)
            program.end()
            try guest.load(program)
            try guest.set(.timerCompare, ~0)
            try guest.report(1, "the program")
            guest.kick()
            try guest.expect(.interrupted)
            let target = try guest.get(.time) + bench.ticks(milliseconds: 10)
            try guest.set(.timerCompare, target)
            try guest.set(.timerState, 1)
            try same(try guest.get(.timerCompare), target, "compare")
            try guest.trap(Cause.timer, value: 0)
            let seen = try guest.report("time")
            try require(seen >= target, "the interrupt came at \(seen), before \(target)")
            try guest.done()
            try same(try guest.get(.timerCompare), target, "compare")
        },
        ConformanceCase("timer: compare shows what the guest set") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            var program = GuestProgram()
            program.begin()
            program.csrw(.stimecmp, value: 0x7FFF_1234_5678)
            program.report(value: 1)
            program.call(SBI.time, 0, 0x7FFF_0000_0042)
            program.report(value: 2)
            program.end()
            try guest.load(program)
            try guest.report(1, "the program")
            try same(try guest.get(.timerCompare), 0x7FFF_1234_5678, "compare after stimecmp")
            try guest.report(2, "the program")
            try same(try guest.get(.timerCompare), 0x7FFF_0000_0042, "compare after set_timer")
            try guest.done()
        },
    ]
}
