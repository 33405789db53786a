import VirtIO

/// `--net user[,net=N][,hostname=H][,restrict][,hostfwd=…]`
extension NetOption {
    private static let forwardHelp = "a forward is written tcp|udp:[HOST ADDRESS]:PORT-[GUEST ADDRESS]:PORT, such as tcp:127.0.0.1:2222-:22"

    static func userNetwork(
        _ options: KeyedOptions, _ mtu: UInt16?, _ queuePairs: Int
    ) throws(MachineError) -> UserNetwork {
        var result = UserNetwork()
        result.mtu = mtu
        result.queuePairs = queuePairs
        result.isRestricted = options.has("restrict")
        if let value = options.value("net") { (result.network, result.prefixLength) = try network(value) }
        if let value = options.value("hostname") {
            // libslirp keeps 32 bytes.
            let isName = value.text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
            guard isName, value.text.utf8.count <= 32 else {
                throw value.refused("a host name has at most 32 letters, digits and the like")
            }
            result.hostname = value.text
        }
        for value in options.all("hostfwd") { result.forwards.append(try forward(value)) }
        return result
    }

    private static func network(_ value: Setting) throws(MachineError) -> (UInt32, Int) {
        let parts = value.text.utf8.split(separator: 0x2F, omittingEmptySubsequences: false)
        guard parts.count == 2, let address = internetAddress(parts[0]), let length = parseDecimal(parts[1]),
            length >= 8, length <= 28
        else { throw value.refused("a network is written like 10.0.2.0/24, with 8 to 28 bits") }
        let host = ~UInt32(0) >> UInt32(length)
        guard address & host == 0 else {
            throw value.refused("the address has bits behind the first \(length); the network is \(UserNetwork.text(address & ~host))/\(length)")
        }
        return (address, Int(length))
    }

    private static func forward(_ value: Setting) throws(MachineError) -> UserNetwork.Forward {
        let sides = value.text.utf8.split(separator: 0x2D, omittingEmptySubsequences: false)
        guard sides.count == 2 else { throw value.refused(forwardHelp) }
        let host = sides[0].split(separator: 0x3A, omittingEmptySubsequences: false)
        let guest = sides[1].split(separator: 0x3A, omittingEmptySubsequences: false)
        guard host.count == 3, guest.count == 2 else { throw value.refused(forwardHelp) }
        let isUDP: Bool
        switch String(decoding: host[0], as: UTF8.self) {
        case "udp": isUDP = true
        // An empty protocol is QEMU's way to say TCP.
        case "tcp", "": isUDP = false
        default: throw value.refused(forwardHelp)
        }
        guard let hostAddress = host[1].isEmpty ? 0 : internetAddress(host[1]),
            let guestAddress = guest[0].isEmpty ? 0 : internetAddress(guest[0])
        else { throw value.refused("an address is written as four numbers, such as 127.0.0.1") }
        guard let hostPort = UInt16(parseDecimal(host[2]), in: 1 ... 65535),
            let guestPort = UInt16(parseDecimal(guest[1]), in: 1 ... 65535)
        else { throw value.refused("a port is a number from 1 to 65535") }
        return UserNetwork.Forward(
            isUDP: isUDP, hostAddress: hostAddress, hostPort: hostPort, guestAddress: guestAddress, guestPort: guestPort)
    }

    /// Four decimal numbers with dots between; the first byte uppermost.
    private static func internetAddress(_ text: Substring.UTF8View) -> UInt32? {
        let parts = text.split(separator: 0x2E, omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var result: UInt32 = 0
        for part in parts {
            guard part.count <= 3, let number = parseDecimal(part), number <= 255 else { return nil }
            result = result << 8 | UInt32(truncatingIfNeeded: number)
        }
        return result
    }
}
