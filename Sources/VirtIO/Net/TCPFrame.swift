/// Where the parts of an Ethernet frame with TCP over IPv4 or IPv6 lie, with no fragment and no extension header:
/// what segments are made of and merged from. All offsets lie inside the frame.
package struct TCPFrame: Equatable {
    static let finish: UInt8 = 0x01
    static let push: UInt8 = 0x08
    static let acknowledge: UInt8 = 0x10

    package let isIPv6: Bool
    /// Of the IP header.
    package let ip: Int
    /// Of the TCP header.
    package let tcp: Int
    /// Of the payload: also the length of all headers.
    package let payload: Int
    /// Behind the payload, as the IP header says: bytes that only fill the frame up don't count.
    package let end: Int

    /// nil for a frame that is something else. `trustsLength` false: the IP header's length is yet to be filled in,
    /// and the whole frame counts.
    package init?(_ frame: UnsafeRawBufferPointer, trustsLength: Bool = true) {
        guard frame.count >= 14 &+ 20 &+ 20 else { return nil }
        ip = 14
        switch Self.half(frame, 12) {
        case 0x0800:
            let headerLength = Int(frame[ip] & 0xF) &* 4
            // More fragments to come, or not the first one.
            guard frame[ip] >> 4 == 4, headerLength >= 20, Self.half(frame, ip &+ 6) & 0x3FFF == 0, frame[ip &+ 9] == 6
            else { return nil }
            isIPv6 = false
            tcp = ip &+ headerLength
            end = trustsLength ? ip &+ Self.half(frame, ip &+ 2) : frame.count
        case 0x86DD:
            guard frame[ip] >> 4 == 6, frame[ip &+ 6] == 6 else { return nil }
            isIPv6 = true
            tcp = ip &+ 40
            end = trustsLength ? ip &+ 40 &+ Self.half(frame, ip &+ 4) : frame.count
        default: return nil
        }
        guard end <= frame.count, tcp &+ 20 <= end else { return nil }
        let headerLength = Int(frame[tcp &+ 12] >> 4) &* 4
        payload = tcp &+ headerLength
        guard headerLength >= 20, payload <= end else { return nil }
    }

    static func half(_ frame: UnsafeRawBufferPointer, _ offset: Int) -> Int {
        Int(frame[offset]) << 8 | Int(frame[offset &+ 1])
    }

    static func storeHalf(_ value: Int, _ frame: UnsafeMutableRawBufferPointer, _ offset: Int) {
        frame[offset] = UInt8(truncatingIfNeeded: value >> 8)
        frame[offset &+ 1] = UInt8(truncatingIfNeeded: value)
    }

    package func sequence(_ frame: UnsafeRawBufferPointer) -> UInt32 {
        UInt32(bigEndian: frame.loadUnaligned(fromByteOffset: tcp &+ 4, as: UInt32.self))
    }

    package func flags(_ frame: UnsafeRawBufferPointer) -> UInt8 { frame[tcp &+ 13] }

    /// The sum of the pseudo header: addresses, protocol and the length of header and payload.
    func pseudoHeaderSum(_ frame: UnsafeRawBufferPointer) -> UInt64 {
        let addresses = isIPv6 ? ip &+ 8 ..< ip &+ 40 : ip &+ 12 ..< ip &+ 20
        return InternetChecksum.sum(UnsafeRawBufferPointer(rebasing: frame[addresses]))
            &+ InternetChecksum.word(6) &+ InternetChecksum.word(end &- tcp)
    }

    /// Whether a frame is TCP's and its checksum is right.
    package static func hasGoodChecksum(_ frame: UnsafeRawBufferPointer) -> Bool {
        guard let tcp = TCPFrame(frame) else { return false }
        let bytes = UnsafeRawBufferPointer(rebasing: frame[tcp.tcp ..< tcp.end])
        return InternetChecksum.folded(InternetChecksum.sum(bytes, tcp.pseudoHeaderSum(frame))) == 0xFFFF
    }

    /// Has the IP header say how long the frame is, and its checksum be right.
    package func finishIP(_ frame: UnsafeMutableRawBufferPointer) {
        if isIPv6 { return Self.storeHalf(end &- tcp, frame, ip &+ 4) }
        Self.storeHalf(end &- ip, frame, ip &+ 2)
        Self.storeHalf(0, frame, ip &+ 10)
        let sum = InternetChecksum.sum(UnsafeRawBufferPointer(rebasing: frame[ip ..< tcp]))
        InternetChecksum.store(~InternetChecksum.folded(sum), frame, at: ip &+ 10)
    }

    /// Puts what a partial checksum starts with where the checksum belongs.
    func storePseudoHeader(_ frame: UnsafeMutableRawBufferPointer) {
        let sum = InternetChecksum.folded(pseudoHeaderSum(UnsafeRawBufferPointer(frame)))
        InternetChecksum.store(sum, frame, at: tcp &+ 16)
    }

    package func finishTCP(_ frame: UnsafeMutableRawBufferPointer) {
        storePseudoHeader(frame)
        InternetChecksum.complete(UnsafeMutableRawBufferPointer(rebasing: frame[tcp ..< end]), at: 16)
    }
}
