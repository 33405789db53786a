import ExecutionEngine
import RISCV

extension ConformanceCase {
    /// EIDs and the SBI_EXT registers that switch them. The number of a register that the engine doesn't have stands
    /// for an extension that it doesn't have.
    private static let switched: [(extensionID: UInt64, number: SBIExtensionNumber)] = [
        (SBI.time, .time), (SBI.ipi, .ipi), (SBI.rfence, .rfence), (SBI.reset, .srst), (SBI.hsm, .hsm), (SBI.pmu, .pmu),
        (SBI.console, .debugConsole), (SBI.steal, .stealTime), (SBI.suspend, .systemSuspend), (SBI.features, .firmwareFeatures),
    ]

    static let sbiBase = [
        ConformanceCase("sbi: BASE says who it is") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            try guest.set(.mvendorid, 0x123)
            try guest.set(.marchid, 0x8000_0000_0000_0456)
            try guest.set(.mimpid, 0x789)
            var program = GuestProgram()
            program.begin()
            for function in UInt64(0)...6 {
                program.call(SBI.base, function, function == 3 ? SBI.hsm : 0)
                program.reportCall()
            }
            program.call(SBI.base, 77)
            program.report(X.a0)
            program.end()
            try guest.load(program)
            func answer(_ what: String) throws(ConformanceFailure) -> UInt64 {
                try guest.report(0, "the error of " + what)
                return try guest.report(what)
            }
            let version = try answer("the specification's version")
            try require(version >> 24 >= 2 && version >> 31 == 0, "the specification's version is " + hex(version))
            try same(try answer("the implementation's id"), 3, "the implementation's id")
            _ = try answer("the implementation's version")
            try same(try answer("probing HSM"), 1, "probing HSM")
            try same(try answer("mvendorid"), 0x123, "mvendorid")
            try same(try answer("marchid"), 0x8000_0000_0000_0456, "marchid")
            try same(try answer("mimpid"), 0x789, "mimpid")
            try guest.report(SBI.notSupported, "the error of a function that BASE doesn't have")
            try guest.done()
        },
        ConformanceCase("sbi: probes agree with SBI_EXT") { bench throws(ConformanceFailure) in
            // As it comes, and with all that can be off off.
            for off in [false, true] {
                let guest = try bench.guest()
                var wanted: [Bool] = []
                for one in switched {
                    let register = RegisterID.sbiExtension(one.number)
                    let value = try guest.peek(register)
                    if off, value == 1 { try guest.set(register, 0) }
                    if !off, value == 0 { try guest.set(register, 1) }
                    wanted.append(!off && value != nil)
                    if value != nil { try same(try guest.get(register), off ? 0 : 1, "SBI_EXT \(one.number.rawValue)") }
                }
                var program = GuestProgram()
                program.begin()
                for one in switched {
                    program.call(SBI.base, 3, one.extensionID)
                    program.report(X.a1)
                }
                program.call(SBI.base, 3, SBI.base)
                program.report(X.a1)
                program.call(SBI.base, 3, 0x0BAD_CAFE)
                program.report(X.a1)
                program.end()
                try guest.load(program)
                for (i, one) in switched.enumerated() {
                    let answer = try guest.report("probing")
                    try require((answer != 0) == wanted[i], "probing " + hex(one.extensionID) + " answers \(answer) with SBI_EXT \(wanted[i] ? "on" : "off")")
                }
                try guest.report(1, "probing BASE")
                try guest.report(0, "probing what nobody has")
                try guest.done()
            }
        },
        ConformanceCase("sbi: what is off or unknown is refused without an exit") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            for one in [SBIExtensionNumber.time, .ipi, .rfence, .srst, .hsm, .debugConsole, .experimental, .vendor] {
                try guest.set(.sbiExtension(one), 0)
            }
            let calls: [UInt64] = [
                SBI.time, SBI.ipi, SBI.rfence, SBI.reset, SBI.hsm, SBI.console, 0x0800_0000, 0x08FF_FFFF, 0x0900_0000, 0x09FF_FFFF,
                0x07FF_FFFF, 0x0A00_0000, 0x0BAD_CAFE, 9, ~0, 1 << 63,
            ]
            var program = GuestProgram()
            program.begin()
            for call in calls {
                program.call(call, 0, 0, 0, 0)
                program.report(X.a0)
            }
            program.end()
            try guest.load(program)
            for call in calls { try guest.report(SBI.notSupported, "the error of extension " + hex(call)) }
            try guest.done()
        },
        ConformanceCase("sbi: calls leave other registers alone") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            var program = GuestProgram()
            for extensionID in [SBI.base, 0x0BAD_CAFE, 0x0800_0001] {
                for i in UInt8(1)..<32 where i != X.a7 { program.li(i, 0x1000 + UInt64(i)) }
                program.li(X.a7, extensionID)
                program.li(X.a6, 0)
                program.emit(.ecall)
                // Each to its own address below 2 KiB.
                for i in UInt8(1)..<32 { program.sd(i, X.zero, Int32(8 * Int(i))) }
            }
            try guest.load(program)
            for extensionID in [SBI.base, 0x0BAD_CAFE, 0x0800_0001] {
                var answer = ExitAnswer.none
                if extensionID == 0x0800_0001 {
                    let exit = try guest.run()
                    guard case .sbi = exit else { throw ConformanceFailure(text(exit) + " for an experimental call") }
                    answer = .sbi(error: 0, value: 0)
                }
                for i in UInt64(1)..<32 {
                    let exit = try guest.run(answer)
                    answer = .none
                    guard case .mmioWrite(let address, 8, let value) = exit, address == 8 * i else { throw ConformanceFailure(text(exit)) }
                    if i == 10 || i == 11 { continue }
                    let wanted = i == 17 ? extensionID : i == 16 ? 0 : 0x1000 + i
                    try same(value, wanted, "x\(i) after a call of " + hex(extensionID))
                }
            }
        },
        ConformanceCase("sbi: an ecall from user mode is the guest's") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            var program = GuestProgram()
            program.begin()
            program.li(X.a7, 0x0800_0001)
            program.enterUser()
            let call = program.pc
            program.emit(.ecall)
            try guest.load(program)
            try guest.trap(Cause.userCall, value: 0, pc: call)
        },
    ]
}
