import Testing
import VirtIO

/// From the driver to the back end.
@Suite struct NetTransmitTests {
    static func header(_ header: NetworkHeader = NetworkHeader()) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: NetworkHeader.size)
        bytes.withUnsafeMutableBytes { header.store($0) }
        return bytes
    }

    static func cut(_ bytes: [UInt8], _ sizes: [Int]) -> [[UInt8]] {
        var rest = bytes[...]
        var result: [[UInt8]] = []
        for size in sizes {
            result.append(Array(rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
        return result + [Array(rest)]
    }

    @Test(arguments: [[], [12], [1, 1, 1], [11, 2], [5, 7, 14], [12, 14, 1], [13], [40]], [false, true])
    func anyFramingWillDo(_ sizes: [Int], _ hasHeader: Bool) {
        var traits = NetworkTraits()
        traits.hasHeader = hasHeader
        let bench = NetworkBench([], traits: traits)
        let frame = Frames.plain(count: 99)
        bench.transmit.offer(readable: Self.cut(Self.header() + frame, sizes))
        bench.turn()
        #expect(bench.backend.sent.map(\.bytes) == [(hasHeader ? Self.header() : []) + frame])
        #expect(bench.transmit.used.map(\.written) == [0])
        #expect(bench.transmit.signals == 1 && bench.backend.flushes == 1)
    }

    @Test func everyByteItsOwnDescriptor() {
        var traits = NetworkTraits()
        traits.hasHeader = true
        let bench = NetworkBench([], traits: traits)
        // More stretches than one call of the host takes.
        let frame = Frames.plain(count: 3000)
        bench.transmit.offer(readable: (Self.header() + frame).map { [$0] })
        bench.turn()
        #expect(bench.backend.sent.map(\.bytes) == [Self.header() + frame])
    }

    @Test func framesThatCannotBeAreDropped() {
        let bench = NetworkBench([])
        for count in [0, 1, 13, NetworkWorker.longestFrame + 1, 200_000] {
            bench.transmit.offer(readable: [Self.header() + [UInt8](repeating: 1, count: count)])
        }
        bench.transmit.offer(readable: [Self.header() + Frames.plain()])
        bench.turn()
        #expect(bench.backend.sent.map(\.bytes) == [Frames.plain()])
        #expect(bench.transmit.used.count == 6)
        #expect(bench.worker.takeNotes().failure == nil)
    }

    @Test func driverWithoutAHeaderIsStopped() {
        let bench = NetworkBench([])
        bench.transmit.offer(readable: [Self.header() + Frames.plain()])
        bench.transmit.offer(readable: [[1, 2, 3]])
        bench.transmit.offer(readable: [Self.header() + Frames.plain()])
        bench.turn()
        #expect(bench.worker.takeNotes().failure == .badRequest)
        #expect(bench.backend.sent.count == 1)
        // What was sent before is the driver's again.
        #expect(bench.transmit.used.count == 1 && bench.transmit.signals == 1)
        bench.turn()
        #expect(bench.backend.sent.count == 1)
    }

    @Test func queueErrorsStopTheDevice() {
        for queue in 0 ... 2 {
            let bench = NetworkBench([.ctrlVQ])
            bench.session.scripted[queue].failure = .loop
            for one in bench.session.scripted { one.offer(readable: [[1]]) }
            bench.turn()
            bench.turn()
            #expect(bench.worker.takeNotes().failure != nil, "queue \(queue)")
        }
    }

    @Test func offloadsNotAcceptedAreDropped() {
        let tcp = Frames.tcp(payload: Frames.pattern(3000))
        var header = NetworkHeader()
        header.flags = NetworkHeader.needsChecksum
        header.checksumStart = 34
        header.checksumOffset = 16
        var segmented = header
        segmented.segmentationBits = 1
        segmented.segmentSize = 1000
        var ecn = segmented
        ecn.segmentationBits = 0x81
        var outside = header
        outside.checksumStart = UInt16(tcp.count)
        var unknown = segmented
        unknown.segmentationBits = 2
        var empty = segmented
        empty.segmentSize = 0
        let cases: [(NetworkHeader, NetworkFeatures, Bool)] = [
            (header, [], false), (header, .csum, true), (segmented, .csum, false), (segmented, .hostTSO4, false),
            (segmented, [.csum, .hostTSO4], true), (segmented, [.csum, .hostTSO6], false), (ecn, [.csum, .hostTSO4], false),
            (ecn, [.csum, .hostTSO4, .hostECN], true), (outside, .csum, false), (unknown, NetworkFeatures(rawValue: .max), false),
            (empty, [.csum, .hostTSO4], false),
        ]
        for (number, (header, features, passes)) in cases.enumerated() {
            var traits = NetworkTraits()
            traits.hasHeader = true
            let bench = NetworkBench(features, traits: traits)
            bench.transmit.offer(readable: [Self.header(header), tcp])
            bench.turn()
            #expect(bench.backend.sent.count == (passes ? 1 : 0), "case \(number)")
            #expect(bench.transmit.used.count == 1)
        }
    }

    @Test func deviceCutsForABackendThatTakesNoLongSegments() {
        var header = NetworkHeader()
        header.flags = NetworkHeader.needsChecksum
        header.segmentationBits = 1
        header.segmentSize = 1460
        header.checksumStart = 34
        header.checksumOffset = 16
        let frame = Frames.tcp(payload: Frames.pattern(10_000))
        for isLong in [false, true] {
            var traits = NetworkTraits()
            traits.takesLongSegments = isLong
            let bench = NetworkBench([.csum, .hostTSO4], traits: traits)
            bench.transmit.offer(readable: [Self.header(header), frame])
            bench.turn()
            #expect(bench.backend.sent.map(\.bytes.count) == (isLong ? [10_054] : [UInt16](repeating: 1514, count: 6).map(Int.init) + [1294]))
            #expect(bench.backend.sent.allSatisfy { Frames.isSound($0.bytes) })
            #expect(bench.backend.sent.flatMap { $0.bytes[54...] } == Frames.pattern(10_000))
        }
    }

    @Test func fullBackendHoldsTheDriver() {
        let bench = NetworkBench([])
        bench.backend.isFull = true
        for count in [60, 61, 62] { bench.transmit.offer(readable: [Self.header() + Frames.plain(count: count)]) }
        bench.turn()
        bench.turn()
        #expect(bench.transmit.used.isEmpty && bench.transmit.waiting == 3)
        bench.backend.isFull = false
        bench.turn()
        #expect(bench.backend.sent.map(\.bytes.count) == [60, 61, 62])
        #expect(bench.transmit.used.map(\.token) == [1, 2, 3])
    }

    @Test func everythingIsSentHoweverMuch() {
        let bench = NetworkBench([])
        for _ in 0 ..< 1000 { bench.transmit.offer(readable: [Self.header() + Frames.plain()]) }
        for _ in 0 ..< 20 { bench.turn() }
        #expect(bench.backend.sent.count == 1000)
        // And the doorbell is heard again.
        #expect(bench.transmit.isWanted)
        bench.transmit.offer(readable: [Self.header() + Frames.plain()])
        bench.turn()
        #expect(bench.backend.sent.count == 1001)
    }
}
