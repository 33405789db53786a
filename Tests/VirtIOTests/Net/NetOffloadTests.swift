import Testing
import VirtIO

/// Checksums, and TCP segments cut and merged.
@Suite struct NetOffloadTests {
    @Test func checksumsAgreeWithTheSlowWay() {
        for count in 0 ..< 300 {
            let bytes = Frames.pattern(count, from: count * 3)
            let sum = bytes.withUnsafeBytes { InternetChecksum.folded(InternetChecksum.sum($0)) }
            #expect(UInt32(UInt16(bigEndian: sum)) == Frames.slowSum(bytes), "\(count) bytes")
        }
    }

    @Test func largestSumDoesNotOverflow() {
        let bytes = [UInt8](repeating: 0xFF, count: 1 << 20)
        #expect(bytes.withUnsafeBytes { InternetChecksum.folded(InternetChecksum.sum($0)) } == 0xFFFF)
    }

    @Test(arguments: [false, true])
    func partialChecksumIsCompleted(_ isIPv6: Bool) throws {
        let whole = Frames.tcp(isIPv6: isIPv6, payload: Frames.pattern(333))
        var frame = whole
        let tcp = try #require(whole.withUnsafeBytes { TCPFrame($0) })
        var header = NetworkHeader()
        header.flags = NetworkHeader.needsChecksum
        header.checksumStart = UInt16(tcp.tcp)
        header.checksumOffset = 16
        // What Linux leaves there: the sum of the pseudo header, not inverted.
        let segment = whole.count - tcp.tcp
        let addresses = isIPv6 ? whole[22 ..< 54] : whole[26 ..< 34]
        let pseudo = Frames.slowSum(Array(addresses) + [UInt8(segment >> 8), UInt8(segment & 0xFF), 0, 6])
        frame[tcp.tcp + 16] = UInt8(pseudo >> 8)
        frame[tcp.tcp + 17] = UInt8(pseudo & 0xFF)
        #expect(!Frames.isSound(frame))
        #expect(frame.withUnsafeMutableBytes { TransmitOffload.finish($0, header) })
        #expect(frame == whole)
    }

    @Test(arguments: [false, true])
    func longSegmentBecomesOneValidPacket(_ isIPv6: Bool) throws {
        var frame = Frames.tcp(isIPv6: isIPv6, payload: Frames.pattern(60_000))
        let tcp = try #require(frame.withUnsafeBytes { TCPFrame($0) })
        // As some drivers have it: no length, no checksum.
        if isIPv6 { (frame[18], frame[19]) = (0, 0) } else { (frame[16], frame[17], frame[24], frame[25]) = (0, 0, 0, 0) }
        (frame[tcp.tcp + 16], frame[tcp.tcp + 17]) = (0, 0)
        #expect(frame.withUnsafeMutableBytes { TransmitOffload.finish($0, Self.segmentation(isIPv6)) })
        #expect(Frames.isSound(frame))
    }

    @Test(arguments: [false, true], [1, 1459, 1460, 1461, 2920, 65_000])
    func cutSegmentsMergeAgain(_ isIPv6: Bool, _ count: Int) throws {
        let payload = Frames.pattern(count)
        var frame = Frames.tcp(isIPv6: isIPv6, sequence: .max - 5000, flags: 0x18, options: [1, 1, 1, 0], payload: payload)
        var header = Self.segmentation(isIPv6)
        header.segmentSize = 1460
        let pieces: [[UInt8]] = frame.withUnsafeMutableBytes { bytes in
            guard let cutter = SegmentCutter(bytes, header) else { return [] }
            let target = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
            defer { target.deallocate() }
            return (0 ..< cutter.count).map { Array(cutter.segment($0, in: target)) }
        }
        #expect(pieces.count == (count + 1459) / 1460)
        var merger = SegmentMerger()
        for (place, piece) in pieces.enumerated() {
            #expect(Frames.isSound(piece))
            #expect(piece.withUnsafeBytes { TCPFrame.hasGoodChecksum($0) })
            // PSH ends the last one only.
            #expect(piece[isIPv6 ? 67 : 47] == (place == pieces.count - 1 ? 0x18 : 0x10))
            #expect(piece.withUnsafeBytes { merger.add($0, [.guestTSO4, .guestTSO6]) })
        }
        var merged: (NetworkHeader, [UInt8])?
        merger.take { merged = ($0, Array($1)) }
        let (description, whole) = try #require(merged)
        let isEmpty = merger.isEmpty
        #expect(isEmpty)
        let headers = (isIPv6 ? 54 : 34) + 24
        #expect(Array(whole[headers...]) == payload)
        if pieces.count == 1 {
            #expect(description.flags == NetworkHeader.dataValid && whole == frame)
        } else {
            #expect(description.flags == NetworkHeader.needsChecksum)
            #expect(description.segmentation == (isIPv6 ? .tcp6 : .tcp4))
            #expect(description.segmentSize == 1460 && Int(description.headerLength) == headers)
            var finished = whole
            #expect(finished.withUnsafeMutableBytes { TransmitOffload.finish($0, description) })
            #expect(finished == frame)
        }
    }

    @Test func differentSegmentsStayApart() {
        let first = Frames.tcp(sequence: 1, payload: Frames.pattern(100))
        let others: [(String, [UInt8])] = [
            ("a gap", Frames.tcp(sequence: 102, payload: Frames.pattern(100))),
            ("longer than the first", Frames.tcp(sequence: 101, payload: Frames.pattern(101))),
            ("FIN", Frames.tcp(sequence: 101, flags: 0x11, payload: Frames.pattern(100))),
            ("another window", Frames.tcp(sequence: 101, window: 9, payload: Frames.pattern(100))),
            ("options", Frames.tcp(sequence: 101, options: [1, 1, 1, 1], payload: Frames.pattern(96))),
            ("no data", Frames.tcp(sequence: 101, payload: [])),
            ("IPv6", Frames.tcp(isIPv6: true, sequence: 101, payload: Frames.pattern(100))),
            ("no TCP", Frames.plain()),
        ]
        for (name, other) in others {
            var merger = SegmentMerger()
            #expect(first.withUnsafeBytes { merger.add($0, [.guestTSO4, .guestTSO6]) })
            #expect(!other.withUnsafeBytes { merger.add($0, [.guestTSO4, .guestTSO6]) }, "\(name)")
        }
        var merger = SegmentMerger()
        #expect(!first.withUnsafeBytes { merger.add($0, [.guestTSO6]) })
        // Nothing follows a short one.
        let short = Frames.tcp(sequence: 101, payload: Frames.pattern(50))
        let next = Frames.tcp(sequence: 151, payload: Frames.pattern(50))
        for (frame, isTaken) in [(first, true), (short, true), (next, false)] {
            #expect(frame.withUnsafeBytes { merger.add($0, .guestTSO4) } == isTaken)
        }
    }

    @Test func mergingStopsAtAnIPPacketsEnd() {
        var merger = SegmentMerger()
        var sequence: UInt32 = 0
        var taken = 0
        while true {
            let frame = Frames.tcp(sequence: sequence, payload: Frames.pattern(1460))
            guard frame.withUnsafeBytes({ merger.add($0, .guestTSO4) }) else { break }
            sequence += 1460
            taken += 1
        }
        #expect(taken == (65535 - 40) / 1460)
    }

    @Test func hostileFramesAreJudgedWithoutHarm() {
        var random = SystemRandomNumberGenerator()
        let target = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 1)
        defer { target.deallocate() }
        var merger = SegmentMerger()
        for round in 0 ..< 200_000 {
            var frame = Frames.tcp(isIPv6: round & 1 == 1, payload: [UInt8](repeating: 7, count: Int.random(in: 0 ... 90, using: &random)))
            for _ in 0 ..< Int.random(in: 0 ... 4, using: &random) {
                frame[Int.random(in: 12 ..< frame.count, using: &random)] = UInt8.random(in: 0 ... 255, using: &random)
            }
            frame.removeLast(Int.random(in: 0 ... min(frame.count, round % 3 == 0 ? 80 : 0), using: &random))
            var header = NetworkHeader()
            header.flags = UInt8.random(in: 0 ... 3, using: &random)
            header.segmentationBits = UInt8.random(in: 0 ... 5, using: &random)
            header.segmentSize = UInt16.random(in: 0 ... 60, using: &random)
            header.checksumStart = UInt16.random(in: 0 ... 150, using: &random)
            header.checksumOffset = UInt16.random(in: 0 ... 150, using: &random)
            _ = frame.withUnsafeBytes { TCPFrame.hasGoodChecksum($0) }
            if !frame.withUnsafeBytes({ merger.add($0, [.guestTSO4, .guestTSO6]) }) { merger.take { _, _ in } }
            frame.withUnsafeMutableBytes { bytes in
                if let cutter = SegmentCutter(bytes, header) {
                    for place in 0 ..< cutter.count { _ = cutter.segment(place, in: target) }
                }
                _ = TransmitOffload.finish(bytes, header)
            }
        }
    }

    private static func segmentation(_ isIPv6: Bool) -> NetworkHeader {
        var header = NetworkHeader()
        header.flags = NetworkHeader.needsChecksum
        header.segmentationBits = (isIPv6 ? NetworkHeader.Segmentation.tcp6 : .tcp4).rawValue
        header.segmentSize = 1460
        header.checksumStart = isIPv6 ? 54 : 34
        header.checksumOffset = 16
        return header
    }
}
