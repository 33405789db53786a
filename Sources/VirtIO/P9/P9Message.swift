/// The requests of 9P2000.L by their numbers; an answer's number is one more. (Those of plain 9P2000 that the
/// dialect replaced are absent.)
enum P9Message: UInt8 {
    case statfs = 8
    case lopen = 12
    case lcreate = 14
    case symlink = 16
    case mknod = 18
    case rename = 20
    case readlink = 22
    case getattr = 24
    case setattr = 26
    case xattrwalk = 30
    case xattrcreate = 32
    case readdir = 40
    case fsync = 50
    case lock = 52
    case getlock = 54
    case link = 70
    case mkdir = 72
    case renameat = 74
    case unlinkat = 76
    case version = 100
    case auth = 102
    case attach = 104
    case flush = 108
    case walk = 110
    case read = 116
    case write = 118
    case clunk = 120
    case remove = 122

    /// Rlerror, which answers any of them.
    static let error: UInt8 = 7
    /// size[4] type[1] tag[2], before every message.
    static let headerSize = 7
    /// A header and an errno: what any request needs room for.
    static let errorSize = headerSize + 4
}

/// What a server and its client agree on.
enum P9Limit {
    /// The longest message. Linux's virtio client sends none above 500 KiB.
    static let messageSize = 512 << 10
    /// A client that takes less can't even be told of a file name.
    static let leastMessageSize = 4096
    /// Names in one Twalk.
    static let walkNames = 16
    /// Bytes in a file name, and in a symbolic link's target (NAME_MAX, PATH_MAX).
    static let name = 255
    static let target = 4095
    /// Bytes in the value of an extended attribute, or in a list of names (XATTR_SIZE_MAX, XATTR_LIST_MAX).
    static let attribute = 65_536
    /// Bytes of extended attributes that a client may have open at a time.
    static let attributes = 16 << 20
    /// Directories below one another. No path that a program could name leads deeper.
    static let depth = 2048
}

/// The server's identity of a file: the same for all names of one file, different for two files.
struct P9Qid: Equatable {
    static let directory: UInt8 = 0x80
    static let link: UInt8 = 0x02

    var type: UInt8
    /// Changes when the file does.
    var version: UInt32
    var path: UInt64
}
