/// A set of the numbers 0 to 127. Numbers outside are never in it, and can't be put in.
package struct Bits128: Equatable, Sendable {
    package static let capacity = 128
    /// 32-bit words, as registers show them.
    package static let wordCount = 4

    /// Numbers 0 to 63.
    package private(set) var low: UInt64
    /// Numbers 64 to 127.
    package private(set) var high: UInt64

    package init() { self.init(low: 0, high: 0) }

    package init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    package var isEmpty: Bool { low | high == 0 }

    /// The least number in the set.
    package var lowest: Int? {
        if low != 0 { return low.trailingZeroBitCount }
        if high != 0 { return 64 &+ high.trailingZeroBitCount }
        return nil
    }

    package func contains(_ number: Int) -> Bool {
        (number < 64 ? low & Self.bit(number) : high & Self.bit(number &- 64)) != 0
    }

    package mutating func insert(_ number: Int) {
        if number < 64 { low |= Self.bit(number) } else { high |= Self.bit(number &- 64) }
    }

    package mutating func remove(_ number: Int) {
        if number < 64 { low &= ~Self.bit(number) } else { high &= ~Self.bit(number &- 64) }
    }

    /// Removes and returns the least number.
    package mutating func popLowest() -> Int? {
        guard let number = lowest else { return nil }
        if low != 0 { low &= low &- 1 } else { high &= high &- 1 }
        return number
    }

    package func intersection(_ other: Bits128) -> Bits128 {
        Bits128(low: low & other.low, high: high & other.high)
    }

    package func symmetricDifference(_ other: Bits128) -> Bits128 {
        Bits128(low: low ^ other.low, high: high ^ other.high)
    }

    package mutating func formUnion(_ other: Bits128) {
        low |= other.low
        high |= other.high
    }

    /// Numbers 32 × `index` to 32 × `index` + 31, the least in bit 0; 0 beyond the set.
    package func word(_ index: Int) -> UInt32 {
        switch index {
        case 0: UInt32(truncatingIfNeeded: low)
        case 1: UInt32(truncatingIfNeeded: low >> 32)
        case 2: UInt32(truncatingIfNeeded: high)
        case 3: UInt32(truncatingIfNeeded: high >> 32)
        default: 0
        }
    }

    /// Replaces numbers 32 × `index` to 32 × `index` + 31; nothing happens beyond the set.
    package mutating func set(word index: Int, to value: UInt32) {
        switch index {
        case 0: low = low & 0xFFFF_FFFF_0000_0000 | UInt64(value)
        case 1: low = low & 0xFFFF_FFFF | UInt64(value) << 32
        case 2: high = high & 0xFFFF_FFFF_0000_0000 | UInt64(value)
        case 3: high = high & 0xFFFF_FFFF | UInt64(value) << 32
        default: break
        }
    }

    /// Zero for a number outside 0 to 63: Swift's smart shift gives 0 for those too large, and the comparison
    /// catches the negative ones, which it would shift the other way.
    private static func bit(_ number: Int) -> UInt64 { number < 0 ? 0 : 1 << UInt64(truncatingIfNeeded: number) }
}
