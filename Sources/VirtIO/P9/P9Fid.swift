/// What a client has under one of its numbers.
final class P9Fid {
    var node: P9Node
    /// Whom the client acts for, from its Tattach; all ones for nobody in particular.
    let user: UInt32
    var use = P9Use.none

    init(_ node: P9Node, user: UInt32) {
        self.node = node
        self.user = user
    }
}

/// What has been opened on a fid.
enum P9Use {
    case none
    case file(P9Descriptor, isWritable: Bool)
    case directory(P9Descriptor)
    /// An attribute's value, or a list of names, to be read.
    case attribute([UInt8])
    /// An attribute that is being written and takes effect when the fid is let go.
    case newAttribute(P9NewAttribute)
}

extension P9Use {
    /// Memory that it holds.
    var attributeSize: Int {
        switch self {
        case .attribute(let value): value.count
        case .newAttribute(let attribute): attribute.value.count
        default: 0
        }
    }
}

/// An attribute's value as it arrives.
final class P9NewAttribute {
    let name: [CChar]
    let flags: UInt32
    /// As many bytes as were announced.
    private(set) var value: [UInt8]
    /// How many of them have come, in order.
    private var written = 0

    init(_ name: [CChar], size: Int, flags: UInt32) {
        self.name = name
        self.flags = flags
        value = [UInt8](repeating: 0, count: size)
    }

    var isComplete: Bool { written == value.count }

    /// Takes the next bytes; a gap or an overrun is refused.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(P9Error) {
        guard offset == UInt64(written), bytes.count <= value.count &- written else { throw .invalid }
        let place = written
        value.withUnsafeMutableBytes { UnsafeMutableRawBufferPointer(rebasing: $0[place...]).copyMemory(from: bytes) }
        written &+= bytes.count
    }
}
