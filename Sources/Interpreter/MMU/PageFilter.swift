/// A set of page numbers that may claim to hold more than it does, and never less.
struct PageFilter {
    private var bits: InlineArray<32, UInt64> = .init(repeating: 0)

    private static func place(_ number: UInt64) -> (word: Int, bit: UInt64) {
        let hash = (number &* 0x9E37_79B9_7F4A_7C15) &>> 53
        return (Int(truncatingIfNeeded: hash &>> 6) & 31, 1 &<< (hash & 63))
    }

    mutating func insert(_ number: UInt64) {
        let (word, bit) = Self.place(number)
        bits[word] |= bit
    }

    func mayContain(_ number: UInt64) -> Bool {
        let (word, bit) = Self.place(number)
        return bits[word] & bit != 0
    }

    mutating func removeAll() { bits = .init(repeating: 0) }
}
