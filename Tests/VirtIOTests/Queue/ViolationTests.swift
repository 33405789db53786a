import CHost
import GuestMemory
import Testing
import VirtIO

private let next: UInt16 = 1, write: UInt16 = 2, indirect: UInt16 = 4

@Suite("queues, with a driver that breaks the rules")
struct ViolationTests {
    private func expect(_ error: VirtQueueError, _ q: DirectQueue, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(throws: error, sourceLocation: sourceLocation) { try q.queue.pop() }
        // Dead from then on, and quiet.
        #expect(throws: Never.self, sourceLocation: sourceLocation) {
            let again = try q.queue.pop()
            #expect(again == nil, sourceLocation: sourceLocation)
        }
        #expect(!q.queue.wantNotifications(true), sourceLocation: sourceLocation)
        #expect(q.canaries.isIntact, sourceLocation: sourceLocation)
    }

    @Test("buffers outside RAM", arguments: [false, true])
    func outside(packed: Bool) throws {
        let end = CanaryMemory.high + CanaryMemory.slotSize
        let cases: [(UInt64, UInt32, UInt16, VirtQueueError)] = [
            (0, 1, 0, .outsideMemory(address: 0, count: 1)),
            (CanaryMemory.low - 1, 2, 0, .outsideMemory(address: CanaryMemory.low - 1, count: 2)),
            (end - 1, 2, 0, .outsideMemory(address: end, count: 1)),
            (end, 1, write, .outsideMemory(address: end, count: 1)),
            (~0, 1, 0, .outsideMemory(address: ~0, count: 1)),
            (~0 - 7, 16, 0, .outsideMemory(address: ~0 - 7, count: 16)),
            (CanaryMemory.low, ~0, 0, .outsideMemory(address: end, count: 0xFFFF_FFFF - 2 * CanaryMemory.slotSize)),
            (CanaryMemory.readOnly, 1, write, .outsideMemory(address: CanaryMemory.readOnly, count: 1)),
        ]
        for (address, count, flags, error) in cases {
            let q = try DirectQueue(packed: packed)
            q.descriptor(0, address, count, flags)
            q.available(1)
            expect(error, q)
        }
    }

    @Test("a buffer across two slots is two segments", arguments: [false, true])
    func across(packed: Bool) throws {
        let q = try DirectQueue(packed: packed)
        q.descriptor(0, CanaryMemory.high - 3, 10, 0 | next, next: 1)
        q.descriptor(1, CanaryMemory.high - 5, 9, write)
        q.available(1)
        let chain = try #require(try q.queue.pop())
        #expect(chain.readable.map(\.count) == [3, 7])
        #expect(chain.writable.map(\.count) == [5, 4])
        let bytes: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8, 9]
        #expect(bytes.withUnsafeBytes { chain.write($0, at: 0) })
        #expect(try q.canaries.memory.bytes(CanaryMemory.high - 5, count: 5) == [1, 2, 3, 4, 5])
        #expect(try q.canaries.memory.bytes(CanaryMemory.high, count: 4) == [6, 7, 8, 9])
        var back = [UInt8](repeating: 0, count: 10)
        #expect(back.withUnsafeMutableBytes { chain.read(at: 0, into: $0) })
        #expect(back == [3, 4, 5, 6, 7, 8, 9, 0, 0, 0])
        #expect(q.canaries.isIntact)
    }

    @Test("read-only memory can be read from", arguments: [false, true])
    func readOnly(packed: Bool) throws {
        let q = try DirectQueue(packed: packed)
        q.descriptor(0, CanaryMemory.readOnly, 4, 0)
        q.available(1)
        #expect(try q.queue.pop()?.readableCount == 4)
    }

    @Test("a readable descriptor behind a writable one", arguments: [false, true])
    func order(packed: Bool) throws {
        let q = try DirectQueue(packed: packed)
        q.descriptor(0, q.data, 4, write | next, next: 1)
        q.descriptor(1, q.data, 4, 0)
        q.available(1)
        expect(.badDescriptor, q)
    }

    @Test("chains that sum up to 4 GiB", arguments: [false, true])
    func sums(packed: Bool) throws {
        let q = try DirectQueue(packed: packed, size: 16384, features: TransportFeature.indirectDescriptors)
        // 1 MiB, 4096 times, in a ring as large as that.
        for i in 0..<4096 {
            q.descriptor(i, CanaryMemory.high, UInt32(CanaryMemory.slotSize), i == 4095 ? 0 : next, next: UInt16(i + 1))
        }
        q.available(1)
        expect(.badDescriptor, q)
        let r = try DirectQueue(packed: packed, size: 16384)
        for i in 0..<4096 {
            r.descriptor(i, CanaryMemory.high, UInt32(CanaryMemory.slotSize) - 1, i == 4095 ? 0 : next, next: UInt16(i + 1))
        }
        r.available(1)
        #expect(try r.queue.pop()?.readableCount == 4096 * (Int(CanaryMemory.slotSize) - 1))
    }

    @Test("loops, and numbers beyond the table")
    func loops() throws {
        for (from, to) in [(0, 0), (3, 1), (7, 0)] {
            let q = try DirectQueue(packed: false)
            for i in 0..<8 { q.descriptor(i, q.data, 1, next, next: UInt16(i == from ? to : i + 1)) }
            q.available(1)
            expect(.loop, q)
        }
        for number: UInt16 in [8, 9, 0xFFFF] {
            let q = try DirectQueue(packed: false)
            q.descriptor(0, q.data, 1, next, next: number)
            q.available(1)
            expect(.badIndex(number), q)
            let r = try DirectQueue(packed: false)
            r.available(1)
            r.ram.store16(r.areas.driver + 4, number)
            expect(.badIndex(number), r)
        }
        // The longest chain that isn't one.
        let q = try DirectQueue(packed: false)
        for i in 0..<8 { q.descriptor(i, q.data, 1, i == 7 ? 0 : next, next: UInt16(i + 1)) }
        q.available(1)
        #expect(try q.queue.pop()?.readableCount == 8)
        // A packed ring that goes on round and round.
        let p = try DirectQueue(packed: true)
        for i in 0..<8 { p.descriptor(i, p.data, 1, next) }
        expect(.loop, p)
    }

    @Test("an index that runs backwards, or ahead of what there is")
    func indices() throws {
        for index: UInt16 in [9, 0x8000, 0xFFFF] {
            let q = try DirectQueue(packed: false)
            q.available(index)
            expect(.badAvailableIndex, q)
        }
        let q = try DirectQueue(packed: false)
        for i in 0..<8 { q.descriptor(i, q.data, 1, 0) }
        q.available(3)
        for _ in 0..<3 { #expect(try q.queue.pop() != nil) }
        q.available(2)
        expect(.badAvailableIndex, q)
        // Buffers that are out count too: eight are all there can be.
        let r = try DirectQueue(packed: false)
        for i in 0..<8 { r.descriptor(i, r.data, 1, 0) }
        r.available(8)
        for _ in 0..<8 { #expect(try r.queue.pop() != nil) }
        r.available(9)
        expect(.badAvailableIndex, r)
        let p = try DirectQueue(packed: true)
        for i in 0..<8 { p.descriptor(i, p.data, 1, 0) }
        for _ in 0..<8 { #expect(try p.queue.pop() != nil) }
        p.ram.store16(p.areas.descriptors + 14, 1 << 15)
        expect(.badAvailableIndex, p)
    }

    @Test("indirect tables that are wrong", arguments: [false, true])
    func tables(packed: Bool) throws {
        func make(_ features: UInt64 = TransportFeature.indirectDescriptors) throws -> DirectQueue {
            let q = try DirectQueue(packed: packed, features: features)
            q.available(1)
            return q
        }
        func entry(_ q: DirectQueue, _ i: Int, _ flags: UInt16, next: UInt16 = 0) {
            q.ram.describe(q.data + 16 * UInt64(i), q.data + 0x1000, 8, packed ? 0 : flags, packed ? flags : next)
        }
        // Without the feature.
        var q = try make(0)
        entry(q, 0, 0)
        q.descriptor(0, q.data, 16, indirect)
        expect(.badDescriptor, q)
        for bytes: UInt32 in [0, 15, 17] {
            q = try make()
            q.descriptor(0, q.data, bytes, indirect)
            expect(.badDescriptor, q)
        }
        // Going on behind the table.
        q = try make()
        q.descriptor(0, q.data, 16, indirect | next, next: 1)
        expect(.badDescriptor, q)
        // A table in a table.
        q = try make()
        entry(q, 0, indirect)
        q.descriptor(0, q.data, 16, indirect)
        expect(.badDescriptor, q)
        // Outside RAM, or across slots.
        q = try make()
        q.descriptor(0, CanaryMemory.high - 16, 32, indirect)
        expect(.outsideMemory(address: CanaryMemory.high - 16, count: 32), q)
        q = try make()
        q.descriptor(0, q.data, 0xFFFF_FFF0, indirect)
        expect(.outsideMemory(address: q.data, count: 0xFFFF_FFF0), q)
        // Without end.
        q = try make()
        if packed {
            q.descriptor(0, q.data, 16 * 1025, indirect)
            expect(.loop, q)
        } else {
            entry(q, 0, next, next: 1)
            entry(q, 1, next, next: 0)
            q.descriptor(0, q.data, 32, indirect)
            expect(.loop, q)
            q = try make()
            entry(q, 0, next, next: 2)
            q.descriptor(0, q.data, 32, indirect)
            expect(.badIndex(2), q)
        }
        // A good one, at an odd address, longer than the ring, its own WRITE flag ignored.
        q = try make()
        for i in 0..<20 {
            let last = i == 19
            let flags: UInt16 = (i < 10 ? 0 : write) | (last || packed ? 0 : next)
            q.ram.memory.pointer(q.data + 1 + 16 * UInt64(i), count: 16)!.copyMemory(
                from: entryBytes(q.data + 0x1000, 8, flags, UInt16(i + 1), packed), byteCount: 16)
        }
        q.descriptor(0, q.data + 1, 320, indirect | write)
        let chain = try #require(try q.queue.pop())
        #expect(chain.readableCount == 80)
        #expect(chain.writableCount == 80)
    }

    private func entryBytes(_ address: UInt64, _ count: UInt32, _ flags: UInt16, _ next: UInt16, _ packed: Bool) -> [UInt8] {
        func bytes<T: FixedWidthInteger>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
        return bytes(address) + bytes(count) + (packed ? bytes(UInt16(0)) + bytes(flags) : bytes(flags) + bytes(next))
    }

    @Test("rings that can't be where they are said to be", arguments: [false, true])
    func rings(packed: Bool) throws {
        let canaries = try CanaryMemory()
        let features = packed ? TransportFeature.ringPacked : 0
        func isGood(_ size: UInt32, _ descriptors: UInt64, _ driver: UInt64, _ device: UInt64) -> Bool {
            let setup = QueueSetup(
                index: 0, size: size, descriptors: descriptors, driver: driver, device: device, features: features, doorbell: -1)
            return (try? setup.makeQueue(canaries.memory, interrupt: DirectQueue.Interrupts())) != nil
        }
        let ok = CanaryMemory.low
        #expect(isGood(8, ok, ok + 0x1000, ok + 0x2000))
        #expect(isGood(32768, ok, CanaryMemory.high, CanaryMemory.high + 0x20000))
        #expect(isGood(7, ok, ok + 0x1000, ok + 0x2000) == packed)
        for size: UInt32 in [0, 32769, 65536, ~0] { #expect(!isGood(size, ok, ok, ok)) }
        #expect(!isGood(8, ok + 8, ok, ok))
        #expect(!isGood(8, ok, ok + 1, ok))
        #expect(!isGood(8, ok, ok, ok + 2))
        #expect(!isGood(8, CanaryMemory.high - 64, ok, ok), "across slots")
        #expect(!isGood(8, ~0 - 15, ok, ok))
        #expect(!isGood(8, ok, 0, ok))
        #expect(!isGood(8, ok, ok, CanaryMemory.readOnly), "the device writes here")
        #expect(isGood(8, CanaryMemory.readOnly, CanaryMemory.readOnly, ok) == !packed)
    }

    @Test("unpop gives the same buffer again", arguments: [false, true])
    func unpop(packed: Bool) throws {
        let q = try DirectQueue(packed: packed, size: 4)
        for i in 0..<4 { q.descriptor(i, q.data + UInt64(i), 1, 0) }
        q.available(4)
        let first = try #require(try q.queue.pop())
        q.queue.unpop()
        let again = try #require(try q.queue.pop())
        #expect(again.token == first.token)
        #expect(again.readable.first?.base == first.readable.first?.base)
        _ = try q.queue.pop()
        _ = try q.queue.pop()
        _ = try q.queue.pop()
        q.queue.unpop()
        #expect(try q.queue.pop()?.readable.first?.base == q.canaries.memory.pointer(q.data + 3, count: 1))
        #expect(try q.queue.pop() == nil)
    }

    @Test("a million buffers, most of them well-formed", arguments: [false, true])
    func fuzzed(packed: Bool) throws {
        var random = FuzzRandom(packed ? 11 : 12)
        let canaries = try CanaryMemory()
        var popped = 0, violations = 0, operations = 0, wrong = 0
        while operations < 1_000_000 {
            let indirect = random.oneIn(2)
            let ring = HostileRing(
                canaries.memory, at: CanaryMemory.low, size: 8 << random.below(6), packed: packed, indirect: indirect)
            let features =
                (packed ? TransportFeature.ringPacked : 0) | (indirect ? TransportFeature.indirectDescriptors : 0)
                | (random.oneIn(2) ? TransportFeature.eventIndex : 0)
            let queue = try QueueSetup(
                index: 0, size: UInt32(ring.size), descriptors: ring.areas.descriptors, driver: ring.areas.driver,
                device: ring.areas.device, features: features, doorbell: -1
            ).makeQueue(canaries.memory, interrupt: DirectQueue.Interrupts())
            var out: [DescriptorChain] = []
            var idle = 0
            session: for _ in 0..<2000 {
                operations += 1
                let descriptors = (0..<(1 + random.below(4))).map { i in
                    MockDescriptor(
                        address: CanaryMemory.high + UInt64(random.below(1 << 19)) - 0x8000, count: UInt32(random.below(0x10000)),
                        isWritable: i >= 2)
                }
                if ring.room >= descriptors.count || random.oneIn(100) {
                    ring.add(descriptors, table: CanaryMemory.low + 0x8000, wrongness: 50, &random)
                    idle = 0
                } else {
                    // Both sides have lost count of each other.
                    idle += 1
                    if idle > 30 { break }
                }
                if random.oneIn(300) { ring.misbehave(&random) }
                do {
                    while let chain = try queue.pop() {
                        popped += 1
                        for s in chain.readable where !canaries.allows(s.base, s.count, writing: false) { wrong += 1 }
                        for s in chain.writable where !canaries.allows(s.base, s.count, writing: true) { wrong += 1 }
                        if chain.readableCount + chain.writableCount >= 1 << 32 { wrong += 1 }
                        if random.oneIn(16) { queue.unpop(); break }
                        out.append(chain)
                        if out.count > 300 { wrong += 1; break session }
                    }
                } catch {
                    violations += 1
                    break
                }
                while !out.isEmpty, !random.oneIn(3) { queue.push(out.remove(at: random.below(out.count)), written: random.below(64)) }
                queue.signal()
                _ = queue.wantNotifications(random.oneIn(2))
            }
        }
        #expect(wrong == 0)
        #expect(canaries.isIntact)
        #expect(violations > 1000)
        #expect(popped > 300_000)
    }
}
