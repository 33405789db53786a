import CHost
import ExecutionEngine
import RISCV

/// A descriptor that counts its signals.
final class Signals: Sendable {
    let descriptor: Int32
    init() { descriptor = host_eventfd() }
    deinit { host_close(descriptor) }

    /// How many there were since the last call.
    func take() -> UInt64 {
        guard host_poll_read(descriptor, -1, 0) & 1 != 0 else { return 0 }
        var count: UInt64 = 0
        return host_read(descriptor, &count, 8) == 8 ? count : 0
    }

    func send() { host_eventfd_signal(descriptor) }
}

extension ConformanceCase {
    private static func add(_ guest: Guest, _ address: UInt64, _ width: Int, _ value: UInt64?, _ signals: Signals) throws(ConformanceFailure) {
        try guest.must("addDoorbell") { machine throws(EngineError) in
            try machine.addDoorbell(address: address, width: width, value: value, eventfd: signals.descriptor)
        }
    }

    private static func remove(_ guest: Guest, _ address: UInt64, _ width: Int, _ value: UInt64?, _ signals: Signals) throws(ConformanceFailure) {
        try guest.must("removeDoorbell") { machine throws(EngineError) in
            try machine.removeDoorbell(address: address, width: width, value: value, eventfd: signals.descriptor)
        }
    }

    static let doorbells = [
        ConformanceCase("doorbell: a store of its width signals and is no exit", needs: [.doorbells]) { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            var program = GuestProgram()
            program.begin()
            program.li(X.t0, Layout.device)
            program.li(X.t1, 0x1234_5678_9ABC_DEF0)
            for access in Access.stores { program.emit(access.instruction, rs1: X.t0, rs2: X.t1, imm: Int32(8 * access.width)) }
            program.report(value: 1)
            // Another width, another address, and a load.
            program.emit(.sh, rs1: X.t0, rs2: X.t1, imm: 32)
            program.emit(.sw, rs1: X.t0, rs2: X.t1, imm: 36)
            program.emit(.lw, rd: X.t2, rs1: X.t0, imm: 32)
            program.report(value: 2)
            program.emit(.sw, rs1: X.t0, rs2: X.t1, imm: 32)
            program.emit(.sw, rs1: X.t0, rs2: X.zero, imm: 32)
            program.end()
            let signals = Access.stores.map { _ in Signals() }
            for (i, access) in Access.stores.enumerated() { try add(guest, Layout.device + UInt64(8 * access.width), access.width, nil, signals[i]) }
            try guest.load(program)
            try guest.report(1, "the program after stores to doorbells")
            for (i, one) in signals.enumerated() { try same(one.take(), 1, "signals of the doorbell of \(1 << i) bytes") }
            try guest.expect(.mmioWrite(address: Layout.device + 32, width: 2, value: 0xDEF0))
            try guest.expect(.mmioWrite(address: Layout.device + 36, width: 4, value: 0x9ABC_DEF0))
            try guest.expect(.mmioRead(address: Layout.device + 32, width: 4))
            try guest.report(2, "the program")
            for (i, one) in signals.enumerated() { try same(one.take(), 0, "signals of the doorbell of \(1 << i) bytes") }
            try guest.done()
            try same(signals[2].take(), 2, "signals of the doorbell of 4 bytes")
        },
        ConformanceCase("doorbell: one value each", needs: [.doorbells]) { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            var program = GuestProgram()
            program.begin()
            program.li(X.t0, Layout.device)
            for value in [UInt64(1), 2, 3, 1, 0x1_0000_0002] {
                program.li(X.t1, value)
                program.emit(.sw, rs1: X.t0, rs2: X.t1)
            }
            program.end()
            try guest.load(program)
            let one = Signals(), two = Signals()
            try add(guest, Layout.device, 4, 1, one)
            try add(guest, Layout.device, 4, 2, two)
            try guest.expect(.mmioWrite(address: Layout.device, width: 4, value: 3))
            try same(one.take(), 1, "signals for the value 1")
            try same(two.take(), 1, "signals for the value 2")
            try guest.done()
            try same(one.take(), 1, "signals for the value 1")
            try same(two.take(), 1, "signals for the value 2 with bits above the width")
        },
        ConformanceCase("doorbell: removed, the store is an exit again", needs: [.doorbells]) { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            var program = GuestProgram()
            program.begin()
            program.li(X.t0, Layout.device)
            for _ in 0..<3 {
                program.emit(.sw, rs1: X.t0, rs2: X.t0)
                program.report(value: 1)
            }
            program.end()
            try guest.load(program)
            let signals = Signals()
            try add(guest, Layout.device, 4, nil, signals)
            try guest.report(1, "the program")
            try remove(guest, Layout.device, 4, nil, signals)
            try guest.expect(.mmioWrite(address: Layout.device, width: 4, value: Layout.device))
            try guest.report(1, "the program")
            try add(guest, Layout.device, 4, nil, signals)
            try guest.report(1, "the program")
            try guest.done()
            try same(signals.take(), 2, "signals")
        },
        ConformanceCase("doorbell: twice is busy, and what isn't there is missing", needs: [.doorbells]) { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            let signals = Signals(), others = Signals()
            try add(guest, Layout.device, 4, nil, signals)
            try add(guest, Layout.device + 8, 4, 5, signals)
            try guest.refuses(.busy, "the same doorbell again") { machine throws(EngineError) in
                try machine.addDoorbell(address: Layout.device, width: 4, value: nil, eventfd: signals.descriptor)
            }
            try guest.refuses(.busy, "another descriptor's doorbell at the same place") { machine throws(EngineError) in
                try machine.addDoorbell(address: Layout.device + 8, width: 4, value: 5, eventfd: others.descriptor)
            }
            try add(guest, Layout.device, 2, nil, others)
            try add(guest, Layout.device + 8, 4, 6, others)
            try guest.refuses(.missing, "a doorbell of another value") { machine throws(EngineError) in
                try machine.removeDoorbell(address: Layout.device + 8, width: 4, value: 7, eventfd: signals.descriptor)
            }
            try guest.refuses(.missing, "a doorbell of another descriptor") { machine throws(EngineError) in
                try machine.removeDoorbell(address: Layout.device + 8, width: 4, value: 5, eventfd: others.descriptor)
            }
            try remove(guest, Layout.device + 8, 4, 5, signals)
            try guest.refuses(.missing, "a doorbell that was removed") { machine throws(EngineError) in
                try machine.removeDoorbell(address: Layout.device + 8, width: 4, value: 5, eventfd: signals.descriptor)
            }
        },
        ConformanceCase("doorbell: rung by two vCPUs at once", needs: [.doorbells]) { bench throws(ConformanceFailure) in
            let guest = try bench.guest(cpus: 2)
            let signals = Signals()
            try add(guest, Layout.device, 4, nil, signals)
            for hart in 0..<2 {
                var program = GuestProgram(at: Layout.code + 0x1_0000 * UInt64(hart))
                program.begin()
                program.li(X.t0, Layout.device)
                program.li(X.t1, 500)
                let loop = program.here()
                program.emit(.sw, rs1: X.t0, rs2: X.t1)
                program.addi(X.t1, X.t1, -1)
                program.branch(.bne, X.t1, X.zero, to: loop)
                program.end()
                try guest.load(program, cpu: hart)
                try guest.setPower(.runnable, cpu: hart)
            }
            let runner = guest.start(1)
            try guest.done()
            let last = try runner.join()
            try require(last == .mmioWrite(address: Layout.done, width: 8, value: 0), text(last) + " on vCPU 1")
            try same(signals.take(), 1000, "signals")
        },
    ]
}
