import ExecutionEngine
import Interpreter
import RISCV
import Testing

/// "What is read from them and written to another vCPU of the same model, in this order, makes that one go on as this
/// one would."
@Suite("Registers carried to another machine")
struct TransferTests {
    @Test("a guest that moves at any moment computes the same", arguments: [1, 4])
    func moves(_ harts: Int) throws {
        let settled = try Traveller(harts: harts)
        for _ in 0..<20_000 where !settled.isDone { settled.run() }
        try #require(settled.isDone)
        var traveller = try Traveller(harts: harts)
        var moves = 0
        while !traveller.isDone, moves < 20_000 {
            traveller.run()
            traveller = try Traveller(from: traveller)
            moves += 1
        }
        // How many there are depends on the machine.
        #expect(moves > 1)
        for hart in 0..<harts {
            let result = try traveller.result(hart)
            #expect(result.exit == .mmioWrite(address: Guest.trapPort, width: 8, value: 0))
            #expect(result == (try settled.result(hart)), "hart \(hart)")
        }
    }

    @Test("every register of the list keeps its value", arguments: [
        Extensions.rv64gc, .hypervisor, .aia, [.i, .zicsr], [.i, .m, .a, .f, .zicsr, .zaamo, .zalrsc],
    ] as [Extensions])
    func values(_ extensions: Extensions) throws {
        let from = try BareMachine(extensions: extensions, answersSBI: true)
        let to = try BareMachine(extensions: extensions, answersSBI: true)
        let cpu = from.cpus[0]
        var random = Random(7)
        for id in try cpu.registers() {
            switch id.group {
            // pc, registers and f registers hold anything.
            case .core where id != .mode: try cpu.setRegister(id, to: random.next() & ~1)
            case .float, .double: try cpu.setRegister(id, to: random.next())
            case .csr where id != .csr(8): try cpu.setRegister(id, to: random.next())
            case .timer where id == .timerCompare: try cpu.setRegister(id, to: 1 << 60)
            default: break
            }
        }
        let list = try cpu.registers()
        #expect(Set(list).count == list.count)
        var values: [RegisterID: UInt64] = [:]
        for id in list { values[id] = try cpu.register(id) }
        for id in list { try to.cpus[0].setRegister(id, to: values[id]!) }
        for id in list where id != .time { #expect(try to.cpus[0].register(id) == values[id], "\(hex(id.rawValue))") }
        #expect(try to.cpus[0].registers() == list)
        #expect(try to.cpus[0].register(.time) >= values[.time]!)
    }
}
