import CHost
import ExecutionEngine
import Machine
import VirtIO

/// One guest from a checked configuration to an exit status.
///
/// Everything that can be wrong is found before the first thing that leaves a trace: files are read and
/// placed, then memory is taken, then threads start, then the terminal changes.
package struct GuestRun {
    private static let standardOutput: Int32 = 1
    /// How long the last output may take when the guest was ended from outside.
    private static let lastWords: UInt64 = 2_000_000_000

    private var configuration: GuestConfiguration
    private let backends: (any HostBackends)?

    /// `backends` makes what needs a library of the host; nil in a build without any.
    package init(_ configuration: GuestConfiguration, backends: (any HostBackends)?) {
        self.configuration = configuration
        self.backends = backends
    }

    /// `rvkvm run` from the collected settings to the exit status.
    package static func run(_ settings: Settings, backends: (any HostBackends)?) throws(MachineError) -> Int32 {
        var configuration = try GuestConfiguration(settings)
        try GuestCommand.check(configuration)
        try DefaultGuest.complete(&configuration, appendGiven: settings[.append] != nil)
        GuestCommand.apply(to: &configuration)
        Message.guest = configuration.name
        var run = GuestRun(configuration, backends: backends)
        return try run.run()
    }

    package mutating func run() throws(MachineError) -> Int32 {
        let engine = try EngineSelection.make(for: configuration)
        let other = try EngineSelection.makeOther(for: configuration)
        if let other { try configuration.suit(engine, other) } else { configuration.dictates = engine.dictates }
        let differences = try HostDifference.find(configuration, engine)
        try HostDifference.refuse(differences, configuration, engine)
        for one in differences { Message.notice(one.notice(engine)) }
        let payloads = try PayloadPlan(configuration)
        if let path = configuration.dumpTree {
            try TreeFile.write(payloads.deviceTree, to: path)
            return 0
        }
        // From here on signals wait to be read; threads inherit that.
        let signals = host_signals_open(other != nil)
        let wake = host_eventfd()
        guard signals >= 0, wake >= 0 else {
            throw MachineError(.host, "the host refuses a descriptor for signals: \(String(cString: host_error_text(-min(signals, wake))))")
        }
        let console = Console()
        let output = try ConsoleWriter(descriptor: Self.standardOutput) { error in console.broke(error) }
        let input = ConsoleInput(wake: wake)
        let trace = try TraceOutput.open(configuration.trace)
        // Consumed: the files' contents are as large as the kernel, and the guest has its own copy by then.
        let machine = try Machine(
            configuration, payloads: consume payloads, engine: engine, other: other,
            host: HostConnections(
                output: output, input: input, backends: backends, report: { sentence in Message.notice(sentence) }),
            trace: trace)
        console.connect(machine)
        for notice in machine.notices { Message.notice(notice) }

        let terminal = Terminal()
        if let size = terminal.size { machine.resizeTerminal(columns: size.columns, rows: size.rows) }
        let events = Events(machine: machine, input: input, terminal: terminal, signals: signals, wake: wake)
        try events.start()
        terminal.enter()
        let outcome = machine.run()
        return finish(outcome, output, trace, terminal, events)
    }

    private func finish(
        _ outcome: Outcome, _ output: ConsoleWriter, _ trace: ConsoleWriter?, _ terminal: Terminal, _ events: Events
    ) -> Int32 {
        // The guest's own end may wait for a slow reader, and signals still count meanwhile. An end from
        // outside may not.
        let deadline: UInt64? =
            switch outcome {
            case .stopped, .timedOut: host_clock_monotonic_ns() &+ Self.lastWords
            default: nil
            }
        _ = output.finish(deadline: deadline)
        _ = trace?.finish(deadline: deadline)
        events.stop()
        terminal.leave()
        switch outcome {
        case .resetRefused where configuration.exec != nil:
            Message.error("the guest restarted before its command had ended")
            return GuestCommand.notRunStatus
        case .poweredOff, .resetRefused: break
        // The command has said itself what was wrong.
        case .guestFailed where configuration.exec != nil: break
        case .guestFailed(let status): Message.error("the guest reported failure, status \(status)")
        case .timedOut: Message.error("the guest was still running when --timeout ran out, and was ended")
        case .stopped(let status):
            if status > 128 { Message.error("ended by signal \(status - 128)") }
        case .failed(let error): Message.error(error.message)
        }
        return outcome.status
    }
}

/// Ends the machine when its output has nowhere to go. Exists before the machine, which needs the output.
private final class Console: @unchecked Sendable {
    private static let brokenPipe: Int32 = 32

    private let mutex = host_mutex_create()
    /// Both guarded by `mutex`.
    private var machine: Machine?
    private var error: Int32?

    deinit { host_mutex_destroy(mutex) }

    func connect(_ machine: Machine) {
        host_mutex_lock(mutex)
        self.machine = machine
        let error = error
        host_mutex_unlock(mutex)
        if let error { end(machine, error) }
    }

    func broke(_ error: Int32) {
        host_mutex_lock(mutex)
        self.error = error
        let machine = machine
        host_mutex_unlock(mutex)
        if let machine { end(machine, error) }
    }

    private func end(_ machine: Machine, _ error: Int32) {
        if error == Self.brokenPipe {
            // Like any program whose reader has gone: SIGPIPE's status.
            machine.stop(.stopped(status: 128 + 13))
        } else {
            let reason = String(cString: host_error_text(error)).lowercasedFirst
            machine.stop(.failed(MachineError(.host, "standard output takes no more: \(reason)")))
        }
    }
}
