import CHost

/// Makes one long TCP segment of the short ones that a back end sends in a row, for a driver that takes such: the
/// guest's network stack then runs once instead of forty times.
///
/// Only what a receiver could tell apart by nothing but its lengths is merged: the same connection, headers equal
/// but for length, sequence number, checksums and PSH, the payloads adjacent and all but the last equally long.
package struct SegmentMerger: ~Copyable {
    /// An IP packet's most.
    private static let largest = 0xFFFF

    /// The frame that is being put together.
    private let buffer: UnsafeMutableRawBufferPointer
    private var first: TCPFrame?
    private var length = 0
    private var segments = 0
    private var segmentSize = 0
    private var next: UInt32 = 0
    /// The last segment was a short one or carried PSH, so that none can follow.
    private var isComplete = false

    package init() { buffer = .allocate(byteCount: 14 &+ Self.largest, alignment: 16) }

    deinit { buffer.deallocate() }

    package var isEmpty: Bool { first == nil }

    /// Takes a frame whose checksums are right; false for one that can't be part of a longer one, or not of the
    /// one that is held, which has to be taken out before this is tried again or handed on.
    package mutating func add(_ frame: UnsafeRawBufferPointer, _ features: NetworkFeatures) -> Bool {
        guard let tcp = TCPFrame(frame), Self.isOrdinary(frame, tcp),
            features.contains(tcp.isIPv6 ? .guestTSO6 : .guestTSO4), let source = frame.baseAddress,
            let target = buffer.baseAddress
        else { return false }
        let payload = tcp.end &- tcp.payload
        if first == nil {
            host_copy(target, source, tcp.end)
            first = tcp
            length = tcp.end
            segments = 1
            segmentSize = payload
            next = tcp.sequence(frame) &+ UInt32(truncatingIfNeeded: payload)
            isComplete = tcp.flags(frame) & TCPFrame.push != 0
            return true
        }
        guard !isComplete, tcp.payload == first?.payload, payload <= segmentSize, tcp.sequence(frame) == next,
            length &+ payload &- tcp.ip <= Self.largest, hasSameHeaders(frame, tcp)
        else { return false }
        host_copy(target + length, source + tcp.payload, payload)
        length &+= payload
        segments &+= 1
        next &+= UInt32(truncatingIfNeeded: payload)
        let push = tcp.flags(frame) & TCPFrame.push
        buffer[tcp.tcp &+ 13] |= push
        isComplete = payload < segmentSize || push != 0
        return true
    }

    /// Hands what is held to `body` with the header that describes it, and is empty then.
    package mutating func take(_ body: (NetworkHeader, UnsafeRawBufferPointer) -> Void) {
        guard let first else { return }
        self.first = nil
        let frame = UnsafeMutableRawBufferPointer(rebasing: buffer[..<length])
        var header = NetworkHeader()
        guard segments > 1, let whole = TCPFrame(UnsafeRawBufferPointer(frame), trustsLength: false) else {
            header.flags = NetworkHeader.dataValid
            return body(header, UnsafeRawBufferPointer(frame))
        }
        whole.finishIP(frame)
        whole.storePseudoHeader(frame)
        header.flags = NetworkHeader.needsChecksum
        header.segmentationBits = (first.isIPv6 ? NetworkHeader.Segmentation.tcp6 : .tcp4).rawValue
        header.headerLength = UInt16(truncatingIfNeeded: first.payload)
        header.segmentSize = UInt16(truncatingIfNeeded: segmentSize)
        header.checksumStart = UInt16(truncatingIfNeeded: first.tcp)
        header.checksumOffset = 16
        body(header, UnsafeRawBufferPointer(frame))
    }

    /// Data with ACK and at most PSH, in an IPv4 header without options.
    private static func isOrdinary(_ frame: UnsafeRawBufferPointer, _ tcp: TCPFrame) -> Bool {
        tcp.flags(frame) & ~TCPFrame.push == TCPFrame.acknowledge && tcp.end > tcp.payload
            && (tcp.isIPv6 || tcp.tcp == tcp.ip &+ 20)
    }

    private func hasSameHeaders(_ frame: UnsafeRawBufferPointer, _ tcp: TCPFrame) -> Bool {
        func isSame(_ from: Int, _ to: Int) -> Bool {
            guard let a = frame.baseAddress, let b = buffer.baseAddress else { return false }
            return host_compare(a + from, b + from, to &- from) == 0
        }
        // Ethernet, then the IP header but for length, identification and checksum.
        let ip = tcp.ip
        guard isSame(0, ip) else { return false }
        if tcp.isIPv6 {
            guard isSame(ip, ip &+ 4), isSame(ip &+ 6, ip &+ 40) else { return false }
        } else {
            guard isSame(ip, ip &+ 2), isSame(ip &+ 6, ip &+ 10), isSame(ip &+ 12, ip &+ 20) else { return false }
        }
        // Ports, acknowledgement and window, options. The flags are ACK with or without PSH on both sides.
        let t = tcp.tcp
        return isSame(t, t &+ 4) && isSame(t &+ 8, t &+ 13) && isSame(t &+ 14, t &+ 16) && isSame(t &+ 18, tcp.payload)
    }
}
