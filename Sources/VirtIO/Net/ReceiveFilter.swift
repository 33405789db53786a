/// Which frames the driver wants, as its control commands say (virtio 1.2, 5.1.6.5.1 to 5.1.6.5.3).
package struct ReceiveFilter {
    /// An Ethernet address in the low 48 bits, its first byte uppermost.
    package typealias Address = UInt64

    package static let broadcast: Address = 0xFFFF_FFFF_FFFF
    /// The longest table a driver can set before everything of that kind is let through.
    package static let tableLimit = 64

    /// Until the driver says otherwise: one without a control queue sorts frames out itself.
    package var isPromiscuous = true
    package var allMulticast = false
    package var allUnicast = false
    package var noMulticast = false
    package var noUnicast = false
    package var noBroadcast = false
    package var address: Address
    /// nil: more than the table holds, so that all are let through.
    package var unicast: [Address]? = []
    package var multicast: [Address]? = []
    /// A bit for each VLAN, once the driver filters by them.
    private var vlans: [UInt64]?

    init(address: Address, filtersVLANs: Bool) {
        self.address = address
        if filtersVLANs { vlans = [UInt64](repeating: 0, count: 64) }
    }

    /// False for a VLAN that can't be.
    package mutating func setVLAN(_ vlan: UInt16, _ accepted: Bool) -> Bool {
        guard vlan < 4096, vlans != nil else { return false }
        let bit: UInt64 = 1 << UInt64(vlan & 63)
        if accepted { vlans?[Int(vlan >> 6)] |= bit } else { vlans?[Int(vlan >> 6)] &= ~bit }
        return true
    }

    /// `start` holds the frame's first bytes, 18 if it has so many.
    package func accepts(_ start: UnsafeRawBufferPointer) -> Bool {
        guard start.count >= 14 else { return false }
        if isPromiscuous { return true }
        if let vlans, start.count >= 16, start[12] == 0x81, start[13] == 0x00 {
            let vlan = Int(start[14] & 0xF) << 8 | Int(start[15])
            if vlans[vlan >> 6] & 1 << UInt64(vlan & 63) == 0 { return false }
        }
        var target: Address = 0
        for i in 0 ..< 6 { target = target << 8 | Address(start[i]) }
        if target == Self.broadcast { return !noBroadcast }
        if start[0] & 1 != 0 {
            if noMulticast { return false }
            return allMulticast || multicast?.contains(target) ?? true
        }
        if noUnicast { return false }
        return allUnicast || target == address || unicast?.contains(target) ?? true
    }
}
