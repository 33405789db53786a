import CHost

/// What is known about a file, and extended attributes.
extension P9Server {
    /// P9_GETATTR_BASIC, and its bit for the time of birth.
    private static let basic: UInt64 = 0x7FF
    private static let birth: UInt64 = 0x800

    /// Always all of it, whatever was asked for: it comes from one call.
    func getAttributes(_ request: inout P9Reader, _ reply: inout P9Writer) throws(P9Error) {
        let fid = try fid(try request.u32())
        _ = try request.u64()
        let status = try share.status(of: fid.node)
        reply.u64(status.has_birth ? Self.basic | Self.birth : Self.basic)
        reply.qid(share.qid(status))
        reply.u32(status.mode)
        reply.u32(status.user)
        reply.u32(status.group)
        reply.u64(UInt64(status.links))
        reply.u64(status.represents)
        reply.u64(status.size)
        reply.u64(UInt64(status.block_size))
        reply.u64(status.blocks)
        for (seconds, nanoseconds) in [
            (status.accessed, status.accessed_ns), (status.modified, status.modified_ns),
            (status.changed, status.changed_ns), (status.born, status.born_ns),
        ] {
            reply.u64(UInt64(bitPattern: seconds))
            reply.u64(UInt64(nanoseconds))
        }
        // Generation and data version, which Linux has no call for.
        reply.u64(0)
        reply.u64(0)
    }

    func setAttributes(_ request: inout P9Reader) throws(P9Error) {
        let fid = try fid(try request.u32())
        let changes = P9Changes(
            valid: try request.u32(), mode: try request.u32(), user: try request.u32(), group: try request.u32(),
            size: try request.u64(), accessed: .init(seconds: try request.u64(), nanoseconds: try request.u64()),
            modified: .init(seconds: try request.u64(), nanoseconds: try request.u64()))
        try share.change(fid.node, file: fid.writableFile, changes)
    }

    func statFilesystem(_ request: inout P9Reader, _ reply: inout P9Writer) throws(P9Error) {
        let fid = try fid(try request.u32())
        var status = host_p9_filesystem()
        try P9Error.check(host_p9_stat_filesystem(fid.node.descriptor.number, &status))
        reply.u32(UInt32(truncatingIfNeeded: status.type))
        reply.u32(UInt32(truncatingIfNeeded: status.block_size))
        reply.u64(status.blocks)
        reply.u64(status.free_blocks)
        reply.u64(status.available_blocks)
        reply.u64(status.files)
        reply.u64(status.free_files)
        reply.u64(status.id)
        reply.u32(UInt32(truncatingIfNeeded: status.name_length))
    }

    /// An attribute's value, or with no name the list of names, becomes readable as a new fid.
    func walkAttribute(_ request: inout P9Reader, _ reply: inout P9Writer) throws(P9Error) {
        let fid = try fid(try request.u32())
        let number = try request.u32()
        let name = try request.string()
        guard number != .max, isFree(number) else { throw .invalid }
        let value =
            name.isEmpty
            ? try share.attributeNames(of: fid.node)
            : try share.attribute(try SharedDirectory.attributeName(name), of: fid.node)
        let new = P9Fid(fid.node, user: fid.user)
        try add(new, as: number)
        do throws(P9Error) {
            try use(new, for: .attribute(value))
        } catch {
            forget(number)
            throw error
        }
        reply.u64(UInt64(value.count))
    }

    /// The fid takes the value's bytes from now on, and sets the attribute when it is let go.
    func createAttribute(_ request: inout P9Reader) throws(P9Error) {
        let fid = try unused(try request.u32())
        let name = try SharedDirectory.attributeName(try request.string())
        let size = try request.u64()
        let flags = try request.u32()
        try share.requireWritable()
        guard size <= UInt64(P9Limit.attribute) else { throw .outOfRange }
        // XATTR_CREATE and XATTR_REPLACE
        guard flags <= 2 else { throw .invalid }
        try use(fid, for: .newAttribute(P9NewAttribute(name, size: Int(size), flags: flags)))
    }
}

extension P9Fid {
    /// The open file, if it was opened for writing.
    fileprivate var writableFile: P9Descriptor? {
        if case .file(let file, let isWritable) = use, isWritable { file } else { nil }
    }
}
