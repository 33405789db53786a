import CHost

/// open(2)'s flags as 9P2000.L carries them: Linux's generic numbers.
enum P9OpenFlag {
    static let accessMode: UInt32 = 0o3
    static let readOnly: UInt32 = 0o0
    static let exclusive: UInt32 = 0o200
    static let truncate: UInt32 = 0o1000
    static let append: UInt32 = 0o2000
    static let dataSync: UInt32 = 0o10000
    static let directory: UInt32 = 0o200000
    static let sync: UInt32 = 0o4010000

    /// What a file's open takes over. O_DIRECT isn't among it: the bytes pass through a buffer of ours. Nor is
    /// O_CREAT: a file is created by its own request.
    static let kept = accessMode | truncate | append | dataSync | sync

    static func writes(_ flags: UInt32) -> Bool { flags & accessMode != readOnly || flags & truncate != 0 }
}

/// Opening, and what needs an open file.
extension SharedDirectory {
    /// What a client may do with a file it has opened.
    func open(_ node: P9Node, flags: UInt32) throws(P9Error) -> P9Use {
        let kind = try status(of: node).kind
        switch kind {
        case .regular:
            if flags & P9OpenFlag.directory != 0 { throw .notDirectory }
            if P9OpenFlag.writes(flags) { try requireWritable() }
            return .file(try reopen(node, flags & P9OpenFlag.kept), isWritable: flags & P9OpenFlag.accessMode != P9OpenFlag.readOnly)
        case .directory:
            if P9OpenFlag.writes(flags) { throw isReadOnly ? .readOnly : .isDirectory }
            return .directory(try reopen(node, P9OpenFlag.directory))
        case .link: throw .linkLoop
        default: throw .noDevice
        }
    }

    /// To be asked for regular files and directories alone.
    private func reopen(_ node: P9Node, _ flags: UInt32) throws(P9Error) -> P9Descriptor {
        try budget.open { host_p9_reopen(node.descriptor.number, Int32(bitPattern: flags)) }
    }
}
