import CHost

/// Extended attributes: those of users. The others mean something to the host's kernel (capabilities, labels,
/// access control lists) or belong to another of the host's programs.
extension SharedDirectory {
    /// The name of an attribute that is shared.
    static func attributeName(_ bytes: UnsafeRawBufferPointer) throws(P9Error) -> [CChar] {
        if bytes.count > P9Limit.name { throw .outOfRange }
        guard isShared(bytes) else { throw .notSupported }
        return try P9Name.text(bytes)
    }

    func attribute(_ name: [CChar], of node: P9Node) throws(P9Error) -> [UInt8] {
        // A symbolic link can't have any, and through the link we would ask what it points to.
        guard try status(of: node).kind.isOpenable else { throw .noData }
        return try Self.grown { host_p9_get_attribute(node.descriptor.number, name, $0, $1) }
    }

    /// Names with a NUL after each.
    func attributeNames(of node: P9Node) throws(P9Error) -> [UInt8] {
        guard try status(of: node).kind.isOpenable else { return [] }
        let all = try Self.grown { host_p9_list_attributes(node.descriptor.number, $0, $1) }
        var shared: [UInt8] = []
        for name in all.split(separator: 0) where name.withUnsafeBytes(Self.isShared) {
            shared.append(contentsOf: name)
            shared.append(0)
        }
        return shared
    }

    /// Sets or, with an empty value, removes: Linux's client has no other way to say that.
    func setAttribute(_ name: [CChar], of node: P9Node, to value: [UInt8], flags: UInt32) throws(P9Error) {
        try requireWritable()
        guard try status(of: node).kind.isOpenable else { throw .notPermitted }
        let number = node.descriptor.number
        if value.isEmpty {
            try P9Error.check(host_p9_remove_attribute(number, name))
        } else {
            try P9Error.check(host_p9_set_attribute(number, name, value, value.count, Int32(bitPattern: flags)))
        }
    }

    private static func isShared(_ name: UnsafeRawBufferPointer) -> Bool {
        let prefix: StaticString = "user."
        guard name.count > prefix.utf8CodeUnitCount, let base = name.baseAddress else { return false }
        return host_compare(base, prefix.utf8Start, prefix.utf8CodeUnitCount) == 0
    }

    /// What `read` gives, however long it is when it is asked.
    private static func grown(
        _ read: (UnsafeMutableRawPointer?, Int) -> Int
    ) throws(P9Error) -> [UInt8] {
        let size = min(try P9Error.check(read(nil, 0)), P9Limit.attribute)
        if size == 0 { return [] }
        var value = [UInt8](repeating: 0, count: size)
        let count = try P9Error.check(value.withUnsafeMutableBytes { read($0.baseAddress, size) })
        value.removeLast(max(0, size &- count))
        return value
    }
}
