import Foundation
import Testing

/// The command at a pseudo-terminal: raw while the guest runs, as it was afterwards.
@Suite(.serialized) final class TerminalTests {
    private let scratch = Scratch()
    private let controller: Int32
    private let terminal: Int32

    init() throws {
        var ours: Int32 = -1, theirs: Int32 = -1
        let result = openpty(&ours, &theirs, nil, nil, nil)
        (controller, terminal) = (ours, theirs)
        try #require(result == 0)
    }

    deinit {
        close(controller)
        close(terminal)
    }

    private var isRaw: Bool {
        var mode = termios()
        tcgetattr(terminal, &mode)
        return mode.c_lflag & tcflag_t(ICANON) == 0
    }

    /// A guest that says "R" and then repeats what is typed.
    private func start() throws -> Process {
        let code: [UInt32] = RunTests.print("R") + [
            RunTests.li(RunTests.a7, 2), RunTests.ecall,
            0xFE05_4CE3,  // bltz a0, -8
            RunTests.li(RunTests.a7, 1), RunTests.ecall,
            0xFEDF_F06F,  // j -20
        ]
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Tool.path)
        process.arguments = ["run", "--kernel", scratch.image("Image", code), "--timeout", "30"]
        // A crash on purpose needs no backtrace, which takes half a minute.
        process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
        let end = FileHandle(fileDescriptor: terminal, closeOnDealloc: false)
        (process.standardInput, process.standardOutput, process.standardError) = (end, end, end)
        try process.run()
        try #require(hear("R"))
        return process
    }

    /// Reads until `text` has come, or for ten seconds.
    private func hear(_ text: String) -> Bool {
        var heard: [UInt8] = []
        let deadline = Date() + 10
        while Date() < deadline {
            var waiting = pollfd(fd: controller, events: Int16(POLLIN), revents: 0)
            guard poll(&waiting, 1, 100) > 0 else { continue }
            var buffer = [UInt8](repeating: 0, count: 512)
            let count = read(controller, &buffer, buffer.count)
            if count <= 0 { return false }
            heard += buffer.prefix(count)
            if String(decoding: heard, as: UTF8.self).contains(text) { return true }
        }
        return false
    }

    private func type(_ text: String) { _ = Array(text.utf8).withUnsafeBytes { write(controller, $0.baseAddress, $0.count) } }

    @Test func keysReachTheGuestAndUs() throws {
        #expect(!isRaw)
        let process = try start()
        #expect(isRaw)
        type("ab\u{3}\u{1}a!")
        #expect(hear("ab\u{3}\u{1}!"))
        type("\u{1}h")
        #expect(hear("Ctrl-A X"))
        type("\u{1}r")
        #expect(hear("R"))
        type("\u{1}x")
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(!isRaw)
    }

    @Test(arguments: [SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGSEGV, SIGABRT])
    func terminalComesBack(_ signal: Int32) throws {
        let process = try start()
        #expect(isRaw)
        kill(process.processIdentifier, signal)
        process.waitUntilExit()
        #expect(!isRaw)
        if signal == SIGSEGV || signal == SIGABRT {
            #expect(process.terminationReason == .uncaughtSignal)
        } else {
            #expect(process.terminationStatus == 128 + signal)
        }
    }
}
