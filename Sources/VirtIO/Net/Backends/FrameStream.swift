import CHost

/// Frames in a stream of bytes, each behind its length as 32 bits in network order: what QEMU's stream sockets and
/// passt speak.
package struct FrameStream: ~Copyable {
    package enum Next {
        /// A frame, which stays where it is until the next call of any method.
        case frame(UnsafeRawBufferPointer)
        /// The rest of it is still to come.
        case incomplete
        /// A length that no frame has: the stream is out of step, and nothing after it can be understood.
        case broken(length: UInt32)
    }

    package static let lengthSize = 4
    /// As QEMU has it: 64 KiB and some room for headers.
    package static let longest = 65536 &+ 4096
    private static let capacity = 4 &* longest

    private let bytes: UnsafeMutableRawBufferPointer
    private var start = 0
    private var end = 0

    package init() { bytes = .allocate(byteCount: Self.capacity, alignment: 16) }

    deinit { bytes.deallocate() }

    /// Forgets what has come: another stream begins.
    package mutating func removeAll() {
        start = 0
        end = 0
    }

    /// Where the next bytes of the stream belong. Never empty after `next` has said `incomplete`.
    package mutating func room() -> UnsafeMutableRawBufferPointer {
        if start > 0, bytes.count &- end < Self.longest &+ Self.lengthSize, let base = bytes.baseAddress {
            host_copy(base, base + start, end &- start)
            end &-= start
            start = 0
        }
        return UnsafeMutableRawBufferPointer(rebasing: bytes[end...])
    }

    /// The first `count` bytes of the room are filled.
    package mutating func filled(_ count: Int) { end = min(bytes.count, end &+ max(0, count)) }

    package mutating func next() -> Next {
        guard end &- start >= Self.lengthSize else { return .incomplete }
        let length = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self))
        guard length > 0, length <= Self.longest else { return .broken(length: length) }
        let from = start &+ Self.lengthSize
        guard end &- from >= Int(length) else { return .incomplete }
        start = from &+ Int(length)
        return .frame(UnsafeRawBufferPointer(rebasing: bytes[from ..< start]))
    }
}
