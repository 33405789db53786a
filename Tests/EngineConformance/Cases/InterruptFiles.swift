import ExecutionEngine
import RISCV

extension ConformanceCase {
    private static let imsic = IMSICSetup(
        supervisorBase: 0x2400_0000, supervisorStride: 0x1000, machineBase: nil, guestFiles: 0, identities: 255)

    private static func file(_ hart: UInt64) -> UInt64 { imsic.supervisorBase + hart * imsic.supervisorStride }

    private static func guest(_ bench: Bench, cpus: Int = 1) throws(ConformanceFailure) -> Guest {
        try bench.guest(cpus: cpus, extensions: .rv64gc.union([.ssaia]), imsic: imsic)
    }

    private static func setFile(_ select: UInt64, _ value: UInt64, in program: inout GuestProgram) {
        program.csrw(.siselect, value: select)
        program.csrw(.sireg, value: value)
    }

    /// Delivery on, identities 1 to 127 enabled.
    private static func openFile(in program: inout GuestProgram) {
        setFile(0x70, 1, in: &program)
        setFile(0x72, 0, in: &program)
        setFile(0xC0, ~1, in: &program)
        setFile(0xC2, ~0, in: &program)
    }

    /// Waits for an interrupt for ever: each claims stopei and reports it.
    private static func claiming() -> GuestProgram {
        var program = GuestProgram()
        program.begin()
        program.handler { handler in
            handler.csrr(X.t0, .scause)
            handler.emit(.csrrw, rd: X.t1, rs1: X.zero, imm: Int32(CSR.stopei.rawValue))
            handler.report(X.t0)
            handler.report(X.t1)
            handler.emit(.sret)
        }
        openFile(in: &program)
        program.csrw(.sie, value: Bits.sei)
        program.csrs(.sstatus, value: Bits.sie)
        program.report(value: 1)
        program.sleep()
        return program
    }

    private static func claims(_ guest: Guest, _ identity: UInt64) throws(ConformanceFailure) {
        try guest.report(Cause.external, "scause")
        try guest.report(identity << 16 | identity, "stopei")
    }

    private static func getFile(_ guest: Guest, _ hart: Int, _ select: UInt64) throws(ConformanceFailure) -> UInt64 {
        do throws(EngineError) {
            return try guest.machine.interruptFile(hart: hart, select)
        } catch {
            throw ConformanceFailure("interruptFile(" + hex(select) + "): " + text(error))
        }
    }

    private static func setFile(_ guest: Guest, _ hart: Int, _ select: UInt64, _ value: UInt64) throws(ConformanceFailure) {
        try guest.must("setInterruptFile(" + hex(select) + ")") { machine throws(EngineError) in
            try machine.setInterruptFile(hart: hart, select, to: value)
        }
    }

    static let interruptFiles = [
        ConformanceCase("interrupt file: MSIs interrupt", needs: [.interruptFiles]) { bench throws(ConformanceFailure) in
            let guest = try guest(bench)
            try guest.load(claiming())
            try guest.report(1, "the program")
            for identity in [UInt64(5), 1, 63, 64, 127] {
                // From another thread, into wfi.
                let sender = bench.beside { () throws(ConformanceFailure) in
                    bench.sleep(milliseconds: 2)
                    try require(guest.machine.sendMSI(address: file(0), data: UInt32(identity)), "sendMSI finds no file")
                }
                try claims(guest, identity)
                try sender.join()
            }
            // The lower number first.
            guest.kick()
            try guest.expect(.interrupted)
            for identity in [UInt32(70), 9, 8] { guest.machine.sendMSI(address: file(0), data: identity) }
            for identity in [UInt64(8), 9, 70] { try claims(guest, identity) }
        },
        ConformanceCase("interrupt file: an MSI to another address finds none", needs: [.interruptFiles]) { bench throws(ConformanceFailure) in
            let guest = try guest(bench, cpus: 2)
            for address in [file(0) - 0x1000, file(2), Layout.device, Layout.ram] {
                try require(!guest.machine.sendMSI(address: address, data: 3), "an MSI to " + hex(address) + " was delivered")
            }
            try require(guest.machine.sendMSI(address: file(1), data: 3), "an MSI to hart 1 wasn't delivered")
            try same(try getFile(guest, 1, 0x80), 8, "eip0 of hart 1")
            try same(try getFile(guest, 0, 0x80), 0, "eip0 of hart 0")
        },
        ConformanceCase("interrupt file: its registers", needs: [.interruptFiles]) { bench throws(ConformanceFailure) in
            let guest = try guest(bench, cpus: 2)
            try setFile(guest, 0, 0x70, 1)
            try setFile(guest, 0, 0x72, 40)
            try setFile(guest, 0, 0x80, 0x10)
            try setFile(guest, 0, 0xC0, 0xFFFE)
            try setFile(guest, 0, 0xC4, 0xABCD)
            try setFile(guest, 1, 0xC0, 0x22)
            let wanted: [(UInt64, UInt64)] = [(0x70, 1), (0x72, 40), (0x80, 0x10), (0x82, 0), (0xC0, 0xFFFE), (0xC4, 0xABCD)]
            for (select, value) in wanted { try same(try getFile(guest, 0, select), value, "register " + hex(select)) }
            try same(try getFile(guest, 1, 0xC0), 0x22, "eie0 of hart 1")
            var program = GuestProgram()
            program.begin()
            for (select, _) in wanted {
                program.csrw(.siselect, value: select)
                program.report(csr: .sireg)
            }
            program.report(csr: .stopei)
            setFile(0xC0, 0xF0, in: &program)
            program.report(value: 1)
            program.end()
            try guest.load(program)
            for (select, value) in wanted { try guest.report(value, "register " + hex(select) + " in the guest") }
            try guest.report(4 << 16 | 4, "stopei in the guest")
            try guest.report(1, "the program")
            guest.kick()
            try guest.expect(.interrupted)
            try same(try getFile(guest, 0, 0xC0), 0xF0, "eie0 from the guest")
            for (hart, select) in [(2, UInt64(0x70)), (-1, 0x70), (0, 0x71), (0, 0x40), (0, 0x100)] {
                try guest.refuses(.missing, "register " + hex(select) + " of hart \(hart)") { machine throws(EngineError) in
                    _ = try machine.interruptFile(hart: hart, select)
                }
            }
        },
        ConformanceCase("interrupt file: the upper half of a register", needs: [.interruptFiles]) { bench throws(ConformanceFailure) in
            let guest = try guest(bench)
            for select in [UInt64(0x80), 0xC0, 0xC6] {
                try setFile(guest, 0, select, 0x8000_1234_0000_0002)
                let found = try getFile(guest, 0, select)
                guard found != 0x8000_1234_0000_0002 else { continue }
                throw ConformanceFailure("register " + hex(select) + " is " + hex(found), fault: found == 2 ? .unwrittenHalves : nil)
            }
        },
        ConformanceCase("interrupt file: one hart's store interrupts another", needs: [.interruptFiles]) { bench throws(ConformanceFailure) in
            let guest = try guest(bench, cpus: 2)
            var other = GuestProgram(at: Layout.otherCode)
            other.begin()
            other.li(X.s0, Layout.data)
            other.handler { handler in
                handler.emit(.csrrw, rd: X.t1, rs1: X.zero, imm: Int32(CSR.stopei.rawValue))
                handler.emit(.srli, rd: X.t1, rs1: X.t1, imm: 16)
                handler.sd(X.t1, X.s0)
                handler.emit(.sret)
            }
            openFile(in: &other)
            other.csrw(.sie, value: Bits.sei)
            other.csrs(.sstatus, value: Bits.sie)
            other.sd(X.s0, X.s0, 8)
            other.sleep()
            var program = GuestProgram()
            program.begin()
            program.li(X.s0, Layout.data)
            program.li(X.s1, file(1))
            let ready = program.here()
            program.ld(X.t0, X.s0, 8)
            program.branch(.beq, X.t0, X.zero, to: ready)
            program.li(X.s2, 100)
            program.li(X.s3, 0)
            let loop = program.here()
            program.addi(X.s3, X.s3, 1)
            program.emit(.sw, rs1: X.s1, rs2: X.s3)
            let wait = program.here()
            program.ld(X.t0, X.s0)
            program.branch(.bne, X.t0, X.s3, to: wait)
            program.branch(.bne, X.s3, X.s2, to: loop)
            program.end()
            try guest.load(program)
            try guest.load(other, cpu: 1)
            try guest.setPower(.runnable, cpu: 1)
            let runner = guest.start(1)
            try guest.done()
            try runner.stop()
        },
        ConformanceCase("interrupt file: two harts wake each other from wfi", needs: [.interruptFiles]) { bench throws(ConformanceFailure) in
            let guest = try guest(bench, cpus: 2)
            for hart in [0, 1] {
                var program = GuestProgram(at: hart == 0 ? Layout.code : Layout.otherCode)
                program.begin()
                openFile(in: &program)
                // Nothing else ends a wfi.
                program.csrw(.sie, value: Bits.sei)
                program.li(X.s0, Layout.data + UInt64(hart) * 8)
                program.li(X.s1, file(UInt64(1 - hart)))
                program.li(X.s2, 2000)
                program.li(X.s3, 0)
                program.li(X.s4, 1)
                if hart == 0 {
                    // Its own file is open before it asks for an answer, and the other's before it is asked.
                    program.li(X.s5, Layout.data + 16)
                    let closed = program.here()
                    program.ld(X.t0, X.s5)
                    program.branch(.beq, X.t0, X.zero, to: closed)
                    program.emit(.sw, rs1: X.s1, rs2: X.s4)
                } else {
                    program.sd(X.s4, X.s0, 8)
                }
                let sleep = program.here()
                program.emit(.wfi)
                program.emit(.csrrw, rd: X.t1, rs1: X.zero, imm: Int32(CSR.stopei.rawValue))
                program.branch(.beq, X.t1, X.zero, to: sleep)
                program.addi(X.s3, X.s3, 1)
                program.sd(X.s3, X.s0)
                program.emit(.sw, rs1: X.s1, rs2: X.s4)
                program.branch(.bne, X.s3, X.s2, to: sleep)
                program.end()
                try guest.load(program, cpu: hart)
            }
            try guest.setPower(.runnable, cpu: 1)
            let runner = guest.start(1)
            try guest.done()
            try runner.stop()
            try same(guest[Layout.data], 2000, "the times that hart 0 was woken")
        },
        ConformanceCase("interrupt file: moves with its machine", needs: [.interruptFiles]) { bench throws(ConformanceFailure) in
            let first = try guest(bench)
            try first.load(claiming())
            try first.report(1, "the program")
            first.kick()
            try first.expect(.interrupted)
            first.machine.sendMSI(address: file(0), data: 66)
            let dump = try first.dump()
            let selects: [UInt64] = [0x70, 0x72] + stride(from: UInt64(0x80), to: 0x88, by: 2) + stride(from: UInt64(0xC0), to: 0xC8, by: 2)
            var values: [UInt64] = []
            for select in selects { values.append(try getFile(first, 0, select)) }
            let next = try bench.guest(over: first.memory, extensions: .rv64gc.union([.ssaia]), imsic: imsic)
            try next.restore(dump)
            for (select, value) in zip(selects, values) { try setFile(next, 0, select, value) }
            try claims(next, 66)
            next.kick()
            try next.expect(.interrupted)
            next.machine.sendMSI(address: file(0), data: 3)
            try claims(next, 3)
        },
        ConformanceCase("interrupt doorbell: a signal interrupts", needs: [.interruptFiles, .interruptDoorbells]) { bench throws(ConformanceFailure) in
            let guest = try guest(bench)
            let signals = Signals(), others = Signals()
            func add(_ one: Signals, _ address: UInt64, _ data: UInt32) throws(ConformanceFailure) {
                try guest.must("addInterruptDoorbell") { machine throws(EngineError) in
                    try machine.addInterruptDoorbell(eventfd: one.descriptor, address: address, data: data)
                }
            }
            try add(signals, file(0), 33)
            try add(others, file(0), 34)
            try guest.refuses(.busy, "a descriptor's second doorbell") { machine throws(EngineError) in
                try machine.addInterruptDoorbell(eventfd: signals.descriptor, address: file(0), data: 35)
            }
            let third = Signals()
            try guest.refuses(.invalid, "an address without a file") { machine throws(EngineError) in
                try machine.addInterruptDoorbell(eventfd: third.descriptor, address: file(7), data: 35)
            }
            try guest.refuses(.missing, "a doorbell that there isn't") { machine throws(EngineError) in
                try machine.removeInterruptDoorbell(eventfd: third.descriptor)
            }
            try guest.load(claiming())
            try guest.report(1, "the program")
            for (one, identity) in [(signals, UInt64(33)), (others, 34), (signals, 33)] {
                let sender = bench.beside { () throws(ConformanceFailure) in
                    bench.sleep(milliseconds: 2)
                    one.send()
                }
                try claims(guest, identity)
                try sender.join()
            }
            guest.kick()
            try guest.expect(.interrupted)
            try guest.must("removeInterruptDoorbell") { machine throws(EngineError) in
                try machine.removeInterruptDoorbell(eventfd: signals.descriptor)
            }
            signals.send()
            others.send()
            try claims(guest, 34)
            // Taken back, the descriptor is the caller's once more.
            try same(signals.take(), 1, "signals left in the descriptor")
            try add(signals, file(0), 36)
            signals.send()
            try claims(guest, 36)
        },
    ]
}
