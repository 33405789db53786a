import CHost

/// What a guest says of its memory (virtio 1.2, 5.5.6.4). Nil where it doesn't say. Memory is in bytes.
package struct BalloonStatistics: Equatable, Sendable {
    package var swappedIn: UInt64?
    package var swappedOut: UInt64?
    package var majorFaults: UInt64?
    package var minorFaults: UInt64?
    /// Unused.
    package var free: UInt64?
    package var total: UInt64?
    /// What could be had without swapping.
    package var available: UInt64?
    package var caches: UInt64?
    /// Huge pages taken, and not to be had.
    package var hugePages: UInt64?
    package var hugePageFailures: UInt64?

    package init() {}

    /// Bytes of one statistic: a tag of 16 bits and a value of 64.
    static let entrySize = 10
    /// More than there are tags. What comes behind isn't looked at.
    private static let mostEntries = 64

    init(_ chain: DescriptorChain) {
        var bytes = (0 as UInt64, 0 as UInt16)
        for index in 0..<Self.mostEntries {
            let found = withUnsafeMutableBytes(of: &bytes) {
                chain.read(at: index * Self.entrySize, into: UnsafeMutableRawBufferPointer(rebasing: $0[..<Self.entrySize]))
            }
            guard found else { return }
            // Little-endian, the tag first.
            let tag = UInt16(truncatingIfNeeded: bytes.0)
            let value = bytes.0 >> 16 | UInt64(bytes.1) << 48
            set(tag, value)
        }
    }

    private mutating func set(_ tag: UInt16, _ value: UInt64) {
        switch tag {
        case 0: swappedIn = value
        case 1: swappedOut = value
        case 2: majorFaults = value
        case 3: minorFaults = value
        case 4: free = value
        case 5: total = value
        case 6: available = value
        case 7: caches = value
        case 8: hugePages = value
        case 9: hugePageFailures = value
        default: break
        }
    }
}
