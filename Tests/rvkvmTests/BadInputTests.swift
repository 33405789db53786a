import Foundation
import Testing

/// Every kind of bad input: one sentence, its status, and nothing left behind.
@Suite struct BadInputTests {
    let scratch = Scratch()

    func refused(_ arguments: [String], _ status: Int32, _ hint: String = "", sourceLocation: SourceLocation = #_sourceLocation) throws {
        let result = try Tool.run(arguments, directory: scratch.path)
        #expect(result.status == status, "\(arguments) \(result.errors)", sourceLocation: sourceLocation)
        #expect(result.output == "", "\(arguments)", sourceLocation: sourceLocation)
        #expect(result.errorLines.count == 1, "\(arguments) \(result.errors)", sourceLocation: sourceLocation)
        #expect(result.errors.hasPrefix("rvkvm: "), "\(result.errors)", sourceLocation: sourceLocation)
        #expect(hint.isEmpty || result.errors.contains(hint), "\(result.errors)", sourceLocation: sourceLocation)
    }

    @Test func commandLine() throws {
        try refused(["rnu"], 64)
        try refused(["run", "--frobnicate"], 64, "--frobnicate")
        try refused(["run", "--smp"], 64, "--smp")
        try refused(["run", "stray"], 64, "stray")
        try refused(["host", "--no-such"], 64)
    }

    @Test func values() throws {
        let image = scratch.image()
        for (option, value) in [
            ("--smp", "0"), ("--smp", "65"), ("--smp", "x"), ("--mem", "1M"), ("--mem", "x"), ("--engine", "x"), ("--cpu", "x"),
            ("--cpu", "rv64gcv"), ("--isa", "+x"), ("--isa", "-i"), ("--timeout", "0"), ("--trace", "x"), ("--name", ""),
        ] {
            try refused(["run", "--kernel", image, option, value], 64, option)
        }
    }

    @Test func missingFiles() throws {
        let image = scratch.image()
        try refused(["run", "--kernel", "nowhere"], 66, "nowhere")
        try refused(["run", "--kernel", image, "--initrd", "nowhere"], 66, "nowhere")
        try refused(["run", "--kernel", image, "--dtb", "nowhere"], 66, "nowhere")
        try refused(["run", "--config", "nowhere"], 66, "nowhere")
        // Nothing to boot by default here, unless the package has been given its images.
        if !FileManager.default.fileExists(atPath: "Images/build/Image"), !Tool.path.contains("/.build/") {
            try refused(["run"], 66, "Scripts/images")
        }
    }

    @Test func foreignFiles() throws {
        let image = scratch.image()
        let text = scratch.file("text", Array("hello, this is a text\n".utf8))
        let empty = scratch.file("empty", [])
        let noise = scratch.file("noise", (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 193 &+ $0 >> 3) })
        for kernel in [text, empty, noise, scratch.path, "/dev/null", "/dev/zero", "/bin/true", "/proc/self/exe"] {
            try refused(["run", "--kernel", kernel], 65, kernel)
        }
        for tree in [text, empty, noise, scratch.path, image] { try refused(["run", "--kernel", image, "--dtb", tree], 65, tree) }
        for initrd in [empty, scratch.path, "/dev/zero"] { try refused(["run", "--kernel", image, "--initrd", initrd], 65, initrd) }
        for config in [noise, scratch.path, "/dev/null"] { try refused(["run", "--config", config], 65, "--config") }
    }

    @Test func initrdLargerThanRAM() throws {
        let initrd = scratch.file("initrd", [UInt8](repeating: 0x5A, count: 6 << 20))
        let result = try Tool.run(["run", "--kernel", scratch.image(), "--initrd", initrd, "--mem", "8M"])
        #expect([64, 65].contains(result.status))
        #expect(result.errorLines.count == 1)
    }

    @Test func whatTheHostRefuses() throws {
        let image = scratch.image()
        try refused(["run", "--kernel", image, "--mem", "1000T"], 71, "1000 TiB")
        #if arch(x86_64)
        try refused(["run", "--kernel", image, "--engine", "kvm"], 71, "/dev/kvm")
        #endif
        try refused(["run", "--kernel", image, "--dump-dtb", "/nowhere/tree"], 71, "/nowhere/tree")
        try refused(["run", "--kernel", image, "--trace", "exits:/nowhere/trace"], 71, "/nowhere/trace")
    }

    @Test func guestFiles() throws {
        let file = scratch.file("g.yaml", Array("smp: 2\nkernal: Image\n".utf8))
        try refused(["run", "--config", file], 64, "g.yaml:2: unknown key ‘kernal’; did you mean kernel?")
        scratch.file("g.yaml", Array("smp: {".utf8))
        try refused(["run", "--config", file], 65, "is no YAML")
    }

    @Test func nothingIsLeftBehind() throws {
        let image = scratch.image()
        let tree = scratch.path + "/tree", trace = scratch.path + "/trace"
        try refused(["run", "--kernel", image, "--initrd", "nowhere", "--dump-dtb", tree, "--trace", "exits:\(trace)"], 66)
        #expect(!FileManager.default.fileExists(atPath: tree))
        #expect(!FileManager.default.fileExists(atPath: trace))
    }
}
