/// The work that a driver leaves to the device, done here for back ends without a header.
package enum TransmitOffload {
    /// Completes a frame that `header` allows to be unfinished. A TCP segment that is longer than the link allows
    /// stays one: it is a valid IP packet, of at most 64 KiB. False for a frame that isn't what its header says.
    package static func finish(_ frame: UnsafeMutableRawBufferPointer, _ header: NetworkHeader) -> Bool {
        switch header.segmentation {
        case .some(.none):
            if header.wantsChecksum {
                let start = Int(header.checksumStart)
                guard start &+ Int(header.checksumOffset) &+ 2 <= frame.count else { return false }
                InternetChecksum.complete(
                    UnsafeMutableRawBufferPointer(rebasing: frame[start...]), at: Int(header.checksumOffset))
            }
            return true
        case .tcp4, .tcp6:
            // Drivers differ in whether the lengths are those of the whole, so they are written here.
            guard let tcp = TCPFrame(UnsafeRawBufferPointer(frame), trustsLength: false),
                tcp.isIPv6 == (header.segmentation == .tcp6), tcp.end &- tcp.ip <= 0xFFFF
            else { return false }
            tcp.finishIP(frame)
            tcp.finishTCP(frame)
            return true
        case .udp, .udpFragments, nil: return false
        }
    }
}
