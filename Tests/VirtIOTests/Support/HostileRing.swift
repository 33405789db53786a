import CHost
import GuestMemory
import VirtIO

/// A driver's end of a virtqueue, of either kind, that is built to break rules: descriptors are overwritten while
/// they are out, chains overlap, and now and then something is plainly wrong. Keeps no more order than it needs
/// to be taken seriously by the device for a while.
final class HostileRing {
    let packed: Bool
    let size: Int
    let indirect: Bool
    let areas: (descriptors: UInt64, driver: UInt64, device: UInt64)
    private let memory: MockMemory
    // Split: indices. Packed: positions and what is out, by id.
    private var available: UInt16 = 0
    private var next = 0, nextWrap = true
    private var used = 0, usedWrap = true
    private var out = 0
    private var counts: [Int]
    private var busy: [Bool]

    /// Bytes that a ring of up to 256 descriptors takes.
    static let span: UInt64 = 0x2000

    init(_ memory: GuestMemory, at base: UInt64, size: Int, packed: Bool, indirect: Bool) {
        self.memory = MockMemory(memory: memory)
        self.packed = packed
        self.size = size
        self.indirect = indirect
        counts = [Int](repeating: 1, count: size)
        busy = [Bool](repeating: false, count: size)
        let driver = base + 16 * UInt64(size)
        areas = (base, driver, packed ? driver + 4 : (driver + 6 + 2 * UInt64(size) + 3) & ~3)
        host_fill(memory.pointer(base, count: Self.span)!, 0, Int(Self.span))
    }

    /// Descriptors, or buffers, that may still be made available by the rules.
    var room: Int {
        if !packed { return size - Int(available &- memory.load16(areas.device + 2)) }
        while out > 0 {
            let place = areas.descriptors + 16 * UInt64(used)
            let flags = memory.load16(place + 14)
            guard (flags & 1 << 7 != 0) == usedWrap, (flags & 1 << 15 != 0) == usedWrap else { break }
            let id = Int(memory.load16(place + 12)) % size
            busy[id] = false
            used += counts[id]
            out -= counts[id]
            if used >= size { used -= size; usedWrap.toggle() }
        }
        return size - out
    }

    /// Makes a chain available. Wrong in one of many ways about once in `wrongness` times.
    func add(_ descriptors: [MockDescriptor], table: UInt64, wrongness: Int, _ random: inout FuzzRandom) {
        var entries = descriptors.map { (address: $0.address, count: $0.count, flags: UInt16($0.isWritable ? 2 : 0)) }
        if indirect ? random.oneIn(4) : random.oneIn(wrongness * 4) {
            writeTable(entries, at: table, wrongness, &random)
            var bytes = UInt32(16 * entries.count)
            if random.oneIn(wrongness) { bytes = [0, 1, 15, 17, bytes + 16, 0xFFFF_FFF0, ~0][random.below(7)] }
            entries = [(table, bytes, 4)]
        }
        if random.oneIn(wrongness) { spoil(&entries[random.below(entries.count)], &random) }
        if packed { addPacked(entries, wrongness, &random) } else { addSplit(entries, wrongness, &random) }
    }

    private func spoil(_ entry: inout (address: UInt64, count: UInt32, flags: UInt16), _ random: inout FuzzRandom) {
        switch random.below(6) {
        case 0: entry.flags ^= 2
        case 1: entry.flags |= 4
        case 2: entry.flags = UInt16(truncatingIfNeeded: random.next())
        case 3: entry.address = random.next()
        case 4: entry.count = [0, 1 << 31, ~0, 0xFFFF_F000][random.below(4)]
        default: entry.address = [0, ~0, ~0 - 7, CanaryMemory.low - 1, CanaryMemory.high + CanaryMemory.slotSize - 1, 1 << 63][random.below(6)]
        }
    }

    private func writeTable(
        _ entries: [(address: UInt64, count: UInt32, flags: UInt16)], at table: UInt64, _ wrongness: Int, _ random: inout FuzzRandom
    ) {
        for (i, entry) in entries.enumerated() {
            var entry = entry
            if random.oneIn(wrongness * 2) { spoil(&entry, &random) }
            let place = table + 16 * UInt64(i)
            if packed {
                memory.describe(place, entry.address, entry.count, UInt16(truncatingIfNeeded: random.next()), entry.flags)
            } else {
                let last = i == entries.count - 1
                var next = UInt16(i + 1)
                if random.oneIn(wrongness * 2) { next = UInt16(truncatingIfNeeded: random.next()) & 0x1F }
                memory.describe(place, entry.address, entry.count, entry.flags | (last ? 0 : 1), next)
            }
        }
    }

    private func addSplit(
        _ entries: [(address: UInt64, count: UInt32, flags: UInt16)], _ wrongness: Int, _ random: inout FuzzRandom
    ) {
        // Anywhere, whether or not those descriptors are out.
        let head = random.below(size)
        for (i, entry) in entries.enumerated() {
            let last = i == entries.count - 1
            var flags = entry.flags | (last ? 0 : 1)
            var next = (head + i + 1) % size
            if random.oneIn(wrongness * 2) {
                flags |= 1
                // A loop, a chain into another, or a number that there isn't.
                next = [head, random.below(size), size, 0xFFFF][random.below(4)]
            }
            let place = areas.descriptors + 16 * UInt64((head + i) % size)
            memory.describe(place, entry.address, entry.count, flags, UInt16(next))
        }
        let number = random.oneIn(wrongness * 2) ? UInt16(truncatingIfNeeded: random.next()) : UInt16(head)
        memory.store16(areas.driver + 4 + 2 * UInt64(Int(available) % size), number)
        available &+= 1
        memory.store16(areas.driver + 2, available)
    }

    private func addPacked(
        _ entries: [(address: UInt64, count: UInt32, flags: UInt16)], _ wrongness: Int, _ random: inout FuzzRandom
    ) {
        var id = random.below(size)
        // Mostly one that isn't out, for otherwise we lose count.
        if !random.oneIn(wrongness * 4) { for _ in 0..<size where busy[id] { id = (id + 1) % size } }
        busy[id] = true
        let start = (next, nextWrap)
        for (i, entry) in entries.enumerated() {
            var flags = entry.flags & ~(1 << 7 | 1 << 15) | (i == entries.count - 1 ? 0 : 1)
            if random.oneIn(wrongness * 2) { flags ^= 1 }
            flags |= nextWrap ? 1 << 7 : 1 << 15
            if i > 0 {
                memory.describe(areas.descriptors + 16 * UInt64(next), entry.address, entry.count, UInt16(id), flags)
            }
            next += 1
            if next == size { next = 0; nextWrap.toggle() }
        }
        // The first one last.
        let first = entries[0]
        var flags = first.flags & ~(1 << 7 | 1 << 15) | (entries.count == 1 ? 0 : 1)
        flags |= start.1 ? 1 << 7 : 1 << 15
        let place = areas.descriptors + 16 * UInt64(start.0)
        memory.store64(place, first.address)
        memory.store32(place + 8, first.count)
        memory.store16(place + 12, UInt16(id))
        memory.store16(place + 14, flags)
        counts[id] = entries.count
        out += entries.count
    }

    /// Something else that no driver does.
    func misbehave(_ random: inout FuzzRandom) {
        switch random.below(packed ? 3 : 6) {
        case 0: memory.store64(areas.descriptors + 8 * UInt64(random.below(2 * size)), random.next())
        // What it wishes to be told, and what the device wrote.
        case 1: memory.store32(areas.driver + (packed ? 0 : 4 + 2 * UInt64(size & ~1)), UInt32(truncatingIfNeeded: random.next()))
        case 2: memory.store32(areas.device, UInt32(truncatingIfNeeded: random.next()))
        // The index: backwards, too far ahead, anywhere.
        case 3: available &-= UInt16(random.below(4))
        case 4: available &+= UInt16(random.below(2 * size))
        default: available = UInt16(truncatingIfNeeded: random.next())
        }
        if !packed { memory.store16(areas.driver + 2, available) }
    }

    /// Event index or flags: sometimes wants interrupts, sometimes not.
    func wish(_ random: inout FuzzRandom) {
        if packed {
            memory.store32(areas.driver, UInt32(random.below(4)) << 16 | UInt32(truncatingIfNeeded: random.next() & 0x80FF))
        } else {
            memory.store16(areas.driver, UInt16(random.below(2)))
            memory.store16(areas.driver + 4 + 2 * UInt64(size), available &- UInt16(random.below(8)))
        }
    }
}
