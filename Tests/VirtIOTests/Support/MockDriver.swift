import CHost
import GuestMemory
import VirtIO

/// A driver that plays by the rules: negotiates, lays out rings of either kind in guest memory, and makes
/// requests. For tests of devices; one thread.
///
///     let driver = try MockDriver(device, packed: true)
///     try driver.start()
///     let answer = try driver.request(queue: 0, readable: [header], writable: [512, 1])
final class MockDriver {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// What a request brought back.
    struct Answer: Equatable {
        /// As the device told it.
        var written: Int
        /// The contents of each writable descriptor, whole.
        var writable: [[UInt8]]
    }

    /// A buffer that is out.
    struct Buffer {
        let queue: Int
        let id: Int
        let writable: [(address: UInt64, count: Int)]
    }

    static let ramBase: UInt64 = 0x8000_0000

    let memory: GuestMemory
    let transport: MMIOTransport
    let line = TestLine()
    let device: any VirtIODevice
    /// What the driver wants, limited to what is offered.
    let wanted: UInt64
    private(set) var rings: [any MockRing] = []
    /// Use an indirect table for each buffer, where negotiated.
    var usesIndirect = false

    /// Used buffers that were taken while waiting for another.
    private var finished: [[MockUsed]] = []
    private var top = MockDriver.ramBase
    private let ringSize: Int

    /// - Parameters:
    ///   - features: the device's own features to accept, of those it offers
    ///   - ringSize: descriptors of each queue, limited to what the device allows
    init(
        _ device: any VirtIODevice, features: UInt64 = ~0, packed: Bool = false, indirect: Bool = false,
        eventIndex: Bool = true, ringSize: Int = 64, ram: UInt64 = 16 << 20
    ) throws {
        self.device = device
        memory = GuestMemory()
        try memory.addRAM(base: Self.ramBase, size: ram)
        transport = try MMIOTransport(device: device, memory: memory, line: line)
        var wanted = features & ~TransportFeature.all | TransportFeature.version1
        if packed { wanted |= TransportFeature.ringPacked }
        if indirect { wanted |= TransportFeature.indirectDescriptors }
        if eventIndex { wanted |= TransportFeature.eventIndex }
        self.wanted = wanted
        usesIndirect = indirect
        self.ringSize = ringSize
    }

    deinit { transport.shutDown() }

    // MARK: Registers

    func read(_ offset: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: transport.read(offset: offset, width: 4)) }
    func write(_ offset: UInt64, _ value: UInt32) { transport.write(offset: offset, width: 4, value: UInt64(value)) }
    var status: UInt32 { read(0x70) }
    var needsReset: Bool { status & 64 != 0 }

    /// A field of the configuration, little-endian.
    func configuration<T: FixedWidthInteger>(_ offset: UInt64, as type: T.Type = T.self) -> T {
        T(truncatingIfNeeded: transport.read(offset: 0x100 + offset, width: MemoryLayout<T>.size))
    }

    var offered: UInt64 {
        write(0x14, 0)
        let low = UInt64(read(0x10))
        write(0x14, 1)
        return low | UInt64(read(0x10)) << 32
    }

    // MARK: Life

    /// From reset to DRIVER_OK (virtio 1.2, 3.1.1), with rings in fresh memory.
    func start() throws {
        reset()
        write(0x70, 1)
        write(0x70, 3)
        let accepted = offered & wanted
        write(0x24, 0)
        write(0x20, UInt32(truncatingIfNeeded: accepted))
        write(0x24, 1)
        write(0x20, UInt32(truncatingIfNeeded: accepted >> 32))
        write(0x70, 11)
        guard status & 8 != 0 else { throw Failure(description: "the device refuses the features") }
        for index in device.queueSizes.indices { try setUp(index, accepted) }
        write(0x70, 15)
    }

    func reset() {
        write(0x70, 0)
        rings = []
        finished = []
        top = Self.ramBase
    }

    private func setUp(_ index: Int, _ accepted: UInt64) throws {
        write(0x30, UInt32(index))
        let size = min(ringSize, Int(read(0x34)))
        let packed = accepted & TransportFeature.ringPacked != 0
        let events = accepted & TransportFeature.eventIndex != 0
        let base = allocate(packed ? MockPackedRing.bytes(size) : MockSplitRing.bytes(size), alignment: 4096)
        let ring: any MockRing =
            packed
            ? MockPackedRing(memory, at: base, size: size, eventIndex: events)
            : MockSplitRing(memory, at: base, size: size, eventIndex: events)
        write(0x38, UInt32(size))
        for (register, address) in [(0x80, ring.areas.descriptors), (0x90, ring.areas.driver), (0xA0, ring.areas.device)] {
            write(UInt64(register), UInt32(truncatingIfNeeded: address))
            write(UInt64(register) + 4, UInt32(truncatingIfNeeded: address >> 32))
        }
        write(0x44, 1)
        guard read(0x44) == 1 else { throw Failure(description: "queue \(index) doesn't become ready") }
        rings.append(ring)
        finished.append([])
    }

    // MARK: Memory

    /// Zeroed guest memory. Goes round at the end of RAM: requests shall be done by then.
    func allocate(_ count: Int, alignment: UInt64 = 64) -> UInt64 {
        let end = memory.slots[0].base + memory.slots[0].size
        var base = (top + alignment - 1) & ~(alignment - 1)
        if base + UInt64(count) > end { base = Self.ramBase + (4 << 20) }
        precondition(base + UInt64(count) <= end, "the mock driver has too little RAM")
        top = base + UInt64(count)
        if count > 0 { host_fill(memory.pointer(base, count: UInt64(count))!, 0, count) }
        return base
    }

    func bytes(_ address: UInt64, _ count: Int) -> [UInt8] { (try? memory.bytes(address, count: count)) ?? [] }

    // MARK: Buffers

    /// Makes a buffer available and notifies the device if it wants that.
    @discardableResult
    func add(queue: Int, readable: [[UInt8]] = [], writable: [Int] = [], notify: Bool = true) throws -> Buffer {
        var descriptors: [MockDescriptor] = []
        for bytes in readable {
            let address = allocate(bytes.count)
            try memory.write(bytes, at: address)
            descriptors.append(MockDescriptor(address: address, count: UInt32(bytes.count), isWritable: false))
        }
        var targets: [(address: UInt64, count: Int)] = []
        for count in writable {
            let address = allocate(count)
            targets.append((address, count))
            descriptors.append(MockDescriptor(address: address, count: UInt32(count), isWritable: true))
        }
        let ring = rings[queue]
        let table = usesIndirect ? allocate(16 * descriptors.count) : nil
        guard ring.free >= (table == nil ? descriptors.count : 1) else { throw Failure(description: "queue \(queue) is full") }
        let id = ring.add(descriptors, table: table)
        if notify { kick(queue) }
        return Buffer(queue: queue, id: id, writable: targets)
    }

    /// Notifies the device if it wants that.
    func kick(_ queue: Int) {
        if rings[queue].wantsNotification() { write(0x50, UInt32(queue)) }
    }

    /// The next used buffer of a queue, if there is one.
    func take(_ queue: Int) -> MockUsed? {
        if !finished[queue].isEmpty { return finished[queue].removeFirst() }
        return rings[queue].take()
    }

    /// Waits for the next used buffer of a queue by its interrupt.
    func next(_ queue: Int) throws -> MockUsed {
        while true {
            rings[queue].wantInterrupts(true)
            if let used = take(queue) { return used }
            guard line.wait() else { throw Failure(description: "no interrupt from queue \(queue)") }
            write(0x64, read(0x60))
            if needsReset { throw Failure(description: "the device needs a reset") }
        }
    }

    /// Waits for one buffer.
    func wait(_ buffer: Buffer) throws -> Answer {
        var others: [MockUsed] = []
        while true {
            let used = try next(buffer.queue)
            if used.id == buffer.id {
                finished[buffer.queue] = others + finished[buffer.queue]
                return Answer(
                    written: Int(used.written), writable: buffer.writable.map { bytes($0.address, $0.count) })
            }
            others.append(used)
        }
    }

    /// Makes a request and waits for its answer.
    func request(queue: Int, readable: [[UInt8]] = [], writable: [Int] = []) throws -> Answer {
        try wait(try add(queue: queue, readable: readable, writable: writable))
    }
}
