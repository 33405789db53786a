/// Puts an answer together, little-endian. What doesn't fit is dropped and remembered, so that the answer
/// becomes an error as a whole.
struct P9Writer {
    private let buffer: UnsafeMutableRawBufferPointer
    /// Bytes written, the header's included.
    private(set) var count = P9Message.headerSize
    private(set) var isTooLong = false

    /// `buffer` has room for an error at least.
    init(_ buffer: UnsafeMutableRawBufferPointer) { self.buffer = buffer }

    /// What still fits.
    var room: Int { max(0, buffer.count &- count) }

    mutating func u8(_ value: UInt8) { integer(value) }
    mutating func u16(_ value: UInt16) { integer(value) }
    mutating func u32(_ value: UInt32) { integer(value) }
    mutating func u64(_ value: UInt64) { integer(value) }

    mutating func qid(_ qid: P9Qid) {
        u8(qid.type)
        u32(qid.version)
        u64(qid.path)
    }

    mutating func bytes(_ source: UnsafeRawBufferPointer) {
        guard source.count <= room else { return isTooLong = true }
        UnsafeMutableRawBufferPointer(rebasing: buffer[count...]).copyMemory(from: source)
        count &+= source.count
    }

    /// With its length before it; no longer than 65,535 bytes.
    mutating func string(_ source: UnsafeRawBufferPointer) {
        u16(UInt16(truncatingIfNeeded: source.count))
        bytes(source)
    }

    /// A count[4] and as many bytes, which `fill` puts straight into the answer: at most `limit`, or what fits.
    mutating func counted(
        _ limit: UInt32, _ fill: (UnsafeMutableRawBufferPointer) throws(P9Error) -> Int
    ) throws(P9Error) {
        let place = count
        u32(0)
        guard !isTooLong else { return }
        let size = min(Int(limit), room)
        let written = try fill(UnsafeMutableRawBufferPointer(rebasing: buffer[count..<count &+ size]))
        buffer.storeBytes(of: UInt32(truncatingIfNeeded: written).littleEndian, toByteOffset: place, as: UInt32.self)
        count &+= written
    }

    /// The finished message's size: the header is filled in.
    mutating func finish(type: UInt8, tag: UInt16) -> Int {
        buffer.storeBytes(of: UInt32(truncatingIfNeeded: count).littleEndian, as: UInt32.self)
        buffer.storeBytes(of: type, toByteOffset: 4, as: UInt8.self)
        buffer.storeBytes(of: tag.littleEndian, toByteOffset: 5, as: UInt16.self)
        return count
    }

    @inline(__always)
    private mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
        let size = MemoryLayout<T>.size
        guard size <= room else { return isTooLong = true }
        buffer.storeBytes(of: value.littleEndian, toByteOffset: count, as: T.self)
        count &+= size
    }
}
