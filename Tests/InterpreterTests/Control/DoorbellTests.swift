import CHost
import ExecutionEngine
import RISCV
import Testing

@Suite("doorbells")
struct DoorbellTests {
    static let address: UInt64 = 0x1000_1050

    /// An eventfd and how often it was signalled since the last look.
    final class Bell {
        let fd = host_eventfd()
        deinit { host_close(fd) }
        var count: UInt64 {
            var value: UInt64 = 0
            return host_read(fd, &value, 8) == 8 ? value : 0
        }
    }

    /// Runs a store of x6 and reports the exit it made, if it made one; the program's end is a breakpoint.
    private func store(_ guest: Guest, _ instruction: Instruction, at address: UInt64, _ value: UInt64) -> Exit? {
        var program = Program()
        program.li(5, address)
        program.li(6, value)
        program.emit(instruction, rs1: 5, rs2: 6)
        program.emit(.addi, rd: 7, rs1: 0, imm: 77)
        program.emit(.ebreak)
        guest.load(program)
        guest.hart.setX(7, 0)
        var outcome = guest.run()
        var exit: Exit?
        if case .exit(let e) = outcome {
            exit = e
            outcome = guest.resume()
        }
        #expect(outcome.isBreakpoint)
        #expect(guest.hart.x(7) == 77, "the hart goes on behind the store")
        return exit
    }

    @Test("a store that matches rings and makes no exit; any other one is an exit")
    func matching() throws {
        let guest = try Guest()
        let first = Bell(), second = Bell(), any = Bell()
        let machine = guest.machine.boundary
        try machine.addDoorbell(address: Self.address, width: 4, value: 0, eventfd: first.fd)
        try machine.addDoorbell(address: Self.address, width: 4, value: 1, eventfd: second.fd)
        try machine.addDoorbell(address: Self.address + 0x1000, width: 2, value: nil, eventfd: any.fd)

        #expect(store(guest, .sw, at: Self.address, 0) == nil)
        #expect(first.count == 1)
        #expect(second.count == 0)
        #expect(store(guest, .sw, at: Self.address, 1) == nil)
        #expect(second.count == 1)
        // The width's bits count, and no others.
        #expect(store(guest, .sw, at: Self.address, 0xFFFF_FFFF_0000_0001) == nil)
        #expect(second.count == 1)
        #expect(store(guest, .sw, at: Self.address, 2) == .mmioWrite(address: Self.address, width: 4, value: 2))
        #expect(store(guest, .sh, at: Self.address, 1) == .mmioWrite(address: Self.address, width: 2, value: 1))
        #expect(store(guest, .sd, at: Self.address & ~7, 1) == .mmioWrite(address: Self.address & ~7, width: 8, value: 1))
        #expect(store(guest, .sw, at: Self.address + 4, 1) == .mmioWrite(address: Self.address + 4, width: 4, value: 1))
        #expect(store(guest, .sh, at: Self.address + 0x1000, 0x1234) == nil)
        #expect(any.count == 1)
        #expect(first.count == 0)

        try machine.removeDoorbell(address: Self.address, width: 4, value: 1, eventfd: second.fd)
        #expect(store(guest, .sw, at: Self.address, 1) == .mmioWrite(address: Self.address, width: 4, value: 1))
        #expect(store(guest, .sw, at: Self.address, 0) == nil)
        #expect(first.count == 1)
    }

    @Test("the stores of a loop are each heard, and retire")
    func loop() throws {
        let guest = try Guest()
        let bell = Bell()
        try guest.machine.boundary.addDoorbell(address: Self.address, width: 4, value: 3, eventfd: bell.fd)
        var program = Program()
        program.li(5, Self.address)
        program.li(6, 3)
        program.li(7, 100)
        let start = program.bytes.count
        program.emit(.sw, rs1: 5, rs2: 6)
        program.emit(.addi, rd: 7, rs1: 7, imm: -1)
        program.loop(.bne, rs1: 7, rs2: 0, to: start)
        program.emit(.ebreak)
        guest.load(program)
        let before = guest.hart.retired
        #expect(guest.run().isBreakpoint)
        #expect(bell.count == 100)
        #expect(guest.hart.retired - before >= 300)
    }

    @Test("doorbells that make no sense, or are there already, are refused")
    func refusals() throws {
        let guest = try Guest()
        let machine = guest.machine.boundary
        let bell = Bell()
        try machine.addDoorbell(address: Self.address, width: 4, value: 0, eventfd: bell.fd)
        #expect(throws: EngineError.busy("there is such a doorbell already")) {
            try machine.addDoorbell(address: Self.address, width: 4, value: 0, eventfd: bell.fd)
        }
        #expect(throws: EngineError.busy("there is such a doorbell already")) {
            try machine.addDoorbell(address: Self.address, width: 4, value: nil, eventfd: bell.fd)
        }
        #expect(throws: EngineError.self) { try machine.addDoorbell(address: Self.address + 2, width: 4, value: nil, eventfd: bell.fd) }
        #expect(throws: EngineError.self) { try machine.addDoorbell(address: Self.address, width: 3, value: nil, eventfd: bell.fd) }
        #expect(throws: EngineError.self) { try machine.addDoorbell(address: Self.address, width: 1, value: 256, eventfd: bell.fd) }
        #expect(throws: EngineError.self) { try machine.addDoorbell(address: Guest.data, width: 4, value: nil, eventfd: bell.fd) }
        #expect(throws: EngineError.missing("there is no such doorbell")) {
            try machine.removeDoorbell(address: Self.address, width: 4, value: 1, eventfd: bell.fd)
        }
    }
}
