import CHost
import Testing
import VirtIO

/// Frames behind their lengths, in a stream cut anywhere.
@Suite struct FrameStreamTests {
    static func framed(_ frame: [UInt8]) -> [UInt8] {
        [UInt8(frame.count >> 24), UInt8(frame.count >> 16 & 0xFF), UInt8(frame.count >> 8 & 0xFF), UInt8(frame.count & 0xFF)] + frame
    }

    @Test(arguments: [1, 2, 3, 5, 7, 64, 1000, 100_000])
    func piecesOfEverySize(_ piece: Int) {
        let frames = [1, 14, 60, 1514, 65_549, 3, 69_632].map { Frames.pattern($0, from: $0) }
        let bytes = frames.flatMap(Self.framed)
        var stream = FrameStream()
        var rest = bytes[...]
        var received: [[UInt8]] = []
        while true {
            switch stream.next() {
            case .frame(let frame): received.append(Array(frame))
            case .broken: Issue.record("not broken")
            case .incomplete:
                let room = stream.room()
                #expect(!room.isEmpty)
                let part = rest.prefix(min(piece, room.count))
                room.copyBytes(from: part)
                stream.filled(part.count)
                rest = rest.dropFirst(part.count)
                if part.isEmpty { return #expect(received == frames) }
            }
        }
    }

    enum Outcome: Equatable { case frame([UInt8]), incomplete, broken(UInt32) }

    func next(_ stream: inout FrameStream) -> Outcome {
        switch stream.next() {
        case .frame(let frame): .frame(Array(frame))
        case .incomplete: .incomplete
        case .broken(let length): .broken(length)
        }
    }

    @Test(arguments: [0, 69_633, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF] as [UInt32])
    func lengthsThatCannotBe(_ length: UInt32) {
        var stream = FrameStream()
        let good = Self.framed([1, 2, 3])
        let bad = (0 ..< 4).map { UInt8(length >> UInt32(24 - 8 * $0) & 0xFF) }
        stream.room().copyBytes(from: good + bad)
        stream.filled(good.count + 4)
        let outcomes = [next(&stream), next(&stream), next(&stream)]
        // For good, until the stream begins anew.
        #expect(outcomes == [.frame([1, 2, 3]), .broken(length), .broken(length)])
        stream.removeAll()
        let last = next(&stream)
        #expect(last == .incomplete)
    }
}
