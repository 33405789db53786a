import CHost
import ExecutionEngine
import GuestMemory
import Interpreter
import RISCV
import Synchronization

/// A machine made as a monitor makes it, with several memory slots: the first holds code, the others what is tried.
final class BoundaryGuest: @unchecked Sendable {
    static let code: UInt64 = 0x8000_0000
    /// A word of the first slot that programs report to.
    static let report = code + 0x8_0000
    static let slot: UInt64 = 0x9000_0000
    static let slotSize: UInt64 = 1 << 20

    let memory = GuestMemory()
    let machine: any VirtualMachine

    init(
        harts: Int = 1, slots: Int = 1, extensions: Extensions = .withoutHypervisor, mode: StartMode = .supervisor,
        imsic: IMSICSetup? = nil
    ) throws {
        try memory.addRAM(base: Self.code, size: 1 << 20)
        for i in 0..<UInt64(slots) { try memory.addRAM(base: Self.slot + i << 28, size: Self.slotSize) }
        machine = try InterpreterEngine().makeMachine(
            MachineSetup(memory: memory, cpuCount: harts, extensions: extensions, timebase: 10_000_000, mode: mode, imsic: imsic))
    }

    /// Puts a program into the first slot and has every hart begin there, with its number in a0.
    func load(_ program: Program) throws {
        try memory.write(program.bytes, at: Self.code)
        for cpu in machine.cpus {
            try cpu.setRegister(.pc, to: Self.code)
            try cpu.setRegister(.a0, to: UInt64(cpu.id))
            try cpu.setPowerState(.runnable)
        }
    }

    subscript(_ address: UInt64) -> UInt64 {
        get { host_load_relaxed_64(memory.pointer(address, count: 8)!) }
        set { host_atomic_store_64(memory.pointer(address, count: 8)!, newValue) }
    }

    /// Runs all harts on threads of their own while `body` does something on another, and stops them afterwards.
    /// `answer` answers exits other than kicks.
    func whileRunning(answer: @escaping @Sendable (Exit) -> ExitAnswer = { _ in .none }, _ body: @escaping @Sendable () -> Void) {
        let job = Job(cpus: machine.cpus, answer: answer, body: body)
        inParallel(machine.cpus.count + 1) { job.run($0) }
    }

    private final class Job: @unchecked Sendable {
        let cpus: [any VirtualCPU]
        let answer: @Sendable (Exit) -> ExitAnswer
        let body: @Sendable () -> Void
        let stops = Atomic<Bool>(false)

        init(cpus: [any VirtualCPU], answer: @escaping @Sendable (Exit) -> ExitAnswer, body: @escaping @Sendable () -> Void) {
            self.cpus = cpus
            self.answer = answer
            self.body = body
        }

        func run(_ i: Int) {
            if i == cpus.count {
                body()
                stops.store(true, ordering: .sequentiallyConsistent)
                for cpu in cpus { cpu.kick() }
                return
            }
            var next = ExitAnswer.none
            while !stops.load(ordering: .sequentiallyConsistent) {
                let exit = cpus[i].run(next)
                next = exit == .interrupted ? .none : answer(exit)
            }
        }
    }
}

/// Waits for something that a running guest does; false after ten seconds without it.
func comesTrue(_ condition: () -> Bool) -> Bool {
    let end = host_clock_monotonic_ns() + 10_000_000_000
    while !condition() {
        if host_clock_monotonic_ns() > end { return false }
        host_sleep_ns(50_000)
    }
    return true
}
