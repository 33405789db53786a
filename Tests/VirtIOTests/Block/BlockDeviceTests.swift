import CHost
import Testing
import VirtIO

/// virtio 1.2, 5.2, over a disk in memory.
@Suite struct BlockDeviceTests {
    typealias Bench = BlockBench
    static let ok = BlockStatus.ok.rawValue
    static let error = BlockStatus.ioError.rawValue
    static let unsupported = BlockStatus.unsupported.rawValue

    func pattern(_ sectors: Int, seed: Int = 1) -> [UInt8] { (0..<sectors * 512).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 / 512 &+ seed) } }

    /// The header and the status may be cut anywhere, and share descriptors with data (2.7.4).
    @Test(arguments: [1, 3, 15, 16, 17, 511, 512, 513, 1 << 20])
    func framingIsTheDrivers(_ piece: Int) {
        let disk = MemoryBackend(sectors: 64)
        let bench = Bench(disk)
        let data = pattern(3)
        #expect(bench.write(5, data, piece: piece) == .init(status: Self.ok, data: [], written: 1))
        #expect(Array(disk.content[5 * 512..<8 * 512]) == data)
        #expect(bench.read(5, 3, piece: piece) == .init(status: Self.ok, data: data, written: 3 * 512 + 1))
    }

    @Test func whatLiesBeyondTheEndIsAnError() {
        let disk = MemoryBackend(sectors: 8)
        let bench = Bench(disk)
        for (sector, count) in [(8, 1), (7, 2), (0, 9), (UInt64.max, 1), (1 << 55, 1), (UInt64.max / 512 + 1, 1)] as [(UInt64, Int)] {
            #expect(bench.read(sector, count).status == Self.error)
            #expect(bench.read(sector, count).written == 0)
            #expect(bench.write(sector, pattern(count)).status == Self.error)
        }
        #expect(disk.takeLog() == [])
        #expect(bench.read(7, 1).status == Self.ok)
        // Nothing, at the end, is inside.
        #expect(bench.read(8, 0).status == Self.ok)
        #expect(bench.read(9, 0).status == Self.error)
    }

    @Test func lengthsAreWholeSectors() {
        let disk = MemoryBackend(sectors: 8)
        let bench = Bench(disk)
        #expect(bench.request(Bench.header(BlockRequestType.read), room: 100).status == Self.error)
        #expect(bench.request(Bench.header(BlockRequestType.read), room: 513).status == Self.error)
        #expect(bench.write(0, [UInt8](repeating: 1, count: 511)).status == Self.error)
        #expect(disk.takeLog() == [])
    }

    @Test func headersMayBeShortAndTypesUnknown() {
        let bench = Bench(MemoryBackend(sectors: 8))
        for count in [1, 15] { #expect(bench.request([UInt8](repeating: 0, count: count), room: 512).status == Self.error) }
        for type in [2, 3, 5, 7, 9, 10, 12, 14, 15, 16, 0x8000_0000, UInt32.max] as [UInt32] {
            #expect(bench.request(Bench.header(type), room: 512) == .init(status: Self.unsupported, data: [UInt8](repeating: 0xEE, count: 512), written: 0))
        }
    }

    @Test func aChainWithoutRoomForTheStatusBreaksTheProtocol() {
        let bench = Bench(MemoryBackend(sectors: 8))
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 16, alignment: 8)
        defer { memory.deallocate() }
        bench.queue.offer([DescriptorChain(token: 99, readable: [BufferSegment(base: memory, count: 16)], writable: [])])
        #expect(bench.session.waitForFailure() == .badRequest)
        #expect(bench.queue.usedCount == 0)
        // The device stays quiet until the reset, and works after it.
        bench.device.stop()
        bench.device.start(bench.session)
        #expect(bench.read(0, 1).status == Self.ok)
    }

    @Test func readOnlyDisks() {
        let disk = MemoryBackend(sectors: 8, isReadOnly: true)
        let bench = Bench(disk)
        #expect(bench.device.features & BlockFeature.readOnly != 0)
        #expect(bench.device.features & (BlockFeature.discard | BlockFeature.writeZeroes) == 0)
        #expect(bench.write(0, pattern(1)).status == Self.error)
        #expect(bench.request(Bench.header(BlockRequestType.discard) + Bench.range(0, 1)).status == Self.unsupported)
        #expect(bench.request(Bench.header(BlockRequestType.writeZeroes) + Bench.range(0, 1)).status == Self.unsupported)
        #expect(disk.takeLog() == [])
        #expect(bench.request(Bench.header(BlockRequestType.flush)).status == Self.ok)
        #expect(bench.read(0, 1).status == Self.ok)
    }

    @Test func theNameIsPaddedAndFitsSmallBuffers() {
        let bench = Bench(MemoryBackend(sectors: 8), serial: "disk-0")
        let name = Array("disk-0".utf8) + [UInt8](repeating: 0, count: 14)
        #expect(bench.request(Bench.header(BlockRequestType.getID), room: 20) == .init(status: Self.ok, data: name, written: 21))
        #expect(bench.request(Bench.header(BlockRequestType.getID), room: 4).data == Array("disk".utf8))
        #expect(bench.request(Bench.header(BlockRequestType.getID), room: 0).status == Self.ok)
        // More room than there is name: what follows isn't counted as written.
        #expect(bench.request(Bench.header(BlockRequestType.getID), room: 32).written == 20)
        let long = Bench(MemoryBackend(sectors: 8), serial: "0123456789012345678901234")
        #expect(long.request(Bench.header(BlockRequestType.getID), room: 20).data == Array("01234567890123456789".utf8))
    }

    @Test func failuresOfTheBackEndAreIOErrors() {
        let disk = MemoryBackend(sectors: 8)
        let bench = Bench(disk)
        disk.fail("read")
        #expect(bench.read(0, 1).status == Self.error)
        #expect(bench.read(0, 1).written == 0)
        disk.fail("write")
        #expect(bench.write(0, pattern(1)).status == Self.error)
        disk.fail("flush")
        #expect(bench.request(Bench.header(BlockRequestType.flush)).status == Self.error)
        disk.fail("zero")
        #expect(bench.request(Bench.header(BlockRequestType.writeZeroes) + Bench.range(0, 1) + Bench.range(2, 1)).status == Self.error)
        disk.fail(nil)
        #expect(bench.write(0, pattern(1)).status == Self.ok)
    }

    @Test func discardsAndZeroesComeInArrays() {
        let disk = MemoryBackend(sectors: 64)
        let bench = Bench(disk)
        func send(_ type: UInt32, _ ranges: [[UInt8]]) -> UInt8? { bench.request(Bench.header(type) + ranges.flatMap { $0 }, piece: 7).status }
        #expect(send(BlockRequestType.discard, [Bench.range(1, 2), Bench.range(63, 1)]) == Self.ok)
        #expect(disk.takeLog() == ["discard 512 1024", "discard 32256 512"])
        #expect(send(BlockRequestType.writeZeroes, [Bench.range(1, 2), Bench.range(8, 1, flags: 1), Bench.range(64, 0)]) == Self.ok)
        #expect(disk.takeLog() == ["zero 512 1024", "zero 4096 512 unmap"])

        // Nothing is carried out unless all of it can be.
        for type in [BlockRequestType.discard, BlockRequestType.writeZeroes] {
            #expect(send(type, []) == Self.error)
            #expect(send(type, [Bench.range(0, 1), Bench.range(64, 1)]) == Self.error)
            #expect(send(type, [Bench.range(0, 1), Bench.range(UInt64.max, UInt32.max)]) == Self.error)
            #expect(send(type, [Bench.range(0, 1), Bench.range(0, 1, flags: 2)]) == Self.unsupported)
            #expect(send(type, [Bench.range(0, 1), Array(Bench.range(0, 1).dropLast())]) == Self.error)
            #expect(send(type, (0..<65).map { Bench.range($0 % 8, 1) }) == Self.error)
        }
        #expect(send(BlockRequestType.discard, [Bench.range(0, 1, flags: 1)]) == Self.unsupported)
        #expect(disk.takeLog() == [])
        #expect(send(BlockRequestType.writeZeroes, (0..<64).map { Bench.range($0, 1) }) == Self.ok)
        #expect(disk.takeLog().count == 64)
    }

    @Test func aRangeIsNoLargerThanTheConfigurationSays() {
        let bench = Bench(HugeBackend())
        let limit = UInt32(truncatingIfNeeded: bench.device.readConfiguration(offset: 36, width: 4))
        #expect(limit > 0)
        #expect(bench.request(Bench.header(BlockRequestType.discard) + Bench.range(0, limit)).status == Self.ok)
        #expect(bench.request(Bench.header(BlockRequestType.discard) + Bench.range(0, limit + 1)).status == Self.error)
    }

    @Test func whatWasNotNegotiatedIsUnsupported() {
        let disk = MemoryBackend(sectors: 8)
        let bench = Bench(disk, features: BlockFeature.flush)
        #expect(bench.request(Bench.header(BlockRequestType.discard) + Bench.range(0, 1)).status == Self.unsupported)
        #expect(bench.request(Bench.header(BlockRequestType.writeZeroes) + Bench.range(0, 1)).status == Self.unsupported)
        #expect(disk.takeLog() == [])
    }

    /// 5.2.6.2: a driver that can't flush, or that asked for it, finds its writes on the disk.
    @Test func writeThroughFlushesBeforeItAnswers() {
        let disk = MemoryBackend(sectors: 8)
        let bench = Bench(disk, features: 0)
        #expect(bench.write(0, pattern(1)).status == Self.ok)
        #expect(disk.takeLog() == ["write 0 512", "flush"])
        disk.fail("flush")
        #expect(bench.write(0, pattern(1)).status == Self.error)
        disk.fail("write")
        _ = disk.takeLog()
        #expect(bench.write(0, pattern(1)).status == Self.error)
        #expect(disk.takeLog() == ["write 0 512"])
    }

    @Test func theCacheCanBeTurnedOffAndOn() {
        let disk = MemoryBackend(sectors: 8)
        let bench = Bench(disk)
        #expect(bench.device.readConfiguration(offset: 32, width: 1) == 1)
        _ = bench.write(0, pattern(1))
        #expect(disk.takeLog() == ["write 0 512"])
        bench.device.writeConfiguration(offset: 32, width: 1, value: 0)
        #expect(bench.device.readConfiguration(offset: 32, width: 1) == 0)
        _ = bench.write(0, pattern(1))
        #expect(disk.takeLog() == ["write 0 512", "flush"])
        bench.device.writeConfiguration(offset: 32, width: 1, value: 1)
        _ = bench.write(0, pattern(1))
        #expect(disk.takeLog() == ["write 0 512"])
        // A reset turns it on again.
        bench.device.writeConfiguration(offset: 32, width: 1, value: 0)
        bench.device.stop()
        #expect(bench.device.readConfiguration(offset: 32, width: 1) == 1)
    }

    @Test func configuration() {
        let device = BlockDevice(MemoryBackend(sectors: 12345), queues: 3)
        #expect(device.readConfiguration(offset: 0, width: 8) == 12345)
        #expect(device.readConfiguration(offset: 4, width: 4) == 0)
        #expect(device.readConfiguration(offset: 12, width: 4) == 254)
        #expect(device.readConfiguration(offset: 20, width: 4) == 512)
        #expect(device.readConfiguration(offset: 24, width: 1) == 3)
        #expect(device.readConfiguration(offset: 34, width: 2) == 3)
        #expect(device.queueSizes == [256, 256, 256])
        #expect(device.features & BlockFeature.multipleQueues != 0)
        // Outside, across the end, and with no sense: an answer, and no trap.
        for offset in [57, 59, 60, 255, 4096, UInt64.max - 3, UInt64.max] {
            for width in [1, 2, 4, 8] {
                #expect(device.readConfiguration(offset: offset, width: width) == 0)
                device.writeConfiguration(offset: offset, width: width, value: ~0)
            }
        }
        for offset in 0..<64 as Range<UInt64> where offset != 32 { device.writeConfiguration(offset: offset, width: 1, value: 0xFF) }
        #expect(device.readConfiguration(offset: 0, width: 8) == 12345)
    }

    /// After `stop` nothing may touch guest memory: it waits for what is under way.
    @Test func stopWaitsForTheBackEnd() {
        let disk = MemoryBackend(sectors: 8)
        let bench = Bench(disk)
        disk.hold()
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 1024, alignment: 8)
        defer { memory.deallocate() }
        BlockBench.header(BlockRequestType.flush).withUnsafeBytes { memory.copyMemory(from: $0.baseAddress!, byteCount: 16) }
        bench.queue.offer([
            DescriptorChain(
                token: 7, readable: [BufferSegment(base: memory, count: 16)], writable: [BufferSegment(base: memory + 512, count: 1)])
        ])
        while disk.heldCount == 0 { host_thread_yield() }
        let stopped = Box()
        var error: Int32 = 0
        let reference = Unmanaged.passRetained(StopJob(bench.device, stopped))
        let thread = host_thread_start(
            { argument in
                let job = Unmanaged<StopJob>.fromOpaque(argument!).takeRetainedValue()
                job.device.stop()
                job.flag.set()
            }, reference.toOpaque(), "stopper", &error)
        host_sleep_ns(20_000_000)
        #expect(!stopped.isSet)
        disk.release()
        host_thread_join(thread!)
        #expect(stopped.isSet)
        #expect(bench.queue.usedCount == 1)
    }

    @Test func stopWithoutStartAndTwice() {
        let device = BlockDevice(MemoryBackend(sectors: 8))
        device.stop()
        device.stop()
    }
}

private final class StopJob: Sendable {
    let device: BlockDevice
    let flag: Box
    init(_ device: BlockDevice, _ flag: Box) {
        self.device = device
        self.flag = flag
    }
}

private final class Box: @unchecked Sendable {
    private let word = UnsafeMutableRawPointer.allocate(byteCount: 4, alignment: 4)
    init() { word.storeBytes(of: 0, as: UInt32.self) }
    deinit { word.deallocate() }
    func set() { host_atomic_store_32(word, 1) }
    var isSet: Bool { host_atomic_load_32(word) != 0 }
}

/// A disk of 4 TiB that holds nothing.
private final class HugeBackend: BlockBackend {
    let size: UInt64 = 4 << 40
    let physicalBlockSize: UInt32 = 512
    let isReadOnly = false
    let canDiscard = true
    func submit(_ operation: BlockOperation, _ done: @escaping BlockCompletion) { done(true) }
    func commit() {}
    func close() {}
}
