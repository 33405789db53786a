import Foundation
import Testing
import VirtIO

/// Directories: listing, making, moving and removing entries.
@Suite("9p: directories")
struct P9DirectoryTests {
    let folder: SharedFolder
    init() throws { folder = try SharedFolder() }

    /// Everything, in pieces of `count` bytes.
    func list(_ fid: UInt32, by count: UInt32) throws -> [Entry] {
        var all: [Entry] = []
        while true {
            let some = try folder.entries(fid, at: all.last?.cookie ?? 0, count)
            if some.isEmpty { return all }
            all += some
        }
    }

    @Test(arguments: [300, 1000, 65_536, UInt32.max])
    func listsEveryEntryOnce(_ count: UInt32) throws {
        let names = (0..<500).map { "entry-\($0)-" + String(repeating: "x", count: $0 % 200) }
        for name in names { try folder.put(name) }
        try folder.open(1)
        let found = try list(1, by: count)
        #expect(found.map(\.name).sorted() == (names + [".", ".."]).sorted())
    }

    @Test func entriesSayWhatTheyAre() throws {
        try folder.put("file")
        mkdir("\(folder.shared)/directory", 0o755)
        symlink("file", "\(folder.shared)/link")
        mkfifo("\(folder.shared)/fifo", 0o644)
        try folder.walk(to: 2)
        try folder.open(2)
        let found = try list(2, by: 4096)
        for (name, type) in [("file", 8), ("directory", 4), ("link", 10), ("fifo", 1), (".", 4), ("..", 4)] as [(String, UInt8)] {
            #expect(found.first { $0.name == name }?.type == type)
        }
        let qid = try folder.walk(to: 3, "file")[0]
        #expect(found.first { $0.name == "file" }?.path == qid.path)
    }

    @Test func theRootIsItsOwnParent() throws {
        mkdir("\(folder.shared)/directory", 0o755)
        let own = try folder.attributes(1).qid.path
        try folder.walk(to: 2)
        try folder.open(2)
        let entries = try list(2, by: 4096)
        #expect(entries.first { $0.name == ".." }?.path == own)
        try folder.walk(to: 3, "directory")
        try folder.open(3)
        #expect(try list(3, by: 4096).first { $0.name == ".." }?.path == own)
        #expect(try folder.walk(to: 4, "..", "..", "directory", "..", "..").last?.path == own)
    }

    @Test func cookiesSurviveChanges() throws {
        for n in 0..<300 { try folder.put("old-\(n)") }
        try folder.open(1)
        let first = try folder.entries(1, at: 0, 2000)
        let kept = Set((0..<300).map { "old-\($0)" })
        for entry in first where entry.name.hasPrefix("old") { try folder.unlink(entry.name, in: Self.other(folder)) }
        for n in 0..<50 { try folder.put("new-\(n)") }
        var rest: [Entry] = []
        while true {
            let some = try folder.entries(1, at: (rest.last ?? first[first.count - 1]).cookie, 2000)
            if some.isEmpty { break }
            rest += some
        }
        let seen = (first + rest).map(\.name).filter { $0.hasPrefix("old") }
        #expect(seen.count == Set(seen).count)
        #expect(Set(seen) == kept)
        #expect(try folder.entries(1, at: first[2].cookie, 2000).first?.name != first[2].name)
    }

    /// A second fid of the root.
    static func other(_ folder: SharedFolder) throws -> UInt32 {
        _ = try? folder.walk(to: 99)
        return 99
    }

    @Test func noRoomForAnEntryIsAnError() throws {
        try folder.put(String(repeating: "n", count: 255))
        try folder.open(1)
        #expect(throws: Refused(EINVAL)) { try folder.entries(1, at: 0, 24) }
        #expect(throws: Refused(EINVAL)) { try folder.entries(1, at: 0, 0) }
        #expect(try list(1, by: 279).count == 3)
        #expect(throws: Refused(EINVAL)) { try folder.entries(1, at: 1 << 63, 4096) }
        #expect(throws: Refused(EBADF)) { try folder.entries(try Self.other(folder), at: 0, 4096) }
    }

    @Test func makesAndRemovesDirectories() throws {
        let qid = try folder.makeDirectory("a", mode: 0o1777)
        #expect(qid.type == 0x80)
        #expect(folder.status("a")?.st_mode == S_IFDIR | 0o1777)
        #expect(throws: Refused(EEXIST)) { try folder.makeDirectory("a") }
        try folder.walk(to: 2, "a")
        try folder.makeDirectory("b", in: 2)
        #expect(throws: Refused(ENOTEMPTY)) { try folder.unlink("a", flags: 0x200) }
        #expect(throws: Refused(EISDIR)) { try folder.unlink("a") }
        try folder.unlink("b", in: 2, flags: 0x200)
        try folder.unlink("a", flags: 0x200)
        #expect(folder.status("a") == nil)
        #expect(throws: Refused(ENOENT)) { try folder.makeDirectory("in a removed directory", in: 2) }
        #expect(throws: Refused(EINVAL)) { try folder.unlink("x", flags: 0x400) }
    }

    @Test func renames() throws {
        try folder.put("file", "text")
        try folder.makeDirectory("a")
        try folder.walk(to: 2, "a")
        try folder.rename("file", to: "moved", in: 2)
        #expect(folder.content("a/moved") == "text")
        try folder.put("other")
        try folder.rename("other", to: "moved", in: 2)
        #expect(folder.content("a/moved") == "")
        #expect(throws: Refused(ENOENT)) { try folder.rename("file", to: "x", in: 2) }
        #expect(throws: Refused(EINVAL)) { try folder.rename("a", to: "below itself", in: 2) }
    }

    @Test func olderRenameAndRemove() throws {
        try folder.put("file", "text")
        try folder.makeDirectory("a")
        try folder.walk(to: 2, "a")
        try folder.walk(to: 3, "file")
        _ = try folder.ask(20, Bytes().u32(3).u32(2).text("b"))
        #expect(folder.content("a/b") == "text")
        try folder.open(3)
        #expect(try folder.read(3) == Array("text".utf8))
        _ = try folder.ask(122, Bytes().u32(3))
        #expect(folder.status("a/b") == nil)
        #expect(throws: Refused(EBADF)) { try folder.clunk(3) }
        _ = try folder.ask(122, Bytes().u32(2))
        #expect(folder.status("a") == nil)
        // Refused, and the fid is gone all the same.
        try folder.walk(to: 4)
        #expect(throws: Refused(EINVAL)) { try folder.ask(122, Bytes().u32(4)) }
        #expect(throws: Refused(EBADF)) { try folder.clunk(4) }
        #expect(throws: Refused(EINVAL)) { try folder.ask(20, Bytes().u32(1).u32(1).text("root")) }
    }

    @Test func aNameThatMeansAnotherFileIsLeftAlone() throws {
        try folder.put("file", "old")
        try folder.walk(to: 2, "file")
        try folder.walk(to: 3, "file")
        try folder.rename("file", to: "elsewhere")
        try folder.put("file", "new")
        #expect(throws: Refused(ENOENT)) { try folder.ask(122, Bytes().u32(2)) }
        #expect(throws: Refused(ENOENT)) { try folder.ask(20, Bytes().u32(3).u32(1).text("x")) }
        #expect(folder.content("file") == "new" && folder.content("elsewhere") == "old")
    }

    @Test func links() throws {
        try folder.put("file", "text")
        try folder.walk(to: 2, "file")
        try folder.link(2, as: "hard")
        #expect(folder.status("hard")?.st_ino == folder.status("file")?.st_ino)
        #expect(try folder.attributes(2).links == 2)
        #expect(throws: Refused(EEXIST)) { try folder.link(2, as: "hard") }
        #expect(throws: Refused(EPERM)) { try folder.link(1, as: "directory") }
        try folder.rename("file", to: "renamed")
        try folder.link(2, as: "again")
        #expect(try folder.attributes(2).links == 3)
        let qid = try folder.makeLink("soft", to: "/etc/passwd")
        #expect(qid.type == 2)
        try folder.walk(to: 3, "soft")
        try folder.link(3, as: "soft too")
        #expect(folder.status("soft too")?.st_ino == folder.status("soft")?.st_ino, "a link to the link, not to what it points to")
        #expect(throws: Refused(ENOENT)) { try folder.makeLink("empty", to: "") }
        #expect(throws: Refused(ENAMETOOLONG)) { try folder.makeLink("long", to: String(repeating: "x", count: 4096)) }
        #expect(throws: Refused(EINVAL)) { try folder.makeLink("nul", to: "a\0b") }
    }

    @Test func nodesButNoDevices() throws {
        try folder.makeNode("file", mode: UInt32(S_IFREG | 0o640))
        #expect(folder.status("file")?.st_mode == S_IFREG | 0o640)
        try folder.makeNode("plain", mode: 0o600)
        #expect(folder.status("plain")?.st_mode == S_IFREG | 0o600)
        try folder.makeNode("fifo", mode: UInt32(S_IFIFO | 0o622))
        #expect(folder.status("fifo")?.st_mode == S_IFIFO | 0o622)
        try folder.makeNode("socket", mode: UInt32(S_IFSOCK | 0o600))
        #expect(throws: Refused(EPERM)) { try folder.makeNode("character", mode: UInt32(S_IFCHR | 0o666)) }
        #expect(throws: Refused(EPERM)) { try folder.makeNode("block", mode: UInt32(S_IFBLK | 0o666)) }
        #expect(throws: Refused(EINVAL)) { try folder.makeNode("directory", mode: UInt32(S_IFDIR | 0o755)) }
        #expect(throws: Refused(EINVAL)) { try folder.makeNode("nonsense", mode: 0o150000) }
        for name in ["character", "block", "directory", "nonsense"] { #expect(folder.status(name) == nil) }
    }

    @Test func twoFilesAreTwo() throws {
        // /dev and /dev/pts, or whatever is mounted there: file systems number their files alike.
        let folder = try SharedFolder(readOnly: true, of: "/dev")
        let qids = try ["shm", "pts"].compactMap { name in try? folder.walk(to: UInt32(name.utf8.first!), name)[0] } + [folder.attributes(1).qid]
        #expect(Set(qids.map(\.path)).count == qids.count)
    }
}
