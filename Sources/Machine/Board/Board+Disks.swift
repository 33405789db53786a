import VirtIO

extension Board {
    /// Opens the images, and makes a block device of each: in the order of the options, as many as they are.
    static func makeDisks(
        _ options: [DiskOption], backends: (any HostBackends)?
    ) throws(MachineError) -> [any VirtIODevice] {
        if let first = options.first { throw first.setting.refused("this build has no block device") }
        return []
    }
}
