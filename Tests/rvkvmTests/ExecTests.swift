import Foundation
import Testing

/// `--exec`: what the default guest's init is told. (That it does it, Scripts/test shows with the real one.)
@Suite struct ExecTests {
    let scratch = Scratch()

    /// The kernel command line in the device tree of the guest that `arguments` describe.
    func commandLine(_ arguments: [String]) throws -> [Substring] {
        try FileManager.default.createDirectory(atPath: scratch.path + "/Images/build", withIntermediateDirectories: true)
        scratch.image("Images/build/Image")
        let result = try Tool.run(["run", "--dump-dtb", "tree"] + arguments, directory: scratch.path)
        #expect(result.status == 0, "\(result.errors)")
        let tree = String(decoding: try #require(FileManager.default.contents(atPath: scratch.path + "/tree")), as: UTF8.self)
        let start = try #require(tree.range(of: "console=")).lowerBound
        let line = tree[start...].prefix { $0 != "\0" }
        return line.split(separator: " ")
    }

    @Test(arguments: ["x", "ab", "a b", "echo 'a\"b' $c; exit 3\n", "ä→𝄞", String(repeating: "long ", count: 6000)])
    func theCommandArrivesWhole(_ command: String) throws {
        let word = try #require(try commandLine(["--exec", command]).last)
        #expect(word.hasPrefix("rvkvm.exec="))
        let bytes = try #require(Data(base64Encoded: String(word.dropFirst("rvkvm.exec=".count))))
        #expect(String(decoding: bytes, as: UTF8.self) == command)
    }

    @Test func theGuestIsToldWhereItIs() throws {
        let plain = try commandLine(["--exec", "x"])
        #expect(plain.first == "console=ttyS0")
        for word in ["rvkvm.silent", "rvkvm.output=plain", "rvkvm.input=none"] { #expect(plain.contains(Substring(word))) }
        #expect(!plain.contains { $0.hasPrefix("rvkvm.host") })
        #expect(try commandLine(["--exec", "x", "--share", "."]).contains("rvkvm.host=share0"))
        #expect(try commandLine(["--exec", "x", "--share", ".,tag=src", "--share", "/"]).contains("rvkvm.host=src"))
        #expect(try commandLine(["--exec", "x", "--append", "console=hvc0"]).first == "console=hvc0")
        #expect(try commandLine([]) == ["console=ttyS0"])
    }

    @Test func whatCantBeCombined() throws {
        let image = scratch.image()
        for (arguments, hint) in [
            (["--exec", "x", "--kernel", image], "default guest"), (["--exec", "x", "--firmware", "none"], "default guest"),
            (["--exec", "x", "--initrd", image], "default guest"), (["--exec", ""], "needs a command"),
            (["--exec", String(repeating: "x", count: 32_769)], "--share"),
        ] {
            let result = try Tool.run(["run"] + arguments, directory: scratch.path)
            #expect(result.status == 64)
            #expect(result.errors.hasPrefix("rvkvm: --exec: ") && result.errors.contains(hint) && result.errorLines.count == 1)
        }
    }

    @Test func sharesThatCantBe() throws {
        let image = scratch.image()
        for (shares, status, hint) in [
            (["nowhere"], 66, "can't be opened: "), ([image], 66, "is no directory"), (["/dev/null"], 66, "is no directory"),
            ([".", ".,tag=share0"], 64, "tag is ‘share0’"), ([".,tag=a", "/,tag=a"], 64, "another with tag="),
        ] as [([String], Int32, String)] {
            let options = shares.flatMap { ["--share", $0] }
            let result = try Tool.run(["run", "--kernel", image, "--timeout", "5"] + options, directory: scratch.path)
            #expect(result.status == status, "\(shares): \(result.errors)")
            #expect(result.errors.hasPrefix("rvkvm: --share ‘") && result.errors.contains(hint) && result.errorLines.count == 1, "\(result.errors)")
        }
    }
}
