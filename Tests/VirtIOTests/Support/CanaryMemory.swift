import CHost
import GuestMemory
import Testing

/// Guest memory for hostile drivers: two slots that touch in the guest and not in the host, and a read-only one,
/// each between stretches of host memory that nobody may write to.
final class CanaryMemory {
    static let low: UInt64 = 0x8000_0000
    static let slotSize: UInt64 = 1 << 20
    static let high = low + slotSize
    static let readOnly: UInt64 = 0x9000_0000
    static let readOnlySize: UInt64 = 64 << 10
    private static let canarySize = 64 << 10
    private static let canary: UInt8 = 0xC5
    private static let total = 4 * canarySize + 2 * Int(slotSize) + Int(readOnlySize)

    let memory = GuestMemory()
    private let host: UnsafeMutableRawPointer
    private let guards: [Int]
    private let readOnlyOffset: Int
    private let pattern = [UInt8](repeating: CanaryMemory.canary, count: CanaryMemory.canarySize)

    init() throws {
        var error: Int32 = 0
        host = try #require(host_memory_reserve(Self.total, 4096, &error))
        var offset = 0
        var guards: [Int] = []
        func place(_ size: UInt64) -> Int {
            guards.append(offset)
            offset += Self.canarySize + Int(size)
            return offset - Int(size)
        }
        // The high slot lies below the low one in the host.
        let high = place(Self.slotSize)
        let low = place(Self.slotSize)
        readOnlyOffset = place(Self.readOnlySize)
        guards.append(offset)
        self.guards = guards
        try memory.addRAM(base: Self.low, size: Self.slotSize, borrowing: host + low)
        try memory.addRAM(base: Self.high, size: Self.slotSize, borrowing: host + high)
        try memory.addRAM(base: Self.readOnly, size: Self.readOnlySize, borrowing: host + readOnlyOffset, readOnly: true)
        for at in guards { host_fill(host + at, Int32(Self.canary), Self.canarySize) }
        host_fill(host + readOnlyOffset, Int32(Self.canary), Int(Self.readOnlySize))
    }

    deinit { host_memory_release(host, Self.total) }

    /// Whether what nobody may write to is as it was.
    var isIntact: Bool {
        (guards + [readOnlyOffset]).allSatisfy { at in
            pattern.withUnsafeBytes { host_compare(host + at, $0.baseAddress!, Self.canarySize) == 0 }
        }
    }

    /// Whether a segment lies in RAM that the device may use this way.
    func allows(_ base: UnsafeMutableRawPointer, _ count: Int, writing: Bool) -> Bool {
        memory.slots.contains {
            let offset = base - $0.host
            return offset >= 0 && count > 0 && offset + count <= Int($0.size) && !(writing && $0.readOnly)
        }
    }
}

/// Numbers that are the same in every run (splitmix64).
struct FuzzRandom: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
    mutating func below(_ limit: Int) -> Int { Int(truncatingIfNeeded: ((next() >> 32) &* UInt64(limit)) >> 32) }
    /// True once in `n` times.
    mutating func oneIn(_ n: Int) -> Bool { below(n) == 0 }
}
