import Testing
import VirtIO

@Suite("entropy device")
struct EntropyTests {
    @Test("every buffer is filled, and no two alike", arguments: RingKind.all)
    func fills(kind: RingKind) throws {
        let driver = try MockDriver(EntropyDevice(), kind)
        try driver.start()
        #expect(driver.read(8) == 4)
        var seen: Set<[UInt8]> = []
        for _ in 0..<100 {
            let answer = try driver.request(queue: 0, writable: [16, 48])
            #expect(answer.written == 64)
            seen.insert(answer.writable[0])
            seen.insert(answer.writable[1])
        }
        #expect(seen.count == 200)
    }

    @Test("a buffer without end gets a bounded answer")
    func large() throws {
        let driver = try MockDriver(EntropyDevice())
        try driver.start()
        let answer = try driver.request(queue: 0, writable: [1 << 20])
        #expect(answer.written == 64 << 10)
        #expect(answer.writable[0][(64 << 10)...].allSatisfy { $0 == 0 })
        #expect(answer.writable[0][(64 << 10) - 32..<(64 << 10)].contains { $0 != 0 })
    }

    @Test("an empty buffer comes back empty; one to read from is a violation")
    func odd() throws {
        let driver = try MockDriver(EntropyDevice())
        try driver.start()
        #expect(try driver.request(queue: 0, writable: [0]).written == 0)
        try driver.add(queue: 0, readable: [[1]], writable: [1])
        #expect(eventually { driver.needsReset })
        try driver.start()
        #expect(try driver.request(queue: 0, writable: [8]).written == 8)
    }
}
