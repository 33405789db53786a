import VirtIO

/// `--share PATH[,tag=T][,readonly]`: one directory of the host's, as a 9P file system.
package struct ShareOption: Equatable, Sendable {
    /// As it was written: what errors of the directory repeat.
    package var setting: Setting
    /// The directory.
    package var path: String
    /// What the guest mounts it by; nil for the one that comes with its place among the shares.
    package var tag: String?
    /// Whether the guest may only read.
    package var isReadOnly: Bool

    package init(_ setting: Setting) throws(MachineError) {
        let options = try KeyedOptions(setting, .init(flags: ["readonly"], keys: ["tag"]))
        self.setting = setting
        path = try options.path()
        isReadOnly = options.has("readonly")
        if let value = options.value("tag") { tag = try Self.tag(value) }
    }

    /// What the guest mounts it by, as the share number `index`.
    package func tag(at index: Int) -> String { tag ?? "share\(index)" }

    /// A word that `mount` and /etc/fstab take as it is.
    private static func tag(_ s: Setting) throws(MachineError) -> String {
        let printable = s.text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        guard printable, (1...P9Device.longestTag).contains(s.text.utf8.count) else {
            throw s.refused("a tag has 1 to \(P9Device.longestTag) ASCII characters and no blanks")
        }
        return s.text
    }
}
