import CHost
import VirtIO

extension Board {
    /// Descriptors of the process's that are left to everything but shares.
    private static let otherDescriptors: UInt64 = 512
    /// Descriptors that one share may have open: a client keeps one for each file it knows, and the host keeps
    /// the file's inode in memory with it.
    private static let descriptorsPerShare: UInt64 = 1 << 18

    /// Opens the directories, and makes a 9P device of each: in the order of the options, as many as they are.
    static func makeShares(_ options: [ShareOption]) throws(MachineError) -> [any VirtIODevice] {
        guard !options.isEmpty else { return [] }
        let limit = host_p9_raise_descriptor_limit()
        let spare = limit > 2 * otherDescriptors ? limit - otherDescriptors : limit / 2
        let each = Int(min(spare / UInt64(options.count), descriptorsPerShare))
        var devices: [any VirtIODevice] = []
        var tags: [String: Setting] = [:]
        for (index, option) in options.enumerated() {
            let tag = option.tag(at: index)
            if let other = tags.updateValue(option.setting, forKey: tag) {
                throw option.setting.refused("its tag is \(quoted(tag)), and so is that of \(quoted(other.text)); give another with tag=…")
            }
            devices.append(P9Device(try open(option, descriptors: each), tag: tag))
        }
        return devices
    }

    private static func open(_ option: ShareOption, descriptors: Int) throws(MachineError) -> SharedDirectory {
        do throws(ShareError) {
            return try SharedDirectory(option.path, readOnly: option.isReadOnly, descriptors: descriptors)
        } catch {
            let origin = "\(option.setting.origin) \(quoted(option.setting.text))"
            switch error {
            case .noProcfs:
                throw MachineError(.host, "\(origin): sharing needs /proc, which isn't mounted here; mount a procfs there")
            case .path(let errno):
                let kind = host_path_kind(option.path)
                if kind > 0, kind != HOST_PATH_DIRECTORY.rawValue {
                    throw MachineError(.missingFile, "\(origin): is no directory; a single file is shared by sharing the directory it is in")
                }
                let fault: MachineError.Kind =
                    host_error_is_missing(errno) != 0 || host_error_is_permission(errno) != 0 ? .missingFile : .host
                throw MachineError(fault, "\(origin): the directory can't be opened: \(MachineError.hostText(errno))")
            }
        }
    }
}
