import Foundation

/// What a handler on the fast path must not contain, and how it is found in llvm-objdump's text.
struct MachineCode {
    /// Instructions by function.
    private(set) var functions: [String: [String]] = [:]

    /// Takes llvm-objdump's listing apart: a line `0000000000001000 <name>:` begins a function, the lines below
    /// it are `    1004:       addq    %rax, %rbx`.
    init(listing: String) {
        var name: String?
        for line in listing.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasSuffix(">:"), let open = line.firstIndex(of: "<") {
                name = String(line[line.index(after: open)...].dropLast(2))
                functions[name!] = []
            } else if let name, let colon = line.firstIndex(of: ":"), line.first == " " {
                let words = line[line.index(after: colon)...].split(whereSeparator: { $0 == " " || $0 == "\t" })
                if !words.isEmpty { functions[name]?.append(words.joined(separator: " ")) }
            }
        }
    }

    /// Swift's runtime as it shows up in jumps and calls.
    static let runtime = ["swift_retain", "swift_release", "swift_beginAccess", "swift_allocObject", "swift_once"]

    /// The instructions of `function` that cost it its tail call, its registers or its time.
    func offences(_ function: String) -> [String] {
        (functions[function] ?? []).filter { line in
            let mnemonic = line.prefix { $0 != " " }
            return mnemonic.hasPrefix("call") || mnemonic.hasPrefix("push") || Self.runtime.contains { line.contains($0) }
        }
    }

    /// Handlers that set up a frame pointer: the build kept them, and says so by one in nearly every function.
    var framed: Int {
        functions.values.filter { $0.first == "pushq %rbp" }.count
    }
}

/// The handlers that have to be fast, read from the sources: `@c func rv_…`, `op_…` and `fused_…`, unless marked
/// as slow by `@inline(never)`.
enum FastHandlers {
    static func names(in text: String) -> [String] {
        var names: [String] = []
        var isSlow = false
        for line in text.split(separator: "\n") {
            if line.contains("@inline(never)") { isSlow = true }
            guard let at = line.range(of: "@c func ") else {
                // Anything but an attribute ends what an attribute said.
                if !line.hasPrefix("@") { isSlow = false }
                continue
            }
            let name = String(line[at.upperBound...].prefix { $0.isLetter || $0.isNumber || $0 == "_" })
            if !isSlow, ["rv_", "op_", "fused_"].contains(where: name.hasPrefix) { names.append(name) }
            isSlow = false
        }
        return names
    }

    static func all() throws -> [String] {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let sources = root.appendingPathComponent("Sources/Interpreter")
        var names: [String] = []
        for case let file as URL in FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil)! where file.pathExtension == "swift" {
            names += Self.names(in: try String(contentsOf: file, encoding: .utf8))
        }
        return names
    }
}

/// llvm-objdump on the machine code of this very test run.
enum Objdump {
    static let path: String? = {
        var folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
        // The toolchain has one beside `swift`, which may be a link.
        for folder in folders {
            let swift = URL(fileURLWithPath: folder + "/swift").resolvingSymlinksInPath()
            if FileManager.default.isExecutableFile(atPath: swift.path) { folders.append(swift.deletingLastPathComponent().path) }
        }
        return folders.map { $0 + "/llvm-objdump" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    static var reason: String? {
        #if DEBUG
        return "a debug build has no fast path"
        #elseif !arch(x86_64)
        return "knows x86-64 alone"
        #else
        return path == nil ? "no llvm-objdump beside swift or on PATH" : nil
        #endif
    }

    static func disassemble(_ names: [String]) throws -> MachineCode {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path!)
        process.arguments = ["--no-show-raw-insn", "--disassemble-symbols=" + names.joined(separator: ","), "/proc/\(ProcessInfo.processInfo.processIdentifier)/exe"]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return MachineCode(listing: String(decoding: data, as: UTF8.self))
    }
}
