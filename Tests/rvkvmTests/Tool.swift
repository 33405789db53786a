import Foundation

/// The command as a program: what it says and how it ends.
struct Tool {
    struct Result {
        var status: Int32
        var output: String
        var errors: String

        var errorLines: [Substring] { errors.split(separator: "\n", omittingEmptySubsequences: true) }
    }

    /// The executable is built beside the tests.
    static let path = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        .appendingPathComponent("rvkvm").path

    static func run(_ arguments: [String], directory: String = "/", input: Data? = nil) throws -> Result {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: directory)
        let output = Pipe(), errors = Pipe(), keys = Pipe()
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = input == nil ? FileHandle.nullDevice : keys
        try process.run()
        if let input {
            keys.fileHandleForWriting.write(input)
            try keys.fileHandleForWriting.close()
        }
        let outputData = output.fileHandleForReading.readDataToEndOfFile()
        let errorData = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        // A signal would look like a status otherwise.
        let status = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
        return Result(
            status: status, output: String(decoding: outputData, as: UTF8.self), errors: String(decoding: errorData, as: UTF8.self))
    }
}

/// A directory of its own that goes away with the test.
final class Scratch {
    let path: String

    init() {
        path = NSTemporaryDirectory() + "rvkvm-" + UUID().uuidString
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    @discardableResult
    func file(_ name: String, _ bytes: some Sequence<UInt8>) -> String {
        let full = path + "/" + name
        _ = FileManager.default.createFile(atPath: full, contents: Data(bytes))
        return full
    }

    /// An Image whose code is `words`, behind the header.
    func image(_ name: String = "Image", _ words: [UInt32] = [0x6F]) -> String {
        var bytes = [UInt8](repeating: 0, count: 64)
        // j . + 64, over the header
        bytes.replaceSubrange(0..<4, with: [0x6F, 0x00, 0x00, 0x04])
        bytes[10] = 0x20  // text_offset 2 MiB
        bytes[17] = 0x40  // image_size 16 KiB
        bytes[0x20] = 2
        bytes.replaceSubrange(0x30..<0x36, with: Array("RISCV\0".utf8))
        bytes.replaceSubrange(0x38..<0x3C, with: [0x52, 0x53, 0x43, 5])
        for word in words { withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) } }
        return file(name, bytes)
    }
}
