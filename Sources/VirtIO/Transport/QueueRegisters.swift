/// What a driver says of one queue, up to the moment when it is ready.
struct QueueRegisters {
    let sizeMax: UInt32
    /// Not yet judged.
    var size: UInt32
    var descriptors: UInt64 = 0
    var driver: UInt64 = 0
    var device: UInt64 = 0
    /// Not nil while QueueReady reads 1.
    var queue: (any VirtQueue)?

    init(sizeMax: UInt16) {
        self.sizeMax = UInt32(sizeMax)
        size = UInt32(sizeMax)
    }

    mutating func reset() {
        size = sizeMax
        descriptors = 0
        driver = 0
        device = 0
        queue = nil
    }
}

extension UInt64 {
    /// Half of a 64-bit address that is written as two registers.
    mutating func setLow(_ value: UInt32) { self = self & ~0xFFFF_FFFF | UInt64(value) }
    mutating func setHigh(_ value: UInt32) { self = self & 0xFFFF_FFFF | UInt64(value) << 32 }
}
