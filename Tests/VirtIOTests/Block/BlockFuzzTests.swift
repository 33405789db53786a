import Testing
import VirtIO

/// A driver that breaks the rules, through the transport and real rings.
@Suite("a block device, with a driver that breaks the rules")
struct BlockFuzzTests {
    @Test("over a disk in memory", .timeLimit(.minutes(10)))
    func memory() throws {
        try check(MemoryBackend(sectors: 64))
    }

    private func check(_ backend: any BlockBackend) throws {
        let device = BlockDevice(backend, serial: Array("fuzz".utf8), queues: 2)
        var plan = FuzzPlan()
        plan.usualCount = 1536
        plan.header = { _, random in
            let type = [0, 0, 1, 1, 4, 8, 11, 13, UInt32(truncatingIfNeeded: random.next())][random.below(9)]
            let sector = random.oneIn(8) ? random.next() : UInt64(random.below(72))
            return BlockBench.header(type, sector)
        }
        plan.body = { _, random in
            if random.oneIn(4) { return [] }
            if random.oneIn(2) { return [UInt8](repeating: 0x5A, count: 512 * (1 + random.below(3))) }
            return BlockBench.range(random.oneIn(8) ? random.next() : UInt64(random.below(72)), UInt32(random.below(16)), flags: UInt32(random.below(4)))
        }
        try fuzz(device, plan)

        // And then it still is a disk.
        let driver = try MockDriver(device)
        try driver.start()
        let data = (0..<1024).map { UInt8(truncatingIfNeeded: $0 &* 3) }
        #expect(try driver.request(queue: 1, readable: [BlockBench.header(BlockRequestType.write, 5), data], writable: [1]).writable == [[0]])
        let answer = try driver.request(queue: 0, readable: [BlockBench.header(BlockRequestType.read, 5)], writable: [1000, 25])
        #expect(answer.writable.flatMap { $0 } == data + [0])
        #expect(answer.written == 1025)
    }
}
