/// A virtio network device (virtio 1.2, 5.1) in front of a back end.
package final class NetworkDevice: VirtIODevice, @unchecked Sendable {
    /// What a device needs beside its back end.
    package struct Settings: Equatable, Sendable {
        /// The Ethernet address in the low 48 bits, its first byte uppermost.
        package var address: UInt64
        /// The link's MTU in bytes, 68 to 65535; nil leaves it to the driver.
        package var mtu: UInt16?

        package init(address: UInt64, mtu: UInt16? = nil) {
            self.address = address
            self.mtu = mtu
        }
    }

    private static let queueSize: UInt16 = 256
    /// virtio 1.2, 5.1.4.1 allows 0x8000.
    private static let pairLimit = 64

    package let deviceID: UInt32 = 1
    package let features: UInt64
    package let queueSizes: [UInt16]

    private let backend: any NetworkBackend
    private let state: NetworkState
    private let loop: NetworkLoop

    /// Starts the device's thread, which sleeps until `start`.
    package init(_ settings: Settings, backend: any NetworkBackend) throws(NetworkDeviceError) {
        self.backend = backend
        let traits = backend.traits
        let pairs = min(max(1, traits.queuePairs), Self.pairLimit)
        var offered: NetworkFeatures = [
            .mac, .status, .mergeableBuffers, .ctrlVQ, .ctrlRX, .ctrlRXExtra, .ctrlVLAN, .ctrlMACAddress,
        ]
        offered.formUnion(traits.offloads)
        if !traits.offloads.isDisjoint(with: .guestOffloads) { offered.insert(.ctrlGuestOffloads) }
        if settings.mtu != nil { offered.insert(.mtu) }
        if pairs > 1 { offered.insert(.mq) }
        if traits.hasLinkStatus { offered.insert(.guestAnnounce) }
        features = offered.consistent.rawValue
        queueSizes = [UInt16](repeating: Self.queueSize, count: 2 &* pairs &+ 1)
        state = NetworkState(address: settings.address, mtu: settings.mtu, pairs: UInt16(truncatingIfNeeded: pairs))
        loop = try NetworkLoop()
    }

    deinit { loop.end() }

    package func readConfiguration(offset: UInt64, width: Int) -> UInt64 { state.read(offset: offset, width: width) }

    /// The address is set by a command, and nothing else can be written (5.1.4).
    package func writeConfiguration(offset: UInt64, width: Int, value: UInt64) {}

    package func start(_ session: any VirtIOSession) {
        stop()
        loop.activate(NetworkWorker(session, backend, state, offered: NetworkFeatures(rawValue: features)))
    }

    package func stop() {
        loop.deactivate()?.end()
        state.reset()
    }
}
