import CHost
import Devices
import VirtIO

/// The other ends of a guest's consoles, as `--console` names them. They outlive a reset.
///
/// Without an option for it, the serial port shares standard output and input with whoever else has them: what
/// firmware or an early console writes is then seen before the virtio console exists.
final class ConsoleSet {
    /// Takes a sentence for the user, from any thread.
    typealias Report = @Sendable (_ sentence: String) -> Void

    /// What the UART, SBI and HTIF write to and read from.
    private(set) var serialOutput: any ConsoleOutput
    private(set) var serialInput: ConsoleInput
    /// Of the virtio console; empty when there is none.
    private(set) var ports: [ConsolePortSetup] = []
    /// What the user has to be told before the guest starts, such as a pseudo-terminal's name.
    private(set) var notices: [String] = []

    private let standardOutput: any ConsoleOutput
    private let report: Report
    /// The port at the terminal.
    private var terminal: ConsoleEnd?
    private var streams: [ConsoleStream] = []
    private var files: [LogFile] = []
    /// Sockets that are ours to remove.
    private var sockets: [String] = []

    /// How long the last output may take, for all consoles but standard output together.
    private static let lastWords: UInt64 = 2_000_000_000

    /// Opens what `options` name. `output` and `input` are standard output and input.
    init(
        _ options: [ConsoleOption], output: any ConsoleOutput, input: ConsoleInput, report: @escaping Report
    ) throws(MachineError) {
        self.report = report
        standardOutput = output
        (serialOutput, serialInput) = (output, input)
        for option in options {
            let (itsOutput, itsInput): (any ConsoleOutput, ConsoleInput) =
                option.place == .stdio ? (output, input) : try open(option)
            switch option.device {
            case .serial: (serialOutput, serialInput) = (itsOutput, itsInput)
            case .virtio:
                let end = ConsoleEnd(output: itsOutput, input: itsInput)
                if option.place == .stdio { terminal = end }
                ports.append(ConsolePortSetup(isConsole: option.name == nil, name: option.name, farEnd: end))
            }
        }
    }

    deinit { finish() }

    /// The terminal at standard input has this size now.
    func resizeTerminal(_ size: ConsoleSize) { terminal?.resize(size) }

    /// Says whether a vCPU may be kept waiting for a slow reader.
    func setPatient(_ patient: Bool) {
        standardOutput.setPatient(patient)
        serialOutput.setPatient(patient)
    }

    /// Writes out what is there and closes everything but standard output, which is the caller's.
    func finish() {
        let deadline = host_clock_monotonic_ns() &+ Self.lastWords
        for stream in streams { stream.finish(deadline: deadline) }
        for file in files { file.close(deadline: deadline) }
        for path in sockets { _ = host_unlink(path) }
        (streams, files, sockets) = ([], [], [])
    }

    // MARK: Opening

    private func open(_ option: ConsoleOption) throws(MachineError) -> (any ConsoleOutput, ConsoleInput) {
        switch option.place {
        case .stdio: return (standardOutput, serialInput)
        case .pty:
            let stream = try openTerminal(option)
            return (stream, stream.input)
        case .unix(let path):
            let stream = try listen(option, path)
            return (stream, stream.input)
        case .file(let path):
            let file = try LogFile(option.setting, path: path, report: report)
            files.append(file)
            // Nothing ever comes from a file.
            return (file.writer, ConsoleInput(wake: -1))
        }
    }

    private func openTerminal(_ option: ConsoleOption) throws(MachineError) -> ConsoleStream {
        var name = [CChar](repeating: 0, count: 64)
        let descriptor = name.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.map { host_pty_open($0, buffer.count) } ?? -1
        }
        guard descriptor >= 0 else {
            throw MachineError(
                .host, "\(option.setting.label): the host gives no pseudo-terminal: \(MachineError.hostText(-descriptor))")
        }
        let stream = try ConsoleStream.pty(descriptor)
        streams.append(stream)
        let path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        notices.append("\(option.setting.label) is at \(path)")
        return stream
    }

    private func listen(_ option: ConsoleOption, _ path: String) throws(MachineError) -> ConsoleStream {
        let descriptor = host_unix_listen(path)
        guard descriptor >= 0 else { throw Self.socketError(option.setting, path, -descriptor) }
        let stream = try ConsoleStream.listening(descriptor)
        streams.append(stream)
        sockets.append(path)
        return stream
    }

    private static func socketError(_ setting: Setting, _ path: String, _ error: Int32) -> MachineError {
        if host_error_is_in_use(error) != 0 {
            return MachineError(
                .host, "\(setting.label): \(quoted(path)) is taken, by another process or a file of that name; choose another name")
        }
        if host_error_is_long_name(error) != 0 {
            return MachineError(.usage, "\(setting.label): a socket's name has at most 107 bytes; choose a shorter one")
        }
        return MachineError(.host, "\(setting.label): can't listen at \(quoted(path)): \(MachineError.hostText(error))")
    }
}
