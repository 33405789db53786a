/// The device's configuration space: `struct virtio_blk_config` (virtio 1.2, 5.2.4).
struct BlockConfiguration {
    private var bytes: InlineArray<60, UInt8> = .init(repeating: 0)

    /// Whether writes stay in a cache until a flush: the one field that a driver may write.
    static let writebackOffset: UInt64 = 32

    init(size: UInt64, physicalBlockSize: UInt32, queues: Int, discards: Bool) {
        put(0, size / BlockLimits.sector, 8)
        put(12, UInt64(BlockLimits.segments), 4)
        put(20, BlockLimits.sector, 4)
        // Topology counts in logical blocks: the physical one as a power of two, the least and the best transfer.
        let physical = max(UInt64(physicalBlockSize), BlockLimits.sector) / BlockLimits.sector
        put(24, UInt64(63 &- physical.leadingZeroBitCount), 1)
        put(26, physical, 2)
        put(28, 0, 4)
        put(Int(Self.writebackOffset), 1, 1)
        put(34, UInt64(queues), 2)
        if discards {
            put(36, UInt64(BlockLimits.rangeSectors), 4)
            put(40, UInt64(BlockLimits.ranges), 4)
            put(44, physical, 4)
            put(48, UInt64(BlockLimits.rangeSectors), 4)
            put(52, UInt64(BlockLimits.ranges), 4)
            put(56, 1, 1)
        }
    }

    var isWriteback: Bool {
        get { bytes[Int(Self.writebackOffset)] != 0 }
        set { bytes[Int(Self.writebackOffset)] = newValue ? 1 : 0 }
    }

    /// What lies outside reads 0.
    func read(offset: UInt64, width: Int) -> UInt64 {
        var value: UInt64 = 0
        for i in 0..<UInt64(truncatingIfNeeded: min(max(width, 0), 8)) {
            let (place, wraps) = offset.addingReportingOverflow(i)
            if wraps || place >= UInt64(bytes.count) { break }
            value |= UInt64(bytes[Int(place)]) &<< (i &* 8)
        }
        return value
    }

    private mutating func put(_ offset: Int, _ value: UInt64, _ width: Int) {
        for i in 0..<width { bytes[offset + i] = UInt8(truncatingIfNeeded: value >> (8 * i)) }
    }
}
