import ExecutionEngine
import GuestMemory
import Interpreter
import RISCV
import Testing

/// `setDebugging`, and the other things that `run` may come back with.
@Suite("Debugging")
struct DebuggingTests {
    @Test("ebreak ends the run where it stands, and nothing else happens", arguments: [Privilege.user, .supervisor], [false, true])
    func breakpoints(_ mode: Privilege, _ compressed: Bool) throws {
        let guest = try BoundaryGuest()
        var program = Program()
        program.emit(.addi, rd: 5, imm: 1)
        let at = BoundaryGuest.code + program.count
        if compressed {
            program.half(0x9002)
            program.half(0x0001)
        } else {
            program.emit(.ebreak)
        }
        program.emit(.sb, imm: 8)
        try guest.load(program)
        let cpu = guest.machine.cpus[0]
        try cpu.setRegister(.mode, to: mode == .user ? 0 : 1)
        try cpu.setRegister(.csr(2), to: BoundaryGuest.code + 0x1000)
        var vector = Program()
        vector.emit(.sw, imm: 16)
        try guest.memory.write(vector.bytes, at: BoundaryGuest.code + 0x1000)
        let csrs = try (0...10).filter { $0 != 7 }.map { try cpu.register(.csr($0)) }

        // What the last exit left open moves pc when it is completed.
        func complete() {
            cpu.kick()
            #expect(cpu.run(.none) == .interrupted)
        }
        try cpu.setDebugging(true)
        for _ in 0..<3 {
            #expect(cpu.run(.none) == .debug(pc: at))
            #expect(try cpu.register(.pc) == at && cpu.register(.core(5)) == 1)
            #expect(try cpu.register(.mode) == (mode == .user ? 0 : 1))
            #expect(try (0...10).filter { $0 != 7 }.map { try cpu.register(.csr($0)) } == csrs)
        }
        // Taken away by whoever planted it.
        try guest.memory.write([0x13, 0, 0, 0] as [UInt8], at: at)
        #expect(cpu.run(.none) == .mmioWrite(address: 8, width: 1, value: 0))
        complete()
        try guest.memory.write((compressed ? [0x02, 0x90, 0x01, 0x00] : [0x73, 0x00, 0x10, 0x00]) as [UInt8], at: at)
        try cpu.setRegister(.pc, to: BoundaryGuest.code)
        #expect(cpu.run(.none) == .debug(pc: at))
        // Moved on past it.
        try cpu.setRegister(.pc, to: at + (compressed ? 2 : 4))
        #expect(cpu.run(.none) == .mmioWrite(address: 8, width: 1, value: 0))
        complete()
        // Without debugging it is the guest's.
        try cpu.setRegister(.pc, to: at)
        try cpu.setDebugging(false)
        #expect(cpu.run(.none) == .mmioWrite(address: 16, width: 4, value: 0))
        #expect(try cpu.register(.csr(5)) == Exception.breakpoint.rawValue && cpu.register(.csr(4)) == at)
    }

    @Test("a breakpoint that goes with the debugger is gone")
    func detaching() throws {
        let guest = try BoundaryGuest()
        var program = Program()
        program.emit(.ebreak)
        program.emit(.sb, imm: 8)
        try guest.load(program)
        let cpu = guest.machine.cpus[0]
        try cpu.setDebugging(true)
        #expect(cpu.run(.none) == .debug(pc: BoundaryGuest.code))
        try guest.memory.write([0x13, 0, 0, 0] as [UInt8], at: BoundaryGuest.code)
        try cpu.setDebugging(false)
        #expect(cpu.run(.none) == .mmioWrite(address: 8, width: 1, value: 0))
    }

    @Test("firmware's ebreak as well")
    func firmware() throws {
        let guest = try BoundaryGuest(mode: .firmware)
        try guest.load(Program.end)
        let cpu = guest.machine.cpus[0]
        try cpu.setDebugging(true)
        #expect(cpu.run(.none) == .debug(pc: BoundaryGuest.code))
    }

    @Test("seed comes from user space, as the instruction asks for it")
    func seed() throws {
        let guest = try BoundaryGuest()
        var program = Program()
        let number = Int32(CSR.seed.rawValue)
        program.emit(.addi, rd: 6, imm: 0x55)
        program.emit(.csrrw, rd: 5, rs1: 0, imm: number)
        program.emit(.csrrw, rd: 0, rs1: 6, imm: number)
        program.emit(.csrrs, rd: 7, rs1: 6, imm: number)
        program.emit(.csrrci, rd: 8, rs1: 3, imm: number)
        // A mere read is illegal.
        program.emit(.csrrs, rd: 5, rs1: 0, imm: number)
        try guest.load(program)
        var vector = Program()
        vector.emit(.sb, imm: 8)
        try guest.memory.write(vector.bytes, at: BoundaryGuest.code + 0x1000)
        let cpu = guest.machine.cpus[0]
        try cpu.setRegister(.csr(2), to: BoundaryGuest.code + 0x1000)
        func exit(_ value: UInt64, _ mask: UInt64) -> Exit { .csr(CSRAccess(number: 0x015, newValue: value, writeMask: mask)) }
        #expect(cpu.run(.none) == exit(0, ~0))
        #expect(cpu.run(.csr(0x8000_1234)) == exit(0x55, ~0))
        #expect(try cpu.register(.core(5)) == 0x8000_1234)
        #expect(cpu.run(.csr(0x8000_5678)) == exit(~0, 0x55))
        #expect(cpu.run(.csr(0x8000_0007)) == exit(0, 3))
        // No answer is none.
        #expect(cpu.run(.none) == .mmioWrite(address: 8, width: 1, value: 0))
        #expect(try cpu.register(.core(7)) == 0x8000_0007 && cpu.register(.core(8)) == 0 && cpu.register(.core(5)) == 0x8000_1234)
        #expect(try cpu.register(.csr(4)) == BoundaryGuest.code + 20)
        #expect(try cpu.register(.csr(5)) == Exception.illegalInstruction.rawValue)
    }

    @Test("firmware has a seed of the engine's")
    func firmwareSeed() throws {
        let guest = try BoundaryGuest(mode: .firmware)
        var program = Program()
        program.emit(.csrrw, rd: 5, rs1: 0, imm: Int32(CSR.seed.rawValue))
        program.emit(.sb, imm: 8)
        try guest.load(program)
        let cpu = guest.machine.cpus[0]
        #expect(cpu.run(.none) == .mmioWrite(address: 8, width: 1, value: 0))
        #expect(try cpu.register(.core(5)) >> 30 != 0)
    }

    @Test("there is no ring of written pages")
    func ring() throws {
        let guest = try BoundaryGuest()
        #expect(throws: EngineError.self) { try guest.machine.cpus[0].takeDirtyPages() }
        let engine = InterpreterEngine()
        #expect(engine.capability(.dirtyRing) == 0)
        let setup = MachineSetup(memory: guest.memory, cpuCount: 1, extensions: .rv64gc, timebase: 10_000_000, dirtyRing: 4096)
        #expect(throws: EngineError.self) { try engine.makeMachine(setup) }
        for one in Capability.allCases where one != .dirtyRing { #expect(engine.capability(one) > 0, "\(one)") }
    }
}
