import CHost

/// Reading directories. The cookie of an entry is the host file system's own (d_off): it stays good while other
/// entries come and go, and as long as the directory is open.
extension P9Server {
    /// struct linux_dirent64, which getdents64 writes.
    private enum Record {
        static let offset = 8
        static let length = 16
        static let type = 18
        static let name = 19
        static let directory: UInt8 = 4
        static let link: UInt8 = 10
    }

    func readDirectory(_ request: inout P9Reader, _ reply: inout P9Writer) throws(P9Error) {
        let fid = try fid(try request.u32())
        let offset = try request.u64()
        let count = try request.u32()
        guard case .directory(let directory) = fid.use else { throw .badDescriptor }
        let node = fid.node
        try reply.counted(count) { (target) throws(P9Error) in
            try read(directory, node, from: offset, into: target)
        }
    }

    /// Whole entries only. A record of the host's is never longer than the entry made of it, up to the padding
    /// at its end: what then doesn't fit is read again next time.
    private func read(
        _ directory: P9Descriptor, _ node: P9Node, from offset: UInt64, into target: UnsafeMutableRawBufferPointer
    ) throws(P9Error) -> Int {
        let size = max(512, min(target.count, records.count))
        guard let base = records.baseAddress, size <= records.count else { throw .invalid }
        let count = try P9Error.check(host_p9_read_directory(directory.number, offset, base, size))
        let root = node.parent == nil ? try share.status(of: node) : nil
        var written = 0
        var place = 0
        while place &+ Record.name < count {
            let record = UnsafeRawBufferPointer(rebasing: records[place..<count])
            let length = Int(record.loadUnaligned(fromByteOffset: Record.length, as: UInt16.self))
            guard length > Record.name, length <= record.count else { throw .inputOutput }
            let entry = entry(UnsafeRawBufferPointer(rebasing: record[..<length]), node, root)
            guard let size = entry.write(into: UnsafeMutableRawBufferPointer(rebasing: target[written...])) else { break }
            written &+= size
            place &+= length
        }
        // No entry would say that the directory ends here.
        if written == 0, count > 0 { throw .invalid }
        return written
    }

    private func entry(_ record: UnsafeRawBufferPointer, _ node: P9Node, _ root: host_p9_status?) -> DirectoryEntry {
        var inode = record.loadUnaligned(as: UInt64.self)
        let type = record[Record.type]
        let rest = UnsafeRawBufferPointer(rebasing: record[Record.name...])
        let name = UnsafeRawBufferPointer(rebasing: rest[..<(rest.firstIndex(of: 0) ?? rest.count)])
        // What lies above the root is nobody's business: the root is its own parent.
        if let root, P9Name.isDots(name) { inode = root.inode }
        let qidType = type == Record.directory ? P9Qid.directory : type == Record.link ? P9Qid.link : 0
        let qid = P9Qid(type: qidType, version: 0, path: share.path(device: node.device, inode: inode))
        return DirectoryEntry(
            qid: qid, cookie: record.loadUnaligned(fromByteOffset: Record.offset, as: UInt64.self), type: type, name: name)
    }
}

/// qid[13] offset[8] type[1] name[s]
private struct DirectoryEntry {
    var qid: P9Qid
    /// Where the next entry is read from.
    var cookie: UInt64
    var type: UInt8
    var name: UnsafeRawBufferPointer

    /// Its size, or nil when it doesn't fit.
    func write(into target: UnsafeMutableRawBufferPointer) -> Int? {
        let size = 24 &+ name.count
        guard size <= target.count else { return nil }
        target[0] = qid.type
        target.storeBytes(of: qid.version.littleEndian, toByteOffset: 1, as: UInt32.self)
        target.storeBytes(of: qid.path.littleEndian, toByteOffset: 5, as: UInt64.self)
        target.storeBytes(of: cookie.littleEndian, toByteOffset: 13, as: UInt64.self)
        target[21] = type
        target.storeBytes(of: UInt16(truncatingIfNeeded: name.count).littleEndian, toByteOffset: 22, as: UInt16.self)
        UnsafeMutableRawBufferPointer(rebasing: target[24...]).copyMemory(from: name)
        return size
    }
}
