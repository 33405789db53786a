import Testing
import VirtIO

/// A million operations for every device. Where requests have a form, most of them begin as it asks.
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
        // Anything to read from is a violation.
        plan.shape = { _, random in (0, 1 + random.below(4)) }
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
        plan.shape = { queue, random in queue < 3 ? (1 + random.below(2), 0) : (0, 1 + random.below(3)) }
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

    private static func bytes<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    @Test("block", .timeLimit(.minutes(10)))
    func block() throws {
        let disk = FuzzDisk()
        let device = BlockDevice(disk, serial: [1, 2, 3], queues: 2)
        var plan = FuzzPlan()
        plan.header = { _, random in
            let type: UInt32 = random.oneIn(16) ? UInt32(truncatingIfNeeded: random.next()) : [0, 1, 0, 1, 4, 8, 11, 13][random.below(8)]
            // Around the end, where it is interesting, or anywhere.
            let sector = random.oneIn(16) ? random.next() : UInt64(random.below(2100))
            return Self.bytes(type) + Self.bytes(UInt32(0)) + Self.bytes(sector)
        }
        plan.body = { _, random in
            if random.oneIn(2) { return [UInt8](repeating: 7, count: 512 * random.below(3)) }
            let count = random.oneIn(4) ? UInt32(truncatingIfNeeded: random.next()) : UInt32(random.below(64))
            return Self.bytes(UInt64(random.below(2100))) + Self.bytes(count) + Self.bytes(UInt32(random.below(4)))
        }
        // A header and a status.
        plan.shape = { _, random in (1 + random.below(3), 1 + random.below(3)) }
        plan.usualCount = 512
        try fuzz(device, plan)
        #expect(disk.outside.load(ordering: .relaxed) == 0)
        #expect(disk.inside.load(ordering: .relaxed) > 1000)
        let driver = try MockDriver(device)
        try driver.start()
        let header = Self.bytes(UInt32(0)) + Self.bytes(UInt32(0)) + Self.bytes(UInt64(3))
        let answer = try driver.request(queue: 0, readable: [header], writable: [512, 1])
        #expect(answer == .init(written: 513, writable: [[UInt8](repeating: 0, count: 512), [0]]))
    }

    @Test("net, with and without a header", .timeLimit(.minutes(10)), arguments: [false, true])
    func net(hasHeader: Bool) throws {
        var traits = NetworkTraits()
        traits.hasHeader = hasHeader
        traits.offloads = [.csum, .guestCsum, .hostTSO4, .hostTSO6, .guestTSO4, .guestTSO6]
        traits.queuePairs = 2
        let network = FuzzNetwork(traits)
        let device = try NetworkDevice(.init(address: 0x5254_0000_0001), backend: network)
        var plan = FuzzPlan()
        plan.operations = 600_000
        plan.shape = { queue, random in
            if queue == 4 { return (1 + random.below(3), 1) }
            return queue % 2 == 0 ? (0, 1 + random.below(3)) : (2 + random.below(2), 0)
        }
        plan.header = { queue, random in
            // The control queue's commands, or a frame's header (5.1.6).
            if queue == 4 { return [UInt8(random.below(7)), UInt8(random.below(6))] }
            func small() -> UInt16 { random.oneIn(8) ? UInt16(truncatingIfNeeded: random.next()) : UInt16(random.below(120)) }
            let flags = UInt8(random.below(4)), kind = [0, 0, 1, 4, 0x81, 3, 5][random.below(7)] as UInt8
            return [flags, kind] + Self.bytes(small()) + Self.bytes(small()) + Self.bytes(small()) + Self.bytes(small()) + [0, 0]
        }
        plan.body = { queue, random in
            if queue == 4 { return (0..<random.below(20)).map { _ in UInt8(random.below(4)) } }
            var frame = (0..<(14 + random.below(200))).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            frame[12] = random.oneIn(2) ? 0x08 : 0x86
            frame[13] = frame[12] == 8 ? 0 : 0xDD
            if frame.count > 24 { frame[14] = frame[12] == 8 ? 0x45 : 0x60; frame[23] = 6; frame[20] = 6 }
            return frame
        }
        try fuzz(device, plan)
        #expect(network.frames.load(ordering: .relaxed) > 1000)
        let driver = try MockDriver(device, features: NetworkFeatures.mac.rawValue)
        try driver.start()
        #expect(driver.configuration(0, as: UInt32.self) != 0)
        let before = network.frames.load(ordering: .relaxed)
        _ = try driver.request(queue: 1, readable: [[UInt8](repeating: 0, count: 12), [UInt8](repeating: 1, count: 60)])
        #expect(network.frames.load(ordering: .relaxed) > before)
    }

    @Test("console with several ports", .timeLimit(.minutes(10)))
    func console() throws {
        let terminal = FuzzTerminal()
        let device = try ConsoleDevice(ports: [
            ConsolePortSetup(isConsole: true, farEnd: terminal), ConsolePortSetup(isConsole: true, farEnd: FuzzTerminal()),
            ConsolePortSetup(isConsole: false, name: "port", farEnd: FuzzTerminal()),
        ])
        defer { device.close() }
        var plan = FuzzPlan()
        plan.shape = { queue, random in queue % 2 == 0 ? (0, 1 + random.below(2)) : (1 + random.below(3), 0) }
        plan.header = { queue, random in
            // Control messages: a port, an event, a value (5.3.6.2).
            guard queue == 3 else { return [] }
            let port = random.oneIn(8) ? UInt32(truncatingIfNeeded: random.next()) : UInt32(random.below(4))
            return Self.bytes(port) + Self.bytes(UInt16(random.below(9))) + Self.bytes(UInt16(random.below(2)))
        }
        try fuzz(device, plan)
        #expect(terminal.written.load(ordering: .relaxed) > 1000)
        let driver = try MockDriver(device)
        try driver.start()
        let before = terminal.written.load(ordering: .relaxed)
        _ = try driver.request(queue: 1, readable: [[1, 2, 3]])
        #expect(terminal.written.load(ordering: .relaxed) == before + 3)
    }

    @Test("9p", .timeLimit(.minutes(10)))
    func p9() throws {
        let folder = try P9MalformedTests.folder()
        let device = P9Device(try SharedDirectory(folder.shared, readOnly: false, descriptors: 100), tag: "tag")
        let opening = [P9DeviceTests.version, P9DeviceTests.attach]
        let messages = P9MalformedTests.messages
        var plan = FuzzPlan()
        plan.shape = { _, random in (1, 1 + random.below(2)) }
        plan.header = { _, random in
            if random.oneIn(3) { return opening[random.below(2)] }
            var message = messages[random.below(messages.count)]
            for _ in 0..<random.below(3) {
                message[random.below(message.count)] = random.oneIn(2) ? UInt8(truncatingIfNeeded: random.next()) : UInt8(random.below(12))
            }
            return message
        }
        try fuzz(device, plan)
        let driver = try MockDriver(device)
        try driver.start()
        let answer = try driver.request(queue: 0, readable: [P9DeviceTests.version], writable: [64])
        #expect(answer.written > 7)
        #expect(answer.writable[0][4] == 101)
    }
}
