import Foundation
import Testing

@Suite("Generated files")
struct GeneratedFilesTests {
    static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Scripts/isagen")

    static let hasPython = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .contains { FileManager.default.isExecutableFile(atPath: $0 + "/python3") }

    @Test("are what Scripts/isagen makes of the table", .enabled(if: hasPython, "python3 isn't in PATH"))
    func current() throws {
        let process = Process()
        process.executableURL = Self.script
        process.arguments = ["--check"]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }
}
