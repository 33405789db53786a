/// Feature bits of a block device (virtio 1.2, 5.2.3).
package enum BlockFeature {
    package static let segmentMaximum: UInt64 = 1 << 2
    package static let readOnly: UInt64 = 1 << 5
    package static let blockSize: UInt64 = 1 << 6
    package static let flush: UInt64 = 1 << 9
    package static let topology: UInt64 = 1 << 10
    package static let configurableCache: UInt64 = 1 << 11
    package static let multipleQueues: UInt64 = 1 << 12
    package static let discard: UInt64 = 1 << 13
    package static let writeZeroes: UInt64 = 1 << 14
}

/// What a request asks for (virtio 1.2, 5.2.6).
package enum BlockRequestType {
    package static let read: UInt32 = 0
    package static let write: UInt32 = 1
    package static let flush: UInt32 = 4
    package static let getID: UInt32 = 8
    package static let discard: UInt32 = 11
    package static let writeZeroes: UInt32 = 13
}

/// A request's last byte (virtio 1.2, 5.2.6).
package enum BlockStatus: UInt8, Sendable {
    case ok = 0
    case ioError = 1
    case unsupported = 2
}

/// What the device promises about a request's size.
enum BlockLimits {
    static let sector: UInt64 = 512
    static let queueSize: UInt16 = 256
    /// Two descriptors of a queue's are the header's and the status byte's.
    static let segments = UInt32(queueSize) - 2
    /// Sectors of one discard or write-zeroes range: 1 GiB.
    static let rangeSectors: UInt32 = 1 << 21
    /// Ranges of one discard or write-zeroes request.
    static let ranges: UInt32 = 64
}
