/// The header before each frame (virtio 1.2, 5.1.6): 12 bytes, little-endian.
package struct NetworkHeader: Equatable, Sendable {
    package static let size = 12
    /// Where `bufferCount` lies.
    package static let bufferCountOffset = 10

    /// The checksum at `checksumStart + checksumOffset` holds the pseudo header's sum only.
    package static let needsChecksum: UInt8 = 1
    /// Somebody has checked the checksum already.
    package static let dataValid: UInt8 = 2

    /// How a frame longer than the link's is to be cut.
    package enum Segmentation: UInt8, Sendable {
        case none = 0
        case tcp4 = 1
        case udpFragments = 3
        case tcp6 = 4
        case udp = 5
    }
    /// Beside TCP segmentation: the first segment carries CWR.
    private static let ecnBit: UInt8 = 0x80

    package var flags: UInt8 = 0
    package var segmentationBits: UInt8 = 0
    package var headerLength: UInt16 = 0
    package var segmentSize: UInt16 = 0
    package var checksumStart: UInt16 = 0
    package var checksumOffset: UInt16 = 0
    package var bufferCount: UInt16 = 0

    package init() {}

    /// `bytes` holds at least `size` bytes.
    package init(_ bytes: UnsafeRawBufferPointer) {
        func half(_ offset: Int) -> UInt16 { UInt16(bytes[offset]) | UInt16(bytes[offset &+ 1]) << 8 }
        flags = bytes[0]
        segmentationBits = bytes[1]
        headerLength = half(2)
        segmentSize = half(4)
        checksumStart = half(6)
        checksumOffset = half(8)
        bufferCount = half(10)
    }

    /// `bytes` has room for at least `size` bytes.
    package func store(_ bytes: UnsafeMutableRawBufferPointer) {
        func half(_ value: UInt16, _ offset: Int) {
            bytes[offset] = UInt8(truncatingIfNeeded: value)
            bytes[offset &+ 1] = UInt8(truncatingIfNeeded: value >> 8)
        }
        bytes[0] = flags
        bytes[1] = segmentationBits
        half(headerLength, 2)
        half(segmentSize, 4)
        half(checksumStart, 6)
        half(checksumOffset, 8)
        half(bufferCount, 10)
    }

    /// nil for a number that means nothing.
    package var segmentation: Segmentation? { Segmentation(rawValue: segmentationBits & ~Self.ecnBit) }
    package var isSegmented: Bool { segmentationBits != 0 }
    package var hasECN: Bool { segmentationBits & Self.ecnBit != 0 }
    package var wantsChecksum: Bool { flags & Self.needsChecksum != 0 }

    /// Whether a driver that accepted `features` may send this before a frame of `length` bytes (5.1.6.2.1): what
    /// it may not would reach a back end that trusts it.
    package func isPermitted(_ features: NetworkFeatures, frame length: Int) -> Bool {
        if wantsChecksum {
            guard features.contains(.csum), Int(checksumStart) &+ Int(checksumOffset) &+ 2 <= length else { return false }
        }
        let needed: NetworkFeatures
        switch segmentation {
        case .some(.none): return segmentationBits == 0
        case .tcp4: needed = .hostTSO4
        case .tcp6: needed = .hostTSO6
        case .udpFragments: needed = .hostUFO
        case .udp: needed = .hostUSO
        case nil: return false
        }
        if hasECN, !features.contains(.hostECN) { return false }
        return features.contains(needed) && wantsChecksum && segmentSize > 0
    }
}
