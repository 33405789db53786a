import VirtIO

/// `--net KIND[,…]`: one network device.
package struct NetOption: Equatable, Sendable {
    /// What is at the other end of the cable.
    package enum Kind: Equatable, Sendable {
        /// `user`: a network inside this process.
        case user(UserNetwork)
        /// `tap`: an interface of the host's.
        case tap(TapBackend.Settings)
        /// `unix:PATH`: whoever listens at a stream socket.
        case stream(path: String)
    }

    private static let streamPrefix = "unix:"
    /// What every kind has.
    private static let commonKeys = ["mac", "mtu", "queues"]

    /// As it was written: what errors of the network repeat.
    package var setting: Setting
    package var kind: Kind
    /// The Ethernet address in the low 48 bits; nil for one that follows from the device's number.
    package var address: UInt64?
    /// In bytes.
    package var mtu: UInt16?
    /// Pairs of a receive and a transmit queue.
    package var queuePairs = 1

    package init(_ setting: Setting) throws(MachineError) {
        self.setting = setting
        kind = .user(UserNetwork())
        let head = KeyedOptions.split(setting.text).first ?? ""
        let options: KeyedOptions
        switch head {
        case "user":
            options = try KeyedOptions(
                setting, .init(flags: ["restrict"], keys: Self.commonKeys + ["net", "hostname"], repeated: ["hostfwd"]))
            try readCommon(options)
            kind = .user(try Self.userNetwork(options, mtu, queuePairs))
        case "tap":
            options = try KeyedOptions(setting, .init(keys: Self.commonKeys + ["ifname", "script", "fd"]))
            try readCommon(options)
            let tap = try Self.tap(options, queuePairs)
            kind = .tap(tap)
            if !tap.descriptors.isEmpty { queuePairs = tap.descriptors.count }
        case _ where head.utf8.starts(with: Self.streamPrefix.utf8):
            options = try KeyedOptions(setting, .init(keys: Self.commonKeys))
            try readCommon(options)
            let path = Setting(String(decoding: head.utf8.dropFirst(Self.streamPrefix.utf8.count), as: UTF8.self), origin: setting.origin)
            kind = .stream(path: try GuestConfiguration.path(path))
        default:
            throw setting.refused("a network is user, tap or unix:PATH, with its options behind commas")
        }
    }

    private mutating func readCommon(_ options: KeyedOptions) throws(MachineError) {
        if let value = options.value("mac") { address = try Self.address(value) }
        if let value = options.value("mtu") {
            // virtio 1.2, 5.1.4.1: at least 68.
            guard let mtu = UInt16(parseDecimal(value.text.utf8), in: 68 ... 65535) else {
                throw value.refused("an MTU is a number of bytes from 68 to 65535")
            }
            self.mtu = mtu
        }
        if let value = options.value("queues") {
            guard let pairs = UInt16(parseDecimal(value.text.utf8), in: 1 ... 16) else {
                throw value.refused("a network device has 1 to 16 pairs of queues")
            }
            queuePairs = Int(pairs)
        }
    }

    /// Six bytes in hexadecimal; a group's address is nobody's.
    private static func address(_ value: Setting) throws(MachineError) -> UInt64 {
        var result: UInt64 = 0
        let bytes = value.text.utf8.split(separator: 0x3A, omittingEmptySubsequences: false)
        for byte in bytes {
            guard byte.count == 2, let number = UInt8(String(decoding: byte, as: UTF8.self), radix: 16) else {
                throw value.refused("an Ethernet address is written like 52:54:00:12:34:56")
            }
            result = result << 8 | UInt64(number)
        }
        guard bytes.count == 6 else { throw value.refused("an Ethernet address is written like 52:54:00:12:34:56") }
        guard result != 0, result >> 40 & 1 == 0 else {
            throw value.refused("this is the address of a group; that of a device has an even first byte")
        }
        return result
    }
}

extension UInt16 {
    /// A number that lies in `range`.
    init?(_ number: UInt64?, in range: ClosedRange<UInt64>) {
        guard let number, range.contains(number) else { return nil }
        self.init(truncatingIfNeeded: number)
    }
}
