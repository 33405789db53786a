/// The ones' complement sum of RFC 1071, over words as they lie in memory: sums, and the checksum made of them, are
/// stored as they were loaded, whatever the byte order.
package enum InternetChecksum {
    /// Adds the bytes' words to `sum`; a last odd byte counts as if a zero followed. Up to 4 GiB of them.
    package static func sum(_ bytes: UnsafeRawBufferPointer, _ sum: UInt64 = 0) -> UInt64 {
        var sum = sum
        guard let base = bytes.baseAddress else { return sum }
        let count = bytes.count
        var offset = 0
        // Sums of 32-bit words fold to the same 16 bits; compilers turn this loop into vector code.
        while offset &+ 4 <= count {
            sum &+= UInt64((base + offset).loadUnaligned(as: UInt32.self))
            offset &+= 4
        }
        if offset &+ 2 <= count {
            sum &+= UInt64((base + offset).loadUnaligned(as: UInt16.self))
            offset &+= 2
        }
        if offset < count { sum &+= UInt64(UInt16(littleEndian: UInt16(bytes[offset]))) }
        return sum
    }

    /// A number from a header as a word of memory.
    static func word(_ value: Int) -> UInt64 { UInt64(UInt16(truncatingIfNeeded: value).bigEndian) }

    package static func folded(_ sum: UInt64) -> UInt16 {
        var sum = sum
        while sum > 0xFFFF { sum = (sum & 0xFFFF) &+ (sum >> 16) }
        return UInt16(truncatingIfNeeded: sum)
    }

    /// Fills in a checksum whose place holds the sum of what isn't in `bytes` (a partial checksum): the whole of
    /// `bytes` is summed up. `offset` lies inside, with room for two bytes.
    static func complete(_ bytes: UnsafeMutableRawBufferPointer, at offset: Int) {
        let sum = ~folded(sum(UnsafeRawBufferPointer(bytes)))
        // A UDP checksum of 0 would mean that there is none (RFC 768); for TCP both mean the same.
        store(sum == 0 ? 0xFFFF : sum, bytes, at: offset)
    }

    static func store(_ word: UInt16, _ bytes: UnsafeMutableRawBufferPointer, at offset: Int) {
        bytes.storeBytes(of: word, toByteOffset: offset, as: UInt16.self)
    }
}
