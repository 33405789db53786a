import ExecutionEngine
import RISCV

extension RegisterID {
    /// Whether it describes the processor, and so is fixed at the first run.
    var isFixed: Bool {
        switch group {
        case .config, .isaExtension, .sbiExtension: true
        default: false
        }
    }

    /// The same register with another size in its id.
    func with(size: Int) -> RegisterID {
        RegisterID(rawValue: rawValue & ~(0xF << 52) | UInt64(truncatingIfNeeded: size.trailingZeroBitCount) << 52)
    }
}

extension ConformanceCase {
    /// A program that reports 1, waits for the host, and reports 2.
    private static func twoReports() -> GuestProgram {
        var program = GuestProgram()
        program.begin()
        program.report(value: 1)
        program.report(value: 2)
        program.end()
        return program
    }

    static let registerRules = [
        ConformanceCase("registers: every one in the list reads, and takes back what it said") { bench throws(ConformanceFailure) in
            let guest = try bench.guest(cpus: 2)
            for number in 0..<2 {
                let all = try guest.registers(cpu: number)
                try require(Set(all).count == all.count, "the list has an id twice")
                let wanted = (UInt64(0)...32).map(RegisterID.core) + (UInt64(0)...9).map(RegisterID.csr) + (UInt64(0)...3).map(RegisterID.timer)
                    + (UInt64(0)..<32).map(RegisterID.fp) + [.fcsr, .isa, .mvendorid, .marchid, .mimpid]
                for id in wanted { try require(all.contains(id), text(id) + " isn't in the list") }
                for id in all { try takeBack(id, guest, number) }
            }
            // After the first run what describes the processor is fixed; to be told the same once more may be refused.
            try guest.load(twoReports())
            try guest.report(1, "the program")
            guest.kick()
            try guest.expect(.interrupted)
            for id in try guest.registers() { try takeBack(id, guest, 0) }
            try guest.report(2, "the program")
            try guest.done()
        },
        ConformanceCase("registers: another size is invalid") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            let ids: [RegisterID] = [
                .pc, .mode, .core(5), .csr(0), .csr(8), .time, .frequency, .timerState, .fp(3), .isa, .mvendorid, .isaExtension(0),
                .isaExtensions(0, on: true), .sbiExtension(.time), .sbiExtensions(0, on: true),
            ]
            for id in ids {
                for size in [4, 16] {
                    let wrong = id.with(size: size)
                    let found = (guest.readRefusal(wrong), guest.writeRefusal(wrong, 0))
                    try require(found == (.invalid, .invalid), text(wrong) + ": reading is " + named(found.0) + ", writing " + named(found.1) + ", not invalid")
                }
            }
            for size in [1, 2, 8] {
                let wrong = RegisterID.fcsr.with(size: size)
                try require(guest.readRefusal(wrong) == .invalid, "fcsr of \(size) bytes: reading is " + named(guest.readRefusal(wrong)))
                try require(guest.writeRefusal(wrong, 0) == .invalid, "fcsr of \(size) bytes: writing is " + named(guest.writeRefusal(wrong, 0)))
            }
        },
        ConformanceCase("registers: an unknown number is missing") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            let ids: [RegisterID] = [
                .core(33), .core(0xFFFF), .csr(63), .csr(0xFFFF), .timer(4), .timer(0xFFFF), .fp(33), .fp(0xFFFF), .config(999),
                .isaExtension(999), .isaExtension(0xFFFF), RegisterID(.sbiExtension, 999), RegisterID(.sbiExtension, 0xFFFF),
                RegisterID(.csr, subtype: 200, 0), RegisterID(.isaExtension, subtype: 200, 0), RegisterID(.sbiExtension, subtype: 200, 0),
                RegisterID(rawValue: 0x8030_0000_5500_0000), RegisterID(rawValue: 0x8030_0000_0000_0000),
            ]
            for id in ids {
                try require(guest.readRefusal(id) == .missing, text(id) + ": reading is " + named(guest.readRefusal(id)) + ", not missing")
                try require(guest.writeRefusal(id, 0) == .missing, text(id) + ": writing is " + named(guest.writeRefusal(id, 0)) + ", not missing")
            }
        },
        ConformanceCase("registers: extensions one by one and together agree") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            var word: UInt64 = 0
            for number in 0..<min(64, ExtensionNumber.count) {
                if let value = try guest.peek(.isaExtension(UInt64(number))) {
                    try require(value < 2, "ISA_EXT \(number) is \(value)")
                    word |= value << UInt64(number)
                }
            }
            try same(try guest.get(.isaExtensions(0, on: true)), word, "ISA_EXT's word of what is on")
            try same(try guest.get(.isaExtensions(0, on: false)), ~word, "ISA_EXT's word of what is off")
            // The letters of `isa` are those of single letters in ISA_EXT.
            let isa = try guest.get(.isa)
            for (number, letter) in [(UInt64(0), UInt64(0)), (1, 2), (2, 3), (3, 5), (5, 8), (6, 12)] {
                try same(isa >> letter & 1, word >> number & 1, "letter \(letter) of isa")
            }
            var calls: UInt64 = 0
            for one in SBIExtensionNumber.allCases {
                if let value = try guest.peek(.sbiExtension(one)) {
                    try require(value < 2, "SBI_EXT \(one.rawValue) is \(value)")
                    calls |= value << one.rawValue
                }
            }
            try same(try guest.get(.sbiExtensions(0, on: true)), calls, "SBI_EXT's word of what is on")
            try same(try guest.get(.sbiExtensions(0, on: false)), ~calls, "SBI_EXT's word of what is off")
            // Off and on together.
            let some: UInt64 = 1 << SBIExtensionNumber.srst.rawValue | 1 << SBIExtensionNumber.vendor.rawValue
            try guest.set(.sbiExtensions(0, on: false), some)
            try same(try guest.get(.sbiExtensions(0, on: true)), calls & ~some, "SBI_EXT after two went off")
            try same(try guest.get(.sbiExtension(.srst)), 0, "SBI_EXT srst after it went off")
            try guest.set(.sbiExtensions(0, on: true), some)
            try same(try guest.get(.sbiExtensions(0, on: true)), calls | some, "SBI_EXT after two came on")
            try require(guest.writeRefusal(.sbiExtension(.srst), 2) == .invalid, "SBI_EXT takes the value 2")
        },
        ConformanceCase("registers: what describes the processor is fixed by the first run") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            try guest.set(.mvendorid, 0x602)
            try guest.set(.sbiExtension(.vendor), 0)
            try guest.load(twoReports())
            try guest.report(1, "the program")
            guest.kick()
            try guest.expect(.interrupted)
            let vendor = RegisterID.sbiExtension(.vendor)
            for (id, value) in [(RegisterID.mvendorid, UInt64(1)), (.marchid, 0x55), (.mimpid, 0x66), (vendor, 1)] {
                try require(guest.writeRefusal(id, value) == .busy, text(id) + " after the first run: writing is " + named(guest.writeRefusal(id, value)) + ", not busy")
            }
            try same(try guest.get(.mvendorid), 0x602, "mvendorid")
            try same(try guest.get(vendor), 0, "SBI_EXT vendor")
            try guest.report(2, "the program")
        },
        ConformanceCase("registers: an extension that is switched off isn't there") { bench throws(ConformanceFailure) in
            // Zicboz, Linux's number 12.
            let zicboz = RegisterID.isaExtension(12)
            for isOn in [true, false] {
                let guest = try bench.guest()
                try same(try guest.get(zicboz), 1, "ISA_EXT of zicboz")
                if !isOn { try guest.set(zicboz, 0) }
                try same(try guest.get(zicboz), isOn ? 1 : 0, "ISA_EXT of zicboz")
                let size = try guest.peek(.zicbozBlockSize)
                try require((size != nil) == isOn, "zicboz_block_size is there, or isn't, against ISA_EXT")
                guest[Layout.data] = 77
                var program = GuestProgram()
                program.begin()
                let after = program.label()
                program.onTrap(after)
                program.li(X.t0, Layout.data)
                program.emit(.cbo_zero, rs1: X.t0)
                program.place(after)
                program.report(value: 1)
                program.end()
                try guest.load(program)
                if !isOn { try guest.trap(Cause.illegal) }
                try guest.report(1, "the program")
                try same(guest[Layout.data], isOn ? 0 : 77, "the block's first word")
                if !isOn { try require(guest.writeRefusal(zicboz, 1) == .busy, "ISA_EXT can be written after the first run") }
            }
        },
        ConformanceCase("registers: nothing but the machine's frequency") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            try same(try guest.get(.frequency), bench.timebase, "the timer's frequency")
            try guest.set(.frequency, bench.timebase)
            for other in [bench.timebase + 1, 0, ~0] {
                try require(guest.writeRefusal(.frequency, other) == .invalid, "the frequency \(other) is " + named(guest.writeRefusal(.frequency, other)))
            }
            try same(try guest.get(.frequency), bench.timebase, "the timer's frequency")
            if let mode = try guest.peek(.satpMode) {
                try require(mode >= 8 && mode <= 10, "satp_mode is \(mode)")
                try guest.set(.satpMode, mode)
                try require(guest.writeRefusal(.satpMode, 7) == .invalid, "satp_mode 7 is " + named(guest.writeRefusal(.satpMode, 7)))
            }
        },
        ConformanceCase("registers: bytes and numbers are the same") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            try guest.set(.core(7), 0x0102_0304_0506_0708)
            try guest.set(.fcsr, 0xA1)
            do throws(EngineError) {
                try require_(try guest.cpu(0).bytes(of: .core(7)) == [8, 7, 6, 5, 4, 3, 2, 1])
                try require_(try guest.cpu(0).bytes(of: .fcsr) == [0xA1, 0, 0, 0])
                try guest.cpu(0).setBytes(of: .core(7), to: [1, 2, 3, 4, 5, 6, 7, 0x88])
                try require_(try guest.cpu(0).register(.core(7)) == 0x8807_0605_0403_0201)
            } catch {
                throw ConformanceFailure("bytes of a register: " + text(error))
            }
            for count in [0, 4, 7, 9, 16] {
                try guest.refuses(.invalid, "\(count) bytes for a register of 8") { machine throws(EngineError) in
                    try machine.cpus[0].setBytes(of: .core(7), to: [UInt8](repeating: 0, count: count))
                }
            }
        },
    ]

    private static func require_(_ condition: Bool) throws(EngineError) {
        if !condition { throw .invalid("the bytes aren't those of the number") }
    }

    private static func takeBack(_ id: RegisterID, _ guest: Guest, _ number: Int) throws(ConformanceFailure) {
        var wrong: String?
        do throws(EngineError) {
            let bytes = try guest.cpu(number).bytes(of: id)
            guard bytes.count == id.size else { throw .invalid("it has \(bytes.count) bytes") }
            if id.size <= 8 {
                var value: UInt64 = 0
                for (i, byte) in bytes.enumerated() { value |= UInt64(byte) << UInt64(8 * i) }
                let number = try guest.cpu(number).register(id)
                // time goes on.
                guard id == .time ? number >= value : number == value else { throw .invalid("its bytes aren't its number's") }
            }
            do throws(EngineError) {
                try guest.cpu(number).setBytes(of: id, to: bytes)
            } catch {
                if !(id.isFixed && error.refusal == .busy) { throw error }
            }
        } catch {
            wrong = text(error)
        }
        if let wrong { throw ConformanceFailure(text(id) + " of vCPU \(number): " + wrong) }
    }
}
