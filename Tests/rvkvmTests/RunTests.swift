import Foundation
import Testing

/// The command over guests of a few instructions.
@Suite struct RunTests {
    let scratch = Scratch()

    /// `li a7, number` with |number| < 2048.
    static func li(_ register: UInt32, _ value: Int32) -> UInt32 { UInt32(bitPattern: value) << 20 | register << 7 | 0x13 }
    static let ecall: UInt32 = 0x73
    static let loop: UInt32 = 0x6F
    static let a0: UInt32 = 10, a7: UInt32 = 17

    static func print(_ text: String) -> [UInt32] {
        text.utf8.flatMap { [li(a0, Int32($0)), li(a7, 1), ecall] }
    }
    static let powerOff: [UInt32] = [li(a7, 8), ecall, loop]

    @Test func versionAndHelp() throws {
        for arguments in [["version"], ["--version"]] {
            let result = try Tool.run(arguments)
            #expect(result.status == 0)
            #expect(result.output.hasPrefix("rvkvm "))
            #expect(result.errors == "")
        }
        let help = try Tool.run(["run", "--help"])
        #expect(help.status == 0)
        for option in ["--kernel", "--dump-dtb", "--no-reboot", "--config"] { #expect(help.output.contains(option)) }
    }

    @Test func host() throws {
        let result = try Tool.run(["host"])
        #expect(result.status == 0)
        #expect(result.output.contains("engine interpreter: available"))
        #expect(result.output.contains("engine kvm: "))
        #expect(result.output.contains("cores: "))
    }

    @Test func dumpsTheTree() throws {
        let tree = scratch.path + "/tree"
        let result = try Tool.run(["run", "--kernel", scratch.image(), "--smp", "3", "--dump-dtb", tree, "--append", "-x y"])
        #expect(result.status == 0)
        let bytes = try #require(FileManager.default.contents(atPath: tree))
        #expect(bytes.prefix(4) == Data([0xD0, 0x0D, 0xFE, 0xED]))
        #expect(bytes.range(of: Data("cpu@2".utf8)) != nil)
        #expect(bytes.range(of: Data("-x y\0".utf8)) != nil)
    }

    @Test func guestSpeaksAndPowersOff() throws {
        let result = try Tool.run(["run", "--kernel", scratch.image("Image", Self.print("Hello\n") + Self.powerOff), "--timeout", "20"])
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output == "Hello\n")
    }

    @Test func optionsWinOverTheGuestFile() throws {
        _ = scratch.image()
        let file = scratch.file("g.yaml", Array("kernel: Image\nsmp: 99\nmem: 64M\n".utf8))
        let tree = scratch.path + "/tree"
        #expect(try Tool.run(["run", "--config", file, "--dump-dtb", tree]).status == 64)
        #expect(try Tool.run(["run", "--config", file, "--smp", "2", "--dump-dtb", tree]).status == 0)
    }

    @Test func timeoutHasItsStatus() throws {
        let result = try Tool.run(["run", "--kernel", scratch.image(), "--timeout", "0.3", "--smp", "2"])
        #expect(result.status == 124)
        #expect(result.errorLines.count == 1)
    }

    @Test func pipedInputReachesTheGuest() throws {
        // getchar until there is a byte, then putchar it and power off.
        let code: [UInt32] = [
            Self.li(Self.a7, 2), Self.ecall,
            0xFE05_4CE3,  // bltz a0, -8
            Self.li(Self.a7, 1), Self.ecall,
        ]
        let result = try Tool.run(
            ["run", "--kernel", scratch.image("Image", code + Self.powerOff), "--timeout", "20"], input: Data("Q".utf8))
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output == "Q")
    }

    @Test(arguments: [(SIGTERM, 143), (SIGHUP, 129), (SIGINT, 130)] as [(Int32, Int32)])
    func signalsEndInOrder(_ signal: Int32, _ status: Int32) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Tool.path)
        process.arguments = ["run", "--kernel", scratch.image("Image", Self.print("up") + [Self.loop]), "--timeout", "30"]
        let output = Pipe(), errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        try process.run()
        // Once the guest speaks the signals are routed.
        var heard = Data()
        while heard.count < 2 {
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { break }
            heard += more
        }
        #expect(heard == Data("up".utf8))
        kill(process.processIdentifier, signal)
        process.waitUntilExit()
        #expect(process.terminationReason == .exit)
        #expect(process.terminationStatus == status)
    }
}
