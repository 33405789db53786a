import CHost
import Devices
import ExecutionEngine
import Synchronization
import VirtIO

/// A guest from its first instruction to its end, through any number of resets.
///
/// One thread calls `run` and stays there until the end; vCPUs have threads of their own; any thread may
/// call `stop`. The first reason to stop is the one that counts.
package final class Machine: VCPUControl, BoardDelegate, @unchecked Sendable {
    /// What a running machine was asked for.
    private enum Request: Equatable {
        case reset
        case end(Outcome)
    }

    private let configuration: GuestConfiguration
    private let engine: any Engine
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
    /// Belongs to the thread that calls `run`.
    private var board: Board?

    /// Builds the first board. `payloads` are those of `configuration`, and are let go of once they are in
    /// guest memory; `trace` takes the lines of `--trace`.
    @export(interface) package init(
        _ configuration: GuestConfiguration, payloads: consuming PayloadPlan, engine: any Engine, host: HostConnections, trace: (any ByteSink)? = nil
    ) throws(MachineError) {
        self.configuration = configuration
        self.engine = engine
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
            case .reset:
                do throws(MachineError) { board = try rebuild() } catch { return .failed(error) }
            }
        }
    }

    /// Runs the board until something is asked for, and lets go of it: its memory returns to the host
    /// before another board is made.
    private func runBoard(until deadline: UInt64?) -> Request {
        guard let board else { return .end(.failed(MachineError(.bug, "the machine was run twice; please report this"))) }
        self.board = nil
        var threads: [VCPUThread] = []
        do throws(MachineError) { try start(board, &threads) } catch { post(.end(.failed(error))) }
        let request = wait(until: deadline)
        // A vCPU that waits for room on the console couldn't see its kick.
        peripherals.consoles.setPatient(false)
        for cpu in board.cpus { cpu.kick() }
        for thread in threads { thread.join() }
        peripherals.consoles.setPatient(true)
        board.shutDown()
        return finish(request, board)
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

    /// What the user has to be told before the guest starts: one sentence each.
    package var notices: [String] { peripherals.consoles.notices }

    /// The terminal at standard input has this size now; a virtio console there passes it on. Any thread.
    @export(interface) package func resizeTerminal(columns: UInt16, rows: UInt16) {
        peripherals.consoles.resizeTerminal(ConsoleSize(columns: columns, rows: rows))
    }

    // MARK: What the vCPUs say

    var isStopping: Bool { stopping.load(ordering: .acquiring) }

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
        host_mutex_lock(mutex)
        // An end that came meanwhile stays.
        if request == .reset {
            request = nil
            stopping.store(false, ordering: .releasing)
        }
        host_mutex_unlock(mutex)
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
        switch (request, new) {
        // A guest that resets forever must still be stoppable.
        case (nil, _), (.reset, .end): request = new
        default: return
        }
        stopping.store(true, ordering: .releasing)
        host_cond_broadcast(changed)
    }

    private func wait(until deadline: UInt64?) -> Request {
        host_mutex_lock(mutex)
        defer { host_mutex_unlock(mutex) }
        while true {
            // Even a guest that does nothing but reset runs out of time.
            if let deadline, request == nil || request == .reset, host_clock_monotonic_ns() >= deadline {
                request = .end(.timedOut)
                stopping.store(true, ordering: .releasing)
            }
            if let request { return request }
            if let deadline {
                _ = host_cond_wait_until(changed, mutex, deadline)
            } else {
                host_cond_wait(changed, mutex)
            }
        }
    }
}
