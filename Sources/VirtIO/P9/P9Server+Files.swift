import CHost

/// Open files and directories.
extension P9Server {
    func open(_ request: inout P9Reader, _ reply: inout P9Writer) throws(P9Error) {
        let fid = try unused(try request.u32())
        let flags = try request.u32()
        let use = try share.open(fid.node, flags: flags)
        let status = try share.status(of: fid.node)
        fid.use = use
        reply.qid(share.qid(status))
        // No unit of our own: as much as a message holds.
        reply.u32(0)
    }

    /// Creates a file in the directory that the fid means; the fid then means the file, open.
    func create(_ request: inout P9Reader, _ reply: inout P9Writer) throws(P9Error) {
        let fid = try unused(try request.u32())
        let name = try request.name()
        let flags = try request.u32()
        let mode = try request.u32()
        let credentials = P9Credentials(user: fid.user, group: try request.u32(), mode: mode & 0o7777)
        try share.requireWritable()
        let (node, use) = try createOrOpen(name, in: fid.node, flags, credentials)
        let status = try share.status(of: node)
        fid.node = node
        fid.use = use
        reply.qid(share.qid(status))
        reply.u32(0)
    }

    /// A file that is there already is looked at before it is opened, which O_CREAT alone wouldn't do.
    private func createOrOpen(
        _ name: P9Name, in directory: P9Node, _ flags: UInt32, _ credentials: P9Credentials
    ) throws(P9Error) -> (P9Node, P9Use) {
        var failure = P9Error.exists
        // Somebody may take the file away between the two.
        for _ in 0..<8 {
            do throws(P9Error) {
                let (node, file) = try share.createFile(
                    name, in: directory, flags: flags & P9OpenFlag.kept, credentials)
                return (node, .file(file, isWritable: flags & P9OpenFlag.accessMode != P9OpenFlag.readOnly))
            } catch {
                failure = error
            }
            guard failure == .exists, flags & P9OpenFlag.exclusive == 0 else { break }
            do throws(P9Error) {
                let node = try share.step(from: directory, to: name).node
                return (node, try share.open(node, flags: flags))
            } catch {
                failure = error
            }
            guard failure == .noSuchEntry else { break }
        }
        throw failure
    }

    func read(_ request: inout P9Reader, _ reply: inout P9Writer) throws(P9Error) {
        let fid = try fid(try request.u32())
        let offset = try request.u64()
        let count = try request.u32()
        switch fid.use {
        case .file(let file, _):
            try reply.counted(count) { (target) throws(P9Error) in
                guard let base = target.baseAddress, !target.isEmpty else { return 0 }
                return try P9Error.check(host_p9_read(file.number, base, target.count, offset))
            }
        case .attribute(let value):
            let start = Int(min(offset, UInt64(value.count)))
            try reply.counted(count) { (target) throws(P9Error) in
                let size = min(target.count, value.count &- start)
                value.withUnsafeBytes { target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start &+ size])) }
                return size
            }
        case .directory: throw .isDirectory
        case .none, .newAttribute: throw .badDescriptor
        }
    }

    func write(_ request: inout P9Reader, _ reply: inout P9Writer) throws(P9Error) {
        let fid = try fid(try request.u32())
        let offset = try request.u64()
        let count = try request.u32()
        let bytes = try request.bytes(Int(count))
        switch fid.use {
        case .file(let file, _):
            try share.requireWritable()
            var written = 0
            if let base = bytes.baseAddress, !bytes.isEmpty {
                written = try P9Error.check(host_p9_write(file.number, base, bytes.count, offset))
            }
            reply.u32(UInt32(truncatingIfNeeded: written))
        case .newAttribute(let attribute):
            try attribute.write(bytes, at: offset)
            reply.u32(count)
        case .directory: throw .isDirectory
        case .none, .attribute: throw .badDescriptor
        }
    }

    func sync(_ request: inout P9Reader) throws(P9Error) {
        let fid = try fid(try request.u32())
        // A field that early clients don't send.
        let dataOnly = request.isAtEnd ? 0 : try request.u32()
        switch fid.use {
        case .file(let open, _), .directory(let open): try P9Error.check(host_p9_sync(open.number, dataOnly != 0))
        default: throw .badDescriptor
        }
    }

    /// The client's kernel has granted the lock among its own processes before it asks, and a share has no
    /// other client. Programs of the host's don't see the guest's locks.
    func lock(_ request: inout P9Reader, _ reply: inout P9Writer) throws(P9Error) {
        let fid = try fid(try request.u32())
        let type = try request.u8()
        _ = try request.u32()
        _ = try request.u64()
        _ = try request.u64()
        _ = try request.u32()
        _ = try request.string()
        try requireLockable(fid, type)
        // P9_LOCK_SUCCESS
        reply.u8(0)
    }

    func getLock(_ request: inout P9Reader, _ reply: inout P9Writer) throws(P9Error) {
        let fid = try fid(try request.u32())
        let type = try request.u8()
        let start = try request.u64()
        let length = try request.u64()
        let process = try request.u32()
        let client = try request.string()
        try requireLockable(fid, type)
        // P9_LOCK_TYPE_UNLCK: nobody else holds one.
        reply.u8(2)
        reply.u64(start)
        reply.u64(length)
        reply.u32(process)
        reply.string(client)
    }

    /// 0 is a read lock, 1 a write lock, 2 none.
    private func requireLockable(_ fid: P9Fid, _ type: UInt8) throws(P9Error) {
        guard type <= 2 else { throw .invalid }
        switch fid.use {
        case .file, .directory: return
        default: throw .badDescriptor
        }
    }

    /// A fid on which nothing is open yet.
    func unused(_ number: UInt32) throws(P9Error) -> P9Fid {
        let fid = try fid(number)
        guard case .none = fid.use else { throw .invalid }
        return fid
    }
}
