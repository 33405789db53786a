import Testing
import VirtIO

/// Each device's own suite has its fuzz where requests have a form; these have hardly any.
@Suite("devices, with a driver that breaks the rules")
struct FuzzTests {
    @Test("the simplest device", .timeLimit(.minutes(10)))
    func echo() throws {
        let device = EchoDevice(queueSizes: [128, 16])
        try fuzz(device)
        let driver = try MockDriver(device)
        try driver.start()
        #expect(try driver.request(queue: 0, readable: [[1, 2]], writable: [2]).writable == [[1, 2]])
    }

    @Test("entropy", .timeLimit(.minutes(10)))
    func entropy() throws {
        let device = EntropyDevice()
        var plan = FuzzPlan()
        // Anything to read from is a violation; so mostly there is nothing.
        plan.usualCount = 64
        try fuzz(device, plan)
        let driver = try MockDriver(device)
        try driver.start()
        #expect(try driver.request(queue: 0, writable: [16]).written == 16)
    }

    @Test("balloon", .timeLimit(.minutes(10)))
    func balloon() throws {
        let device = BalloonDevice()
        var plan = FuzzPlan()
        // Page numbers in and around RAM.
        plan.header = { _, random in
            (0..<(1 + random.below(8))).flatMap { _ -> [UInt8] in
                let page = random.oneIn(8) ? UInt32(truncatingIfNeeded: random.next()) : 0x8_0000 - 8 + UInt32(random.below(530))
                return (0..<4).map { UInt8(truncatingIfNeeded: page >> UInt32(8 * $0)) }
            }
        }
        try fuzz(device, plan)
        device.setTarget(1 << 20)
        let driver = try MockDriver(device)
        try driver.start()
        #expect(driver.configuration(0, as: UInt32.self) == 256)
        #expect(try driver.request(queue: 1, readable: [[0, 0, 0, 0]]).written == 0)
    }
}
