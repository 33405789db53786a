import CHost

/// A server of 9P2000.L for one client: messages in, messages out, one at a time.
///
/// Nothing that a client sends does more than get an error. Sizes and counts are checked against the message
/// they come in, and what a client can make the server keep is bounded: files, descriptors, attributes.
package final class P9Server {
    /// Numbers that a client may have in use. Each costs some hundred bytes even when all mean one file.
    static let maximumFids = 1 << 17

    let share: SharedDirectory
    /// What Tversion has agreed on; 0 before.
    private(set) var messageSize = 0
    private var fids: [UInt32: P9Fid] = [:]
    private var attributeSize = 0
    /// For a directory's entries as the host gives them.
    let records = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 8)

    /// A server that nobody has spoken to yet.
    package init(_ share: SharedDirectory) { self.share = share }

    deinit { records.deallocate() }

    /// The longest message that is ever agreed on, in bytes.
    package static var maximumMessageSize: Int { P9Limit.messageSize }
    /// A request is at least so long, and an answer needs at least so much room.
    package static var leastRequest: Int { P9Message.headerSize }
    package static var leastAnswer: Int { P9Message.errorSize }

    /// Answers the message at the start of `request`; the result is the size of the answer in `reply`, in bytes.
    /// 0 when there was no message or no room for an error.
    package func answer(_ request: UnsafeRawBufferPointer, into reply: UnsafeMutableRawBufferPointer) -> Int {
        guard request.count >= Self.leastRequest, reply.count >= Self.leastAnswer else { return 0 }
        let size = Int(UInt32(littleEndian: request.loadUnaligned(as: UInt32.self)))
        let type = request[4]
        let tag = UInt16(littleEndian: request.loadUnaligned(fromByteOffset: 5, as: UInt16.self))
        let limit = messageSize == 0 ? P9Limit.leastMessageSize : messageSize
        let room = UnsafeMutableRawBufferPointer(rebasing: reply[..<min(reply.count, limit)])
        var writer = P9Writer(room)
        do throws(P9Error) {
            guard size >= P9Message.headerSize else { throw .invalid }
            guard size <= limit else { throw .messageTooLong }
            guard size <= request.count else { throw .invalid }
            var reader = P9Reader(UnsafeRawBufferPointer(rebasing: request[P9Message.headerSize..<size]))
            guard let message = P9Message(rawValue: type) else { throw .notSupported }
            if messageSize == 0, message != .version { throw .protocolViolation }
            try perform(message, &reader, &writer)
            if writer.isTooLong { throw .messageTooLong }
            return writer.finish(type: type &+ 1, tag: tag)
        } catch {
            writer = P9Writer(room)
            writer.u32(error.number)
            return writer.finish(type: P9Message.error, tag: tag)
        }
    }

    private func perform(_ message: P9Message, _ request: inout P9Reader, _ reply: inout P9Writer) throws(P9Error) {
        switch message {
        case .version: try version(&request, &reply)
        // Who may use the share was settled by who runs us.
        case .auth: throw .notSupported
        case .attach: try attach(&request, &reply)
        // Requests are answered in order: by now, the one to be forgotten has its answer.
        case .flush: _ = try request.u16()
        case .walk: try walk(&request, &reply)
        case .clunk: try clunk(&request)
        case .lopen: try open(&request, &reply)
        case .lcreate: try create(&request, &reply)
        case .read: try read(&request, &reply)
        case .write: try write(&request, &reply)
        case .readdir: try readDirectory(&request, &reply)
        case .fsync: try sync(&request)
        case .lock: try lock(&request, &reply)
        case .getlock: try getLock(&request, &reply)
        case .getattr: try getAttributes(&request, &reply)
        case .setattr: try setAttributes(&request)
        case .statfs: try statFilesystem(&request, &reply)
        case .xattrwalk: try walkAttribute(&request, &reply)
        case .xattrcreate: try createAttribute(&request)
        case .mkdir: try makeDirectory(&request, &reply)
        case .mknod: try makeNode(&request, &reply)
        case .symlink: try makeLink(&request, &reply)
        case .readlink: try readLink(&request, &reply)
        case .link: try link(&request)
        case .rename: try rename(&request)
        case .renameat: try renameAt(&request)
        case .unlinkat: try unlinkAt(&request)
        case .remove: try remove(&request)
        }
    }

    // MARK: Fids

    func fid(_ number: UInt32) throws(P9Error) -> P9Fid {
        guard let fid = fids[number] else { throw .badDescriptor }
        return fid
    }

    func isFree(_ number: UInt32) -> Bool { fids[number] == nil }

    /// `number` means `fid` from now on; it must be free, and not the one that stands for none.
    func add(_ fid: P9Fid, as number: UInt32) throws(P9Error) {
        guard number != .max, fids[number] == nil else { throw .invalid }
        guard fids.count < Self.maximumFids else { throw .tooManyFiles }
        fids[number] = fid
    }

    func forget(_ number: UInt32) {
        guard let fid = fids.removeValue(forKey: number) else { return }
        attributeSize &-= fid.use.attributeSize
    }

    /// Gives `fid`, which has nothing open, something.
    func use(_ fid: P9Fid, for use: P9Use) throws(P9Error) {
        guard attributeSize &+ use.attributeSize <= P9Limit.attributes else { throw .noMemory }
        attributeSize &+= use.attributeSize
        fid.use = use
    }

    // MARK: The conversation

    /// Starts anew, also in the middle: all fids are forgotten.
    private func version(_ request: inout P9Reader, _ reply: inout P9Writer) throws(P9Error) {
        let wanted = Int(try request.u32())
        let version = try request.string()
        guard wanted >= P9Limit.leastMessageSize else { throw .messageTooLong }
        fids = [:]
        attributeSize = 0
        let dialect: StaticString = "9P2000.L"
        let isOurs =
            if let base = version.baseAddress, version.count == dialect.utf8CodeUnitCount {
                host_compare(base, dialect.utf8Start, version.count) == 0
            } else { false }
        messageSize = isOurs ? min(wanted, P9Limit.messageSize) : 0
        reply.u32(UInt32(min(wanted, P9Limit.messageSize)))
        let answer: StaticString = isOurs ? dialect : "unknown"
        reply.string(UnsafeRawBufferPointer(start: answer.utf8Start, count: answer.utf8CodeUnitCount))
    }

    private func attach(_ request: inout P9Reader, _ reply: inout P9Writer) throws(P9Error) {
        let number = try request.u32()
        _ = try request.u32()
        _ = try request.string()
        let path = try request.string()
        let user = request.isAtEnd ? .max : try request.u32()
        guard isFree(number) else { throw .invalid }
        var node = share.root
        for part in path.split(separator: 0x2F) {
            node = try share.step(from: node, to: try P9Name(UnsafeRawBufferPointer(rebasing: part))).node
        }
        let status = try share.status(of: node)
        try add(P9Fid(node, user: user), as: number)
        reply.qid(share.qid(status))
    }

    /// As many names as exist; only when all do, the new fid means the last.
    private func walk(_ request: inout P9Reader, _ reply: inout P9Writer) throws(P9Error) {
        let number = try request.u32()
        let newNumber = try request.u32()
        let count = Int(try request.u16())
        guard count <= P9Limit.walkNames else { throw .invalid }
        let fid = try fid(number)
        if newNumber == number {
            // The walk would take away what is open.
            guard case .none = fid.use else { throw .invalid }
        } else {
            guard newNumber != .max, isFree(newNumber) else { throw .invalid }
        }
        var names: [UnsafeRawBufferPointer] = []
        for _ in 0..<count { names.append(try request.string()) }

        var node = fid.node
        var qids: [P9Qid] = []
        do throws(P9Error) {
            for name in names {
                let next = try step(from: node, to: name)
                node = next.node
                qids.append(share.qid(next.status))
            }
        } catch {
            if qids.isEmpty { throw error }
        }
        if qids.count == count {
            if newNumber == number {
                fid.node = node
            } else {
                try add(P9Fid(node, user: fid.user), as: newNumber)
            }
        }
        reply.u16(UInt16(qids.count))
        for qid in qids { reply.qid(qid) }
    }

    private func step(
        from node: P9Node, to name: UnsafeRawBufferPointer
    ) throws(P9Error) -> (node: P9Node, status: host_p9_status) {
        guard P9Name.isParent(name) else { return try share.step(from: node, to: try P9Name(name)) }
        let up = node.parent ?? node
        return (up, try share.status(of: up))
    }

    private func clunk(_ request: inout P9Reader) throws(P9Error) {
        let number = try request.u32()
        let fid = try fid(number)
        defer { forget(number) }
        guard case .newAttribute(let attribute) = fid.use else { return }
        guard attribute.isComplete else { throw .invalid }
        try share.setAttribute(attribute.name, of: fid.node, to: attribute.value, flags: attribute.flags)
    }
}
