import ExecutionEngine
import RISCV

extension ConformanceCase {
    static let interrupts = [
        ConformanceCase("interrupt: the external line is a level") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            var program = GuestProgram()
            program.begin()
            for _ in 0..<3 { program.report(csr: .sip) }
            let first = program.label()
            program.onTrap(first)
            program.csrw(.sie, value: Bits.sei)
            program.csrs(.sstatus, value: Bits.sie)
            program.report(value: 7)
            program.place(first)
            // Still high: it comes again. The guest can't lower it.
            program.csrc(.sip, value: Bits.sei)
            let second = program.label()
            program.onTrap(second)
            program.csrs(.sstatus, value: Bits.sie)
            program.report(value: 8)
            program.place(second)
            program.report(value: 9)
            program.csrs(.sstatus, value: Bits.sie)
            program.report(csr: .sip)
            program.end()
            try guest.load(program)
            try guest.report(0, "sip at the start")
            guest.cpu(0).setExternalInterrupt(true)
            try guest.report(Bits.sei, "sip with the line high")
            guest.cpu(0).setExternalInterrupt(false)
            try guest.report(0, "sip with the line low")
            guest.cpu(0).setExternalInterrupt(true)
            try guest.trap(Cause.external, value: 0)
            try guest.trap(Cause.external, value: 0)
            try guest.report(9, "the program")
            guest.cpu(0).setExternalInterrupt(false)
            try guest.report(0, "sip with the line low")
            try guest.done()
        },
        ConformanceCase("interrupt: the external line wakes wfi from another thread") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            var program = GuestProgram()
            program.begin()
            program.csrw(.sie, value: Bits.sei)
            let again = program.here()
            program.onTrap(again)
            program.csrs(.sstatus, value: Bits.sie)
            program.report(value: 1)
            program.sleep()
            try guest.load(program)
            for _ in 0..<30 {
                try guest.report(1, "the program")
                let raiser = bench.beside { () throws(ConformanceFailure) in
                    bench.sleep(milliseconds: 2)
                    guest.cpu(0).setExternalInterrupt(true)
                }
                try guest.trap(Cause.external, value: 0)
                try raiser.join()
                guest.cpu(0).setExternalInterrupt(false)
            }
        },
        ConformanceCase("interrupt: no level is lost in a race with the run") { bench throws(ConformanceFailure) in
            // The guest waits for each change of the line, in a loop and never in wfi.
            let guest = try bench.guest()
            var program = GuestProgram()
            program.begin()
            program.li(X.s0, Layout.data)
            program.li(X.s1, 0)
            program.li(X.s2, Bits.sei)
            let loop = program.here()
            for branch in [Instruction.beq, .bne] {
                let wait = program.here()
                program.csrr(X.t0, .sip)
                program.emit(.and, rd: X.t0, rs1: X.t0, rs2: X.s2)
                program.branch(branch, X.t0, X.zero, to: wait)
                program.addi(X.s1, X.s1, 1)
                program.fence()
                program.sd(X.s1, X.s0)
            }
            program.jump(to: loop)
            try guest.load(program)
            let runner = guest.start(0)
            for i in UInt64(1)...500 {
                guest.cpu(0).setExternalInterrupt(i % 2 == 1)
                try bench.wait(for: "change \(i) of the line") { guest[Layout.data] >= i }
                try same(guest[Layout.data], i, "the changes that the guest has seen")
            }
            try runner.stop()
        },
        ConformanceCase("interrupt: wfi ends with one that is pending but not taken") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            var program = GuestProgram()
            program.begin()
            program.csrw(.sie, value: Bits.sei)
            program.emit(.wfi)
            program.report(value: 1)
            program.csrw(.sie, X.zero)
            program.csrw(.sie, value: Bits.ssi)
            program.csrs(.sip, value: Bits.ssi)
            program.emit(.wfi)
            program.report(value: 2)
            program.end()
            try guest.load(program)
            guest.cpu(0).setExternalInterrupt(true)
            try guest.report(1, "after wfi with SEIP")
            guest.cpu(0).setExternalInterrupt(false)
            try guest.report(2, "after wfi with SSIP")
            try guest.done()
        },
    ]

    static let power = [
        ConformanceCase("power: a vCPU starts at its pc, without SBI") { bench throws(ConformanceFailure) in
            let guest = try bench.guest(cpus: 3)
            var program = GuestProgram()
            program.begin()
            let again = program.here()
            program.report(X.a0)
            program.addi(X.a0, X.a0, 1)
            program.jump(to: again)
            for cpu in 0..<3 {
                try require(try guest.power(cpu: cpu) == (cpu == 0 ? .runnable : .stopped), "the first power state of vCPU \(cpu)")
            }
            try guest.load(program, cpu: 2)
            try guest.set(.a0, 0x70, cpu: 2)
            try guest.setPower(.runnable, cpu: 2)
            try require(try guest.power(cpu: 2) == .runnable, "the power state after it was set")
            try guest.report(0x70, cpu: 2, "a0")
            try guest.report(0x71, cpu: 2, "a0")
            guest.kick(2)
            try guest.expect(.interrupted, cpu: 2)
            // Stopped, it goes on later where it was.
            try guest.setPower(.stopped, cpu: 2)
            try require(try guest.power(cpu: 2) == .stopped, "the power state after it was set")
            let kicker = bench.beside { () throws(ConformanceFailure) in
                bench.sleep(milliseconds: 20)
                guest.kick(2)
            }
            try guest.expect(.interrupted, cpu: 2, "a stopped vCPU")
            try kicker.join()
            try guest.setPower(.runnable, cpu: 2)
            try guest.report(0x72, cpu: 2, "a0")
            try require(try guest.power(cpu: 1) == .stopped, "the power state of another vCPU")
        },
        ConformanceCase("power: SBI sees a vCPU that was started without it") { bench throws(ConformanceFailure) in
            let guest = try bench.guest(cpus: 2)
            var program = GuestProgram()
            program.begin()
            program.call(SBI.hsm, 2, 1)
            program.report(X.a1)
            program.call(SBI.hsm, 2, 1)
            program.report(X.a1)
            program.call(SBI.hsm, 0, 1, Layout.otherCode, 0)
            program.report(X.a0)
            program.end()
            try guest.load(program)
            try guest.report(1, "hart 1's status")
            try guest.setPower(.runnable, cpu: 1)
            try guest.report(0, "hart 1's status")
            try guest.report(SBI.alreadyAvailable, "hart_start's error")
            try guest.done()
        },
        ConformanceCase("debug: ebreak is an exit while debugging, and a trap otherwise", needs: [.debugging]) { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            var program = GuestProgram()
            program.begin()
            var breaks: [UInt64] = []
            for i in 0..<4 {
                let after = program.label()
                program.onTrap(after)
                breaks.append(program.pc)
                if i == 2 { program.half(0x9002); program.half(0x0001) } else { program.emit(.ebreak) }
                program.place(after)
            }
            program.report(value: 1)
            program.end()
            try guest.load(program)
            func setDebugging(_ isOn: Bool) throws(ConformanceFailure) {
                try guest.must("setDebugging") { machine throws(EngineError) in try machine.cpus[0].setDebugging(isOn) }
            }
            try guest.trap(Cause.breakpoint, pc: breaks[0])
            try setDebugging(true)
            try guest.expect(.debug(pc: breaks[1]))
            try same(try guest.get(.pc), breaks[1], "pc")
            try guest.expect(.debug(pc: breaks[1]), "the same ebreak once more")
            try guest.set(.pc, breaks[1] + 4)
            try guest.expect(.debug(pc: breaks[2]), "a compressed ebreak")
            try setDebugging(false)
            try guest.trap(Cause.breakpoint, pc: breaks[2])
            try guest.trap(Cause.breakpoint, pc: breaks[3])
            try guest.report(1, "the program")
            try guest.done()
        },
    ]
}
