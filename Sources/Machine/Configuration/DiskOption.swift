import VirtIO

/// `--disk PATH[,readonly][,snapshot][,direct][,serial=S][,queues=N]`: one block device.
package struct DiskOption: Equatable, Sendable {
    /// As it was written: what errors of the image repeat.
    package var setting: Setting
    /// The image: a file, a block device of the host, or the address of an NBD server.
    package var path: String
    /// The guest can't write.
    package var isReadOnly = false
    /// What the guest writes is thrown away in the end.
    package var isSnapshot = false
    /// Past the host's page cache.
    package var isDirect = false
    /// What the guest reads as the disk's serial number; empty for none.
    package var serial = ""
    package var queues = 1

    package init(_ setting: Setting) throws(MachineError) {
        let options = try KeyedOptions(
            setting, .init(flags: ["readonly", "snapshot", "direct"], keys: ["serial", "queues"]))
        self.setting = setting
        path = try options.path()
        isReadOnly = options.has("readonly")
        isSnapshot = options.has("snapshot")
        isDirect = options.has("direct")
        if let s = options.value("serial") { serial = try Self.serial(s) }
        if let s = options.value("queues") { queues = try Self.queues(s) }
        if isReadOnly, isSnapshot {
            throw options.refused("readonly and snapshot don't go together: snapshot leaves the image as it is already; give one of them")
        }
        if isDirect, isNBD { throw options.refused("direct is for files and block devices: an NBD server has its own cache") }
    }

    /// Whether `path` is an address and not a file: `./nbd:x` is a file of that name.
    package var isNBD: Bool {
        for scheme in ["nbd:", "nbds:", "nbd+unix:", "nbds+unix:", "nbd+vsock:", "nbds+vsock:"]
        where path.utf8.starts(with: scheme.utf8) { return true }
        return false
    }

    private static func serial(_ s: Setting) throws(MachineError) -> String {
        let isPrintable = s.text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        guard isPrintable, s.text.utf8.count <= BlockDevice.serialLength else {
            throw s.refused("a serial number has 1 to \(BlockDevice.serialLength) ASCII characters and no spaces")
        }
        return s.text
    }

    private static func queues(_ s: Setting) throws(MachineError) -> Int {
        guard let n = parseDecimal(s.text.utf8), n >= 1, n <= UInt64(BlockDevice.maximumQueues) else {
            throw s.refused("a disk has 1 to \(BlockDevice.maximumQueues) queues")
        }
        return Int(n)
    }
}
