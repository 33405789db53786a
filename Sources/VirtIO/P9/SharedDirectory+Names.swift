import CHost

/// What moves and removes entries. A name without a slash, used on a descriptor, can't leave the directory, and
/// none of these calls follows a link.
extension SharedDirectory {
    func rename(_ name: P9Name, in from: P9Node, to newName: P9Name, in to: P9Node) throws(P9Error) {
        try requireWritable()
        try P9Error.check(
            host_p9_rename(from.descriptor.number, name.characters, to.descriptor.number, newName.characters))
    }

    /// Another name for a file that isn't a directory.
    func link(_ node: P9Node, as name: P9Name, in directory: P9Node) throws(P9Error) {
        try requireWritable()
        try P9Error.check(host_p9_link(node.descriptor.number, directory.descriptor.number, name.characters))
    }

    func remove(_ name: P9Name, in directory: P9Node, isDirectory: Bool) throws(P9Error) {
        try requireWritable()
        try P9Error.check(host_p9_unlink(directory.descriptor.number, name.characters, isDirectory))
    }

    /// The directory in which `node` was found, as long as its name there still means it: requests that name a
    /// file by itself must not hit another.
    func home(of node: P9Node) throws(P9Error) -> (directory: P9Node, status: host_p9_status) {
        guard let directory = node.parent else { throw .invalid }
        let (found, now) = try step(from: directory, to: node.name)
        let status = try status(of: node)
        guard now.device == status.device, now.inode == status.inode else { throw .noSuchEntry }
        _ = found
        return (directory, status)
    }

    func target(of node: P9Node, into buffer: UnsafeMutableRawBufferPointer) throws(P9Error) -> Int {
        guard let base = buffer.baseAddress else { throw .invalid }
        // readlinkat's ENOENT for a descriptor of something else would say that it is gone.
        guard try status(of: node).kind == .link else { throw .invalid }
        return try P9Error.check(host_p9_read_link(node.descriptor.number, base, buffer.count))
    }
}
