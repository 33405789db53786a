import CHost

/// Tsetattr's fields.
struct P9Changes {
    /// Its `valid` bits.
    enum Bit {
        static let mode: UInt32 = 0x1
        static let user: UInt32 = 0x2
        static let group: UInt32 = 0x4
        static let size: UInt32 = 0x8
        static let accessed: UInt32 = 0x10
        static let modified: UInt32 = 0x20
        static let changed: UInt32 = 0x40
        /// To the time given, instead of now.
        static let accessedGiven: UInt32 = 0x80
        static let modifiedGiven: UInt32 = 0x100
    }

    struct Time {
        var seconds: UInt64
        var nanoseconds: UInt64
    }

    var valid: UInt32
    var mode: UInt32
    var user: UInt32
    var group: UInt32
    var size: UInt64
    var accessed: Time
    var modified: Time

    func has(_ bit: UInt32) -> Bool { valid & bit != 0 }
}

extension SharedDirectory {
    /// Owner before mode, because a change of owner takes set-user-ID away; size before times, because it is a
    /// modification. `file` is an open descriptor for writing, if there is one.
    func change(_ node: P9Node, file: P9Descriptor?, _ changes: P9Changes) throws(P9Error) {
        try requireWritable()
        let number = node.descriptor.number
        let times = (
            try Self.time(changes, P9Changes.Bit.accessed, P9Changes.Bit.accessedGiven, changes.accessed),
            try Self.time(changes, P9Changes.Bit.modified, P9Changes.Bit.modifiedGiven, changes.modified)
        )
        // A change of ctime alone is what a change of nothing leaves.
        if changes.has(P9Changes.Bit.user | P9Changes.Bit.group) || changes.valid == P9Changes.Bit.changed {
            let user = changes.has(P9Changes.Bit.user) ? changes.user : .max
            let group = changes.has(P9Changes.Bit.group) ? changes.group : .max
            try P9Error.check(host_p9_change_owner(number, user, group))
        }
        if changes.has(P9Changes.Bit.mode) {
            if try status(of: node).kind == .link { throw .notSupported }
            try P9Error.check(host_p9_change_mode(number, changes.mode))
        }
        if changes.has(P9Changes.Bit.size) { try truncate(node, file, changes.size) }
        if times.0 != HOST_P9_TIME_KEEP || times.1 != HOST_P9_TIME_KEEP {
            try P9Error.check(
                host_p9_change_times(
                    number, times.0, Int64(bitPattern: changes.accessed.seconds),
                    UInt32(truncatingIfNeeded: changes.accessed.nanoseconds), times.1,
                    Int64(bitPattern: changes.modified.seconds),
                    UInt32(truncatingIfNeeded: changes.modified.nanoseconds)))
        }
    }

    private func truncate(_ node: P9Node, _ file: P9Descriptor?, _ size: UInt64) throws(P9Error) {
        guard size <= UInt64(Int64.max) else { throw .invalid }
        switch try status(of: node).kind {
        case .regular: break
        case .directory: throw .isDirectory
        default: throw .invalid
        }
        if let file {
            // Permitted then, even where the file's mode has been closed since.
            try P9Error.check(host_p9_truncate_open(file.number, size))
        } else {
            try P9Error.check(host_p9_truncate(node.descriptor.number, size))
        }
    }

    private static func time(
        _ changes: P9Changes, _ bit: UInt32, _ given: UInt32, _ time: P9Changes.Time
    ) throws(P9Error) -> host_p9_time {
        guard changes.has(bit) else { return HOST_P9_TIME_KEEP }
        guard changes.has(given) else { return HOST_P9_TIME_NOW }
        guard time.nanoseconds < 1_000_000_000 else { throw .invalid }
        return HOST_P9_TIME_SET
    }
}
