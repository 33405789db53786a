import CHost

/// Whom a new file shall belong to, and what its mode is.
struct P9Credentials {
    /// All ones for nobody in particular.
    var user: UInt32
    var group: UInt32
    /// As the guest's kernel has computed it, its umask and the directory's set-group-ID included.
    var mode: UInt32
}

/// New entries. Each is made by its name, then looked up once as a descriptor, and what follows is done to that.
extension SharedDirectory {
    /// Creates a regular file and opens it, with open(2)'s access mode and flags; fails where one is already.
    func createFile(
        _ name: P9Name, in directory: P9Node, flags: UInt32, _ credentials: P9Credentials
    ) throws(P9Error) -> (node: P9Node, file: P9Descriptor) {
        try requireWritable()
        let file = try budget.open {
            host_p9_create(directory.descriptor.number, name.characters, Int32(bitPattern: flags), credentials.mode)
        }
        let descriptor = try budget.open { host_p9_reopen_path(file.number) }
        let node = try P9Node(descriptor, in: directory, as: name, device: directory.device)
        try adopt(node, credentials)
        return (node, file)
    }

    func makeDirectory(_ name: P9Name, in directory: P9Node, _ credentials: P9Credentials) throws(P9Error) -> P9Qid {
        try requireWritable()
        try P9Error.check(host_p9_make_directory(directory.descriptor.number, name.characters, credentials.mode))
        return try adopt(name, in: directory, .directory, credentials)
    }

    /// A regular file, FIFO or socket. A device node would be a door into the host's kernel.
    func makeNode(_ name: P9Name, in directory: P9Node, _ credentials: P9Credentials) throws(P9Error) -> P9Qid {
        try requireWritable()
        let kind = P9Kind(mode: credentials.mode)
        switch kind {
        case .regular, .fifo, .socket: break
        // mknod(2) takes a mode without a type for a regular file.
        case .unknown where credentials.mode & 0o170000 == 0: break
        case .characterDevice, .blockDevice: throw .notPermitted
        default: throw .invalid
        }
        let mode = credentials.mode & 0o177777
        try P9Error.check(host_p9_make_node(directory.descriptor.number, name.characters, mode))
        return try adopt(name, in: directory, kind == .unknown ? .regular : kind, credentials)
    }

    /// The target is the guest's business: nobody here follows it.
    func makeLink(
        _ name: P9Name, to target: [CChar], in directory: P9Node, _ credentials: P9Credentials
    ) throws(P9Error) -> P9Qid {
        try requireWritable()
        try P9Error.check(host_p9_make_symlink(target, directory.descriptor.number, name.characters))
        return try adopt(name, in: directory, .link, credentials)
    }

    private func adopt(
        _ name: P9Name, in directory: P9Node, _ kind: P9Kind, _ credentials: P9Credentials
    ) throws(P9Error) -> P9Qid {
        let (node, status) = try step(from: directory, to: name)
        // Somebody else has put something else there since.
        guard status.kind == kind else { throw .tryAgain }
        try adopt(node, credentials)
        return qid(try self.status(of: node))
    }

    /// Gives a new file its owner and its mode. The owner first, for a change of owner takes set-user-ID away.
    private func adopt(_ node: P9Node, _ credentials: P9Credentials) throws(P9Error) {
        let number = node.descriptor.number
        // Refused to all but root, and for users that our namespace doesn't have.
        _ = host_p9_change_owner(number, credentials.user, credentials.group)
        let status = try status(of: node)
        if status.kind != .link, status.mode & 0o7777 != credentials.mode & 0o7777 {
            try P9Error.check(host_p9_change_mode(number, credentials.mode))
        }
    }
}
