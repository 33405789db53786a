/// A request of a driver's, taken apart and checked against the device's limits (virtio 1.2, 5.2.6).
enum BlockRequest {
    /// Begin `operations`, all of which have to succeed; `written` bytes of data are then in the buffer.
    case operations([BlockOperation], changesData: Bool, written: Int)
    /// The device's name goes into the buffer.
    case identify
    /// Nothing to begin.
    case refused(BlockStatus)

    /// What the device can do, and where it ends.
    struct Rules {
        let size: UInt64
        let isReadOnly: Bool
        /// The features that the driver accepted.
        let features: UInt64
    }

    private static let headerSize = 16
    private static let rangeSize = 16
    /// Bit 0 of a range's flags: its room may be given back.
    private static let unmapFlag: UInt32 = 1

    /// The last byte of the device-writable part is the status, and there is one. The rest of the framing is the
    /// driver's choice (2.7.4), so the header is found by counting bytes.
    init(_ chain: DescriptorChain, _ rules: Rules) {
        guard let header = Words(chain, at: 0, count: Self.headerSize) else {
            self = .refused(.ioError)
            return
        }
        let type = header.word32(0)
        let sector = header.word64(8)
        switch type {
        case BlockRequestType.read:
            self = Self.transfer(chain.writable(from: 0, count: chain.writableCount &- 1), sector, rules) {
                .read(offset: $0, into: $1)
            }
        case BlockRequestType.write:
            guard !rules.isReadOnly else {
                self = .refused(.ioError)
                return
            }
            let count = chain.readableCount &- Self.headerSize
            self = Self.transfer(chain.readable(from: Self.headerSize, count: count), sector, rules) {
                .write(offset: $0, from: $1)
            }
        case BlockRequestType.flush: self = .operations([.flush], changesData: false, written: 0)
        case BlockRequestType.getID: self = .identify
        case BlockRequestType.discard where rules.features & BlockFeature.discard != 0:
            self = Self.ranges(chain, rules, isDiscard: true)
        case BlockRequestType.writeZeroes where rules.features & BlockFeature.writeZeroes != 0:
            self = Self.ranges(chain, rules, isDiscard: false)
        default: self = .refused(.unsupported)
        }
    }

    private static func transfer(
        _ data: [BufferSegment]?, _ sector: UInt64, _ rules: Rules,
        _ make: (UInt64, [BufferSegment]) -> BlockOperation
    ) -> BlockRequest {
        guard let data else { return .refused(.ioError) }
        let count = data.byteCount
        guard count % Int(BlockLimits.sector) == 0,
            let offset = place(sector, UInt64(count) / BlockLimits.sector, rules.size)
        else { return .refused(.ioError) }
        let operation = make(offset, data)
        if case .read = operation {
            return .operations(count == 0 ? [] : [operation], changesData: false, written: count)
        }
        return .operations(count == 0 ? [] : [operation], changesData: true, written: 0)
    }

    /// The sectors' offset in bytes; nil unless all of them are there.
    private static func place(_ sector: UInt64, _ count: UInt64, _ size: UInt64) -> UInt64? {
        let sectors = size / BlockLimits.sector
        guard sector <= sectors, count <= sectors &- sector else { return nil }
        return sector &* BlockLimits.sector
    }

    /// An array of `struct virtio_blk_discard_write_zeroes`: le64 sector, le32 count, le32 flags. All of them are
    /// checked before the first is carried out.
    private static func ranges(_ chain: DescriptorChain, _ rules: Rules, isDiscard: Bool) -> BlockRequest {
        if rules.isReadOnly { return .refused(.ioError) }
        let bytes = chain.readableCount &- headerSize
        guard bytes > 0, bytes % rangeSize == 0, bytes / rangeSize <= Int(BlockLimits.ranges) else {
            return .refused(.ioError)
        }
        var operations: [BlockOperation] = []
        for i in 0..<bytes / rangeSize {
            guard let range = Words(chain, at: headerSize &+ i &* rangeSize, count: rangeSize) else {
                return .refused(.ioError)
            }
            let flags = range.word32(12)
            // 5.2.6.2: unknown flags, and unmap with a discard, are UNSUPP.
            guard flags & ~(isDiscard ? 0 : unmapFlag) == 0 else { return .refused(.unsupported) }
            let sectors = range.word32(8)
            guard sectors <= BlockLimits.rangeSectors, let offset = place(range.word64(0), UInt64(sectors), rules.size)
            else { return .refused(.ioError) }
            if sectors == 0 { continue }
            let count = UInt64(sectors) &* BlockLimits.sector
            operations.append(
                isDiscard
                    ? .discard(offset: offset, count: count)
                    : .writeZeroes(offset: offset, count: count, mayUnmap: flags & unmapFlag != 0))
        }
        return .operations(operations, changesData: true, written: 0)
    }
}

/// Sixteen bytes or fewer that were copied out of a chain: the guest can't change them any more.
private struct Words {
    private var bytes: InlineArray<16, UInt8> = .init(repeating: 0)

    init?(_ chain: DescriptorChain, at offset: Int, count: Int) {
        let isRead = withUnsafeMutableBytes(of: &bytes) { all in
            chain.read(at: offset, into: UnsafeMutableRawBufferPointer(rebasing: all[0..<min(count, all.count)]))
        }
        if !isRead { return nil }
    }

    func word32(_ place: Int) -> UInt32 { UInt32(truncatingIfNeeded: word(place, 4)) }
    func word64(_ place: Int) -> UInt64 { word(place, 8) }

    private func word(_ place: Int, _ width: Int) -> UInt64 {
        var value: UInt64 = 0
        for i in 0..<width { value |= UInt64(bytes[place + i]) &<< UInt64(8 * i) }
        return value
    }
}
