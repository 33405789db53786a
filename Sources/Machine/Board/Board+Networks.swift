import VirtIO

extension Board {
    /// Connects to the networks, and makes a network device of each: in the order of the options, as many as they
    /// are.
    static func makeNetworks(
        _ options: [NetOption], backends: (any HostBackends)?
    ) throws(MachineError) -> [any VirtIODevice] {
        if let first = options.first { throw first.setting.refused("this build has no network device") }
        return []
    }
}
