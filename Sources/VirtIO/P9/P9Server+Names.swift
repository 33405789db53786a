import CHost

/// Making, moving and removing entries.
extension P9Server {
    func makeDirectory(_ request: inout P9Reader, _ reply: inout P9Writer) throws(P9Error) {
        let directory = try fid(try request.u32())
        let name = try request.name()
        let mode = try request.u32()
        let credentials = P9Credentials(user: directory.user, group: try request.u32(), mode: mode & 0o7777)
        reply.qid(try share.makeDirectory(name, in: directory.node, credentials))
    }

    func makeNode(_ request: inout P9Reader, _ reply: inout P9Writer) throws(P9Error) {
        let directory = try fid(try request.u32())
        let name = try request.name()
        let mode = try request.u32()
        // The device's numbers: no device is made.
        _ = try request.u32()
        _ = try request.u32()
        let credentials = P9Credentials(user: directory.user, group: try request.u32(), mode: mode)
        reply.qid(try share.makeNode(name, in: directory.node, credentials))
    }

    func makeLink(_ request: inout P9Reader, _ reply: inout P9Writer) throws(P9Error) {
        let directory = try fid(try request.u32())
        let name = try request.name()
        let target = try request.string()
        let credentials = P9Credentials(user: directory.user, group: try request.u32(), mode: 0)
        if target.isEmpty { throw .noSuchEntry }
        if target.count > P9Limit.target { throw .nameTooLong }
        reply.qid(try share.makeLink(name, to: try P9Name.text(target), in: directory.node, credentials))
    }

    func readLink(_ request: inout P9Reader, _ reply: inout P9Writer) throws(P9Error) {
        let node = try fid(try request.u32()).node
        let target = try [UInt8](unsafeUninitializedCapacity: P9Limit.target) { (buffer, count) throws(P9Error) in
            count = try share.target(of: node, into: UnsafeMutableRawBufferPointer(buffer))
        }
        target.withUnsafeBytes { reply.string($0) }
    }

    func link(_ request: inout P9Reader) throws(P9Error) {
        let directory = try fid(try request.u32())
        let file = try fid(try request.u32())
        try share.link(file.node, as: try request.name(), in: directory.node)
    }

    func renameAt(_ request: inout P9Reader) throws(P9Error) {
        let from = try fid(try request.u32())
        let name = try request.name()
        let to = try fid(try request.u32())
        try share.rename(name, in: from.node, to: try request.name(), in: to.node)
    }

    /// An older form, which names the file by itself.
    func rename(_ request: inout P9Reader) throws(P9Error) {
        let fid = try fid(try request.u32())
        let to = try self.fid(try request.u32())
        let name = try request.name()
        try share.requireWritable()
        let (home, status) = try share.home(of: fid.node)
        try share.rename(fid.node.name, in: home, to: name, in: to.node)
        fid.node = try P9Node(fid.node.descriptor, in: to.node, as: name, device: status.device)
    }

    func unlinkAt(_ request: inout P9Reader) throws(P9Error) {
        let directory = try fid(try request.u32())
        let name = try request.name()
        let flags = try request.u32()
        let removeDirectory: UInt32 = 0x200
        guard flags & ~removeDirectory == 0 else { throw .invalid }
        try share.remove(name, in: directory.node, isDirectory: flags & removeDirectory != 0)
    }

    /// An older form, which names the file by itself and lets go of it whatever comes of that.
    func remove(_ request: inout P9Reader) throws(P9Error) {
        let number = try request.u32()
        let fid = try fid(number)
        defer { forget(number) }
        try share.requireWritable()
        let (home, status) = try share.home(of: fid.node)
        try share.remove(fid.node.name, in: home, isDirectory: status.kind == .directory)
    }
}
