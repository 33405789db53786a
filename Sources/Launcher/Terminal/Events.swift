import CHost
import Machine

/// The thread that listens to the outside while the machine runs: signals, keys, piped input.
final class Events: @unchecked Sendable {
    private static let standardInput: Int32 = 0
    /// How often a background job looks whether it has become the foreground one: shells don't tell.
    private static let backgroundPoll: Int32 = 500

    private let machine: Machine
    private let input: ConsoleInput
    private let terminal: Terminal
    private let signals: Int32
    private let wake: Int32
    private let ending: OneShot
    private var keys = EscapeKeys()
    private var isAtEnd = false
    private var isRaw = false
    private var isStopping = false
    private var thread: OpaquePointer?

    /// `signals` is host_signals_open's descriptor; `wake` the eventfd of `input`.
    init(machine: Machine, input: ConsoleInput, terminal: Terminal, signals: Int32, wake: Int32) {
        self.machine = machine
        self.input = input
        self.terminal = terminal
        self.signals = signals
        self.wake = wake
        ending = OneShot()
    }

    func start() throws(MachineError) {
        var error: Int32 = 0
        // The thread owns a reference until it ends.
        let reference = Unmanaged.passRetained(self)
        thread = host_thread_start(
            { argument in
                guard let argument else { return }
                Unmanaged<Events>.fromOpaque(argument).takeRetainedValue().loop()
            }, reference.toOpaque(), "rvkvm-events", &error)
        if thread == nil {
            reference.release()
            throw MachineError(.host, "the host refuses a thread for the terminal: \(String(cString: host_error_text(error)))")
        }
    }

    /// Ends the thread. From now on a signal ends the process at once, should the rest take long.
    func stop() {
        ending.raise()
        host_eventfd_signal(wake)
        if let thread { host_thread_join(thread) }
        thread = nil
    }

    private func loop() {
        let isTerminal = terminal.isTerminal
        isRaw = isTerminal && terminal.isInForeground
        while !ending.isRaised {
            var source = Self.standardInput
            var timeout: Int32 = -1
            if isTerminal, !isAtEnd {
                let isOurs = terminal.isInForeground
                if isOurs, !isRaw { terminal.enter() }
                isRaw = isOurs
                // Reading as a background job would stop us or fail.
                if !isOurs { timeout = Self.backgroundPoll }
                if !isOurs { source = -1 }
            }
            // A pipe waits for the guest; a terminal doesn't, or Ctrl-A X would wait as well.
            if isAtEnd || !isTerminal && input.room == 0 { source = -1 }
            let ready = host_poll_three(signals, source, wake, timeout)
            if ready < 0 { return }
            if ready & 1 != 0 { takeSignals() }
            if ready & 4 != 0 {
                host_eventfd_drain(wake)
                input.feed()
            }
            if ready & 2 != 0 { readInput() }
        }
    }

    private func readInput() {
        let most = terminal.isTerminal ? 256 : max(1, min(4096, input.room))
        var buffer = [UInt8](repeating: 0, count: most)
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { host_read(Self.standardInput, $0, bytes.count) } ?? 0
        }
        // The end of input, or a terminal that is gone, isn't the guest's end.
        guard count > 0 else {
            isAtEnd = count != -11
            return
        }
        guard terminal.isTerminal else { return input.push(buffer.prefix(count)) }
        for action in keys.process(buffer.prefix(count)) {
            switch action {
            case .send(let bytes): input.push(bytes)
            case .quit: machine.stop(.stopped(status: 0))
            case .reset: machine.reset()
            case .help: Message.raw(EscapeKeys.help)
            }
        }
    }

    private func passSize() {
        if let size = terminal.size { machine.resizeTerminal(columns: size.columns, rows: size.rows) }
    }

    private func takeSignals() {
        while true {
            let signal = host_signals_next(signals)
            guard signal > 0 else { return }
            switch signal {
            case Signal.suspend:
                terminal.leave()
                host_signal_stop_self()
                fallthrough
            case Signal.resume:
                isRaw = false
                passSize()
            case Signal.windowChange:
                passSize()
            case Signal.user1:
                machine.move()
            default:
                // The second one means it.
                if isStopping {
                    terminal.leave()
                    host_exit_now(128 + signal)
                }
                isStopping = true
                machine.stop(.stopped(status: 128 + signal))
            }
        }
    }
}

/// Linux's numbers.
enum Signal {
    /// Routed to us only with `--x-move-to`.
    static let user1: Int32 = 10
    static let resume: Int32 = 18
    static let suspend: Int32 = 20
    static let windowChange: Int32 = 28
}
