import CHost
import GuestMemory
import VirtIO

/// A piece of a buffer as a driver describes it.
struct MockDescriptor {
    var address: UInt64
    var count: UInt32
    var isWritable: Bool
}

/// A buffer that the device has used.
struct MockUsed: Equatable {
    /// The number `MockRing.add` returned.
    var id: Int
    var written: UInt32
}

/// The driver's end of a virtqueue, by the rules. One thread.
protocol MockRing: AnyObject {
    var size: Int { get }
    /// Guest addresses of descriptor, driver and device areas.
    var areas: (descriptors: UInt64, driver: UInt64, device: UInt64) { get }
    /// Descriptors that aren't out.
    var free: Int { get }
    /// Makes a buffer available, through the indirect table at `table` if there is one; its number.
    func add(_ descriptors: [MockDescriptor], table: UInt64?) -> Int
    /// The next used buffer.
    func take() -> MockUsed?
    /// Whether the device wants to be notified of what was added since the last call.
    func wantsNotification() -> Bool
    /// Asks for an interrupt: at the next used buffer, or never.
    func wantInterrupts(_ wanted: Bool)
}

/// Guest memory as a driver sees it.
struct MockMemory {
    let memory: GuestMemory
    func pointer(_ address: UInt64, _ count: UInt64) -> UnsafeMutableRawPointer { memory.pointer(address, count: count)! }
    func store16(_ address: UInt64, _ value: UInt16) { host_store_release_16(pointer(address, 2), value) }
    func store32(_ address: UInt64, _ value: UInt32) { host_store_release_32(pointer(address, 4), value) }
    func store64(_ address: UInt64, _ value: UInt64) { host_atomic_store_64(pointer(address, 8), value) }
    func load16(_ address: UInt64) -> UInt16 { host_load_acquire_16(pointer(address, 2)) }
    func load32(_ address: UInt64) -> UInt32 { host_load_acquire_32(pointer(address, 4)) }

    /// A descriptor's 16 bytes; `third` and `fourth` are flags and next, or id and flags.
    func describe(_ place: UInt64, _ address: UInt64, _ count: UInt32, _ third: UInt16, _ fourth: UInt16) {
        store64(place, address)
        store32(place + 8, count)
        store16(place + 12, third)
        store16(place + 14, fourth)
    }
}

final class MockSplitRing: MockRing {
    let size: Int
    let areas: (descriptors: UInt64, driver: UInt64, device: UInt64)
    private let memory: MockMemory
    private let hasEventIndex: Bool
    private var freeHeads: [Int]
    private var chains: [Int: [Int]] = [:]
    private var available: UInt16 = 0
    private var notified: UInt16 = 0
    private var seen: UInt16 = 0

    /// Takes `bytes(size)` of memory at a page's start.
    init(_ memory: GuestMemory, at base: UInt64, size: Int, eventIndex: Bool) {
        self.memory = MockMemory(memory: memory)
        self.size = size
        hasEventIndex = eventIndex
        let driver = base + 16 * UInt64(size)
        areas = (base, driver, (driver + 6 + 2 * UInt64(size) + 3) & ~3)
        freeHeads = Array((0..<size).reversed())
    }

    static func bytes(_ size: Int) -> Int { 26 * size + 16 }
    var free: Int { freeHeads.count }

    func add(_ descriptors: [MockDescriptor], table: UInt64?) -> Int {
        let taken = (0..<(table == nil ? descriptors.count : 1)).map { _ in freeHeads.removeLast() }
        let head = taken[0]
        chains[head] = taken
        func flags(_ d: MockDescriptor, last: Bool) -> UInt16 { (d.isWritable ? 2 : 0) | (last ? 0 : 1) }
        for (i, d) in descriptors.enumerated() {
            let last = i == descriptors.count - 1
            let place = table.map { $0 + 16 * UInt64(i) } ?? areas.descriptors + 16 * UInt64(taken[i])
            let next = last ? 0 : table == nil ? taken[i + 1] : i + 1
            memory.describe(place, d.address, d.count, flags(d, last: last), UInt16(next))
        }
        if let table {
            memory.describe(areas.descriptors + 16 * UInt64(head), table, UInt32(16 * descriptors.count), 4, 0)
        }
        memory.store16(areas.driver + 4 + 2 * UInt64(Int(available) % size), UInt16(head))
        available &+= 1
        memory.store16(areas.driver + 2, available)
        return head
    }

    func take() -> MockUsed? {
        guard memory.load16(areas.device + 2) != seen else { return nil }
        let place = areas.device + 4 + 8 * UInt64(Int(seen) % size)
        let used = MockUsed(id: Int(memory.load32(place)), written: memory.load32(place + 4))
        seen &+= 1
        freeHeads += chains.removeValue(forKey: used.id)!
        return used
    }

    func wantsNotification() -> Bool {
        host_fence_full()
        defer { notified = available }
        if !hasEventIndex { return memory.load16(areas.device) & 1 == 0 }
        let event = memory.load16(areas.device + 4 + 8 * UInt64(size))
        return available &- event &- 1 < available &- notified
    }

    func wantInterrupts(_ wanted: Bool) {
        if hasEventIndex {
            memory.store16(areas.driver + 4 + 2 * UInt64(size), wanted ? seen : seen &- 1)
        } else {
            memory.store16(areas.driver, wanted ? 0 : 1)
        }
        host_fence_full()
    }
}

final class MockPackedRing: MockRing {
    let size: Int
    let areas: (descriptors: UInt64, driver: UInt64, device: UInt64)
    private(set) var free: Int
    private let memory: MockMemory
    private let hasEventIndex: Bool
    private var freeIDs: [Int]
    private var counts: [Int: Int] = [:]
    private var next = 0, nextWrap = true
    private var used = 0, usedWrap = true
    /// Descriptors added since the last look at the device's wishes.
    private var fresh = 0

    init(_ memory: GuestMemory, at base: UInt64, size: Int, eventIndex: Bool) {
        self.memory = MockMemory(memory: memory)
        self.size = size
        hasEventIndex = eventIndex
        areas = (base, base + 16 * UInt64(size), base + 16 * UInt64(size) + 4)
        free = size
        freeIDs = Array((0..<size).reversed())
    }

    static func bytes(_ size: Int) -> Int { 16 * size + 8 }

    func add(_ descriptors: [MockDescriptor], table: UInt64?) -> Int {
        let id = freeIDs.removeLast()
        var entries = descriptors
        var extra: UInt16 = 0
        if let table {
            for (i, d) in descriptors.enumerated() {
                memory.describe(table + 16 * UInt64(i), d.address, d.count, 0, d.isWritable ? 2 : 0)
            }
            entries = [MockDescriptor(address: table, count: UInt32(16 * descriptors.count), isWritable: false)]
            extra = 4
        }
        let head = areas.descriptors + 16 * UInt64(next)
        var headFlags: UInt16 = 0
        for (i, d) in entries.enumerated() {
            var flags = extra | (d.isWritable ? 2 : 0) | (i == entries.count - 1 ? 0 : 1)
            flags |= nextWrap ? 1 << 7 : 1 << 15
            let place = areas.descriptors + 16 * UInt64(next)
            if i == 0 {
                headFlags = flags
                memory.store64(place, d.address)
                memory.store32(place + 8, d.count)
                memory.store16(place + 12, UInt16(id))
            } else {
                memory.describe(place, d.address, d.count, UInt16(id), flags)
            }
            next += 1
            if next == size { next = 0; nextWrap.toggle() }
        }
        memory.store16(head + 14, headFlags)
        counts[id] = entries.count
        free -= entries.count
        fresh += entries.count
        return id
    }

    func take() -> MockUsed? {
        let place = areas.descriptors + 16 * UInt64(used)
        let flags = memory.load16(place + 14)
        guard (flags & 1 << 7 != 0) == usedWrap, (flags & 1 << 15 != 0) == usedWrap else { return nil }
        let result = MockUsed(id: Int(memory.load16(place + 12)), written: memory.load32(place + 8))
        let count = counts.removeValue(forKey: result.id)!
        freeIDs.append(result.id)
        free += count
        used += count
        if used >= size { used -= size; usedWrap.toggle() }
        return result
    }

    func wantsNotification() -> Bool {
        host_fence_full()
        defer { fresh = 0 }
        let flags = memory.load16(areas.device + 2) & 3
        if flags != 2 { return flags == 0 }
        let event = memory.load16(areas.device)
        let distance = next + ((event & 0x8000 != 0) == nextWrap ? 0 : size) - Int(event & 0x7FFF)
        return distance > 0 && distance <= fresh
    }

    func wantInterrupts(_ wanted: Bool) {
        if wanted, hasEventIndex {
            memory.store16(areas.driver, UInt16(used) | (usedWrap ? 1 << 15 : 0))
            memory.store16(areas.driver + 2, 2)
        } else {
            memory.store16(areas.driver + 2, wanted ? 0 : 1)
        }
        host_fence_full()
    }
}
