import GuestMemory
import Testing
import VirtIO

private func words(_ numbers: [UInt32]) -> [UInt8] {
    numbers.flatMap { n in (0..<4).map { UInt8(truncatingIfNeeded: n >> UInt32(8 * $0)) } }
}

private func entry(_ tag: UInt16, _ value: UInt64) -> [UInt8] {
    [UInt8(truncatingIfNeeded: tag), UInt8(tag >> 8)] + (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
}

@Suite("memory balloon")
struct BalloonTests {
    static let statisticsBit: UInt64 = 1 << 1
    static let reportingBit: UInt64 = 1 << 5
    /// Pages that a test gives away: beyond what the mock driver allocates.
    static let area = MockDriver.ramBase + (12 << 20)

    private func fill(_ driver: MockDriver, pages: Int) throws {
        try driver.memory.write([UInt8](repeating: 0xAB, count: pages << 12), at: Self.area)
    }
    private func isZero(_ driver: MockDriver, _ page: Int) -> Bool {
        driver.bytes(Self.area + UInt64(page << 12), 4096).allSatisfy { $0 == 0 }
    }
    private func isUntouched(_ driver: MockDriver, _ page: Int) -> Bool {
        driver.bytes(Self.area + UInt64(page << 12), 4096).allSatisfy { $0 == 0xAB }
    }

    @Test("pages put into the balloon leave the host, and only those", arguments: RingKind.all)
    func inflate(kind: RingKind) throws {
        let driver = try MockDriver(BalloonDevice(), kind)
        try driver.start()
        try fill(driver, pages: 16)
        let first = UInt32(Self.area >> 12)
        // Up, down, on their own, twice.
        _ = try driver.request(queue: 0, readable: [words([1, 2, 3, 8, 7, 6].map { first + $0 }), words([first + 12, first + 12])])
        for page in 0..<16 {
            let given = [1, 2, 3, 6, 7, 8, 12].contains(page)
            #expect(given ? isZero(driver, page) : isUntouched(driver, page), "page \(page)")
        }
        _ = try driver.request(queue: 1, readable: [words([first + 1])])
        #expect(!driver.needsReset)
    }

    @Test("numbers without RAM, and pieces of numbers, do nothing")
    func badPages() throws {
        let driver = try MockDriver(BalloonDevice())
        try driver.start()
        try fill(driver, pages: 2)
        let end = UInt32((MockDriver.ramBase + (16 << 20)) >> 12)
        _ = try driver.request(
            queue: 0, readable: [words([0, ~0, end, end + 1, 0x7FFFF]), Array(words([UInt32(Self.area >> 12)])[..<3])])
        #expect(isUntouched(driver, 0))
        #expect(isUntouched(driver, 1))
        #expect(!driver.needsReset)
    }

    @Test("the target reaches the driver, and what it did the host")
    func target() throws {
        let device = BalloonDevice()
        let driver = try MockDriver(device)
        device.setTarget(1 << 20)
        try driver.start()
        #expect(driver.configuration(0, as: UInt32.self) == 256)
        #expect(!driver.line.level)
        let generation = driver.read(0xFC)
        device.setTarget(3 << 20)
        #expect(driver.line.level)
        #expect(driver.read(0x60) == 2)
        #expect(driver.read(0xFC) != generation)
        #expect(driver.configuration(0, as: UInt32.self) == 768)
        driver.transport.write(offset: 0x104, width: 4, value: 512)
        #expect(device.inflated == 2 << 20)
        driver.transport.write(offset: 0x100, width: 4, value: 1)
        #expect(driver.configuration(0, as: UInt32.self) == 768, "num_pages is the device's")
        driver.reset()
        #expect(device.inflated == 0)
        device.setTarget(~0)
        #expect(driver.configuration(0, as: UInt32.self) == ~0)
    }

    @Test("statistics come with the first buffer and again on request")
    func statistics() throws {
        let device = BalloonDevice()
        let driver = try MockDriver(device)
        try driver.start()
        let buffer = try driver.add(queue: 2, readable: [entry(4, 111) + entry(5, 222), entry(99, 5) + [1, 2]])
        #expect(eventually { device.statistics.total == 222 })
        #expect(device.statistics.free == 111)
        #expect(device.statistics.caches == nil)
        #expect(driver.take(2) == nil, "kept until statistics are wanted")
        device.requestStatistics()
        _ = try driver.wait(buffer)
        try driver.add(queue: 2, readable: [entry(7, 1 << 50)])
        #expect(eventually { device.statistics.caches == 1 << 50 })
        #expect(device.statistics.total == nil)
    }

    @Test(
        "reported pages leave the host, whichever number the queue has",
        arguments: [(reportingBit | statisticsBit, 3), (reportingBit | statisticsBit, 4), (reportingBit, 2), (reportingBit, 4)])
    func reporting(features: UInt64, queue: Int) throws {
        let driver = try MockDriver(BalloonDevice(), features: features)
        try driver.start()
        try fill(driver, pages: 8)
        let ring = driver.rings[queue]
        // Whole pages only: half of page 5 stays.
        _ = ring.add(
            [
                MockDescriptor(address: Self.area + 4096, count: 8192, isWritable: true),
                MockDescriptor(address: Self.area + (4 << 12), count: 4096 + 2048, isWritable: true),
            ], table: nil)
        driver.kick(queue)
        #expect(try driver.next(queue).written == 0)
        for page in 0..<8 { #expect([1, 2, 4].contains(page) ? isZero(driver, page) : isUntouched(driver, page)) }
    }
}
