import CHost

/// Cuts a long TCP segment into those that a link carries, as a network card does: each has the headers of the
/// whole, with its own length, sequence number, flags and checksums.
package struct SegmentCutter {
    private static let congestionReduced: UInt8 = 0x80

    private let frame: UnsafeMutableRawBufferPointer
    private let tcp: TCPFrame
    private let size: Int
    /// At least one.
    package let count: Int

    /// nil for a frame that isn't what its header says.
    package init?(_ frame: UnsafeMutableRawBufferPointer, _ header: NetworkHeader) {
        guard let tcp = TCPFrame(UnsafeRawBufferPointer(frame), trustsLength: false), header.segmentSize > 0,
            tcp.isIPv6 == (header.segmentation == .tcp6), header.segmentation == .tcp6 || header.segmentation == .tcp4
        else { return nil }
        self.frame = frame
        self.tcp = tcp
        size = Int(header.segmentSize)
        count = max(1, (tcp.end &- tcp.payload &+ size &- 1) / size)
    }

    /// Writes segment `place` to the start of `target`, which has room for the whole frame.
    package func segment(_ place: Int, in target: UnsafeMutableRawBufferPointer) -> UnsafeMutableRawBufferPointer {
        let offset = place &* size
        let length = min(size, tcp.end &- tcp.payload &- offset)
        let result = UnsafeMutableRawBufferPointer(rebasing: target[..<(tcp.payload &+ length)])
        if let to = result.baseAddress, let from = frame.baseAddress {
            host_copy(to, from, tcp.payload)
            host_copy(to + tcp.payload, from + tcp.payload + offset, length)
        }
        let sequence = tcp.sequence(UnsafeRawBufferPointer(frame)) &+ UInt32(truncatingIfNeeded: offset)
        result.storeBytes(of: sequence.bigEndian, toByteOffset: tcp.tcp &+ 4, as: UInt32.self)
        // The end of the data, and of the connection, is the last one's; that the window was reduced is told once.
        if place < count &- 1 { result[tcp.tcp &+ 13] &= ~(TCPFrame.finish | TCPFrame.push) }
        if place > 0 { result[tcp.tcp &+ 13] &= ~Self.congestionReduced }
        if !tcp.isIPv6 {
            let identification = TCPFrame.half(UnsafeRawBufferPointer(frame), tcp.ip &+ 4) &+ place
            TCPFrame.storeHalf(identification, result, tcp.ip &+ 4)
        }
        if let own = TCPFrame(UnsafeRawBufferPointer(result), trustsLength: false) {
            own.finishIP(result)
            own.finishTCP(result)
        }
        return result
    }
}
