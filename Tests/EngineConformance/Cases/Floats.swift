import ExecutionEngine
import RISCV

extension ConformanceCase {
    static let floats = [
        ConformanceCase("fp: off, its instructions are illegal") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            var program = GuestProgram()
            program.begin()
            let first = program.label()
            program.onTrap(first)
            program.csrc(.sstatus, value: 3 << 13)
            let illegal = program.pc
            program.emit(.fadd_d, rd: 1, rs1: 1, rs2: 1)
            program.place(first)
            let second = program.label()
            program.onTrap(second)
            program.csrr(X.t0, .fcsr)
            program.place(second)
            program.csrs(.sstatus, value: Bits.fsInitial)
            program.li(X.t0, (1.5).bitPattern)
            program.emit(.fmv_d_x, rd: 1, rs1: X.t0)
            program.emit(.fadd_d, rd: 1, rs1: 1, rs2: 1)
            program.emit(.fmv_x_d, rd: X.t0, rs1: 1)
            program.report(X.t0)
            program.csrr(X.t0, .sstatus)
            program.emit(.srli, rd: X.t0, rs1: X.t0, imm: 13)
            program.emit(.andi, rd: X.t0, rs1: X.t0, imm: 3)
            program.report(X.t0)
            program.end()
            try guest.load(program)
            try guest.trap(Cause.illegal, pc: illegal)
            try guest.trap(Cause.illegal)
            try guest.report((3.0).bitPattern, "the sum")
            try guest.report(3, "FS after an instruction")
            try guest.done()
        },
        ConformanceCase("fp: state survives exits, kicks and the other vCPU") { bench throws(ConformanceFailure) in
            let guest = try bench.guest(cpus: 2)
            for hart in 0..<2 {
                // All registers, written once and compared for ever.
                var program = GuestProgram(at: Layout.code + 0x1_0000 * UInt64(hart))
                program.begin()
                program.csrs(.sstatus, value: Bits.fsInitial)
                for i in UInt8(0)..<32 {
                    program.li(X.t0, 0x4000_0000_0000_0000 + UInt64(hart) << 32 + UInt64(i))
                    program.emit(.fmv_d_x, rd: i, rs1: X.t0)
                }
                program.csrw(.fcsr, value: UInt64(0x20 + hart))
                program.li(X.s0, Layout.data + 0x1000 * UInt64(hart))
                program.li(X.s1, 0)
                program.li(X.t3, Layout.device)
                let loop = program.here()
                for i in UInt8(0)..<32 {
                    program.li(X.t0, 0x4000_0000_0000_0000 + UInt64(hart) << 32 + UInt64(i))
                    program.emit(.fmv_x_d, rd: X.t1, rs1: i)
                    let fine = program.label()
                    program.branch(.beq, X.t0, X.t1, to: fine)
                    program.report(X.t1)
                    program.place(fine)
                }
                program.csrr(X.t1, .fcsr)
                program.addi(X.t0, X.zero, Int32(0x20 + hart))
                let fine = program.label()
                program.branch(.beq, X.t0, X.t1, to: fine)
                program.report(X.t1)
                program.place(fine)
                program.addi(X.s1, X.s1, 1)
                program.sd(X.s1, X.s0)
                program.sd(X.s1, X.t3)
                program.jump(to: loop)
                try guest.load(program, cpu: hart)
                try guest.setPower(.runnable, cpu: hart)
            }
            let wrong = Shared()
            let runners = (0..<2).map { hart in
                guest.start(hart) { exit in
                    if case .mmioWrite(Layout.device, 8, _) = exit { return ExitAnswer.none }
                    wrong.add()
                    return nil
                }
            }
            for _ in 0..<200 {
                bench.sleep(milliseconds: 1)
                guest.kickAll()
            }
            try bench.wait(for: "500 rounds") { wrong.value != 0 || (guest[Layout.data] > 500 && guest[Layout.data + 0x1000] > 500) }
            for runner in runners { try runner.stop() }
            try same(wrong.value, 0, "the number of vCPUs that found another's or no FP state")
        },
    ]
}
