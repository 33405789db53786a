import Foundation
import Synchronization
import Testing
import VirtIO

/// What lies outside the shared directory can't be reached: by no name, by no link, and in no race.
@Suite("9p: escapes")
struct P9EscapeTests {
    let folder: SharedFolder
    init() throws { folder = try SharedFolder() }

    /// The folder is as it was, apart from what is in `shared`.
    func outsideIsUntouched() -> Bool {
        (try? FileManager.default.contentsOfDirectory(atPath: folder.folder).sorted()) == ["outside", "shared"]
            && (try? FileManager.default.contentsOfDirectory(atPath: folder.outside)) == ["secret"]
            && (try? String(contentsOfFile: "\(folder.outside)/secret", encoding: .utf8)) == "secret"
    }

    static let badNames = [
        "", ".", "..", "/", "a/b", "../outside", "/etc", "../outside/secret", "a\0b", "\0", "./x", "x/", "x/..",
        String(repeating: "n", count: 256),
    ]

    @Test(arguments: badNames)
    func namesLeadNowhere(_ name: String) throws {
        try folder.put("file")
        mkdir("\(folder.shared)/a", 0o755)
        try folder.walk(to: 2, "file")
        if name != ".." { #expect(throws: Refused.self) { try folder.walk(to: 3, name) } }
        try folder.walk(to: 4)
        #expect(throws: Refused.self) { try folder.create(4, name) }
        #expect(throws: Refused.self) { try folder.makeDirectory(name) }
        #expect(throws: Refused.self) { try folder.makeNode(name, mode: 0o644) }
        #expect(throws: Refused.self) { try folder.makeLink(name, to: "x") }
        #expect(throws: Refused.self) { try folder.link(2, as: name) }
        #expect(throws: Refused.self) { try folder.rename("file", to: name) }
        #expect(throws: Refused.self) { try folder.rename(name, to: "file") }
        #expect(throws: Refused.self) { try folder.unlink(name) }
        #expect(throws: Refused.self) { try folder.unlink(name, flags: 0x200) }
        #expect(throws: Refused.self) { try folder.ask(20, Bytes().u32(2).u32(1).text(name)) }
        #expect(outsideIsUntouched())
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.shared).sorted() == ["a", "file"])
    }

    @Test func parentsEndAtTheRoot() throws {
        mkdir("\(folder.shared)/a", 0o755)
        let root = try folder.attributes(1).qid.path
        #expect(try folder.walk(to: 2, "..", "..", "..")[2].path == root)
        #expect(throws: Refused(ENOENT)) { try folder.walk(2, to: 3, "outside") }
        #expect(try folder.walk(to: 3, "a", "..", "..", "..").last?.path == root)
        #expect(try folder.walk(to: 4, "..", "outside").count == 1)
        #expect(throws: Refused(EBADF)) { try folder.clunk(4) }
    }

    @Test(arguments: ["../outside", "/etc", "/", "..", ".", "a", "/proc/self/root", "/proc/self/cwd", "/dev/fd/0"])
    func linksAreNotFollowed(_ target: String) throws {
        mkdir("\(folder.shared)/a", 0o755)
        symlink(target, "\(folder.shared)/link")
        #expect(try folder.walk(to: 2, "link")[0].type == 2)
        #expect(throws: Refused(ENOTDIR)) { try folder.walk(2, to: 3, "secret") }
        #expect(try folder.walk(to: 4, "link", "secret").count == 1)
        #expect(throws: Refused(ELOOP)) { try folder.open(2) }
        #expect(throws: Refused(ENOTDIR)) { try folder.makeDirectory("x", in: 2) }
        #expect(throws: Refused(ENOTDIR)) { try folder.create(2, "x") }
        #expect(throws: Refused(ENOTDIR)) { try folder.rename("a", to: "x", in: 2) }
        #expect(throws: Refused(ENOTDIR)) { try folder.rename("secret", from: 2, to: "stolen") }
        #expect(throws: Refused(ENOTDIR)) { try folder.unlink("secret", in: 2) }
        #expect(try folder.readLink(2) == target)
        #expect(outsideIsUntouched())
    }

    @Test func filesBehindLinksAreNotTouched() throws {
        symlink("../outside/secret", "\(folder.shared)/link")
        try folder.walk(to: 2, "link")
        for flags in [O_RDONLY, O_RDWR, O_WRONLY | O_TRUNC, O_RDONLY | 0o10000000] {
            #expect(throws: Refused(ELOOP)) { try folder.open(2, flags) }
        }
        try folder.walk(to: 3)
        #expect(throws: Refused(ELOOP)) { try folder.create(3, "link", O_RDWR) }
        #expect(throws: Refused(ELOOP)) { try folder.create(3, "link", O_RDWR | O_TRUNC) }
        #expect(throws: Refused(EEXIST)) { try folder.create(3, "link", O_RDWR | O_EXCL) }
        #expect(throws: Refused(EINVAL)) { try folder.setAttributes(2, valid: 0x8, size: 0) }
        #expect(throws: Refused(EOPNOTSUPP)) { try folder.setAttributes(2, valid: 0x1, mode: 0o777) }
        var before = stat()
        var after = stat()
        stat("\(folder.outside)/secret", &before)
        try? folder.setAttributes(2, valid: 0x1B6, user: 99, group: 99, accessed: (1, 1), modified: (1, 1))
        #expect(throws: Refused(ENODATA)) { try folder.attribute(2, "user.x", as: 9) }
        try folder.createAttribute(2, "user.x", size: 1)
        try folder.write(2, "x")
        #expect(throws: Refused(EPERM)) { try folder.clunk(2) }
        stat("\(folder.outside)/secret", &after)
        #expect(before.st_uid == after.st_uid && before.st_ctim.tv_nsec == after.st_ctim.tv_nsec)
        #expect(folder.attributeSize("outside/secret", "user.x") < 0)
        #expect(outsideIsUntouched())
    }

    @Test func devicesAreNotOpened() throws {
        mkfifo("\(folder.shared)/fifo", 0o666)
        try folder.walk(to: 2, "fifo")
        for flags in [O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_TRUNC] { #expect(throws: Refused(ENXIO)) { try folder.open(2, flags) } }
        try folder.walk(to: 3)
        #expect(throws: Refused(ENXIO)) { try folder.create(3, "fifo") }
        #expect(throws: Refused(EINVAL)) { try folder.setAttributes(2, valid: 0x8, size: 0) }
        guard geteuid() == 0, mknod("\(folder.shared)/null", S_IFCHR | 0o666, 0x103) == 0 else { return }
        try folder.walk(to: 4, "null")
        #expect(throws: Refused(ENXIO)) { try folder.open(4, O_RDWR) }
        #expect(throws: Refused(ENXIO)) { try folder.create(3, "null") }
        #expect(throws: Refused(EINVAL)) { try folder.setAttributes(4, valid: 0x8, size: 0) }
        // The guest's kernel knows what it is and opens its own.
        #expect(try folder.attributes(4).represents == 0x103)
    }

    @Test func ourOwnProcessIsNotShared() throws {
        let folder = try SharedFolder(readOnly: true, of: "/")
        #expect(throws: Refused(EACCES)) { try folder.walk(to: 2, "proc") }
        #expect(throws: Refused(EACCES)) { try folder.walk(to: 2, "proc", "self", "mem") }
        #expect(throws: Refused(EBADF)) { try folder.clunk(2) }
    }

    @Test func magicLinksAreOnlyLinks() throws {
        // Shared by its own name, procfs is what was asked for; its links lead nowhere all the same.
        let folder = try SharedFolder(readOnly: true, of: "/proc/\(getpid())")
        #expect(try folder.walk(to: 2, "root")[0].type == 2)
        #expect(throws: Refused.self) { try folder.open(2) }
        #expect(throws: Refused(ENOTDIR)) { try folder.walk(2, to: 3, "etc") }
        #expect(try folder.walk(to: 4, "cwd", "Package.swift").count == 1)
        #expect(try folder.walk(to: 5, "fd", "0").last?.type == 2)
        #expect(throws: Refused.self) { try folder.open(5) }
        #expect(try folder.readLink(2) == "/")
    }

    @Test func hardLinksStayInside() throws {
        try folder.put("file", "text")
        try folder.walk(to: 2, "file")
        symlink("../outside", "\(folder.shared)/out")
        try folder.walk(to: 3, "out")
        #expect(throws: Refused(ENOTDIR)) { try folder.link(2, as: "file", in: 3) }
        #expect(outsideIsUntouched())
        symlink("../outside/secret", "\(folder.shared)/secret")
        try folder.walk(to: 4, "secret")
        try folder.link(4, as: "copy")
        #expect(folder.status("copy")?.st_mode ?? 0 & S_IFMT == S_IFLNK | 0o777)
        var status = stat()
        stat("\(folder.outside)/secret", &status)
        #expect(status.st_nlink == 1)
    }

    /// A host's process moves a directory out while the guest is in it: it stays in that directory, and doesn't
    /// get out by going up.
    @Test func aDirectoryThatMovesOut() throws {
        mkdir("\(folder.shared)/a", 0o755)
        mkdir("\(folder.shared)/a/b", 0o755)
        try folder.walk(to: 2, "a", "b")
        #expect(Foundation.rename("\(folder.shared)/a/b", "\(folder.outside)/b") == 0)
        try folder.walk(2, to: 3, "..")
        #expect(throws: Refused(ENOENT)) { try folder.walk(3, to: 4, "secret") }
        try folder.walk(3, to: 5, "..", "..", "..")
        #expect(try folder.attributes(5).qid.path == folder.attributes(1).qid.path)
        rmdir("\(folder.outside)/b")
        #expect(outsideIsUntouched())
    }

    /// Another thread swaps a directory for a link to the outside, and a file for one to a secret, as fast as it
    /// can, while a client walks, opens, creates, links and removes.
    @Test func racesAreLost() throws {
        let shared = folder.shared
        let outside = folder.outside
        for name in ["swap", "real"] { mkdir("\(shared)/\(name)", 0o755) }
        try "public".write(toFile: "\(shared)/swap/secret", atomically: false, encoding: .utf8)
        try folder.put("file", "public")
        symlink("../outside", "\(shared)/evil")
        symlink("../outside/secret", "\(shared)/evil file")
        let isDone = Atomic(false)
        let rounds = Atomic(0)
        do {
            let racer = Thread {
                while !isDone.load(ordering: .relaxed) {
                    exchange("\(shared)/swap", "\(shared)/evil")
                    exchange("\(shared)/file", "\(shared)/evil file")
                    rounds.add(1, ordering: .relaxed)
                }
            }
            racer.start()
            defer {
                isDone.store(true, ordering: .relaxed)
                while !racer.isFinished { usleep(1000) }
            }
            var opened = 0
            var refused = 0
            for n in 0..<8_000 {
                let names = [["swap", "secret"], ["file"], ["evil file"], ["evil", "secret"]][n % 4]
                var body = Bytes().u32(1).u32(2).u16(UInt16(names.count))
                for name in names { body = body.text(name) }
                do {
                    var answer = try folder.ask(110, body)
                    guard answer.u16() == names.count else {
                        refused += 1
                        continue
                    }
                    do {
                        try folder.open(2, O_RDWR)
                        #expect(try folder.read(2) == Array("public".utf8))
                        opened += 1
                    } catch { refused += 1 }
                    try folder.clunk(2)
                } catch { refused += 1 }
                if n % 16 == 0 {
                    _ = try? folder.walk(to: 3)
                    if (try? folder.create(3, "file", O_RDWR | O_TRUNC)) != nil { try folder.write(3, "public") }
                    try? folder.clunk(3)
                    if (try? folder.walk(to: 4, "swap")) != nil {
                        _ = try? folder.makeDirectory("made", in: 4)
                        try? folder.unlink("made", in: 4, flags: 0x200)
                        try? folder.clunk(4)
                    }
                }
            }
            #expect(opened > 0 && refused > 0 && rounds.load(ordering: .relaxed) > 100)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: outside) == ["secret"])
        #expect(try String(contentsOfFile: "\(outside)/secret", encoding: .utf8) == "secret")
    }
}

/// renameat2 with RENAME_EXCHANGE: there is always one of the two under each name.
private let exchange: @Sendable (String, String) -> Void = {
    typealias Call = @convention(c) (Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32) -> Int32
    let call = unsafeBitCast(dlsym(nil, "renameat2"), to: Call.self)
    return { a, b in _ = call(AT_FDCWD, a, AT_FDCWD, b, 2) }
}()
