import ExecutionEngine
import GuestMemory

/// A machine with the memory under it. Its vCPUs are used by one thread at a time each, as the boundary asks.
final class Guest: @unchecked Sendable {
    let bench: Bench
    let memory: GuestMemory
    let machine: any VirtualMachine

    init(_ bench: Bench, _ memory: GuestMemory, _ machine: any VirtualMachine) {
        self.bench = bench
        self.memory = memory
        self.machine = machine
    }

    func cpu(_ number: Int) -> any VirtualCPU { machine.cpus[number] }
    func kick(_ number: Int = 0) { cpu(number).kick() }
    func kickAll() { for cpu in machine.cpus { cpu.kick() } }

    // MARK: Memory

    /// Puts a program to where it was made for, and a vCPU on its first instruction.
    func load(_ program: GuestProgram, cpu number: Int = 0) throws(ConformanceFailure) {
        try place(program)
        try set(.pc, program.origin, cpu: number)
    }

    func place(_ program: GuestProgram) throws(ConformanceFailure) {
        do throws(GuestMemoryError) {
            try memory.write(program.assembled(), at: program.origin)
        } catch {
            throw ConformanceFailure("the program doesn't fit")
        }
    }

    /// The 64-bit word of guest memory at `address`; 0 where there is none.
    subscript(_ address: UInt64) -> UInt64 {
        get { (try? memory.read(address, as: UInt64.self)) ?? 0 }
        set {
            guard let p = memory.pointer(address, count: 8) else { return }
            p.storeBytes(of: newValue.littleEndian, as: UInt64.self)
        }
    }

    // MARK: Running

    /// Runs until the next exit. Fails when the case's time is over.
    func run(_ answer: ExitAnswer = .none, cpu number: Int = 0) throws(ConformanceFailure) -> Exit {
        try bench.check()
        let exit = cpu(number).run(answer)
        if bench.isLate { throw ConformanceFailure("no end of a run but by a kick; the last exit: " + text(exit) + where_(number)) }
        return exit
    }

    private func where_(_ number: Int) -> String {
        guard let pc = try? cpu(number).register(.pc) else { return "" }
        return ", pc " + hex(pc)
    }

    /// Runs, and the next exit shall be `wanted`.
    func expect(_ wanted: Exit, after answer: ExitAnswer = .none, cpu number: Int = 0, _ what: @autoclosure () -> String = "") throws(ConformanceFailure) {
        let exit = try run(answer, cpu: number)
        guard exit == wanted else {
            let context = what()
            throw ConformanceFailure((context.isEmpty ? "" : context + ": ") + text(exit) + " instead of " + text(wanted) + explain(exit, number))
        }
    }

    /// What led to a trap that nobody expected.
    private func explain(_ exit: Exit, _ number: Int) -> String {
        guard case .mmioWrite(Layout.trap, 8, let cause) = exit else { return where_(number) }
        guard case .mmioWrite(_, _, let epc) = cpu(number).run(.none), case .mmioWrite(_, _, let value) = cpu(number).run(.none)
        else { return "" }
        return "; a trap with scause " + hex(cause) + ", sepc " + hex(epc) + ", stval " + hex(value)
    }

    /// Runs until the program reports a word.
    func report(after answer: ExitAnswer = .none, cpu number: Int = 0, _ what: @autoclosure () -> String = "") throws(ConformanceFailure) -> UInt64 {
        let exit = try run(answer, cpu: number)
        if case .mmioWrite(Layout.report, 8, let value) = exit { return value }
        let context = what()
        throw ConformanceFailure((context.isEmpty ? "" : context + ": ") + text(exit) + " instead of a report" + explain(exit, number))
    }

    /// Runs until the program reports `wanted`.
    func report(_ wanted: UInt64, after answer: ExitAnswer = .none, cpu number: Int = 0, _ what: @autoclosure () -> String) throws(ConformanceFailure) {
        try same(try report(after: answer, cpu: number, what()), wanted, what())
    }

    /// Runs until the program's end.
    func done(after answer: ExitAnswer = .none, cpu number: Int = 0) throws(ConformanceFailure) {
        try expect(.mmioWrite(address: Layout.done, width: 8, value: 0), after: answer, cpu: number, "at the program's end")
    }

    /// Runs into a trap that the program leaves to its last handler.
    func trap(
        _ cause: UInt64, value: UInt64? = nil, pc: UInt64? = nil, after answer: ExitAnswer = .none, cpu number: Int = 0
    ) throws(ConformanceFailure) {
        let exit = try run(answer, cpu: number)
        guard case .mmioWrite(Layout.trap, 8, let found) = exit else {
            throw ConformanceFailure(text(exit) + " instead of a trap with scause " + hex(cause))
        }
        let words = try (word(number), word(number))
        try require(found == cause, "a trap with scause " + hex(found) + ", sepc " + hex(words.0) + ", stval " + hex(words.1)
            + " instead of one with scause " + hex(cause))
        if let pc { try same(words.0, pc, "sepc") }
        if let value { try same(words.1, value, "stval") }
    }

    private func word(_ number: Int) throws(ConformanceFailure) -> UInt64 {
        let exit = try run(cpu: number)
        guard case .mmioWrite(_, 8, let value) = exit else { throw ConformanceFailure(text(exit) + " in the trap handler") }
        return value
    }

    // MARK: Registers

    func get(_ id: RegisterID, cpu number: Int = 0) throws(ConformanceFailure) -> UInt64 {
        do throws(EngineError) {
            return try cpu(number).register(id)
        } catch {
            throw ConformanceFailure("reading " + text(id) + ": " + text(error))
        }
    }

    func set(_ id: RegisterID, _ value: UInt64, cpu number: Int = 0) throws(ConformanceFailure) {
        do throws(EngineError) {
            try cpu(number).setRegister(id, to: value)
        } catch {
            throw ConformanceFailure("writing " + hex(value) + " to " + text(id) + ": " + text(error))
        }
    }

    /// Nil for a register that there isn't.
    func peek(_ id: RegisterID, cpu number: Int = 0) throws(ConformanceFailure) -> UInt64? {
        do throws(EngineError) {
            return try cpu(number).register(id)
        } catch {
            if error.refusal == .missing { return nil }
            throw ConformanceFailure("reading " + text(id) + ": " + text(error))
        }
    }

    /// How reading is refused; nil when it isn't.
    func readRefusal(_ id: RegisterID, cpu number: Int = 0) -> Refusal? {
        do throws(EngineError) {
            _ = try cpu(number).register(id)
            return nil
        } catch {
            return error.refusal
        }
    }

    /// How writing is refused; nil when it isn't.
    func writeRefusal(_ id: RegisterID, _ value: UInt64, cpu number: Int = 0) -> Refusal? {
        do throws(EngineError) {
            try cpu(number).setRegister(id, to: value)
            return nil
        } catch {
            return error.refusal
        }
    }

    func registers(cpu number: Int = 0) throws(ConformanceFailure) -> [RegisterID] {
        do throws(EngineError) {
            return try cpu(number).registers()
        } catch {
            throw ConformanceFailure("the list of registers: " + text(error))
        }
    }

    func power(cpu number: Int = 0) throws(ConformanceFailure) -> PowerState {
        do throws(EngineError) {
            return try cpu(number).powerState()
        } catch {
            throw ConformanceFailure("the power state: " + text(error))
        }
    }

    func setPower(_ state: PowerState, cpu number: Int = 0) throws(ConformanceFailure) {
        do throws(EngineError) {
            try cpu(number).setPowerState(state)
        } catch {
            throw ConformanceFailure("setting the power state: " + text(error))
        }
    }

    /// Does what the engine may refuse, which fails the case.
    func must(_ what: String, _ body: (any VirtualMachine) throws(EngineError) -> Void) throws(ConformanceFailure) {
        do throws(EngineError) {
            try body(machine)
        } catch {
            throw ConformanceFailure(what + ": " + text(error))
        }
    }

    /// Does what the engine shall refuse in one way.
    func refuses(_ wanted: Refusal, _ what: String, _ body: (any VirtualMachine) throws(EngineError) -> Void) throws(ConformanceFailure) {
        var found: Refusal?
        do throws(EngineError) {
            try body(machine)
        } catch {
            found = error.refusal
        }
        try require(found == wanted, what + ": " + named(found) + " instead of " + named(wanted))
    }
}
