import CHost
import Devices
import GuestMemory
import Testing
import VirtIO

/// How a device is fuzzed.
struct FuzzPlan {
    /// Chains, ring corruptions, register and configuration accesses.
    var operations = 1_000_000
    var seed: UInt64 = 1
    /// Bytes for the first readable descriptor of a chain on `queue`, so that requests get beyond their header's
    /// check; what it says may be as wrong as it likes.
    var header: (_ queue: Int, _ random: inout FuzzRandom) -> [UInt8] = { _, _ in [] }
    /// Bytes of the second one, such as a request's body.
    var body: (_ queue: Int, _ random: inout FuzzRandom) -> [UInt8] = { _, _ in [] }
    /// How many descriptors of each kind a chain on `queue` should have; most get them.
    var shape: (_ queue: Int, _ random: inout FuzzRandom) -> (readable: Int, writable: Int) = { _, random in
        let readable = random.below(4)
        return (readable, readable == 0 ? 1 + random.below(4) : random.below(4))
    }
    /// A buffer's bytes are mostly up to this many.
    var usualCount = 256
    /// Of all chains, one in about this many is malformed.
    var wrongness = 60
    /// Bits of the device's features that aren't accepted, ever.
    var refused: UInt64 = 0
    init() {}
}

/// Fuzzes a device through its transport: a million operations by default, which no device may answer with more
/// than DEVICE_NEEDS_RESET. Checks that nothing outside the guest's RAM changed and that the device still comes
/// up afterwards; what it then does, the caller tests with a driver of its own.
func fuzz(_ device: any VirtIODevice, _ plan: FuzzPlan = FuzzPlan()) throws {
    let driver = try HostileDriver(device, plan)
    driver.sweepConfiguration()
    driver.resetAtEveryStep()
    driver.run()
    driver.finish()
}

/// A driver that doesn't play by the rules.
final class HostileDriver {
    private let device: any VirtIODevice
    private let plan: FuzzPlan
    private let canaries: CanaryMemory
    private let transport: MMIOTransport
    private var random: FuzzRandom
    private var rings: [HostileRing?] = []
    private(set) var operations = 0
    /// How often a violation was found, so that a fuzz that never gets anywhere is noticed.
    private(set) var resets = 0
    private var isLive = false
    /// Chains in a row that found no room.
    private var idle = 0

    /// Below are rings, above are buffers.
    private let buffers: UInt64

    init(_ device: any VirtIODevice, _ plan: FuzzPlan) throws {
        self.device = device
        self.plan = plan
        canaries = try CanaryMemory()
        transport = try MMIOTransport(device: device, memory: canaries.memory, line: UnconnectedLine())
        random = FuzzRandom(plan.seed)
        buffers = CanaryMemory.low + UInt64(device.queueSizes.count) * HostileRing.span
        try #require(buffers < CanaryMemory.high - 0x10000, "too many queues for this memory")
    }

    deinit { transport.shutDown() }

    private func read(_ offset: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: transport.read(offset: offset, width: 4)) }
    private func write(_ offset: UInt64, _ value: UInt32) { transport.write(offset: offset, width: 4, value: UInt64(value)) }

    // MARK: Everything once

    /// Every width at every offset of the registers' page, aligned or not.
    func sweepConfiguration() {
        for started in [false, true] {
            if started { start(steps: .max) }
            for width in [1, 2, 4, 8] {
                for offset: UInt64 in 0..<0x1000 {
                    _ = transport.read(offset: offset, width: width)
                    if offset >= 0x100 {
                        transport.write(offset: offset, width: width, value: random.next())
                        _ = transport.read(offset: offset, width: width)
                    }
                    operations += 3
                }
            }
        }
        #expect(canaries.isIntact)
    }

    /// A reset after each step of the way to DRIVER_OK leaves a device that starts.
    func resetAtEveryStep() {
        for steps in 0..<(14 + 9 * device.queueSizes.count) {
            start(steps: steps)
            write(0x70, 0)
            #expect(read(0x70) == 0)
            #expect(read(0x60) == 0)
        }
        expectStart()
    }

    private func expectStart() {
        start(steps: .max)
        // A device that breaks off at once has seen nothing but an empty ring.
        #expect(read(0x70) & 0x4F == 0x0F, "the device doesn't start any more")
    }

    // MARK: At random

    func run() {
        var sinceCheck = 0
        while operations < plan.operations {
            start(steps: random.oneIn(16) ? random.below(40) : .max)
            operations += 1
            session(200 + random.below(4000))
            sinceCheck += 1
            if sinceCheck == 64 {
                sinceCheck = 0
                if !canaries.isIntact { break }
            }
        }
        #expect(canaries.isIntact, "host memory outside the guest's RAM has changed")
    }

    func finish() {
        #expect(operations >= plan.operations)
        #expect(resets > 0 || plan.operations < 10_000, "no violation was ever found")
        write(0x70, 0)
        #expect(canaries.isIntact)
        expectStart()
        write(0x70, 0)
    }

    private func session(_ count: Int) {
        idle = 0
        for step in 0..<count {
            operations += 1
            switch random.below(64) {
            case 0: access()
            case 1: configure()
            case 2: pick()?.wish(&random)
            case 3 where random.oneIn(16): pick()?.misbehave(&random)
            case 3, 4, 5: write(0x50, UInt32(random.below(rings.count + 1)))
            default: addChain()
            }
            if step & 31 == 31, isLive, read(0x70) & 0x40 != 0 {
                resets += 1
                return
            }
            if idle > 500 { return }
        }
    }

    private func pick() -> HostileRing? { rings.isEmpty ? nil : rings[random.below(rings.count)] }

    /// Any register, any width, any value. A reset on the way is no harm.
    private func access() {
        let width = [1, 2, 4, 4, 4, 8][random.below(6)]
        let offset = UInt64(random.below(0x110)) & (random.oneIn(4) ? ~0 : ~3)
        if random.oneIn(2) {
            _ = transport.read(offset: offset, width: width)
        } else if offset & ~3 != 0x70 || random.oneIn(32) {
            let value = random.oneIn(2) ? UInt64(random.below(16)) : random.next()
            transport.write(offset: offset, width: width, value: value)
        }
    }

    private func configure() {
        let width = [1, 2, 4, 8][random.below(4)]
        let offset = 0x100 + UInt64(random.oneIn(8) ? random.below(0xF00) : random.below(64))
        if random.oneIn(2) {
            _ = transport.read(offset: offset, width: width)
        } else {
            transport.write(offset: offset, width: width, value: random.next())
        }
    }

    private func addChain() {
        guard !rings.isEmpty else { return }
        let index = random.below(rings.count)
        guard let ring = rings[index] else { return }
        let descriptors = chain(index)
        // A driver that never waits ends each session at once; one that always does isn't hostile.
        if ring.room < descriptors.count, !random.oneIn(200) {
            write(0x50, UInt32(index))
            // Waiting is no operation.
            operations -= 1
            idle += 1
            if idle % 16 == 0 { host_sleep_ns(10_000) } else if random.oneIn(4) { host_thread_yield() }
            return
        }
        idle = 0
        ring.add(descriptors, table: table(), wrongness: plan.wrongness, &random)
        if random.oneIn(4) { write(0x50, UInt32(index)) }
    }

    private func chain(_ queue: Int) -> [MockDescriptor] {
        var result: [MockDescriptor] = []
        let (readable, writable) = random.oneIn(plan.wrongness) ? FuzzPlan().shape(queue, &random) : plan.shape(queue, &random)
        for i in 0..<readable {
            let bytes = i == 0 ? plan.header(queue, &random) : i == 1 ? plan.body(queue, &random) : []
            let count = bytes.isEmpty ? count() : bytes.count
            let address = place(count)
            if !bytes.isEmpty, let host = canaries.memory.pointer(address, count: UInt64(count)) {
                if canaries.allows(host, count, writing: true) { bytes.withUnsafeBytes { host_copy(host, $0.baseAddress!, count) } }
            }
            result.append(MockDescriptor(address: address, count: UInt32(count), isWritable: false))
        }
        for i in 0..<writable {
            let count = count()
            // One byte for a status at the end, quite often.
            let size = i == writable - 1 && random.oneIn(3) ? 1 : count
            result.append(MockDescriptor(address: place(size), count: UInt32(size), isWritable: true))
        }
        return result
    }

    private func count() -> Int {
        random.oneIn(200) ? random.below(1 << 17) : random.below(plan.usualCount + 1)
    }

    /// Room for `count` bytes: in either slot or across the two.
    private func place(_ count: Int) -> UInt64 {
        let end = CanaryMemory.high + CanaryMemory.slotSize
        if random.oneIn(50) { return CanaryMemory.high - UInt64(random.below(count + 1)) }
        if random.oneIn(2000) { return CanaryMemory.readOnly + UInt64(random.below(256)) }
        return buffers + UInt64(random.below(Int(end - buffers) - count))
    }

    /// Room for an indirect table, in one slot.
    private func table() -> UInt64 { buffers + UInt64(random.below(Int(CanaryMemory.high - buffers) - 0x1000)) & ~15 }

    // MARK: Life

    /// Goes the way to DRIVER_OK, or `steps` register accesses of it.
    private func start(steps: Int) {
        var left = steps
        func step(_ offset: UInt64, _ value: UInt32) -> Bool {
            guard left > 0 else { return false }
            left -= 1
            write(offset, value)
            return true
        }
        isLive = false
        rings = []
        write(0x70, 0)
        guard step(0x70, 1), step(0x70, 3), step(0x14, 0) else { return }
        var accepted = UInt64(read(0x10))
        guard step(0x14, 1) else { return }
        accepted |= UInt64(read(0x10)) << 32
        accepted &= ~plan.refused
        // Half of the sessions do without some feature or other.
        if random.oneIn(2) { accepted &= random.next() | random.next() }
        if random.oneIn(2) { accepted &= ~TransportFeature.ringPacked }
        accepted |= TransportFeature.version1
        guard step(0x24, 0), step(0x20, UInt32(truncatingIfNeeded: accepted)), step(0x24, 1),
            step(0x20, UInt32(truncatingIfNeeded: accepted >> 32)), step(0x70, 11)
        else { return }
        var made: [HostileRing?] = []
        for (index, most) in device.queueSizes.enumerated() {
            let size = 1 << random.below(min(8, 16 - most.leadingZeroBitCount) )
            let ring = HostileRing(
                canaries.memory, at: CanaryMemory.low + UInt64(index) * HostileRing.span, size: size,
                packed: accepted & TransportFeature.ringPacked != 0,
                indirect: accepted & TransportFeature.indirectDescriptors != 0)
            guard step(0x30, UInt32(index)), step(0x38, UInt32(size)),
                step(0x80, UInt32(truncatingIfNeeded: ring.areas.descriptors)), step(0x84, 0),
                step(0x90, UInt32(truncatingIfNeeded: ring.areas.driver)), step(0x94, 0),
                step(0xA0, UInt32(truncatingIfNeeded: ring.areas.device)), step(0xA4, 0)
            else { return }
            // Some queue may be left out.
            let skips = steps == .max && random.oneIn(64)
            if !skips { guard step(0x44, 1) else { return } }
            made.append(skips ? nil : ring)
        }
        guard step(0x70, 15) else { return }
        rings = made
        isLive = true
    }
}
