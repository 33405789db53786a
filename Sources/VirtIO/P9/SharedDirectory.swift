import CHost

/// Why a directory can't be shared.
package enum ShareError: Error, Equatable, Sendable {
    /// The host's errno for the path: absent, closed to us, no directory.
    case path(errno: Int32)
    /// There is no procfs at /proc, through which an O_PATH descriptor is opened without racing its name.
    case noProcfs
}

/// A directory of the host's and what lies below it; nothing else can be reached.
///
/// - A step down is openat2 with RESOLVE_BENEATH, NO_SYMLINKS and NO_MAGICLINKS on one checked name, from an
///   O_PATH descriptor; `..` goes back the way that was come, up to the root. A symbolic link is handed out as a
///   node of its own and never followed.
/// - A node stays the same file whatever its names become, and is opened through /proc/self/fd after its type was
///   looked at. Only regular files and directories are opened: devices, FIFOs and sockets are for the guest's
///   own kernel. Nor are device nodes made.
/// - Mounts below the directory are part of it, except a procfs: its files are doors into this very process.
///
/// The host's permissions apply to us as a process. Files are created for the user who asks if the host permits
/// that, as root's processes may; otherwise they belong to whoever runs us.
package final class SharedDirectory {
    let isReadOnly: Bool
    let root: P9Node
    let budget: P9Budget
    /// By file system, in order of appearance: the root's is 0.
    private var devices: [UInt64: UInt64] = [:]

    /// Opens `path`, of which up to `descriptors` will be open at a time.
    package init(_ path: String, readOnly: Bool, descriptors: Int) throws(ShareError) {
        guard host_p9_has_procfs() else { throw .noProcfs }
        isReadOnly = readOnly
        budget = P9Budget(max(16, descriptors))
        do throws(P9Error) {
            let descriptor = try budget.open { host_p9_open_root(path) }
            let status = try Self.status(of: descriptor)
            root = P9Node(root: descriptor, device: status.device)
            devices[status.device] = 0
        } catch {
            throw .path(errno: Int32(truncatingIfNeeded: error.number))
        }
    }

    /// What every request that changes something asks first.
    func requireWritable() throws(P9Error) {
        if isReadOnly { throw .readOnly }
    }

    /// The entry `name` of a directory; a symbolic link is the entry itself.
    func step(from directory: P9Node, to name: P9Name) throws(P9Error) -> (node: P9Node, status: host_p9_status) {
        let descriptor = try budget.open { host_p9_walk(directory.descriptor.number, name.characters) }
        let status = try Self.status(of: descriptor)
        if status.device != directory.device, host_p9_is_procfs(descriptor.number) { throw .accessDenied }
        return (try P9Node(descriptor, in: directory, as: name, device: status.device), status)
    }

    func status(of node: P9Node) throws(P9Error) -> host_p9_status { try Self.status(of: node.descriptor) }

    private static func status(of descriptor: P9Descriptor) throws(P9Error) -> host_p9_status {
        var status = host_p9_status()
        try P9Error.check(host_p9_stat(descriptor.number, &status))
        return status
    }

    // MARK: Identity

    func qid(_ status: host_p9_status) -> P9Qid {
        // Time and size, as long as no clock is coarser than a writer is fast; 0 would say "not to be cached".
        let time = UInt64(bitPattern: status.modified) &* 1_000_000_000 &+ UInt64(status.modified_ns)
        let mixed = time ^ (status.size << 8)
        let version = UInt32(truncatingIfNeeded: mixed ^ (mixed >> 32))
        return P9Qid(
            type: status.kind.qidType, version: version == 0 ? 1 : version,
            path: path(device: status.device, inode: status.inode))
    }

    /// One number for a file system and a number in it. Inode numbers that leave 16 bits free, as all but a few
    /// file systems' do, can't collide; the others are mixed into a space of their own.
    func path(device: UInt64, inode: UInt64) -> UInt64 {
        let index = devices[device] ?? UInt64(devices.count)
        devices[device] = index
        if inode >> 48 == 0, index < 0xFFFF { return inode | index << 48 }
        var mixed = (inode ^ (index &* 0x9E37_79B9_7F4A_7C15)) &* 0xBF58_476D_1CE4_E5B9
        mixed ^= mixed >> 29
        return mixed | 0xFFFF << 48
    }
}

/// What a file is, out of its mode.
enum P9Kind: UInt32 {
    case fifo = 0o010000
    case characterDevice = 0o020000
    case directory = 0o040000
    case blockDevice = 0o060000
    case regular = 0o100000
    case link = 0o120000
    case socket = 0o140000
    case unknown = 0

    init(mode: UInt32) { self = P9Kind(rawValue: mode & 0o170000) ?? .unknown }

    /// Whether its bytes, or its entries, are ours to hand out.
    var isOpenable: Bool { self == .regular || self == .directory }

    var qidType: UInt8 {
        switch self {
        case .directory: P9Qid.directory
        case .link: P9Qid.link
        default: 0
        }
    }
}

extension host_p9_status {
    var kind: P9Kind { P9Kind(mode: mode) }
}
