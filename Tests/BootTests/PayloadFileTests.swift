import Boot
import Foundation
import Testing

@Suite struct PayloadFileTests {
    private func failure(_ source: PayloadSource, limit: UInt64 = 1 << 20) -> BootError? {
        bootError { () throws(BootError) in _ = try PayloadFile(source).read(limit: limit) }
    }

    @Test func missingFile() {
        let error = failure(.kernel("/nonexistent/Image"))
        #expect(error?.category == .missing)
        #expect(error?.category.rawValue == 66)
        #expect(error?.message == "--kernel /nonexistent/Image: no such file or directory; check the path")
    }

    @Test func emptyName() {
        #expect(failure(.initrd(""))?.category == .missing)
        #expect(failure(.initrd(""))?.message.hasPrefix("--initrd '': ") == true)
    }

    @Test func nulInName() { #expect(failure(.kernel("/etc/passwd\0x"))?.category == .missing) }

    @Test func messagesStayOnOneLine() {
        #expect(failure(.kernel("a\nb\u{1B}[2J"))?.message.hasPrefix("--kernel a?b?[2J: ") == true)
    }

    @Test func fileAsDirectory() { #expect(failure(.kernel("/etc/passwd/x"))?.category == .missing) }

    @Test func directory() {
        #expect(failure(.kernel("/tmp")) == .badData(.kernel("/tmp"), reason: "is a directory; rvkvm needs a regular file"))
    }

    @Test(arguments: ["/dev/zero", "/dev/null", "/dev/stdin"])
    func device(path: String) {
        // What stdin is depends on who runs the tests, but reading it would block or succeed.
        let error = failure(.kernel(path))
        if path == "/dev/stdin" { return }
        #expect(error?.category == .badData)
        #expect(error?.message.contains("is a character device") == true)
    }

    @Test(.timeLimit(.minutes(1))) func pipe() throws {
        let scratch = try Scratch()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/mkfifo")
        process.arguments = [scratch.path("fifo")]
        try process.run()
        process.waitUntilExit()
        let error = failure(.kernel(scratch.path("fifo")))
        #expect(error?.category == .badData)
        #expect(error?.message.contains("is a pipe") == true)
    }

    @Test func emptyFile() throws {
        let scratch = try Scratch()
        let error = failure(.deviceTree(try scratch.file("e", [])))
        #expect(error?.category == .badData)
        #expect(error?.message.contains("is empty") == true)
    }

    @Test func unreadable() throws {
        let scratch = try Scratch()
        let path = try scratch.file("secret", [1])
        try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: path)
        // Root may read it all the same.
        guard let error = failure(.kernel(path)) else { return }
        #expect(error.category == .missing)
    }

    @Test func sparseGiantIsRefusedUnread() throws {
        let scratch = try Scratch()
        let path = try scratch.file("huge", [1])
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try handle.truncate(atOffset: 8 << 40)
        try handle.close()
        let error = failure(.kernel(path))
        #expect(error?.category == .badData)
        #expect(error?.message.contains("8192 GiB") == true)
    }

    @Test func contents() throws {
        let scratch = try Scratch()
        let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
        let file = try PayloadFile(.kernel(try scratch.file("f", bytes)))
        #expect(file.size == 100_000)
        #expect(try file.read(limit: 100_000).array() == bytes)
        #expect(bootError { () throws(BootError) in _ = try file.read(limit: 99_999) }?.category == .badData)
    }
}
