import CHost
import ExecutionEngine
import Interpreter
import RISCV
import Testing

/// `addInterruptDoorbell`, and interrupt files as user space reads and writes them.
@Suite("Interrupt doorbells and files")
struct InterruptDoorbellTests {
    private static let base: UInt64 = 0x2800_0000
    private static let imsic = IMSICSetup(supervisorBase: base, supervisorStride: 4096, machineBase: nil, guestFiles: 0, identities: 127)
    private static let extensions = Extensions.withoutHypervisor.union([.ssaia])

    private func guest(harts: Int = 2) throws -> BoundaryGuest {
        try BoundaryGuest(harts: harts, extensions: Self.extensions, imsic: Self.imsic)
    }

    @Test("each signal makes its identity pending, until the doorbell is removed")
    func delivers() throws {
        let guest = try guest()
        let machine = guest.machine
        let doorbells = (0..<4).map { _ in host_eventfd() }
        defer { for fd in doorbells { host_close(fd) } }
        func pending(_ hart: Int, _ identity: UInt64) -> Bool {
            let word = (try? machine.interruptFile(hart: hart, 0x80 + identity / 64 * 2)) ?? 0
            return word >> (identity % 64) & 1 != 0
        }
        // One that was signalled before.
        host_eventfd_signal(doorbells[3])
        for (i, fd) in doorbells.enumerated() {
            try machine.addInterruptDoorbell(eventfd: fd, address: Self.base + UInt64(i % 2) << 12, data: UInt32(40 + 20 * i))
        }
        #expect(comesTrue { pending(1, 100) })
        for i in 0..<3 {
            #expect(!pending(i % 2, UInt64(40 + 20 * i)))
            host_eventfd_signal(doorbells[i])
            #expect(comesTrue { pending(i % 2, UInt64(40 + 20 * i)) })
        }
        try machine.removeInterruptDoorbell(eventfd: doorbells[0])
        try machine.setInterruptFile(hart: 0, 0x80, to: 0)
        try machine.setInterruptFile(hart: 0, 0x82, to: 0)
        host_eventfd_signal(doorbells[0])
        host_eventfd_signal(doorbells[2])
        #expect(comesTrue { pending(0, 80) })
        #expect(!pending(0, 40))
        // The signal is still there.
        #expect(host_poll_read(doorbells[0], -1, 0) == 1)
        try machine.addInterruptDoorbell(eventfd: doorbells[0], address: Self.base, data: 41)
        #expect(comesTrue { pending(0, 41) })
    }

    @Test("wakes a hart that waits")
    func wakes() throws {
        let guest = try guest(harts: 1)
        var program = Program()
        program.li(5, BoundaryGuest.report)
        program.emit(.wfi)
        program.csrr(6, .stopei)
        program.emit(.sb, rs1: 0, rs2: 6, imm: 8)
        try guest.load(program)
        let cpu = guest.machine.cpus[0]
        try cpu.setRegister(.csr(1), to: 1 << 9)
        try guest.machine.setInterruptFile(hart: 0, 0x70, to: 1)
        try guest.machine.setInterruptFile(hart: 0, 0xC0, to: 1 << 33)
        let fd = host_eventfd()
        defer { host_close(fd) }
        try guest.machine.addInterruptDoorbell(eventfd: fd, address: Self.base, data: 33)
        inParallel(2) { i in
            if i == 1 {
                host_sleep_ns(5_000_000)
                host_eventfd_signal(fd)
            } else if guest.machine.cpus[0].run(.none) != .mmioWrite(address: 8, width: 1, value: 33) {
                Issue.record("no interrupt")
            }
        }
    }

    @Test("what is refused")
    func refused() throws {
        let machine = try guest().machine
        let fd = host_eventfd()
        defer { host_close(fd) }
        func refusal(_ body: () throws(EngineError) -> Void) -> String {
            do throws(EngineError) {
                try body()
                return "none"
            } catch {
                switch error {
                case .unsupported, .extensions: return "unsupported"
                case .invalid: return "invalid"
                case .missing: return "missing"
                case .busy: return "busy"
                case .host: return "host"
                }
            }
        }
        func add(_ address: UInt64) -> String {
            refusal { () throws(EngineError) in try machine.addInterruptDoorbell(eventfd: fd, address: address, data: 5) }
        }
        #expect(refusal { () throws(EngineError) in try machine.removeInterruptDoorbell(eventfd: fd) } == "missing")
        for address in [0, Self.base + 2, Self.base + 0x2000, Self.base - 4, ~3] as [UInt64] { #expect(add(address) == "invalid", "\(hex(address))") }
        #expect(add(Self.base) == "none" && add(Self.base + 0x1000) == "busy")
        for (hart, select) in [(2, 0x70), (-1, 0x70), (0, 0x71), (0, 0x73), (0, 0x6F), (0, 0x81), (0, 0x84), (0, 0xBE), (0, 0xC1), (0, 0xC4), (0, 0x100)] as [(Int, UInt64)] {
            #expect(refusal { () throws(EngineError) in _ = try machine.interruptFile(hart: hart, select) } == "missing", "\(hart) \(hex(select))")
            #expect(refusal { () throws(EngineError) in try machine.setInterruptFile(hart: hart, select, to: 1) } == "missing")
        }
        let none = try BoundaryGuest().machine
        #expect(refusal { () throws(EngineError) in try none.addInterruptDoorbell(eventfd: fd, address: Self.base, data: 5) } == "unsupported")
        #expect(refusal { () throws(EngineError) in _ = try none.interruptFile(hart: 0, 0x70) } == "unsupported")
    }

    @Test("a file's registers keep what is written")
    func values() throws {
        let machine = try guest().machine
        for (select, value, kept) in [
            (0x70, 1, 1), (0x72, 100, 100), (0x80, ~0, ~1), (0x82, 0x1234, 0x1234), (0xC0, ~0, ~1), (0xC2, ~0, ~0),
        ] as [(UInt64, UInt64, UInt64)] {
            try machine.setInterruptFile(hart: 1, select, to: value)
            #expect(try machine.interruptFile(hart: 1, select) == kept && machine.interruptFile(hart: 0, select) == 0)
        }
    }
}
