import ExecutionEngine
import RISCV

extension ConformanceCase {
    private static func call(_ extensionID: UInt64, _ functionID: UInt64, _ seed: UInt64) -> SBICall {
        SBICall(
            extensionID: extensionID, functionID: functionID, a0: seed, a1: seed ^ 0x1111_1111_1111_1111, a2: seed ^ 2, a3: seed ^ (1 << 63),
            a4: ~seed, a5: seed &* 3)
    }

    private static func emit(_ call: SBICall, into program: inout GuestProgram) {
        program.call(call.extensionID, call.functionID, call.a0, call.a1, call.a2, call.a3, call.a4, call.a5)
    }

    static let sbiForwarded = [
        ConformanceCase("sbi: experimental and vendor calls are exits") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            let calls = [
                call(0x0800_0000, 0, 1), call(0x08AB_CDEF, 0x7FFF_FFFF, 2), call(0x08FF_FFFF, 3, 3), call(0x0900_0000, 4, 4),
                call(0x09FF_FFFF, 5, 0x8000_0000_0000_0005),
            ]
            var program = GuestProgram()
            program.begin()
            for call in calls {
                emit(call, into: &program)
                program.reportCall()
            }
            program.end()
            try guest.load(program)
            for call in calls {
                try guest.expect(.sbi(call))
                try guest.report(UInt64(bitPattern: -7), after: .sbi(error: -7, value: call.a4), "a0")
                try guest.report(call.a4, "a1")
            }
            try guest.done()
        },
        ConformanceCase("sbi: a call without an answer isn't supported") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            let one = call(0x0800_0001, 1, 77)
            var program = GuestProgram()
            program.begin()
            for _ in 0..<3 {
                emit(one, into: &program)
                program.reportCall()
            }
            program.end()
            try guest.load(program)
            for answer in [ExitAnswer.none, .data(5), .csr(6)] {
                try guest.expect(.sbi(one))
                try guest.report(SBI.notSupported, after: answer, "a0")
                try guest.report(0, "a1")
            }
            try guest.done()
        },
        ConformanceCase("sbi: a kick completes the open call once") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            let one = call(0x0800_0001, 1, 77)
            var program = GuestProgram()
            program.begin()
            var after: [UInt64] = []
            for _ in 0..<2 {
                emit(one, into: &program)
                after.append(program.pc)
                program.reportCall()
            }
            program.end()
            try guest.load(program)
            try guest.expect(.sbi(one))
            guest.kick()
            try guest.expect(.interrupted, after: .sbi(error: 0, value: 99))
            try same(try guest.get(.pc), after[0], "pc after the call")
            try same(try guest.get(.a1), 99, "a1 after the call")
            try guest.report(0, after: .sbi(error: -1, value: 1), "a0")
            try guest.report(99, "a1")
            try guest.expect(.sbi(one))
            guest.kick()
            try guest.expect(.interrupted)
            try guest.report(SBI.notSupported, after: .sbi(error: 0, value: 1), "a0 after a late answer")
            try guest.report(0, "a1 after a late answer")
            try guest.done()
        },
        ConformanceCase("sbi: probing experimental and vendor space is an exit") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            var program = GuestProgram()
            program.begin()
            for space in [UInt64(0x0812_3456), 0x0912_3456] {
                program.call(SBI.base, 3, space)
                program.reportCall()
            }
            program.end()
            try guest.load(program)
            for (space, found) in [(UInt64(0x0812_3456), UInt64(1)), (0x0912_3456, 0)] {
                let exit = try guest.run()
                guard case .sbi(let call) = exit, call.extensionID == SBI.base, call.functionID == 3, call.a0 == space else {
                    throw ConformanceFailure(text(exit) + " for probing " + hex(space))
                }
                try guest.report(0, after: .sbi(error: 0, value: found), "a0")
                try guest.report(found, "a1")
            }
            try guest.done()
        },
        ConformanceCase("sbi: the debug console where it is on") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            try guest.set(.sbiExtension(.debugConsole), 1)
            let calls = [call(SBI.console, 0, 5), call(SBI.console, 1, 6), call(SBI.console, 2, 7)]
            var program = GuestProgram()
            program.begin()
            program.call(SBI.base, 3, SBI.console)
            program.report(X.a1)
            for call in calls {
                emit(call, into: &program)
                program.reportCall()
            }
            program.end()
            try guest.load(program)
            try guest.report(1, "probing DBCN")
            for call in calls {
                try guest.expect(.sbi(call))
                try guest.report(0, after: .sbi(error: 0, value: call.a0), "a0")
                try guest.report(call.a0, "a1")
            }
            try guest.done()
        },
    ]
}
