/// The network that a guest has without any right of the host's: NAT behind this process, with DHCP and DNS.
package struct UserNetwork: Equatable, Sendable {
    /// A port of the host that leads to one of the guest.
    package struct Forward: Equatable, Sendable {
        package var isUDP: Bool
        /// Addresses as numbers, the first byte uppermost. 0 is every address of the host.
        package var hostAddress: UInt32
        package var hostPort: UInt16
        /// 0 is the first address that DHCP gives.
        package var guestAddress: UInt32
        package var guestPort: UInt16

        package init(isUDP: Bool, hostAddress: UInt32, hostPort: UInt16, guestAddress: UInt32, guestPort: UInt16) {
            self.isUDP = isUDP
            self.hostAddress = hostAddress
            self.hostPort = hostPort
            self.guestAddress = guestAddress
            self.guestPort = guestPort
        }
    }

    /// The network's address, a multiple of its size: 10.0.2.0/24.
    package var network: UInt32 = 0x0A00_0200
    /// 8 to 28: the gateway is number 2 in it, the name server 3, the guest 15.
    package var prefixLength = 24
    /// What DHCP tells the guest to call itself; empty for nothing.
    package var hostname = ""
    /// The guest reaches nothing but what is forwarded to it.
    package var isRestricted = false
    package var forwards: [Forward] = []
    /// In bytes; nil is 1500.
    package var mtu: UInt16?
    /// What the guest sends may come by any of them; what it gets comes by the first.
    package var queuePairs = 1

    package init() {}

    package static func text(_ address: UInt32) -> String {
        "\(address >> 24).\(address >> 16 & 0xFF).\(address >> 8 & 0xFF).\(address & 0xFF)"
    }
}
