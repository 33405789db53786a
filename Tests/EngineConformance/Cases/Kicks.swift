import CHost
import ExecutionEngine
import RISCV
import Synchronization
import TestSupport

extension ConformanceCase {
    /// Counts in the word at `Layout.data` for ever.
    private static func counting() -> GuestProgram {
        var program = GuestProgram()
        program.begin()
        program.li(X.t0, Layout.data)
        program.li(X.t1, 0)
        let loop = program.here()
        program.addi(X.t1, X.t1, 1)
        program.sd(X.t1, X.t0)
        program.jump(to: loop)
        return program
    }

    static let kicks = [
        ConformanceCase("kick: before the run") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            var program = GuestProgram()
            program.begin()
            program.report(value: 1)
            program.end()
            try guest.load(program)
            guest.kick()
            try guest.expect(.interrupted)
            try guest.report(1, "the program")
            guest.kick()
            try guest.expect(.interrupted)
            try guest.done()
        },
        ConformanceCase("kick: many before the run are one") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            var program = GuestProgram()
            program.begin()
            program.report(value: 1)
            program.end()
            try guest.load(program)
            for _ in 0..<10 { guest.kick() }
            try guest.expect(.interrupted)
            try guest.report(1, "the program")
            try guest.done()
        },
        ConformanceCase("kick: out of a loop") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            try guest.load(counting())
            var before: UInt64 = 0
            for _ in 0..<20 {
                let start = before
                let kicker = bench.beside { () throws(ConformanceFailure) in
                    try bench.wait(for: "the loop's progress") { guest[Layout.data] > start }
                    guest.kick()
                }
                try guest.expect(.interrupted)
                try kicker.join()
                before = guest[Layout.data]
            }
        },
        ConformanceCase("kick: none of 2000 is lost in a race with the run") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            try guest.load(counting())
            let round = Shared(), kicked = Shared()
            let rounds: UInt64 = 2000
            let kicker = bench.beside { () throws(ConformanceFailure) in
                var random = Random(1)
                for i in 1...rounds {
                    while round.value < i {
                        try bench.check()
                        host_thread_yield()
                    }
                    // At every moment from before the entry until well inside.
                    let delay = random.below(4000)
                    let from = host_clock_monotonic_ns()
                    while host_clock_monotonic_ns() < from + 10 * delay {}
                    kicked.value = i
                    guest.kick()
                }
            }
            for i in 1...rounds {
                round.value = i
                try guest.expect(.interrupted, "round \(i)")
                try require(kicked.value == i, "round \(i) ended without its kick")
            }
            try kicker.join()
        },
        ConformanceCase("kick: loses and repeats no exit") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            var program = GuestProgram()
            program.begin()
            program.li(X.t0, Layout.device)
            program.li(X.s0, 0)
            program.li(X.s1, 1000)
            program.li(X.a6, 5)
            program.li(X.a7, 0x0800_0007)
            let loop = program.here()
            program.addi(X.s0, X.s0, 1)
            program.sd(X.s0, X.t0)
            program.ld(X.t1, X.t0, 8)
            program.report(X.t1)
            program.mv(X.a0, X.s0)
            program.emit(.ecall)
            program.report(X.a1)
            program.branch(.bne, X.s0, X.s1, to: loop)
            program.end()
            try guest.load(program)
            let over = Shared()
            let kicker = bench.beside { () throws(ConformanceFailure) in
                var random = Random(2)
                while over.value == 0 {
                    try bench.check()
                    guest.kick()
                    let from = host_clock_monotonic_ns()
                    let delay = random.below(60_000)
                    while host_clock_monotonic_ns() < from + delay {}
                }
            }
            var answer = ExitAnswer.none
            func next() throws(ConformanceFailure) -> Exit {
                while true {
                    let exit = try guest.run(answer)
                    answer = .none
                    if exit != .interrupted { return exit }
                }
            }
            func next(_ wanted: Exit) throws(ConformanceFailure) {
                let exit = try next()
                try require(exit == wanted, text(exit) + " instead of " + text(wanted))
            }
            defer { over.value = 1 }
            for i in UInt64(1)...1000 {
                try next(.mmioWrite(address: Layout.device, width: 8, value: i))
                try next(.mmioRead(address: Layout.device + 8, width: 8))
                answer = .data(i &* 3)
                try next(.mmioWrite(address: Layout.report, width: 8, value: i &* 3))
                guard case .sbi(let call) = try next() else { throw ConformanceFailure("no SBI call in round \(i)") }
                try require(call.extensionID == 0x0800_0007 && call.functionID == 5 && call.a0 == i, "another SBI call in round \(i)")
                answer = .sbi(error: 0, value: i &* 7)
                try next(.mmioWrite(address: Layout.report, width: 8, value: i &* 7))
            }
            try next(.mmioWrite(address: Layout.done, width: 8, value: 0))
            over.value = 1
            try kicker.join()
        },
        ConformanceCase("kick: out of wfi") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            var program = GuestProgram()
            program.begin()
            program.csrw(.sie, X.zero)
            let loop = program.here()
            program.report(X.zero)
            program.emit(.wfi)
            program.jump(to: loop)
            try guest.load(program)
            try guest.report(0, "the program")
            for _ in 0..<20 {
                let kicker = bench.beside { () throws(ConformanceFailure) in
                    bench.sleep(milliseconds: 3)
                    guest.kick()
                }
                // A wfi may end whenever it likes; what must come is the kick.
                while true {
                    let exit = try guest.run()
                    if exit == .interrupted { break }
                    try require(exit == .mmioWrite(address: Layout.report, width: 8, value: 0), text(exit) + " in a loop around wfi")
                }
                try kicker.join()
            }
        },
        ConformanceCase("kick: out of a stopped vCPU") { bench throws(ConformanceFailure) in
            let guest = try bench.guest(cpus: 2)
            for _ in 0..<10 {
                let kicker = bench.beside { () throws(ConformanceFailure) in
                    bench.sleep(milliseconds: 3)
                    guest.kick(1)
                }
                try guest.expect(.interrupted, cpu: 1)
                try kicker.join()
                guest.kick(1)
                try guest.expect(.interrupted, cpu: 1)
            }
            try require(try guest.power(cpu: 1) == .stopped, "a kick started the vCPU")
        },
    ]
}
