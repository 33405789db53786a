import Foundation
import Testing
import VirtIO

/// Every request that opens, reads, writes and describes files, against the host's own view of them.
@Suite("9p: files")
struct P9FileTests {
    let folder: SharedFolder
    init() throws { folder = try SharedFolder() }

    @Test func versionIsAgreedOn() throws {
        let folder = try SharedFolder(attach: false)
        #expect(throws: Refused(EPROTO)) { try folder.walk(to: 2) }
        #expect(throws: Refused(EMSGSIZE)) { try folder.ask(100, Bytes().u32(4095).text("9P2000.L")) }
        for (dialect, answer) in [("9P2000.u", "unknown"), ("9P2000", "unknown"), ("", "unknown"), ("9P2000.L", "9P2000.L")] {
            var reply = try folder.ask(100, Bytes().u32(.max).text(dialect))
            #expect(reply.u32() == 512 << 10)
            #expect(reply.text() == answer)
        }
        var reply = try folder.ask(100, Bytes().u32(4096).text("9P2000.L"))
        #expect(reply.u32() == 4096)
    }

    @Test func versionForgetsAllFids() throws {
        try folder.walk(to: 2)
        _ = try folder.ask(100, Bytes().u32(8192).text("9P2000.L"))
        #expect(throws: Refused(EBADF)) { try folder.walk(to: 3) }
        #expect(throws: Refused(EBADF)) { try folder.clunk(2) }
    }

    @Test func attachTakesAPathBeneathTheRoot() throws {
        try FileManager.default.createDirectory(atPath: "\(folder.shared)/a/b", withIntermediateDirectories: true)
        symlink("/", "\(folder.shared)/link")
        func attach(_ fid: UInt32, _ path: String) throws { _ = try folder.ask(104, Bytes().u32(fid).u32(.max).text("u").text(path).u32(0)) }
        try attach(2, "/a/b")
        #expect(throws: Refused(EINVAL)) { try attach(2, "") }
        #expect(throws: Refused(EINVAL)) { try attach(3, "a/../..") }
        #expect(throws: Refused(ENOENT)) { try attach(3, "/etc") }
        #expect(throws: Refused(ENOTDIR)) { try attach(3, "link/etc") }
        #expect(throws: Refused(EOPNOTSUPP)) { try folder.ask(102, Bytes().u32(9).text("").text("").u32(0)) }
    }

    @Test func walksAsFarAsNamesExist() throws {
        try FileManager.default.createDirectory(atPath: "\(folder.shared)/a/b", withIntermediateDirectories: true)
        try folder.put("a/b/file", "text")
        #expect(try folder.walk(to: 2, "a", "b", "file").map(\.type) == [0x80, 0x80, 0])
        #expect(try folder.walk(to: 3, "a", "x", "y").count == 1)
        #expect(throws: Refused(EBADF), "a walk that ended early makes no fid") { try folder.clunk(3) }
        #expect(throws: Refused(ENOENT)) { try folder.walk(to: 3, "x") }
        #expect(throws: Refused(ENOTDIR)) { try folder.walk(2, to: 3, "x") }
        #expect(throws: Refused(EINVAL)) { try folder.walk(to: 2) }
        #expect(throws: Refused(EINVAL)) { try folder.walk(to: .max) }
        #expect(try folder.walk(2, to: 4).isEmpty)
        #expect(try folder.attributes(4).qid == folder.attributes(2).qid)
        try folder.walk(4, to: 4, "..")
        #expect(try folder.attributes(4).qid.type == 0x80)
        #expect(try folder.walk(4, to: 4, "file")[0] == folder.attributes(2).qid)
        let long = Array(repeating: "..", count: 17)
        var body = Bytes().u32(1).u32(9).u16(17)
        for name in long { body = body.text(name) }
        #expect(throws: Refused(EINVAL)) { try folder.ask(110, body) }
    }

    @Test func readsAndWrites() throws {
        try folder.put("file", "0123456789")
        try folder.walk(to: 2, "file")
        #expect(throws: Refused(EBADF)) { try folder.read(2) }
        try folder.open(2, O_RDWR)
        #expect(throws: Refused(EINVAL)) { try folder.open(2) }
        #expect(try folder.read(2, at: 3, 4) == Array("3456".utf8))
        #expect(try folder.read(2, at: 10).isEmpty)
        #expect(try folder.write(2, at: 12, "xy") == 2)
        #expect(try folder.write(2, at: 1, "") == 0)
        #expect(folder.content("file") == "0123456789\0\0xy")
        #expect(throws: Refused(EINVAL)) { try folder.read(2, at: 1 << 63) }
        #expect(throws: Refused(EINVAL)) { try folder.write(2, at: .max, "x") }
        #expect(throws: Refused(EINVAL)) { try folder.walk(2, to: 2) }
        try folder.clunk(2)
        #expect(throws: Refused(EBADF)) { try folder.read(2) }
    }

    @Test func readsNoMoreThanAMessageHolds() throws {
        let folder = try SharedFolder(attach: false)
        _ = try folder.ask(100, Bytes().u32(4096).text("9P2000.L"))
        _ = try folder.ask(104, Bytes().u32(1).u32(.max).text("").text("").u32(0))
        try folder.put("file", String(repeating: "x", count: 10_000))
        try folder.walk(to: 2, "file")
        try folder.open(2)
        #expect(try folder.read(2, .max).count == 4096 - 11)
        #expect(throws: Refused(EMSGSIZE)) { try folder.write(2, String(repeating: "y", count: 4096)) }
    }

    @Test func opensWithItsFlags() throws {
        try folder.put("file", "0123456789")
        try folder.walk(to: 2, "file")
        try folder.open(2, O_WRONLY | O_APPEND)
        try folder.write(2, at: 0, "!")
        #expect(folder.content("file") == "0123456789!")
        #expect(throws: Refused(EBADF)) { try folder.read(2) }
        try folder.walk(to: 3, "file")
        #expect(throws: Refused(ENOTDIR)) { try folder.open(3, O_DIRECTORY) }
        try folder.open(3, O_RDWR | O_TRUNC)
        #expect(folder.content("file") == "")
        try folder.walk(to: 4)
        #expect(throws: Refused(EISDIR)) { try folder.open(4, O_RDWR) }
        #expect(try folder.open(4, O_DIRECTORY).type == 0x80)
        #expect(throws: Refused(EISDIR)) { try folder.read(4) }
        #expect(throws: Refused(EISDIR)) { try folder.write(4, "x") }
    }

    @Test func createsFiles() throws {
        try folder.walk(to: 2)
        let qid = try folder.create(2, "new", O_RDWR | O_EXCL, mode: 0o4751)
        try folder.write(2, "text")
        #expect(folder.content("new") == "text")
        #expect(folder.status("new")?.st_mode == S_IFREG | 0o4751)
        #expect(try folder.attributes(2).qid.path == qid.path)
        try folder.walk(to: 3)
        #expect(throws: Refused(EEXIST)) { try folder.create(3, "new", O_RDWR | O_EXCL) }
        try folder.create(3, "new", O_RDWR, mode: 0o600)
        #expect(try folder.read(3) == Array("text".utf8))
        #expect(folder.status("new")?.st_mode == S_IFREG | 0o4751, "a file that was there keeps its mode")
        try folder.walk(to: 4)
        mkdir("\(folder.shared)/directory", 0o755)
        #expect(throws: Refused(EISDIR)) { try folder.create(4, "directory") }
        #expect(throws: Refused(EINVAL)) { try folder.create(4, "..") }
        #expect(try folder.attributes(4).qid.type == 0x80, "a fid that created nothing means what it meant")
    }

    @Test func filesBelongToWhoeverMakesThem() throws {
        let isRoot = geteuid() == 0
        _ = try folder.ask(104, Bytes().u32(2).u32(.max).text("").text("").u32(1234))
        try folder.makeDirectory("directory", in: 2, mode: 0o2775)
        try folder.makeLink("link", in: 2, to: "x")
        try folder.create(2, "file", mode: 0o6755, group: 4321)
        for name in ["directory", "link", "file"] { #expect(folder.status(name)?.st_uid == (isRoot ? 1234 : geteuid())) }
        if isRoot { #expect(folder.status("file")?.st_gid == 4321) }
        #expect(folder.status("file")?.st_mode == S_IFREG | 0o6755)
        #expect(folder.status("directory")?.st_mode == S_IFDIR | 0o2775)
    }

    @Test func attributesAreTheHosts() throws {
        try folder.put("file", "text")
        chmod("\(folder.shared)/file", 0o640)
        try folder.walk(to: 2, "file")
        let attributes = try folder.attributes(2)
        let status = try #require(folder.status("file"))
        #expect(attributes.valid & 0x7FF == 0x7FF)
        #expect(attributes.mode == status.st_mode)
        #expect(attributes.user == status.st_uid)
        #expect(attributes.group == status.st_gid)
        #expect(attributes.links == 1)
        #expect(attributes.size == 4)
        #expect(attributes.blocks == UInt64(status.st_blocks))
        #expect(attributes.times[2] == UInt64(status.st_mtim.tv_sec))
        #expect(attributes.times[3] == UInt64(status.st_mtim.tv_nsec))
        #expect(attributes.times[5] == UInt64(status.st_ctim.tv_nsec))
        #expect(attributes.qid.version != 0)
    }

    @Test func setsAttributes() throws {
        try folder.put("file", "0123456789")
        try folder.walk(to: 2, "file")
        try folder.setAttributes(2, valid: 0x1, mode: 0o4755)
        #expect(folder.status("file")?.st_mode == S_IFREG | 0o4755)
        try folder.setAttributes(2, valid: 0x8, size: 4)
        #expect(folder.content("file") == "0123")
        try folder.setAttributes(2, valid: 0x1B0, accessed: (1_000_000_007, 8), modified: (1_000_000_009, 10))
        var status = try #require(folder.status("file"))
        #expect(status.st_atim.tv_sec == 1_000_000_007 && status.st_atim.tv_nsec == 8)
        #expect(status.st_mtim.tv_sec == 1_000_000_009 && status.st_mtim.tv_nsec == 10)
        try folder.setAttributes(2, valid: 0x20)
        status = try #require(folder.status("file"))
        #expect(status.st_mtim.tv_sec > 1_000_000_009)
        #expect(status.st_atim.tv_sec == 1_000_000_007)
        if geteuid() == 0 {
            try folder.setAttributes(2, valid: 0x7, mode: 0o4711, user: 11, group: 22)
            status = try #require(folder.status("file"))
            #expect(status.st_uid == 11 && status.st_gid == 22 && status.st_mode == S_IFREG | 0o4711)
        }
        try folder.setAttributes(2, valid: 0x40)
        #expect(throws: Refused(EINVAL)) { try folder.setAttributes(2, valid: 0x8, size: 1 << 63) }
        // UTIME_OMIT and UTIME_NOW are no times.
        #expect(throws: Refused(EINVAL)) { try folder.setAttributes(2, valid: 0x90, accessed: (1, (1 << 30) - 2)) }
        #expect(throws: Refused(EISDIR)) { try folder.setAttributes(1, valid: 0x8, size: 0) }
    }

    @Test func attributesOfALinkAreItsOwn() throws {
        try folder.put("file", "0123456789")
        try folder.makeLink("link", to: "file")
        let before = try #require(folder.status("file"))
        #expect(try folder.walk(to: 2, "link")[0].type == 2)
        #expect(try folder.readLink(2) == "file")
        #expect(try folder.attributes(2).size == 4)
        #expect(throws: Refused(ELOOP)) { try folder.open(2) }
        #expect(throws: Refused(EOPNOTSUPP)) { try folder.setAttributes(2, valid: 0x1, mode: 0o777) }
        #expect(throws: Refused(EINVAL)) { try folder.setAttributes(2, valid: 0x8, size: 0) }
        try folder.setAttributes(2, valid: 0x1B0, accessed: (7, 0), modified: (9, 0))
        #expect(folder.status("link")?.st_mtim.tv_sec == 9)
        #expect(folder.status("file")?.st_mtim.tv_sec == before.st_mtim.tv_sec)
        #expect(folder.content("file") == "0123456789")
        try folder.walk(to: 3, "file")
        #expect(throws: Refused(EINVAL)) { try folder.readLink(3) }
    }

    @Test func anOpenFileOutlivesItsName() throws {
        try folder.walk(to: 2)
        try folder.create(2, "file")
        try folder.write(2, "text")
        try folder.unlink("file")
        #expect(try folder.attributes(2).links == 0)
        #expect(try folder.read(2) == Array("text".utf8))
        try folder.setAttributes(2, valid: 0x8, size: 2)
        #expect(try folder.attributes(2).size == 2)
        #expect(throws: Refused(ENOENT)) { try folder.walk(to: 3, "file") }
    }

    @Test func aWalkedFileStaysItself() throws {
        try folder.put("a", "first")
        try folder.walk(to: 2, "a")
        try folder.rename("a", to: "b")
        try folder.put("a", "second")
        try folder.open(2)
        #expect(try folder.read(2) == Array("first".utf8))
    }

    @Test func syncs() throws {
        try folder.put("file")
        try folder.walk(to: 2, "file")
        #expect(throws: Refused(EBADF)) { try folder.ask(50, Bytes().u32(2).u32(0)) }
        try folder.open(2, O_RDWR)
        for body in [Bytes().u32(2).u32(0), Bytes().u32(2).u32(1), Bytes().u32(2)] { _ = try folder.ask(50, body) }
        try folder.open(1)
        _ = try folder.ask(50, Bytes().u32(1).u32(0))
    }

    @Test func locksAreTheGuestsOwn() throws {
        try folder.put("file")
        try folder.walk(to: 2, "file")
        let lock = Bytes().u32(2).u8(1).u32(1).u64(0).u64(10).u32(77).text("client")
        #expect(throws: Refused(EBADF)) { try folder.ask(52, lock) }
        try folder.open(2, O_RDWR)
        var reply = try folder.ask(52, lock)
        #expect(reply.u8() == 0)
        reply = try folder.ask(54, Bytes().u32(2).u8(1).u64(5).u64(10).u32(77).text("client"))
        #expect(reply.u8() == 2 && reply.u64() == 5 && reply.u64() == 10 && reply.u32() == 77)
        #expect(reply.text() == "client")
        #expect(throws: Refused(EINVAL)) { try folder.ask(54, Bytes().u32(2).u8(3).u64(5).u64(10).u32(77).text("client")) }
    }

    @Test func flushIsAnswered() throws { _ = try folder.ask(108, Bytes().u16(7)) }

    @Test func fileSystemIsDescribed() throws {
        var reply = try folder.ask(8, Bytes().u32(1))
        var host = statvfs()
        #expect(statvfs(folder.shared, &host) == 0)
        #expect(reply.u32() != 0)
        #expect(reply.u32() == UInt32(host.f_bsize))
        #expect(reply.u64() == UInt64(host.f_blocks))
        _ = reply.bytes(16)
        #expect(reply.u64() == UInt64(host.f_files))
        _ = reply.bytes(16)
        #expect(reply.u32() == UInt32(host.f_namemax))
        #expect(reply.rest.isEmpty)
    }

    @Test func extendedAttributesOfUsers() throws {
        try folder.put("file")
        try folder.walk(to: 2, "file")
        try folder.walk(2, to: 3)
        try folder.createAttribute(3, "user.name", size: 5)
        try folder.write(3, "val")
        try folder.write(3, at: 3, "ue")
        #expect(throws: Refused(EINVAL)) { try folder.write(3, at: 5, "!") }
        try folder.clunk(3)
        #expect(folder.attributeSize("shared/file", "user.name") == 5)
        #expect(try folder.attribute(2, "user.name", as: 4) == 5)
        #expect(try folder.read(4, at: 1, 3) == Array("alu".utf8))
        #expect(try folder.read(4, at: 99).isEmpty)
        #expect(try folder.attribute(2, "", as: 5) == 10)
        #expect(try folder.read(5) == Array("user.name\0".utf8))
        #expect(throws: Refused(EOPNOTSUPP)) { try folder.attribute(2, "security.capability", as: 6) }
        #expect(throws: Refused(EOPNOTSUPP)) { try folder.attribute(2, "system.posix_acl_access", as: 6) }
        #expect(throws: Refused(EOPNOTSUPP)) { try folder.attribute(2, "user.", as: 6) }
        #expect(throws: Refused(ENODATA)) { try folder.attribute(2, "user.other", as: 6) }
        try folder.walk(2, to: 3)
        #expect(throws: Refused(EOPNOTSUPP)) { try folder.createAttribute(3, "trusted.x", size: 1) }
        #expect(throws: Refused(ERANGE)) { try folder.createAttribute(3, "user.x", size: 65_537) }
        #expect(throws: Refused(ERANGE)) { try folder.createAttribute(3, "user.x", size: .max) }
        try folder.createAttribute(3, "user.name", size: 3, flags: 1)
        #expect(throws: Refused(EINVAL), "fewer bytes than announced") { try folder.clunk(3) }
        try folder.walk(2, to: 3)
        try folder.createAttribute(3, "user.name", size: 1, flags: 1)
        try folder.write(3, "x")
        #expect(throws: Refused(EEXIST)) { try folder.clunk(3) }
        try folder.walk(2, to: 3)
        try folder.createAttribute(3, "user.name", size: 0)
        try folder.clunk(3)
        #expect(folder.attributeSize("shared/file", "user.name") < 0)
    }

    @Test func attributesDontFillMemory() throws {
        try folder.put("file")
        try folder.walk(to: 2, "file")
        var refusals = 0
        for fid in 3..<400 as Range<UInt32> {
            try folder.walk(2, to: fid)
            do { try folder.createAttribute(fid, "user.x", size: 65_536) } catch Refused(ENOMEM) { refusals += 1 }
        }
        #expect(refusals == 397 - 256)
        _ = try? folder.clunk(3)
        try folder.createAttribute(399, "user.x", size: 65_536)
    }
}

func ~= (pattern: Refused, error: any Error) -> Bool { error as? Refused == pattern }
