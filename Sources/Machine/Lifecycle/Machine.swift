import CHost
import Devices
import ExecutionEngine
import Synchronization
import VirtIO

/// A guest from its first instruction to its end, through any number of resets and moves between engines.
///
/// One thread calls `run` and stays there until the end; vCPUs have threads of their own; any thread may
/// call `stop`. The first reason to stop is the one that counts.
package final class Machine: VCPUControl, BoardDelegate, @unchecked Sendable {
    /// What a running machine was asked for.
    private enum Request: Equatable {
        case move
        case reset
        case end(Outcome)

        /// Whether it counts although `other` was asked for before: a guest that moves or resets for ever must still
        /// be stoppable.
        func outranks(_ other: Request?) -> Bool {
            switch (other, self) {
            case (nil, _), (.move, .reset), (.move, .end), (.reset, .end): true
            default: false
            }
        }
    }

    private let configuration: GuestConfiguration
    /// The guest's, and the one to move to. Both belong to the thread that calls `run`.
    private var engine: any Engine
    private var other: (any Engine)?
    /// A move has to wait until the vCPUs have run once more; belongs to the same thread.
    private var isStarting = false
    /// Whether hart 0 is to be asked for what its SBI answers; belongs to that hart's thread once there is one.
    private var asksSBI: Bool
    /// For how long they then run, in nanoseconds.
    private static let startTime: UInt64 = 1_000_000
    private let report: @Sendable (_ sentence: String) -> Void
    private let peripherals: Peripherals
    private let exitTrace: ExitTrace?
    private let executionTrace: ExecutionTrace?
    private let signature: Signature?

    private let mutex = host_mutex_create()
    private let changed = host_cond_create()
    /// Guarded by `mutex`.
    private var request: Request?
    /// Follows `request`, for the vCPUs' threads to look at without the lock.
    private let stopping = Atomic<Bool>(false)
    /// How many vCPUs' threads have come to their end. Guarded by `mutex`.
    private var stopped = 0
    /// Belongs to the thread that calls `run`.
    private var board: Board?

    /// Builds the first board. `payloads` are those of `configuration`, and are let go of once they are in
    /// guest memory; `other` is the engine that `move` moves to; `trace` takes the lines of `--trace`.
    @export(interface) package init(
        _ configuration: GuestConfiguration, payloads: consuming PayloadPlan, engine: any Engine, other: (any Engine)? = nil,
        host: HostConnections, trace: (any ByteSink)? = nil
    ) throws(MachineError) {
        self.configuration = configuration
        self.engine = engine
        self.other = other
        report = host.report
        asksSBI = HostDifference.isSBIUnknown(configuration, engine)
        peripherals = try Peripherals(configuration, host)
        exitTrace = if let trace, configuration.trace?.exits == true { ExitTrace(trace) } else { nil }
        executionTrace = if let trace { ExecutionTrace(trace) } else { nil }
        signature =
            if let path = configuration.signature {
                try Signature(path, granularity: configuration.signatureGranularity)
            } else { nil }
        board = try makeBoard(payloads)
    }

    deinit {
        host_cond_destroy(changed)
        host_mutex_destroy(mutex)
    }

    /// Runs the guest to its end. To be called once.
    @export(interface) package func run() -> Outcome {
        let deadline = configuration.timeout.map { host_clock_monotonic_ns() &+ $0 }
        defer { peripherals.finish() }
        while true {
            switch runBoard(until: deadline) {
            case .end(let outcome): return outcome
            case .reset, .move:
                do throws(MachineError) { board = try rebuild() } catch { return .failed(error) }
            }
        }
    }

    /// Runs the board until its end or a reset is asked for, and lets go of it: its memory returns to the host
    /// before another board is made.
    private func runBoard(until deadline: UInt64?) -> Request {
        guard let board else { return .end(.failed(MachineError(.bug, "the machine was run twice; please report this"))) }
        self.board = nil
        var request = runHarts(of: board, until: deadline)
        while request == .move {
            if !isStarting { move(board) }
            settle(.move)
            request = runHarts(of: board, until: deadline)
        }
        board.shutDown()
        return finish(request, board)
    }

    /// Starts all vCPUs and stops them for what is asked for.
    private func runHarts(of board: Board, until deadline: UInt64?) -> Request {
        var threads: [VCPUThread] = []
        stopped = 0
        do throws(MachineError) { try start(board, &threads) } catch { post(.end(.failed(error))) }
        if isStarting {
            host_sleep_ns(Self.startTime)
            post(.move)
        }
        var request = wait(until: deadline) { request in request != nil }
        for cpu in board.cpus { cpu.kick() }
        // What a moving guest still writes has its time.
        let count = threads.count
        if request == .move { request = wait(until: deadline) { request in request != .move || stopped == count } }
        // A vCPU that waits for room on the console couldn't see its kick.
        if request != .move { peripherals.consoles.setPatient(false) }
        for thread in threads { thread.join() }
        peripherals.consoles.setPatient(true)
        isStarting = request == .move && threads.contains { $0.wasStarted }
        return request
    }

    /// Has the guest go on on the other engine, or where it was when that can't be.
    private func move(_ board: Board) {
        if let target = other {
            do throws(MachineError) {
                try board.move(to: target)
                (engine, other) = (target, engine)
                report("the guest runs on the engine \(target.name) now")
            } catch {
                report("the guest stays on the engine \(engine.name): \(error.message)")
            }
        }
    }

    /// Takes a request back that has been served. What came in its place meanwhile stays.
    private func settle(_ served: Request) {
        host_mutex_lock(mutex)
        defer { host_mutex_unlock(mutex) }
        guard request == served else { return }
        request = nil
        stopping.store(false, ordering: .releasing)
    }

    /// A test's result is written when it has come to its own end.
    private func finish(_ request: Request, _ board: Board) -> Request {
        guard let signature, case .end(let outcome) = request else { return request }
        if case .failed = outcome { return request }
        do throws(MachineError) {
            try signature.write(board.signature())
            return request
        } catch { return .end(.failed(error)) }
    }

    /// Ends the run with `outcome`, unless something else has ended it already. Any thread.
    @export(interface) package func stop(_ outcome: Outcome) { post(.end(outcome)) }

    /// Restarts the guest, as its own reset would.
    @export(interface) package func reset() { post(configuration.reboots ? .reset : .end(.resetRefused)) }

    /// Has the guest go on on the other engine, and back from there the next time. A request that comes while it moves
    /// is part of that move. Any thread.
    @export(interface) package func move() { post(.move) }

    /// What the user has to be told before the guest starts: one sentence each.
    package var notices: [String] { peripherals.consoles.notices }

    /// The terminal at standard input has this size now; a virtio console there passes it on. Any thread.
    @export(interface) package func resizeTerminal(columns: UInt16, rows: UInt16) {
        peripherals.consoles.resizeTerminal(ConsoleSize(columns: columns, rows: rows))
    }

    // MARK: What the vCPUs say

    var isStopping: Bool { stopping.load(ordering: .acquiring) }

    var isMoving: Bool {
        host_mutex_lock(mutex)
        defer { host_mutex_unlock(mutex) }
        return request == .move
    }

    /// Says what the guest will hear from its SBI that the machine version has otherwise, once. It is asked on the hart's
    /// own thread: KVM lets a vCPU that has run change threads after a grace period only.
    func willRun(_ cpu: any VirtualCPU, _ board: Board) {
        guard asksSBI, cpu.id == 0 else { return }
        asksSBI = false
        do throws(MachineError) {
            for one in try HostDifference.ofSBI(cpu, board.memory, tree: board.deviceTree) { report(one.notice(engine)) }
        } catch { post(.end(.failed(error))) }
    }

    func hasStopped(hart: Int) {
        host_mutex_lock(mutex)
        stopped += 1
        host_cond_broadcast(changed)
        host_mutex_unlock(mutex)
    }

    func systemEvent(_ event: SystemEvent) {
        switch event {
        // SRST's reset_reason 1 is "system failure".
        case .shutdown(let reason): post(.end(reason == 1 ? .guestFailed(status: 1) : .poweredOff))
        case .reset: reset()
        }
    }

    func failed(hart: Int, _ reason: String) {
        post(.end(.failed(MachineError(.bug, "hart \(hart) can't go on: \(reason)"))))
    }

    package func finish(_ request: FinisherRequest) {
        switch request {
        case .powerOff: post(.end(.poweredOff))
        case .reset: reset()
        case .fail(let code): post(.end(.failure(code: code)))
        }
    }

    func testEnded(code: UInt64) {
        if code == 0 { return post(.end(.poweredOff)) }
        // As many bits as an exit status has, and never success.
        post(.end(.failure(code: UInt16(truncatingIfNeeded: code & 0xFFFF))))
    }

    // MARK: Inside

    private func makeBoard(_ payloads: PayloadPlan) throws(MachineError) -> Board {
        try Board(configuration, payloads: payloads, engine: engine, peripherals: peripherals, finisher: self, trace: executionTrace)
    }

    /// The files are read again: they may be new ones, and keeping them would cost their size in memory.
    private func rebuild() throws(MachineError) -> Board {
        let board = try makeBoard(try PayloadPlan(configuration))
        settle(.reset)
        return board
    }

    private func start(_ board: Board, _ threads: inout [VCPUThread]) throws(MachineError) {
        for cpu in board.cpus {
            let thread = VCPUThread(cpu, board, control: self, trace: exitTrace)
            try thread.start(name: "rvkvm-hart\(cpu.id)")
            threads.append(thread)
        }
    }

    private func post(_ new: Request) {
        host_mutex_lock(mutex)
        defer { host_mutex_unlock(mutex) }
        guard new.outranks(request) else { return }
        request = new
        stopping.store(true, ordering: .releasing)
        host_cond_broadcast(changed)
    }

    /// Waits until `isOver` says so of what is asked for, with the lock held.
    private func wait(until deadline: UInt64?, _ isOver: (Request?) -> Bool) -> Request {
        host_mutex_lock(mutex)
        defer { host_mutex_unlock(mutex) }
        while true {
            // Even a guest that does nothing but reset runs out of time.
            if let deadline, Request.end(.timedOut).outranks(request), host_clock_monotonic_ns() >= deadline {
                request = .end(.timedOut)
                stopping.store(true, ordering: .releasing)
            }
            if let request, isOver(request) { return request }
            if let deadline {
                _ = host_cond_wait_until(changed, mutex, deadline)
            } else {
                host_cond_wait(changed, mutex)
            }
        }
    }
}
