import CHost
import Foundation
import VirtIO

/// A request's bytes, put together by hand so that they can also be wrong.
struct Bytes {
    var bytes: [UInt8] = []

    func u8(_ value: UInt8) -> Bytes { appending([value]) }
    func u16(_ value: UInt16) -> Bytes { appending((0..<2).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }) }
    func u32(_ value: UInt32) -> Bytes { appending((0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }) }
    func u64(_ value: UInt64) -> Bytes { appending((0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }) }
    func text(_ value: String) -> Bytes { u16(UInt16(value.utf8.count)).appending(Array(value.utf8)) }
    func appending(_ more: [UInt8]) -> Bytes { Bytes(bytes: bytes + more) }

    /// A whole message.
    func message(_ type: UInt8, tag: UInt16 = 1) -> [UInt8] {
        Bytes().u32(UInt32(bytes.count + 7)).u8(type).u16(tag).bytes + bytes
    }
}

/// An answer, taken apart from its start.
struct Answer {
    var type: UInt8
    var tag: UInt16
    var rest: ArraySlice<UInt8>

    /// nil when the bytes aren't one whole message.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 7 else { return nil }
        rest = bytes[...]
        type = 0
        tag = 0
        guard u32() == UInt32(bytes.count) else { return nil }
        type = u8()
        tag = u16()
    }

    mutating func integer(_ count: Int) -> UInt64 {
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    mutating func u8() -> UInt8 { UInt8(integer(1)) }
    mutating func u16() -> UInt16 { UInt16(integer(2)) }
    mutating func u32() -> UInt32 { UInt32(integer(4)) }
    mutating func u64() -> UInt64 { integer(8) }
    mutating func bytes(_ count: Int) -> [UInt8] {
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }
    mutating func text() -> String { String(decoding: bytes(Int(u16())), as: UTF8.self) }
    mutating func qid() -> Qid { Qid(type: u8(), version: u32(), path: u64()) }
}

struct Qid: Equatable {
    var type: UInt8
    var version: UInt32
    var path: UInt64
}

struct Attributes {
    var valid: UInt64
    var qid: Qid
    var mode, user, group: UInt32
    var links, represents, size, blockSize, blocks: UInt64
    /// Seconds and nanoseconds of access, modification, change and birth.
    var times: [UInt64]
}

struct Entry: Equatable {
    var name: String
    var cookie: UInt64
    var type: UInt8
    var path: UInt64
}

/// The server's answer was Rlerror with this errno.
struct Refused: Error, Equatable {
    var number: Int32
    init(_ number: Int32) { self.number = number }
}

/// A directory of its own, shared with a client of 9P2000.L that says what it is told to.
final class SharedFolder {
    /// The folder holds `shared`, which is what is shared, and `outside`, which isn't.
    let folder: String
    let server: P9Server
    let replySize: Int

    var shared: String { folder + "/shared" }
    var outside: String { folder + "/outside" }
    static let root: UInt32 = 1

    init(readOnly: Bool = false, descriptors: Int = 1000, replySize: Int = 1 << 20, attach: Bool = true, of path: String? = nil) throws {
        var template = Array("/tmp/rvkvm-p9.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Refused(errno) }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        self.replySize = replySize
        for name in ["shared", "outside"] { mkdir("\(folder)/\(name)", 0o755) }
        try "secret".write(toFile: "\(folder)/outside/secret", atomically: false, encoding: .utf8)
        server = P9Server(try SharedDirectory(path ?? "\(folder)/shared", readOnly: readOnly, descriptors: descriptors))
        if attach {
            _ = try ask(100, Bytes().u32(1 << 20).text("9P2000.L"))
            _ = try ask(104, Bytes().u32(Self.root).u32(.max).text("").text("").u32(0))
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// The server's bytes for a request's.
    func raw(_ request: [UInt8]) -> [UInt8] {
        var reply = [UInt8](repeating: 0xEE, count: replySize)
        let count = request.withUnsafeBytes { request in reply.withUnsafeMutableBytes { server.answer(request, into: $0) } }
        return Array(reply.prefix(count))
    }

    func ask(_ type: UInt8, _ body: Bytes) throws -> Answer {
        guard var answer = Answer(raw(body.message(type, tag: 0x1234))) else { throw Refused(-1) }
        guard answer.tag == 0x1234 else { throw Refused(-2) }
        if answer.type == 7 { throw Refused(Int32(answer.u32())) }
        guard answer.type == type + 1 else { throw Refused(-3) }
        return answer
    }

    // MARK: Requests

    @discardableResult
    func walk(_ fid: UInt32 = root, to new: UInt32, _ names: String...) throws -> [Qid] {
        var body = Bytes().u32(fid).u32(new).u16(UInt16(names.count))
        for name in names { body = body.text(name) }
        var answer = try ask(110, body)
        return (0..<answer.u16()).map { _ in answer.qid() }
    }

    func clunk(_ fid: UInt32) throws { _ = try ask(120, Bytes().u32(fid)) }

    @discardableResult
    func open(_ fid: UInt32, _ flags: Int32 = O_RDONLY) throws -> Qid {
        var answer = try ask(12, Bytes().u32(fid).u32(UInt32(flags)))
        return answer.qid()
    }

    @discardableResult
    func create(_ fid: UInt32, _ name: String, _ flags: Int32 = O_RDWR, mode: UInt32 = 0o644, group: UInt32 = 0) throws -> Qid {
        var answer = try ask(14, Bytes().u32(fid).text(name).u32(UInt32(flags)).u32(mode).u32(group))
        return answer.qid()
    }

    func read(_ fid: UInt32, at offset: UInt64 = 0, _ count: UInt32 = 4096) throws -> [UInt8] {
        var answer = try ask(116, Bytes().u32(fid).u64(offset).u32(count))
        return answer.bytes(Int(answer.u32()))
    }

    @discardableResult
    func write(_ fid: UInt32, at offset: UInt64 = 0, _ text: String) throws -> Int {
        var answer = try ask(118, Bytes().u32(fid).u64(offset).u32(UInt32(text.utf8.count)).appending(Array(text.utf8)))
        return Int(answer.u32())
    }

    func attributes(_ fid: UInt32) throws -> Attributes {
        var a = try ask(24, Bytes().u32(fid).u64(.max))
        return Attributes(
            valid: a.u64(), qid: a.qid(), mode: a.u32(), user: a.u32(), group: a.u32(), links: a.u64(), represents: a.u64(),
            size: a.u64(), blockSize: a.u64(), blocks: a.u64(), times: (0..<8).map { _ in a.u64() })
    }

    func setAttributes(
        _ fid: UInt32, valid: UInt32, mode: UInt32 = 0, user: UInt32 = 0, group: UInt32 = 0, size: UInt64 = 0,
        accessed: (UInt64, UInt64) = (0, 0), modified: (UInt64, UInt64) = (0, 0)
    ) throws {
        _ = try ask(
            26, Bytes().u32(fid).u32(valid).u32(mode).u32(user).u32(group).u64(size).u64(accessed.0).u64(accessed.1).u64(modified.0)
                .u64(modified.1))
    }

    func entries(_ fid: UInt32, at offset: UInt64 = 0, _ count: UInt32 = 1 << 16) throws -> [Entry] {
        var answer = try ask(40, Bytes().u32(fid).u64(offset).u32(count))
        guard answer.u32() == UInt32(answer.rest.count) else { throw Refused(-4) }
        var entries: [Entry] = []
        while !answer.rest.isEmpty {
            let qid = answer.qid()
            let cookie = answer.u64()
            let type = answer.u8()
            entries.append(Entry(name: answer.text(), cookie: cookie, type: type, path: qid.path))
        }
        return entries
    }

    @discardableResult
    func makeDirectory(_ name: String, in fid: UInt32 = root, mode: UInt32 = 0o755) throws -> Qid {
        var answer = try ask(72, Bytes().u32(fid).text(name).u32(mode).u32(0))
        return answer.qid()
    }

    @discardableResult
    func makeLink(_ name: String, in fid: UInt32 = root, to target: String) throws -> Qid {
        var answer = try ask(16, Bytes().u32(fid).text(name).text(target).u32(0))
        return answer.qid()
    }

    func makeNode(_ name: String, in fid: UInt32 = root, mode: UInt32) throws {
        _ = try ask(18, Bytes().u32(fid).text(name).u32(mode).u32(1).u32(3).u32(0))
    }

    func link(_ fid: UInt32, as name: String, in directory: UInt32 = root) throws {
        _ = try ask(70, Bytes().u32(directory).u32(fid).text(name))
    }

    func unlink(_ name: String, in fid: UInt32 = root, flags: UInt32 = 0) throws {
        _ = try ask(76, Bytes().u32(fid).text(name).u32(flags))
    }

    func rename(_ name: String, from: UInt32 = root, to newName: String, in to: UInt32 = root) throws {
        _ = try ask(74, Bytes().u32(from).text(name).u32(to).text(newName))
    }

    func readLink(_ fid: UInt32) throws -> String {
        var answer = try ask(22, Bytes().u32(fid))
        return answer.text()
    }

    /// The size of an attribute's value, which `new` then reads.
    @discardableResult
    func attribute(_ fid: UInt32, _ name: String, as new: UInt32) throws -> UInt64 {
        var answer = try ask(30, Bytes().u32(fid).u32(new).text(name))
        return answer.u64()
    }

    func createAttribute(_ fid: UInt32, _ name: String, size: UInt64, flags: UInt32 = 0) throws {
        _ = try ask(32, Bytes().u32(fid).text(name).u64(size).u32(flags))
    }

    // MARK: The host's side

    func put(_ name: String, _ text: String = "") throws {
        try text.write(toFile: "\(shared)/\(name)", atomically: false, encoding: .utf8)
    }

    func content(_ name: String) -> String? { try? String(contentsOfFile: "\(shared)/\(name)", encoding: .utf8) }

    func status(_ name: String) -> stat? {
        var status = stat()
        return lstat("\(shared)/\(name)", &status) == 0 ? status : nil
    }

    /// The size of an extended attribute of a file outside or inside, below 0 when there is none.
    func attributeSize(_ path: String, _ name: String) -> Int {
        let file = Foundation.open("\(folder)/\(path)", O_RDONLY)
        defer { close(file) }
        return host_p9_get_attribute(file, name, nil, 0)
    }
}
