/// Feature bits of the network device (virtio 1.2, 5.1.3).
package struct NetworkFeatures: OptionSet, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
    private init(bit: UInt64) { rawValue = 1 << bit }

    /// The device completes checksums of what the driver sends.
    package static let csum = NetworkFeatures(bit: 0)
    /// The driver takes frames whose checksum is partial, or known to be right.
    package static let guestCsum = NetworkFeatures(bit: 1)
    package static let ctrlGuestOffloads = NetworkFeatures(bit: 2)
    package static let mtu = NetworkFeatures(bit: 3)
    package static let mac = NetworkFeatures(bit: 5)
    package static let guestTSO4 = NetworkFeatures(bit: 7)
    package static let guestTSO6 = NetworkFeatures(bit: 8)
    package static let guestECN = NetworkFeatures(bit: 9)
    package static let guestUFO = NetworkFeatures(bit: 10)
    package static let hostTSO4 = NetworkFeatures(bit: 11)
    package static let hostTSO6 = NetworkFeatures(bit: 12)
    package static let hostECN = NetworkFeatures(bit: 13)
    package static let hostUFO = NetworkFeatures(bit: 14)
    package static let mergeableBuffers = NetworkFeatures(bit: 15)
    package static let status = NetworkFeatures(bit: 16)
    package static let ctrlVQ = NetworkFeatures(bit: 17)
    package static let ctrlRX = NetworkFeatures(bit: 18)
    package static let ctrlVLAN = NetworkFeatures(bit: 19)
    package static let ctrlRXExtra = NetworkFeatures(bit: 20)
    package static let guestAnnounce = NetworkFeatures(bit: 21)
    package static let mq = NetworkFeatures(bit: 22)
    package static let ctrlMACAddress = NetworkFeatures(bit: 23)
    package static let guestUSO4 = NetworkFeatures(bit: 54)
    package static let guestUSO6 = NetworkFeatures(bit: 55)
    package static let hostUSO = NetworkFeatures(bit: 56)

    /// What a back end may hand over unfinished, and CTRL_GUEST_OFFLOADS can switch.
    package static let guestOffloads: NetworkFeatures = [
        .guestCsum, .guestTSO4, .guestTSO6, .guestECN, .guestUFO, .guestUSO4, .guestUSO6,
    ]
    /// What the driver may leave to the device.
    package static let hostOffloads: NetworkFeatures = [.csum, .hostTSO4, .hostTSO6, .hostECN, .hostUFO, .hostUSO]
    /// Those whose frames can be longer than the link's.
    package static let guestLargeFrames: NetworkFeatures = [.guestTSO4, .guestTSO6, .guestUFO, .guestUSO4, .guestUSO6]

    /// Without the features whose own requirements are missing (5.1.3.1): a driver that took them is not held to
    /// them.
    package var consistent: NetworkFeatures {
        var result = self
        if !result.contains(.csum) { result.subtract([.hostTSO4, .hostTSO6, .hostUFO, .hostUSO]) }
        if result.isDisjoint(with: [.hostTSO4, .hostTSO6]) { result.remove(.hostECN) }
        if !result.contains(.guestCsum) { result.subtract(.guestLargeFrames) }
        if result.isDisjoint(with: [.guestTSO4, .guestTSO6]) { result.remove(.guestECN) }
        if !result.contains(.ctrlVQ) {
            result.subtract([.ctrlRX, .ctrlVLAN, .guestAnnounce, .mq, .ctrlMACAddress, .ctrlGuestOffloads])
        }
        if !result.contains(.ctrlRX) { result.remove(.ctrlRXExtra) }
        return result
    }
}
