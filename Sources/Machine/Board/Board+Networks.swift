import VirtIO

extension Board {
    /// The first device's address where none is given; the next ones count up from it, as QEMU's do.
    private static let firstAddress: UInt64 = 0x5254_0012_3456

    /// Connects to the networks, and makes a network device of each: in the order of the options, as many as they
    /// are.
    static func makeNetworks(
        _ options: [NetOption], backends: (any HostBackends)?
    ) throws(MachineError) -> [any VirtIODevice] {
        var result: [any VirtIODevice] = []
        for (number, option) in options.enumerated() {
            let settings = NetworkDevice.Settings(
                address: option.address ?? firstAddress &+ UInt64(number), mtu: option.mtu)
            let backend: any NetworkBackend
            do throws(BackendError) { backend = try makeBackend(option, backends) } catch { throw option.setting.failed(error) }
            do throws(NetworkDeviceError) {
                result.append(try NetworkDevice(settings, backend: backend))
            } catch {
                switch error {
                case .host(let errno):
                    throw MachineError(
                        .host, "\(option.setting.origin): the host refuses a thread for the device: \(MachineError.hostText(errno))")
                }
            }
        }
        return result
    }

    private static func makeBackend(
        _ option: NetOption, _ backends: (any HostBackends)?
    ) throws(BackendError) -> any NetworkBackend {
        switch option.kind {
        case .user(let network):
            guard let backends else {
                throw .usage("this build has no user-mode network; use tap or unix:PATH")
            }
            return try backends.makeUserNetwork(network)
        case .tap(let settings): return try TapBackend(settings)
        case .stream(let path): return try StreamBackend(path: path, queuePairs: option.queuePairs)
        }
    }
}
