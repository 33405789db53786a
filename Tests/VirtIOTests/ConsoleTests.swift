import CHost
import Devices
import Testing
import VirtIO

/// A far end that the test plays: bytes in, bytes out, and as little room as it likes.
final class FakeFarEnd: ConsoleFarEnd, @unchecked Sendable {
    private let lock = Lock()
    private var wake: Int32 = -1
    private var input: [UInt8] = []
    private var output: [UInt8] = []
    private var space = Int.max
    private var connected = true
    private var terminal: ConsoleSize?
    private var opened = false

    init(size: ConsoleSize? = nil, connected: Bool = true) {
        terminal = size
        self.connected = connected
    }

    private func change<Result>(_ body: () -> Result) -> Result {
        let (result, wake) = lock.withLock { (body(), self.wake) }
        if wake >= 0 { host_eventfd_signal(wake) }
        return result
    }

    // The test's side.
    func type(_ text: String) { change { input += Array(text.utf8) } }
    func allow(_ count: Int) { change { space = count } }
    func connect(_ isConnected: Bool) { change { connected = isConnected } }
    func resize(_ size: ConsoleSize) { change { terminal = size } }
    var text: String { lock.withLock { String(decoding: output, as: UTF8.self) } }
    var isOpen: Bool { lock.withLock { opened } }
    var waiting: Int { lock.withLock { input.count } }

    // The device's side.
    func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        lock.withLock {
            let count = min(bytes.count, space)
            output += bytes.prefix(count)
            if space != .max { space -= count }
            return count
        }
    }
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        lock.withLock {
            let count = min(buffer.count, input.count)
            buffer.copyBytes(from: input.prefix(count))
            input.removeFirst(count)
            return count
        }
    }
    var isConnected: Bool { lock.withLock { connected || !input.isEmpty } }
    var size: ConsoleSize? { lock.withLock { terminal } }
    func guestOpened(_ isOpen: Bool) { lock.withLock { opened = isOpen } }
    func attach(wake: Int32) { lock.withLock { self.wake = wake } }
}

/// The virtio console and a driver that plays by the rules.
@Suite final class ConsoleTests {
    private var devices: [ConsoleDevice] = []

    deinit { for device in devices { device.close() } }

    func device(_ ports: ConsolePortSetup...) throws -> ConsoleDevice {
        let device = try ConsoleDevice(ports: ports)
        devices.append(device)
        return device
    }

    static func control(_ port: UInt32, _ event: UInt16, _ value: UInt16, _ more: [UInt8] = []) -> [UInt8] {
        [UInt8(port & 0xFF), 0, 0, 0, UInt8(event), 0, UInt8(value & 0xFF), UInt8(value >> 8)] + more
    }

    /// Waits until `condition` holds; nothing tells when the device has done what nobody sees.
    func until(_ condition: () throws -> Bool) rethrows -> Bool {
        for _ in 0..<1000 {
            if try condition() { return true }
            host_sleep_ns(5_000_000)
        }
        return false
    }

    /// The next control message.
    func message(_ driver: MockDriver) throws -> [UInt8] {
        let answer = try driver.request(queue: 2, writable: [64])
        return Array(answer.writable[0].prefix(answer.written))
    }

    /// Sends a control message and waits until it is taken.
    func tell(_ driver: MockDriver, _ port: UInt32, _ event: UInt16, _ value: UInt16) throws {
        _ = try driver.request(queue: 3, readable: [Self.control(port, event, value)])
    }

    @Test func onePortNeedsNoControlQueues() throws {
        let far = FakeFarEnd(size: ConsoleSize(columns: 132, rows: 43))
        let device = try device(ConsolePortSetup(isConsole: true, farEnd: far))
        #expect(device.deviceID == 3)
        #expect(device.queueSizes.count == 2)
        let driver = try MockDriver(device)
        #expect(driver.offered & 0b111 == 0b101)
        #expect(driver.configuration(0, as: UInt16.self) == 132)
        #expect(driver.configuration(2, as: UInt16.self) == 43)
        #expect(driver.configuration(4, as: UInt32.self) == 1)
        #expect(!far.isOpen)
        try driver.start()
        #expect(far.isOpen)
        _ = try driver.request(queue: 1, readable: [Array("hello, ".utf8), Array("host".utf8)])
        #expect(far.text == "hello, host")
        driver.reset()
        #expect(!far.isOpen)
    }

    @Test(arguments: [false, true]) func inputArrives(_ packed: Bool) throws {
        let far = FakeFarEnd()
        let driver = try MockDriver(try device(ConsolePortSetup(isConsole: true, farEnd: far)), packed: packed)
        far.type("early ")
        try driver.start()
        var answer = try driver.request(queue: 0, writable: [4, 4])
        #expect(answer.written == 6)
        #expect(String(decoding: answer.writable.joined().prefix(6), as: UTF8.self) == "early ")
        let buffer = try driver.add(queue: 0, writable: [3])
        far.type("later")
        answer = try driver.wait(buffer)
        #expect(answer.written == 3)
        #expect(String(decoding: answer.writable[0], as: UTF8.self) == "lat")
        answer = try driver.request(queue: 0, writable: [9])
        #expect(String(decoding: answer.writable[0].prefix(answer.written), as: UTF8.self) == "er")
    }

    @Test func outputWaitsForRoomAndComesWhole() throws {
        let far = FakeFarEnd()
        let driver = try MockDriver(try device(ConsolePortSetup(isConsole: true, farEnd: far)))
        try driver.start()
        far.allow(5)
        let buffer = try driver.add(queue: 1, readable: [Array("abc".utf8), Array("defg".utf8)])
        #expect(until { far.text == "abcde" })
        #expect(driver.take(1) == nil)
        far.allow(1)
        #expect(until { far.text == "abcdef" })
        far.allow(.max)
        _ = try driver.wait(buffer)
        #expect(far.text == "abcdefg")
    }

    @Test func resetForgetsHalfABuffer() throws {
        let far = FakeFarEnd()
        let driver = try MockDriver(try device(ConsolePortSetup(isConsole: true, farEnd: far)))
        try driver.start()
        far.allow(2)
        try driver.add(queue: 1, readable: [Array("abcd".utf8)])
        #expect(until { far.text == "ab" })
        try driver.start()
        far.allow(.max)
        _ = try driver.request(queue: 1, readable: [Array("XY".utf8)])
        #expect(far.text == "abXY")
    }

    @Test func manyBuffersKeepTheirOrder() throws {
        let far = FakeFarEnd()
        let driver = try MockDriver(try device(ConsolePortSetup(isConsole: true, farEnd: far)), ringSize: 16)
        try driver.start()
        var expected = ""
        for round in 0..<200 {
            var last: MockDriver.Buffer?
            for i in 0..<8 {
                expected += "\(round).\(i) "
                last = try driver.add(queue: 1, readable: [Array("\(round).\(i) ".utf8)])
            }
            if let last { _ = try driver.wait(last) }
            while driver.take(1) != nil {}
        }
        #expect(far.text == expected)
    }

    @Test func sizeChangesRaiseTheGeneration() throws {
        let far = FakeFarEnd(size: ConsoleSize(columns: 80, rows: 24))
        let driver = try MockDriver(try device(ConsolePortSetup(isConsole: true, farEnd: far)))
        try driver.start()
        let before = driver.read(0xFC)
        far.resize(ConsoleSize(columns: 100, rows: 50))
        #expect(driver.line.wait())
        #expect(driver.read(0x60) & 2 != 0)
        #expect(driver.read(0xFC) != before)
        #expect(driver.configuration(0, as: UInt32.self) == 50 << 16 | 100)
    }

    @Test func emergencyOutputNeedsNoDriver() throws {
        let far = FakeFarEnd()
        let driver = try MockDriver(try device(ConsolePortSetup(isConsole: true, farEnd: far)))
        for width in [1, 2, 4] { driver.transport.write(offset: 0x108, width: width, value: 0x21) }
        // Everything else there is read-only, and what is behind it as well.
        for offset: UInt64 in [0x100, 0x102, 0x104, 0x109, 0x10C, 0xFFF] {
            driver.transport.write(offset: offset, width: 1, value: 0x3F)
        }
        #expect(far.text == "!!!")
        #expect(driver.configuration(8, as: UInt32.self) == 0)
    }

    @Test func configurationHasAnAnswerEverywhere() throws {
        let far = FakeFarEnd(size: ConsoleSize(columns: 0x1234, rows: 0x5678))
        let driver = try MockDriver(try device(ConsolePortSetup(isConsole: true, farEnd: far)))
        let bytes: [UInt8] = [0x34, 0x12, 0x78, 0x56, 1, 0, 0, 0] + [UInt8](repeating: 0, count: 0x110)
        for offset in 0..<0x100 {
            for width in [1, 2, 4, 8] {
                var expected: UInt64 = 0
                for i in 0..<width { expected |= UInt64(bytes[offset + i]) << UInt64(8 * i) }
                #expect(driver.transport.read(offset: 0x100 + UInt64(offset), width: width) == expected)
            }
        }
    }

    @Test func portsIntroduceThemselves() throws {
        let main = FakeFarEnd(size: ConsoleSize(columns: 80, rows: 25))
        let agent = FakeFarEnd(connected: false)
        let device = try device(
            ConsolePortSetup(isConsole: false, name: "agent", farEnd: agent), ConsolePortSetup(isConsole: true, farEnd: main))
        // Consoles come first, whatever the order was.
        #expect(device.queueSizes.count == 6)
        let driver = try MockDriver(device)
        #expect(driver.offered & 0b111 == 0b111)
        #expect(driver.configuration(4, as: UInt32.self) == 2)
        try driver.start()
        #expect(!main.isOpen)
        try tell(driver, 0xFFFF, 0, 1)
        #expect(try message(driver) == Self.control(0, 1, 1))
        #expect(try message(driver) == Self.control(1, 1, 1))
        try tell(driver, 0, 3, 1)
        #expect(try message(driver) == Self.control(0, 4, 1))
        #expect(try message(driver) == Self.control(0, 5, 0, [80, 0, 25, 0]))
        #expect(try message(driver) == Self.control(0, 6, 1))
        try tell(driver, 1, 3, 1)
        #expect(try message(driver) == Self.control(1, 7, 1, Array("agent".utf8)))
        agent.connect(true)
        #expect(try message(driver) == Self.control(1, 6, 1))
        agent.connect(false)
        #expect(try message(driver) == Self.control(1, 6, 0))
        main.resize(ConsoleSize(columns: 300, rows: 2))
        #expect(try message(driver) == Self.control(0, 5, 0, [44, 1, 2, 0]))
    }

    @Test func closedPortsKeepTheirInput() throws {
        let main = FakeFarEnd(), agent = FakeFarEnd()
        let driver = try MockDriver(
            try device(ConsolePortSetup(isConsole: true, farEnd: main), ConsolePortSetup(isConsole: false, name: "a", farEnd: agent)))
        try driver.start()
        try tell(driver, 0, 0, 1)
        try tell(driver, 1, 3, 1)
        agent.type("early")
        let buffer = try driver.add(queue: 4, writable: [16])
        // A message's answer shows that the device has been round.
        try tell(driver, 1, 9, 9)
        #expect(agent.waiting == 5)
        try tell(driver, 1, 6, 1)
        #expect(try driver.wait(buffer).written == 5)
        _ = try driver.request(queue: 5, readable: [Array("reply".utf8)])
        #expect(agent.text == "reply")
        try tell(driver, 1, 6, 0)
        #expect(until { !agent.isOpen })
    }

    @Test func anEndComesBehindTheLastByte() throws {
        let main = FakeFarEnd(), agent = FakeFarEnd()
        let driver = try MockDriver(
            try device(ConsolePortSetup(isConsole: true, farEnd: main), ConsolePortSetup(isConsole: false, farEnd: agent)))
        try driver.start()
        try tell(driver, 1, 3, 1)
        #expect(try message(driver) == Self.control(1, 6, 1))
        try tell(driver, 1, 6, 1)
        agent.type("abcdef")
        agent.connect(false)
        let told = try driver.add(queue: 2, writable: [64])
        #expect(try driver.request(queue: 4, writable: [4]).written == 4)
        try tell(driver, 1, 9, 9)
        #expect(driver.take(2) == nil)
        #expect(try driver.request(queue: 4, writable: [4]).written == 2)
        let end = try driver.wait(told)
        #expect(Array(end.writable[0].prefix(end.written)) == Self.control(1, 6, 0))
    }

    @Test func withoutConsolesThereIsNoPortZero() throws {
        let far = FakeFarEnd()
        let driver = try MockDriver(try device(ConsolePortSetup(isConsole: false, name: "x", farEnd: far)))
        try driver.start()
        try tell(driver, 0, 0, 1)
        #expect(try message(driver) == Self.control(1, 1, 1))
        driver.transport.write(offset: 0x108, width: 4, value: 0x21)
        #expect(far.text == "")
        // Messages about ports that don't exist mean nothing.
        for port: UInt32 in [0, 2, 0xFF] { try tell(driver, port, 3, 1) }
        #expect(!driver.needsReset)
    }

    @Test func driversMayLeaveMultiportOut() throws {
        let main = FakeFarEnd(), agent = FakeFarEnd()
        let driver = try MockDriver(
            try device(ConsolePortSetup(isConsole: true, farEnd: main), ConsolePortSetup(isConsole: false, name: "a", farEnd: agent)),
            features: 0b101)
        try driver.start()
        #expect(main.isOpen)
        _ = try driver.request(queue: 1, readable: [Array("x".utf8)])
        #expect(main.text == "x")
    }

    @Test func shortMessagesAndEmptyBuffersBreakTheDevice() throws {
        for wrong in [0, 1] {
            let far = FakeFarEnd()
            let driver = try MockDriver(
                try device(ConsolePortSetup(isConsole: true, farEnd: far), ConsolePortSetup(isConsole: true, farEnd: FakeFarEnd())))
            try driver.start()
            if wrong == 0 {
                try driver.add(queue: 3, readable: [[0, 0, 0, 0, 3]])
            } else {
                try tell(driver, 0, 6, 1)
                far.type("x")
                try driver.add(queue: 0, readable: [[1]])
            }
            #expect(until { driver.needsReset })
            // A reset mends it.
            try driver.start()
            _ = try driver.request(queue: 1, readable: [[0x61]])
            #expect(far.text == "a")
        }
    }

    @Test func aDriverThatNeverListensIsntHeardForEver() throws {
        let driver = try MockDriver(
            try device(ConsolePortSetup(isConsole: true, farEnd: FakeFarEnd()), ConsolePortSetup(isConsole: true, farEnd: FakeFarEnd())),
            ringSize: 256)
        try driver.start()
        var taken = 0
        func settle(_ count: Int) {
            _ = until {
                while driver.take(3) != nil { taken += 1 }
                return taken == count
            }
        }
        // Each asks for two messages; nobody takes them.
        for _ in 0..<128 { try driver.add(queue: 3, readable: [Self.control(0, 0, 1)]) }
        settle(128)
        #expect(taken == 128)
        for _ in 0..<64 { try driver.add(queue: 3, readable: [Self.control(0, 0, 1)]) }
        // Anything that shows the device has been round.
        _ = try driver.request(queue: 1, readable: [[0x61]])
        settle(128)
        #expect(taken == 128)
        // Room makes it go on.
        for _ in 0..<300 { _ = try message(driver) }
        settle(192)
        #expect(taken == 192)
    }
}
