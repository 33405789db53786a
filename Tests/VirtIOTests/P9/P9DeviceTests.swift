import Foundation
import Testing
import VirtIO

/// The device behind a transport, spoken to by a driver.
@Suite("9p: device")
struct P9DeviceTests {
    static let version = Bytes().u32(1 << 20).text("9P2000.L").message(100)
    static let attach = Bytes().u32(1).u32(.max).text("").text("").u32(0).message(104)

    func device(_ folder: SharedFolder, tag: String = "tag") throws -> P9Device {
        P9Device(try SharedDirectory(folder.shared, readOnly: false, descriptors: 1000), tag: tag)
    }

    func ask(_ driver: MockDriver, _ request: [UInt8], pieces: Int = 1, room: [Int] = [4096]) throws -> Answer {
        let size = max(1, request.count / pieces)
        let readable = stride(from: 0, to: request.count, by: size).map { Array(request[$0..<min($0 + size, request.count)]) }
        let answer = try driver.request(queue: 0, readable: readable, writable: room)
        return try #require(Answer(Array(answer.writable.joined().prefix(answer.written))))
    }

    @Test func configurationIsTheTag() throws {
        let folder = try SharedFolder()
        let device = try device(folder, tag: "tag-of-thirty-two-bytes-90123456789")
        #expect(device.deviceID == 9 && device.features == 1)
        #expect(device.readConfiguration(offset: 0, width: 2) == 32)
        #expect(device.readConfiguration(offset: 2, width: 1) == 0x74)
        #expect(device.readConfiguration(offset: 0, width: 8) == 0x666F_2D67_6174_0020)
        for offset in [34, 35, 1000, .max] as [UInt64] { #expect(device.readConfiguration(offset: offset, width: 8) == 0) }
        #expect(device.readConfiguration(offset: 33, width: 8) == UInt64(UInt8(ascii: "6")))
    }

    @Test(arguments: [false, true], [false, true])
    func conversation(packed: Bool, indirect: Bool) throws {
        let folder = try SharedFolder()
        let text = String((0..<100_000).map { Character(UnicodeScalar(UInt8(97 + $0 % 26))) })
        try folder.put("file", text)
        let driver = try MockDriver(try device(folder), packed: packed, indirect: indirect)
        try driver.start()
        #expect(try ask(driver, Self.version).type == 101)
        #expect(try ask(driver, Self.attach, pieces: 5).type == 105)
        #expect(try ask(driver, Bytes().u32(1).u32(2).u16(1).text("file").message(110)).type == 111)
        #expect(try ask(driver, Bytes().u32(2).u32(0).message(12)).type == 13)
        var read: [UInt8] = []
        while read.count < text.utf8.count {
            var answer = try ask(
                driver, Bytes().u32(2).u64(UInt64(read.count)).u32(1 << 20).message(116), room: [11, 1, 4096, 333, 30_000])
            #expect(answer.type == 117)
            let count = Int(answer.u32())
            try #require(count > 0)
            read += answer.bytes(count)
        }
        #expect(read == Array(text.utf8))
    }

    @Test func severalRequestsAtATime() throws {
        let folder = try SharedFolder()
        let driver = try MockDriver(try device(folder))
        try driver.start()
        _ = try ask(driver, Self.version)
        _ = try ask(driver, Self.attach)
        let buffers = try (0..<20).map { n in
            try driver.add(
                queue: 0, readable: [Bytes().u32(1).text("d\(n)").u32(0o755).u32(0).message(72, tag: UInt16(n))], writable: [64])
        }
        for (n, buffer) in buffers.enumerated() {
            let answer = try driver.wait(buffer)
            let reply = try #require(Answer(Array(answer.writable[0].prefix(answer.written))))
            #expect(reply.type == 73 && reply.tag == n)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.shared).count == 20)
    }

    @Test func aResetStartsAnew() throws {
        let folder = try SharedFolder()
        let driver = try MockDriver(try device(folder))
        for _ in 0..<20 {
            try driver.start()
            var refused = try ask(driver, Self.attach)
            #expect(refused.type == 7 && refused.u32() == UInt32(EPROTO))
            _ = try ask(driver, Self.version)
            #expect(try ask(driver, Self.attach).type == 105)
            // One that is out when the reset comes.
            try driver.add(queue: 0, readable: [Bytes().u32(1).message(8)], writable: [100])
            driver.reset()
        }
    }

    @Test func buffersWithoutRoomAreAProtocolError() throws {
        for (readable, writable) in [([UInt8](repeating: 0, count: 6), 4096), (Self.version, 10), (Self.version, 0), ([], 4096)] {
            let folder = try SharedFolder()
            let driver = try MockDriver(try device(folder))
            try driver.start()
            #expect(throws: (any Error).self) {
                try driver.request(queue: 0, readable: readable.isEmpty ? [] : [readable], writable: writable == 0 ? [] : [writable])
            }
            #expect(driver.needsReset)
            try driver.start()
            #expect(try ask(driver, Self.version).type == 101)
        }
    }
}
