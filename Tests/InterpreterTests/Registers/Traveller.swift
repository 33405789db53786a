import ExecutionEngine
import GuestMemory
import Interpreter
import RISCV
import Testing

/// A guest that can be stopped anywhere and go on in another machine, with nothing carried over but memory, ONE_REG and
/// power states. On each hart it computes in S-mode with paging on and in U-mode, with integers, doubles and atomics,
/// while timer interrupts and IPIs come in; what it computes doesn't depend on when those come.
final class Traveller: @unchecked Sendable {
    let machine: BareMachine
    private let count: Int
    private var done: [Exit?]
    static let extensions = Extensions.rv64gc
    private static let ramSize: UInt64 = 4 << 20

    init(harts count: Int) throws {
        self.count = count
        done = [Exit?](repeating: nil, count: count)
        machine = try BareMachine(harts: count, extensions: Self.extensions, ram: Self.ramSize, answersSBI: true)
        try machine.memory.write(TravellerCode.main.bytes, at: Guest.code)
        try machine.memory.write(TravellerCode.handler.bytes, at: TravellerCode.handlerAddress)
        try machine.memory.write(TravellerCode.user.bytes, at: TravellerCode.userAddress)
        // 1 GiB each: the way out at 0, memory for U at 1 GiB, and as it is.
        let leaf = PTE.V | PTE.R | PTE.W | PTE.A | PTE.D
        try machine.memory.write(leaf, at: Guest.tables)
        try machine.memory.write(leaf | PTE.X | PTE.U | BareMachine.base >> 2, at: Guest.tables + 8)
        try machine.memory.write(leaf | PTE.X | BareMachine.base >> 2, at: Guest.tables + 16)
        let first = machine.cpus[0]
        try first.setRegister(.pc, to: Guest.code)
        try first.setRegister(.a0, to: 0)
        try first.setRegister(.a1, to: UInt64(count))
    }

    /// What another has become, in a machine of its own.
    init(from other: Traveller) throws {
        count = other.count
        done = other.done
        machine = try BareMachine(harts: count, extensions: Self.extensions, ram: Self.ramSize, answersSBI: true)
        try machine.memory.write(other.machine.memory.bytes(BareMachine.base, count: Int(Self.ramSize)), at: BareMachine.base)
        for (old, new) in zip(other.machine.cpus, machine.cpus) {
            let state = try old.powerState()
            for id in try old.registers() { try new.setBytes(of: id, to: old.bytes(of: id)) }
            try new.setPowerState(state)
        }
    }

    var isDone: Bool { !done.contains { $0 == nil } }

    /// Runs all harts for a millisecond or so, then stops them.
    func run() {
        let watches = machine.harts.map { Watchdog.shared.watch($0) }
        defer { for watch in watches { Watchdog.shared.release(watch) } }
        inParallel(count) { [self] i in
            guard done[i] == nil else { return }
            let exit = machine.cpus[i].run(.none)
            if exit != .interrupted { store(exit, i) }
        }
    }

    private func store(_ exit: Exit, _ i: Int) { done.withUnsafeMutableBufferPointer { $0[i] = exit } }

    /// What a hart has computed, and how it ended.
    struct Result: Equatable {
        var exit: Exit?
        var words: [UInt64]
        var memory: [UInt8]
    }

    func result(_ hart: Int) throws -> Result {
        let h = machine.harts[hart]
        var words = [h.x(25)]
        for r in 0..<32 { words.append(h.f(r)) }
        words.append(h[.fcsr])
        words.append(h[.scounteren])
        words.append(h[.senvcfg])
        // From 64 on: before that are the counts of interrupts, and what the handler saves.
        return Result(exit: done[hart], words: words, memory: try machine.memory.bytes(Guest.data + UInt64(hart) << 12 + 64, count: 4032))
    }
}
