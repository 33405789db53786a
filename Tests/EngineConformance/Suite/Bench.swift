import CHost
import ExecutionEngine
import GuestMemory
import RISCV
import Synchronization

/// Where a case gets its machines, and what ends them when it hangs.
package final class Bench: @unchecked Sendable {
    let engine: any Engine
    private let late = Atomic<Bool>(false)
    private let lock = host_mutex_create()
    private var guests: [Guest] = []
    private var workers: [Worker] = []
    private var broken: Exit?

    package init(_ engine: any Engine) { self.engine = engine }

    deinit { host_mutex_destroy(lock) }

    /// Frequency of the guests' `time`, in Hz.
    var timebase: UInt64 { engine.dictates.timebase ?? 10_000_000 }
    /// Ticks of a guest's `time`.
    func ticks(milliseconds: UInt64) -> UInt64 { timebase * milliseconds / 1000 }

    /// The case's time is over.
    var isLate: Bool { late.load(ordering: .sequentiallyConsistent) }

    func check() throws(ConformanceFailure) {
        if isLate { throw ConformanceFailure("the time for this case is over") }
    }

    /// Says that the time is over, and brings all vCPUs out of their runs.
    func expire() {
        late.store(true, ordering: .sequentiallyConsistent)
        host_mutex_lock(lock)
        let all = guests
        host_mutex_unlock(lock)
        for guest in all { guest.kickAll() }
    }

    /// Ends what a case that failed may have left running, and lets go of the machines. False when a thread goes on.
    func end() -> Bool {
        host_mutex_lock(lock)
        let left = workers.filter { !$0.isDone }
        host_mutex_unlock(lock)
        for _ in 0..<1000 where left.contains(where: { !$0.isDone }) {
            expire()
            host_sleep_ns(10_000_000)
        }
        host_mutex_lock(lock)
        guests = []
        workers = []
        host_mutex_unlock(lock)
        return !left.contains { !$0.isDone }
    }

    func watch(_ worker: Worker) {
        host_mutex_lock(lock)
        workers.append(worker)
        host_mutex_unlock(lock)
    }

    /// Lets go of a machine that isn't used any more.
    func forget(_ guest: Guest) {
        host_mutex_lock(lock)
        guests.removeAll { $0 === guest }
        host_mutex_unlock(lock)
    }

    /// Runs something beside the case, which `end` waits for.
    func beside(_ body: @escaping Worker.Body) -> Worker {
        let worker = Worker(body)
        watch(worker)
        return worker
    }

    func watch(_ guest: Guest) {
        host_mutex_lock(lock)
        guests.append(guest)
        host_mutex_unlock(lock)
    }

    /// Says that a vCPU can't go on.
    func note(broken exit: Exit) {
        host_mutex_lock(lock)
        broken = broken ?? exit
        host_mutex_unlock(lock)
    }

    private var brokenExit: Exit? {
        host_mutex_lock(lock)
        defer { host_mutex_unlock(lock) }
        return broken
    }

    /// Waits until `condition` holds, as long as the vCPUs that run beside this go on.
    func wait(for what: String, _ condition: () -> Bool) throws(ConformanceFailure) {
        while !condition() {
            if let exit = brokenExit { throw ConformanceFailure(text(exit) + " instead of " + what) }
            if isLate { throw ConformanceFailure("never came: " + what) }
            host_sleep_ns(200_000)
        }
    }

    func sleep(milliseconds: UInt64) { host_sleep_ns(milliseconds * 1_000_000) }

    /// A machine over new memory with the usual slot of RAM.
    func guest(cpus: Int = 1, extensions: Extensions = .rv64gc, imsic: IMSICSetup? = nil) throws(ConformanceFailure) -> Guest {
        try guest(over: memory(), cpus: cpus, extensions: extensions, imsic: imsic)
    }

    /// A machine over memory of the case's own.
    func guest(
        over memory: GuestMemory, cpus: Int = 1, extensions: Extensions = .rv64gc, imsic: IMSICSetup? = nil, dirtyRing: Int? = nil
    ) throws(ConformanceFailure) -> Guest {
        try check()
        func make(_ extensions: Extensions) throws(EngineError) -> Guest {
            let setup = MachineSetup(
                memory: memory, cpuCount: cpus, extensions: extensions, timebase: timebase, imsic: imsic, dirtyRing: dirtyRing)
            let guest = Guest(self, memory, try engine.makeMachine(setup))
            watch(guest)
            return guest
        }
        do throws(EngineError) {
            do throws(EngineError) {
                return try make(extensions)
            } catch {
                // KVM can't hide these from guests where the host has AIA; no case looks at them.
                guard error.refusal == .unsupported else { throw error }
                return try make(extensions.union([.sscofpmf]))
            }
        } catch {
            throw ConformanceFailure("makeMachine: " + text(error))
        }
    }

    /// The usual slot of RAM, and `more` behind it.
    func memory(_ more: (base: UInt64, size: UInt64, readOnly: Bool)...) throws(ConformanceFailure) -> GuestMemory {
        let memory = GuestMemory()
        do throws(GuestMemoryError) {
            try memory.addRAM(base: Layout.ram, size: Layout.ramSize)
            for slot in more { try memory.addRAM(base: slot.base, size: slot.size, readOnly: slot.readOnly) }
        } catch {
            throw ConformanceFailure("the host gives no memory")
        }
        return memory
    }
}

/// Where things are in the cases' guests.
enum Layout {
    static let ram: UInt64 = 0x8000_0000
    static let ramSize: UInt64 = 4 << 20
    static let code = ram
    /// Code of a second hart or of user mode.
    static let otherCode = ram + 0x10_0000
    static let data = ram + 0x20_0000
    static let tables = ram + 0x30_0000

    // Nothing is there: accesses are exits.

    /// A 64-bit word that the program reports.
    static let report: UInt64 = 0x1000_0000
    /// The program came to its end.
    static let done: UInt64 = 0x1000_0008
    /// scause, sepc and stval of a trap that nothing else was to handle.
    static let trap: UInt64 = 0x1000_0010
    /// A device for whatever the case likes.
    static let device: UInt64 = 0x1000_1000
}

func require(_ condition: Bool, _ text: @autoclosure () -> String) throws(ConformanceFailure) {
    if !condition { throw ConformanceFailure(text()) }
}

/// Numbers in hexadecimal when they differ.
func same(_ found: UInt64, _ wanted: UInt64, _ what: @autoclosure () -> String) throws(ConformanceFailure) {
    if found != wanted { throw ConformanceFailure(what() + " is " + hex(found) + " and not " + hex(wanted)) }
}
