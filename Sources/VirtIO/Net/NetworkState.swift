import Devices

/// What the configuration space shows and both sides change: read by vCPUs, written by the device's thread.
package final class NetworkState: @unchecked Sendable {
    private static let linkUp: UInt16 = 1
    private static let announce: UInt16 = 2

    /// What the host gave; the driver's address is forgotten at a reset.
    private let ownAddress: UInt64
    /// nil: not offered.
    let mtu: UInt16?
    private let pairs: UInt16
    private let lock = Lock()
    private var currentAddress: UInt64
    private var status: UInt16 = linkUp

    package init(address: UInt64, mtu: UInt16?, pairs: UInt16) {
        ownAddress = address
        currentAddress = address
        self.mtu = mtu
        self.pairs = pairs
    }

    var address: UInt64 { lock.withLock { currentAddress } }

    func setAddress(_ address: UInt64) { lock.withLock { currentAddress = address } }

    func setLink(isUp: Bool, announce: Bool) {
        lock.withLock {
            status = isUp ? status | Self.linkUp : status & ~Self.linkUp
            if announce { status |= Self.announce }
        }
    }

    func announced() { lock.withLock { status &= ~Self.announce } }

    package func reset() {
        lock.withLock {
            currentAddress = ownAddress
            status &= Self.linkUp
        }
    }

    /// `struct virtio_net_config` (5.1.4), a byte of it; what isn't offered reads 0.
    private func bytes() -> [UInt8] {
        lock.lock()
        let address = currentAddress
        let status = self.status
        lock.unlock()
        var result: [UInt8] = []
        for shift in stride(from: 40, through: 0, by: -8) { result.append(UInt8(truncatingIfNeeded: address >> UInt64(shift))) }
        for half in [status, pairs, mtu ?? 0] {
            result.append(UInt8(truncatingIfNeeded: half))
            result.append(UInt8(truncatingIfNeeded: half >> 8))
        }
        return result
    }

    package func read(offset: UInt64, width: Int) -> UInt64 {
        let bytes = bytes()
        var value: UInt64 = 0
        for i in 0 ..< UInt64(clamping: min(width, 8)) {
            let (place, wraps) = offset.addingReportingOverflow(i)
            if !wraps, place < UInt64(bytes.count) { value |= UInt64(bytes[Int(place)]) << (8 &* i) }
        }
        return value
    }
}
