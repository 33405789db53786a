import Foundation
import Testing
import VirtIO

/// Messages that break the rules get an error, or nothing where there is no room for one. Nothing else happens.
@Suite("9p: malformed messages")
struct P9MalformedTests {
    /// One good message of each kind, for fids 1 (root), 2 (an open file) and 3 (a file).
    static let messages: [[UInt8]] = [
        Bytes().u32(1).message(8), Bytes().u32(3).u32(0).message(12), Bytes().u32(4).text("n").u32(2).u32(0o644).u32(0).message(14),
        Bytes().u32(1).text("l").text("t").u32(0).message(16), Bytes().u32(1).text("n").u32(0o644).u32(0).u32(0).u32(0).message(18),
        Bytes().u32(3).u32(1).text("r").message(20), Bytes().u32(3).message(22), Bytes().u32(3).u64(.max).message(24),
        Bytes().u32(3).u32(0x1B0).u32(0).u32(0).u32(0).u64(0).u64(0).u64(0).u64(0).u64(0).message(26),
        Bytes().u32(3).u32(9).text("user.x").message(30), Bytes().u32(3).text("user.x").u64(1).u32(0).message(32),
        Bytes().u32(1).u64(0).u32(100).message(40), Bytes().u32(2).u32(0).message(50),
        Bytes().u32(2).u8(0).u32(0).u64(0).u64(0).u32(0).text("c").message(52),
        Bytes().u32(2).u8(0).u64(0).u64(0).u32(0).text("c").message(54), Bytes().u32(1).u32(3).text("h").message(70),
        Bytes().u32(1).text("d").u32(0o755).u32(0).message(72), Bytes().u32(1).text("file").u32(1).text("r").message(74),
        Bytes().u32(1).text("x").u32(0).message(76), Bytes().u32(8192).text("9P2000.L").message(100),
        Bytes().u32(9).text("u").text("").u32(0).message(102), Bytes().u32(9).u32(.max).text("u").text("").u32(0).message(104),
        Bytes().u16(1).message(108), Bytes().u32(1).u32(9).u16(1).text("file").message(110), Bytes().u32(2).u64(0).u32(10).message(116),
        Bytes().u32(2).u64(0).u32(3).appending([1, 2, 3]).message(118), Bytes().u32(3).message(120), Bytes().u32(3).message(122),
    ]

    static func folder(replySize: Int = 1 << 20) throws -> SharedFolder {
        let folder = try SharedFolder(replySize: replySize)
        try folder.put("file", "text")
        try folder.walk(to: 2, "file")
        try folder.open(2, O_RDWR)
        try folder.walk(to: 3, "file")
        return folder
    }

    @Test(arguments: messages)
    func truncatedAnywhere(_ message: [UInt8]) throws {
        let folder = try Self.folder()
        for size in 0..<message.count {
            // Fewer bytes than the message says, and a message that is shorter than its fields.
            let cut = Array(message.prefix(size))
            let answer = folder.raw(cut)
            if size < 7 {
                #expect(answer.isEmpty)
                continue
            }
            #expect(Answer(answer)?.type == 7)
            if message[4] == 50 || message[4] == 104, size >= message.count - 4 { continue }
            var short = cut
            short[0] = UInt8(size)
            #expect(Answer(folder.raw(short))?.type == 7, "\(message[4]) cut to \(size)")
        }
    }

    @Test(arguments: [0, 1, 6, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF] as [UInt32])
    func sizesLie(_ size: UInt32) throws {
        let folder = try Self.folder()
        for var message in Self.messages {
            message.replaceSubrange(0..<4, with: Bytes().u32(size).bytes)
            #expect(Answer(folder.raw(message))?.type == 7)
        }
        #expect(folder.content("file") == "text")
    }

    @Test func whatFollowsAMessageIsNotPartOfIt() throws {
        let folder = try Self.folder()
        var answer = try #require(Answer(folder.raw(Bytes().u32(2).u64(0).u32(4).message(116) + [1, 2, 3])))
        #expect(answer.type == 117 && answer.u32() == 4)
    }

    @Test func unknownTypes() throws {
        let folder = try Self.folder()
        let known = Set(Self.messages.map { $0[4] })
        #expect(known.count == 28)
        for type in (0...255 as ClosedRange<UInt8>) where !known.contains(type) {
            var answer = try #require(Answer(folder.raw(Bytes().u32(1).message(type))))
            #expect(answer.type == 7 && answer.u32() == UInt32(EOPNOTSUPP))
        }
    }

    @Test func unknownFids() throws {
        let folder = try Self.folder()
        for var message in Self.messages where ![100, 102, 104, 108].contains(message[4]) {
            message.replaceSubrange(7..<11, with: Bytes().u32(77).bytes)
            var answer = try #require(Answer(folder.raw(message)))
            #expect(answer.type == 7)
            #expect(answer.u32() == UInt32(EBADF))
        }
        #expect(throws: Refused(EBADF)) { try folder.rename("file", to: "x", in: 77) }
        #expect(throws: Refused(EBADF)) { try folder.link(77, as: "x") }
    }

    @Test func hugeCounts() throws {
        let folder = try Self.folder()
        #expect(throws: Refused(EINVAL)) { try folder.ask(118, Bytes().u32(2).u64(0).u32(.max).appending([1])) }
        #expect(throws: Refused(EINVAL)) { try folder.ask(110, Bytes().u32(1).u32(9).u16(.max)) }
        #expect(throws: Refused(EINVAL)) { try folder.ask(110, Bytes().u32(1).u32(9).u16(16)) }
        #expect(throws: Refused(EINVAL)) { try folder.ask(72, Bytes().u32(1).u16(.max).appending([0x61])) }
        #expect(try folder.read(2, .max) == Array("text".utf8))
    }

    /// A reply buffer of every size.
    @Test func noRoomForTheAnswer() throws {
        for size in 0..<200 {
            let folder = try Self.folder(replySize: 1 << 20)
            for message in Self.messages {
                var reply = [UInt8](repeating: 0xEE, count: size + 16)
                let count = message.withUnsafeBytes { request in
                    reply.withUnsafeMutableBytes {
                        folder.server.answer(request, into: UnsafeMutableRawBufferPointer(rebasing: $0[..<size]))
                    }
                }
                #expect(count <= size && (size < 11) == (count == 0))
                if count > 0 { #expect(Answer(Array(reply.prefix(count))) != nil) }
                #expect(reply.suffix(16).allSatisfy { $0 == 0xEE })
            }
        }
    }

    @Test func descriptorsRunOut() throws {
        let folder = try SharedFolder(descriptors: 20)
        try folder.put("file")
        var fids: [UInt32] = []
        #expect(throws: Refused(EMFILE)) {
            for fid in 10..<100 as Range<UInt32> {
                try folder.walk(to: fid, "file")
                fids.append(fid)
            }
        }
        #expect(fids.count == 19)
        #expect(throws: Refused(EMFILE)) { try folder.open(fids[0]) }
        try folder.clunk(fids[1])
        try folder.open(fids[0])
        // All of one file: no descriptor each.
        for fid in 200..<300 as Range<UInt32> { try folder.walk(fids[0], to: fid) }
    }

    @Test func depthHasAnEnd() throws {
        let folder = try SharedFolder(descriptors: 5000)
        var depth = 0
        var fid: UInt32 = 1
        do {
            while depth < 5000 {
                try folder.makeDirectory("d", in: fid)
                try folder.walk(fid, to: fid + 1, "d")
                if fid > 1 { try folder.clunk(fid) }
                fid += 1
                depth += 1
            }
        } catch { #expect(error as? Refused == Refused(ENAMETOOLONG)) }
        #expect(depth == 2048)
        // Going up again, taking it away, which the path's length keeps the clean-up from.
        while depth > 0 {
            try? folder.unlink("d", in: fid, flags: 0x200)
            try folder.walk(fid, to: fid, "..")
            depth -= 1
        }
        try folder.unlink("d", in: fid, flags: 0x200)
    }

    /// Good messages with bytes changed, and bytes that were never a message.
    @Test func fuzzed() throws {
        let folder = try Self.folder()
        var random = SplitMix(seed: 9)
        for round in 0..<200_000 {
            var message: [UInt8]
            if random.next() % 8 == 0 {
                message = (0..<random.next() % 64).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                if message.count >= 4 { message.replaceSubrange(0..<4, with: Bytes().u32(UInt32(message.count)).bytes) }
            } else {
                message = Self.messages[Int(random.next() % UInt64(Self.messages.count))]
                for _ in 0..<random.next() % 4 {
                    let place = Int(random.next() % UInt64(message.count))
                    message[place] = random.next() % 2 == 0 ? UInt8(truncatingIfNeeded: random.next()) : UInt8(random.next() % 12)
                }
            }
            let answer = folder.raw(message)
            #expect(message.count < 7 ? answer.isEmpty : Answer(answer) != nil)
            if round % 500 == 0 {
                _ = folder.raw(Bytes().u32(1 << 20).text("9P2000.L").message(100))
                _ = folder.raw(Bytes().u32(1).u32(.max).text("").text("").u32(0).message(104))
                try folder.put("file", "text")
                _ = folder.raw(Bytes().u32(1).u32(2).u16(1).text("file").message(110))
                _ = folder.raw(Bytes().u32(2).u32(2).message(12))
                _ = folder.raw(Bytes().u32(1).u32(3).u16(1).text("file").message(110))
                for fid in 4..<8 as Range<UInt32> { _ = folder.raw(Bytes().u32(1).u32(fid).u16(0).message(110)) }
            }
        }
        #expect(try String(contentsOfFile: "\(folder.outside)/secret", encoding: .utf8) == "secret")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.folder).sorted() == ["outside", "shared"])
    }
}

/// A generator whose sequence is the seed's.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
