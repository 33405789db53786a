import Foundation
import Testing
import VirtIO

/// `--share PATH,readonly`: every modification is EROFS, and nothing has changed.
@Suite("9p: read only")
struct P9ReadOnlyTests {
    @Test func everyModificationIsRefused() throws {
        let folder = try SharedFolder(readOnly: true)
        try folder.put("file", "text")
        mkdir("\(folder.shared)/directory", 0o755)
        try folder.walk(to: 2, "file")
        let readOnly = Refused(EROFS)
        for flags in [O_WRONLY, O_RDWR, O_RDONLY | O_TRUNC] { #expect(throws: readOnly) { try folder.open(2, flags) } }
        #expect(throws: readOnly) { try folder.open(1, O_RDWR) }
        try folder.walk(to: 3)
        #expect(throws: readOnly) { try folder.create(3, "new") }
        #expect(throws: readOnly) { try folder.create(3, "file", O_RDONLY) }
        #expect(throws: readOnly) { try folder.makeDirectory("new") }
        #expect(throws: readOnly) { try folder.makeNode("new", mode: 0o644) }
        #expect(throws: readOnly) { try folder.makeLink("new", to: "x") }
        #expect(throws: readOnly) { try folder.link(2, as: "new") }
        #expect(throws: readOnly) { try folder.rename("file", to: "new") }
        #expect(throws: readOnly) { try folder.ask(20, Bytes().u32(2).u32(1).text("new")) }
        #expect(throws: readOnly) { try folder.unlink("file") }
        #expect(throws: readOnly) { try folder.unlink("directory", flags: 0x200) }
        for valid in [0x1, 0x2, 0x4, 0x8, 0x10, 0x20, 0x40, 0x1B0] as [UInt32] {
            #expect(throws: readOnly) { try folder.setAttributes(2, valid: valid) }
        }
        #expect(throws: readOnly) { try folder.createAttribute(2, "user.x", size: 1) }
        try folder.walk(2, to: 4)
        #expect(throws: readOnly) { try folder.ask(122, Bytes().u32(4)) }

        try folder.open(2)
        #expect(try folder.read(2) == Array("text".utf8))
        #expect(throws: readOnly) { try folder.write(2, "x") }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.shared).sorted() == ["directory", "file"])
        #expect(folder.content("file") == "text")
    }
}
