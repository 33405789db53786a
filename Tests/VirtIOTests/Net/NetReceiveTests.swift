import Testing
import VirtIO

/// From the back end to the driver.
@Suite struct NetReceiveTests {
    static func traits(hasHeader: Bool) -> NetworkTraits {
        var traits = NetworkTraits()
        traits.hasHeader = hasHeader
        return traits
    }

    /// Puts a frame in the back end's hands, with a header where it has one.
    func give(_ bench: NetworkBench, _ frame: [UInt8]) {
        bench.backend.inbox.append((bench.backend.traits.hasHeader ? [UInt8](repeating: 0, count: 12) : []) + frame)
        bench.turn()
    }

    /// The frame in buffers handed back, whose first header says how many there are.
    func joined(_ buffers: [[UInt8]]) -> (count: Int, frame: [UInt8]) {
        let all = buffers.flatMap { $0 }
        guard all.count >= 12 else { return (0, []) }
        return (Int(all[10]) | Int(all[11]) << 8, Array(all[12...]))
    }

    @Test(arguments: [false, true], [[2000], [12, 1600], [1, 3, 5, 7, 1600], [11, 2, 1600], [10, 1, 1, 14, 1600]])
    func headerMayLieAnywhere(_ hasHeader: Bool, _ sizes: [Int]) {
        let bench = NetworkBench([.mergeableBuffers], traits: Self.traits(hasHeader: hasHeader))
        let token = bench.receive.offer(writable: sizes)
        let frame = Frames.plain(count: 1000)
        give(bench, frame)
        #expect(bench.receive.used.map(\.token) == [token])
        let (count, received) = joined(bench.receive.takeUsed())
        #expect(count == 1 && received == frame)
        #expect(bench.receive.signals == 1)
    }

    @Test(arguments: [false, true], [12, 13, 100, 1524, 1525, 1526])
    func framesRunOverBuffers(_ hasHeader: Bool, _ size: Int) {
        let bench = NetworkBench([.mergeableBuffers], traits: Self.traits(hasHeader: hasHeader))
        for count in [14, 60, 88, 89, 1000, 1514] {
            while bench.receive.waiting < 150 { bench.receive.offer(writable: [size]) }
            let frame = Frames.plain(count: count)
            give(bench, frame)
            let buffers = bench.receive.takeUsed()
            let (number, received) = joined(buffers)
            #expect(number == buffers.count && received == frame, "\(count) bytes in buffers of \(size)")
            // All but the last are full.
            #expect(buffers.dropLast().allSatisfy { $0.count == size })
        }
    }

    @Test(arguments: [false, true])
    func withoutMergingAFrameTakesOneBuffer(_ hasHeader: Bool) {
        let bench = NetworkBench([], traits: Self.traits(hasHeader: hasHeader))
        bench.receive.offer(writable: [12, 100])
        bench.receive.offer(writable: [12, 1518])
        give(bench, Frames.plain(count: 101))
        #expect(bench.receive.used.isEmpty, "what doesn't fit is dropped")
        give(bench, Frames.plain(count: 100))
        #expect(joined(bench.receive.takeUsed()) == (1, Frames.plain(count: 100)))
        give(bench, Frames.plain(count: 1514))
        #expect(joined(bench.receive.takeUsed()) == (1, Frames.plain(count: 1514)))
    }

    @Test(arguments: [false, true])
    func framesWaitForBuffers(_ hasHeader: Bool) {
        let bench = NetworkBench([.mergeableBuffers], traits: Self.traits(hasHeader: hasHeader))
        for count in [60, 61, 62] { bench.backend.inbox.append((hasHeader ? [UInt8](repeating: 0, count: 12) : []) + Frames.plain(count: count)) }
        bench.turn()
        #expect(bench.backend.inbox.count == 3, "nothing is taken while there is no room")
        #expect(bench.receive.isWanted)
        for expected in [60, 61, 62] {
            bench.receive.offer(writable: [1600])
            bench.turn()
            #expect(joined(bench.receive.takeUsed()).frame.count == expected)
        }
    }

    @Test(arguments: [false, true])
    func longFrameWaitsForTheRestOfItsBuffers(_ hasHeader: Bool) {
        let features: NetworkFeatures = [.mergeableBuffers, .guestCsum, .guestTSO4]
        let bench = NetworkBench(features, traits: Self.traits(hasHeader: hasHeader))
        let frame = Frames.plain(count: 60_000)
        bench.receive.offer(writable: [4096])
        give(bench, frame)
        #expect(bench.backend.inbox.isEmpty && bench.receive.used.isEmpty)
        give(bench, Frames.plain(count: 77))
        for _ in 0 ..< 16 {
            bench.receive.offer(writable: [4096])
            bench.turn()
        }
        let buffers = bench.receive.takeUsed()
        #expect(joined(Array(buffers.prefix(15))) == (15, frame))
        #expect(joined(Array(buffers.dropFirst(15))) == (1, Frames.plain(count: 77)))
    }

    @Test func frameThatNoQueueCouldHoldIsDropped() {
        let bench = NetworkBench([.mergeableBuffers])
        for _ in 0 ..< 256 { bench.receive.offer(writable: [12]) }
        give(bench, Frames.plain(count: 4000))
        give(bench, Frames.plain(count: 14))
        #expect(joined(bench.receive.takeUsed()) == (3, Frames.plain(count: 14)))
    }

    @Test func buffersThatAreNoneStopTheDevice() {
        for (readable, writable) in [([[1, 2, 3]], [100]), ([], [11]), ([], [])] as [([[UInt8]], [Int])] {
            let bench = NetworkBench([.mergeableBuffers])
            bench.receive.offer(readable: readable, writable: writable)
            bench.turn()
            #expect(bench.worker.takeNotes().failure == .badRequest)
        }
    }

    @Test func checkedFramesSaySo() {
        for (features, flags) in [([], 0), (.guestCsum, 2)] as [(NetworkFeatures, UInt8)] {
            let bench = NetworkBench(features)
            bench.backend.isChecked = true
            bench.receive.offer(writable: [1600])
            give(bench, Frames.plain())
            #expect(bench.receive.takeUsed().first?.first == flags)
        }
        // The device looks itself where the back end doesn't know.
        let sound = Frames.tcp(payload: [1, 2, 3])
        var broken = sound
        broken[56] ^= 1
        for (frame, flags) in [(sound, 2), (broken, 0), (Frames.plain(), 0)] as [([UInt8], UInt8)] {
            let bench = NetworkBench(.guestCsum)
            bench.receive.offer(writable: [1600])
            give(bench, frame)
            #expect(bench.receive.takeUsed().first?.first == flags)
        }
    }

    @Test func rowsOfSegmentsComeAsOne() {
        let bench = NetworkBench([.mergeableBuffers, .guestCsum, .guestTSO4])
        for _ in 0 ..< 20 { bench.receive.offer(writable: [4096]) }
        for place in 0 ..< 10 {
            bench.backend.inbox.append(Frames.tcp(sequence: UInt32(place * 1000), payload: Frames.pattern(1000, from: place * 1000)))
        }
        bench.backend.inbox.append(Frames.plain())
        bench.turn()
        let buffers = bench.receive.takeUsed()
        let (count, frame) = joined(buffers)
        #expect(count == 3 && frame.count == 54 + 10_000 + 12 + 60)
        #expect(Array(frame[54 ..< 10_054]) == Frames.pattern(10_000))
        #expect(buffers[0][0] == NetworkHeader.needsChecksum && buffers[0][1] == 1)
        #expect(buffers.last.map { Array($0[12...]) } == Frames.plain())
        #expect(bench.receive.signals == 1)
    }

    @Test func tapsHeaderReachesTheDriver() {
        let bench = NetworkBench([.mergeableBuffers, .guestCsum, .guestTSO4], traits: Self.traits(hasHeader: true))
        for _ in 0 ..< 30 { bench.receive.offer(writable: [4096]) }
        bench.backend.inbox.append([1, 1, 54, 0, 0xB4, 5, 34, 0, 16, 0, 0xFF, 0xFF] + Frames.plain(count: 5000))
        bench.turn()
        let buffers = bench.receive.takeUsed()
        #expect(buffers.count == 2 && Array(buffers[0].prefix(12)) == [1, 1, 54, 0, 0xB4, 5, 34, 0, 16, 0, 2, 0])
    }
}
