import Testing
import VirtIO

/// Every kind of ring that can be negotiated.
struct RingKind: CustomTestStringConvertible, Sendable {
    var packed: Bool, indirect: Bool, eventIndex: Bool
    var testDescription: String {
        (packed ? "packed" : "split") + (indirect ? " indirect" : "") + (eventIndex ? " event-index" : "")
    }
    static let all: [RingKind] = [false, true].flatMap { packed in
        [false, true].flatMap { indirect in [false, true].map { RingKind(packed: packed, indirect: indirect, eventIndex: $0) } }
    }
}

extension MockDriver {
    convenience init(_ device: any VirtIODevice, _ kind: RingKind, ringSize: Int = 64) throws {
        try self.init(
            device, packed: kind.packed, indirect: kind.indirect, eventIndex: kind.eventIndex, ringSize: ringSize)
    }
}

@Suite("queues, with a driver that plays by the rules")
struct QueueTests {
    @Test("requests one after the other, many times round the ring", arguments: RingKind.all)
    func oneAtATime(kind: RingKind) throws {
        let driver = try MockDriver(EchoDevice(), kind, ringSize: 8)
        try driver.start()
        for i in 0..<500 {
            let bytes = (0..<(i % 97 + 1)).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ i) }
            let answer = try driver.request(queue: 0, readable: [bytes], writable: [bytes.count + 3])
            #expect(answer.written == bytes.count)
            #expect(answer.writable == [bytes + [0, 0, 0]])
        }
        #expect(!driver.needsReset)
    }

    @Test("requests of several descriptors, as many at a time as fit", arguments: RingKind.all)
    func manyAtATime(kind: RingKind) throws {
        let driver = try MockDriver(EchoDevice(), kind, ringSize: 16)
        try driver.start()
        for round in 0..<200 {
            var out: [(MockDriver.Buffer, [UInt8])] = []
            for i in 0..<(round % 4 + 1) {
                let bytes = (0..<12).map { UInt8(truncatingIfNeeded: $0 &+ i &* 16 &+ round) }
                let buffer = try driver.add(
                    queue: 0, readable: [Array(bytes[..<5]), Array(bytes[5...])], writable: [3, 9], notify: i % 2 == 0)
                out.append((buffer, bytes))
            }
            driver.kick(0)
            for (buffer, bytes) in out {
                let answer = try driver.wait(buffer)
                #expect(answer == .init(written: 12, writable: [Array(bytes[..<3]), Array(bytes[3...])]))
            }
        }
        #expect(!driver.needsReset)
    }

    @Test("a buffer with an empty descriptor in it is as if that weren't there", arguments: RingKind.all)
    func emptyDescriptor(kind: RingKind) throws {
        let driver = try MockDriver(EchoDevice(), kind)
        try driver.start()
        let answer = try driver.request(queue: 0, readable: [[1, 2], [], [3]], writable: [0, 3])
        #expect(answer == .init(written: 3, writable: [[], [1, 2, 3]]))
    }
}
