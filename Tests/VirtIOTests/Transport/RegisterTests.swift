import Testing
import VirtIO

@Suite("virtio-mmio registers")
struct RegisterTests {
    @Test("the identity of a device, and of a slot without one")
    func identity() throws {
        let driver = try MockDriver(EchoDevice())
        #expect(driver.read(0) == 0x7472_6976)
        #expect(driver.read(4) == 2)
        #expect(driver.read(8) == 42)
        #expect(driver.read(0xC) != 0)
        let empty = EmptySlot()
        #expect(empty.read(offset: 0, width: 4) == 0x7472_6976)
        #expect(empty.read(offset: 4, width: 4) == 2)
        #expect(empty.read(offset: 8, width: 4) == 0)
    }

    @Test("features beyond the second word read 0, and no shared memory is there")
    func absences() throws {
        let driver = try MockDriver(EchoDevice())
        driver.write(0x14, 2)
        #expect(driver.read(0x10) == 0)
        #expect(driver.offered == 1 << 5 | 1 << 40 | TransportFeature.all)
        for id: UInt32 in [0, 1, 255] {
            driver.write(0xAC, id)
            for register: UInt64 in [0xB0, 0xB4, 0xB8, 0xBC] { #expect(driver.read(register) == 0xFFFF_FFFF) }
        }
        driver.write(0x30, 1)
        #expect(driver.read(0x34) == 0, "a queue that isn't there")
        #expect(driver.read(0xC0) == 0, "QueueReset without RING_RESET")
    }

    @Test("FEATURES_OK sticks only for features that were offered, VERSION_1 accepted or not")
    func negotiation() throws {
        let driver = try MockDriver(EchoDevice())
        func negotiate(_ features: UInt64) -> UInt32 {
            driver.write(0x70, 0)
            driver.write(0x70, 3)
            driver.write(0x24, 0)
            driver.write(0x20, UInt32(truncatingIfNeeded: features))
            driver.write(0x24, 1)
            driver.write(0x20, UInt32(features >> 32))
            driver.write(0x70, 11)
            return driver.status
        }
        #expect(negotiate(TransportFeature.version1) == 11)
        #expect(negotiate(1 << 5) == 11)
        #expect(negotiate(TransportFeature.version1 | 1 << 6) == 3)
        #expect(negotiate(TransportFeature.version1 | 1 << 33) == 3)
        #expect(negotiate(driver.offered) == 11)
        // Settled from here on.
        driver.write(0x24, 0)
        driver.write(0x20, 1 << 6)
        driver.write(0x70, 15)
        #expect(driver.status == 15)
        #expect((driver.device as? EchoDevice)?.session?.acceptedFeatures == driver.offered)
    }

    @Test("status bits come and don't go, but by a reset")
    func status() throws {
        let device = EchoDevice()
        let driver = try MockDriver(device)
        driver.write(0x70, 4)
        #expect(driver.status == 0, "DRIVER_OK before FEATURES_OK")
        #expect(device.starts == 0)
        try driver.start()
        #expect(driver.status == 15)
        #expect(device.starts == 1)
        driver.write(0x70, 1)
        #expect(driver.status == 15)
        driver.write(0x70, 0xFFFF_FF00)
        #expect(driver.status == 15, "bits that don't exist")
        let stops = device.stops
        driver.write(0x70, 128)
        #expect(driver.status == 143)
        #expect(device.stops == stops + 1, "a driver that gave up has no use for the device")
        driver.write(0x70, 0)
        #expect(driver.status == 0)
        try driver.start()
        #expect(device.starts == 2)
        #expect(try driver.request(queue: 0, readable: [[7]], writable: [1]).writable == [[7]])
    }

    @Test("a queue's registers hold still while it is ready")
    func queueRegisters() throws {
        let device = EchoDevice()
        let driver = try MockDriver(device)
        try driver.start()
        for register: UInt64 in [0x38, 0x80, 0x84, 0x90, 0x94, 0xA0, 0xA4] { driver.write(register, 0xFFFF_FFF0) }
        #expect(try driver.request(queue: 0, readable: [[9]], writable: [1]).writable == [[9]])
        // Taking the queue away from a running device stops it before the answer.
        driver.write(0x44, 0)
        #expect(driver.read(0x44) == 0)
        #expect(driver.needsReset)
        #expect(device.session == nil)
    }

    @Test(
        "a queue that can't be used doesn't become ready, and the device says so",
        arguments: [
            (0x38, 3), (0x38, 0), (0x38, 512), (0x38, 0xFFFF_FFFF), (0x80, 8), (0x84, 1), (0x90, 1), (0xA0, 2),
            (0xA4, 0xFFFF_FFFF), (0xA0, 0x8100_0000 - 8),
        ] as [(UInt64, UInt32)])
    func badQueue(register: UInt64, value: UInt32) throws {
        let driver = try MockDriver(EchoDevice(), packed: false)
        driver.write(0x70, 3)
        driver.write(0x24, 1)
        driver.write(0x20, 1)
        driver.write(0x70, 11)
        driver.write(0x38, 16)
        for area: UInt64 in [0x80, 0x90, 0xA0] { driver.write(area, 0x8000_0000) }
        driver.write(register, value)
        driver.write(0x44, 1)
        #expect(driver.read(0x44) == 0)
        #expect(driver.needsReset)
        driver.write(0x70, 15)
        #expect(driver.status & 4 == 0)
        driver.write(0x70, 0)
        #expect(driver.status == 0)
        try driver.start()
        #expect(driver.status == 15)
    }

    @Test("read-only registers take nothing and write-only ones read 0")
    func directions() throws {
        let driver = try MockDriver(EchoDevice())
        try driver.start()
        for register: UInt64 in [0, 4, 8, 0xC, 0x10, 0x34, 0x60, 0xB0, 0xFC] {
            let before = driver.read(register)
            driver.write(register, ~before)
            #expect(driver.read(register) == before)
        }
        for register: UInt64 in [0x14, 0x20, 0x24, 0x30, 0x38, 0x50, 0x64, 0x80, 0x90, 0xA0, 0xAC] {
            #expect(driver.read(register) == 0)
        }
        for width in [1, 2, 8] {
            #expect(driver.transport.read(offset: 0x70, width: width) == (width == 8 ? 15 : 0))
            driver.transport.write(offset: 0x72, width: width, value: 0)
        }
        #expect(driver.status == 15)
    }

    @Test("the line is high while InterruptStatus isn't 0")
    func line() throws {
        let device = EchoDevice()
        let driver = try MockDriver(device)
        try driver.start()
        _ = try driver.request(queue: 0, readable: [[1]], writable: [1])
        driver.write(0x64, 3)
        #expect(!driver.line.level)
        let generation = driver.read(0xFC)
        device.session?.configurationChanged()
        #expect(driver.read(0xFC) == generation + 1)
        #expect(driver.read(0x60) == 2)
        #expect(driver.line.level)
        driver.write(0x64, 1)
        #expect(driver.line.level)
        driver.write(0x64, 2)
        #expect(!driver.line.level)
        device.session?.fail(.loop)
        #expect(driver.status == 79)
        #expect(driver.read(0x60) == 2)
        driver.reset()
        #expect(!driver.line.level)
        #expect(driver.read(0x60) == 0)
    }

    @Test("the configuration has every width")
    func configuration() throws {
        let driver = try MockDriver(EchoDevice())
        driver.transport.write(offset: 0x100, width: 8, value: 0x0807_0605_0403_0201)
        #expect(driver.configuration(0, as: UInt8.self) == 1)
        #expect(driver.configuration(2, as: UInt16.self) == 0x0403)
        #expect(driver.configuration(4, as: UInt32.self) == 0x0807_0605)
        #expect(driver.configuration(0, as: UInt64.self) == 0x0807_0605_0403_0201)
        driver.transport.write(offset: 0x107, width: 1, value: 0xFF)
        #expect(driver.configuration(4, as: UInt32.self) == 0xFF07_0605)
    }

    @Test("a late word of a device whose session has ended reaches nobody")
    func lateWord() throws {
        let device = EchoDevice()
        let driver = try MockDriver(device)
        try driver.start()
        let old = device.session
        driver.reset()
        old?.fail(.loop)
        old?.configurationChanged()
        #expect(driver.status == 0)
        #expect(!driver.line.level)
    }

    @Test("after shutDown the device stays reset")
    func shutDown() throws {
        let device = EchoDevice()
        let driver = try MockDriver(device)
        try driver.start()
        driver.transport.shutDown()
        #expect(device.session == nil)
        driver.write(0x70, 15)
        #expect(driver.status == 0)
    }
}
