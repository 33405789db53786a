import CHost
import ExecutionEngine
import Synchronization

/// A thread that runs a vCPU and answers its exits.
final class Runner: @unchecked Sendable {
    private let guest: Guest
    private let number: Int
    private let stopping = Atomic<Bool>(false)
    private let over = Atomic<Bool>(false)
    private let worker: Worker

    /// Runs until `answer` has none for an exit, or `stop`. Kicks are no exits for it.
    init(_ guest: Guest, cpu number: Int, _ answer: @escaping @Sendable (Exit) -> ExitAnswer?) {
        let box = Box()
        self.guest = guest
        self.number = number
        worker = Worker { () throws(ConformanceFailure) in
            box.wait()
            guard let me = box.runner else { return }
            defer { me.over.store(true, ordering: .sequentiallyConsistent) }
            var next = ExitAnswer.none
            while true {
                let exit = guest.cpu(number).run(next)
                next = .none
                if guest.bench.isLate { throw ConformanceFailure("the time for this case is over") }
                if exit == .interrupted {
                    if me.stopping.load(ordering: .sequentiallyConsistent) { return }
                    continue
                }
                guard let given = answer(exit) else {
                    box.last = exit
                    if exit.isBroken { guest.bench.note(broken: exit) }
                    return
                }
                next = given
            }
        }
        self.box = box
        box.runner = self
        box.go.store(true, ordering: .sequentiallyConsistent)
        guest.bench.watch(worker)
    }

    private let box: Box

    /// What the thread needs before this object is whole.
    private final class Box: @unchecked Sendable {
        let go = Atomic<Bool>(false)
        var runner: Runner?
        var last: Exit?

        func wait() {
            while !go.load(ordering: .sequentiallyConsistent) { host_thread_yield() }
        }
    }

    /// Kicks it until it has ended, its open access completed.
    func stop() throws(ConformanceFailure) {
        stopping.store(true, ordering: .sequentiallyConsistent)
        while !worker.isDone {
            guest.kick(number)
            _ = worker.wait(milliseconds: 1)
        }
        box.runner = nil
        try worker.join()
        // An exit that nobody answered stays open.
        if let last = box.last {
            if last.isBroken { throw ConformanceFailure("a vCPU's run ended with " + text(last)) }
            return
        }
        // Of the kicks one may have come too late for that run, and is the next one's.
        guest.kick(number)
        let exit = guest.cpu(number).run(.none)
        try require(exit == .interrupted, text(exit) + " from a run that was kicked before")
    }

    /// Waits until an exit had no answer: that exit.
    func join() throws(ConformanceFailure) -> Exit {
        while !worker.wait(milliseconds: 5) {}
        box.runner = nil
        try worker.join()
        guard let last = box.last else { throw ConformanceFailure("a vCPU's thread ended without an exit") }
        return last
    }
}

extension Guest {
    /// Runs a vCPU on a thread of its own, until `answer` gives none or the runner is stopped.
    func start(_ number: Int, _ answer: @escaping @Sendable (Exit) -> ExitAnswer? = { _ in nil }) -> Runner {
        Runner(self, cpu: number, answer)
    }
}

extension Exit {
    /// The vCPU can't go on; no guest asks for that.
    var isBroken: Bool {
        switch self {
        case .internalError, .entryRefused: true
        default: false
        }
    }
}

/// A number that threads share.
final class Shared: Sendable {
    private let word: Atomic<UInt64>
    init(_ value: UInt64 = 0) { word = Atomic(value) }
    var value: UInt64 {
        get { word.load(ordering: .sequentiallyConsistent) }
        set { word.store(newValue, ordering: .sequentiallyConsistent) }
    }
    func add(_ count: UInt64 = 1) { word.wrappingAdd(count, ordering: .sequentiallyConsistent) }
}
