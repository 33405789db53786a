/// One name in a directory, fit to be handed to the host: it can't lead anywhere but to an entry of that
/// directory.
struct P9Name: Sendable {
    /// With the NUL at its end.
    let characters: [CChar]

    /// A name from a request. Refused are the empty one, what leads elsewhere (slashes, `.` and `..`), and what
    /// the host's C strings would cut (NUL).
    init(_ bytes: UnsafeRawBufferPointer) throws(P9Error) {
        if bytes.isEmpty { throw .noSuchEntry }
        if bytes.count > P9Limit.name { throw .nameTooLong }
        if Self.isDots(bytes) { throw .invalid }
        characters = try Self.text(bytes, refusing: 0x2F)
    }

    private init(characters: [CChar]) { self.characters = characters }

    /// Stands for a root, which has no name.
    static let root = P9Name(characters: [0])

    static func isDots(_ bytes: UnsafeRawBufferPointer) -> Bool { isParent(bytes) || bytes.count == 1 && bytes[0] == 0x2E }

    static func isParent(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count == 2 && bytes[0] == 0x2E && bytes[1] == 0x2E
    }

    /// `bytes` as a C string, as long as it has neither a NUL nor `refused` in it.
    static func text(_ bytes: UnsafeRawBufferPointer, refusing refused: UInt8 = 0) throws(P9Error) -> [CChar] {
        var text: [CChar] = []
        text.reserveCapacity(bytes.count &+ 1)
        for byte in bytes {
            if byte == 0 || byte == refused { throw .invalid }
            text.append(CChar(bitPattern: byte))
        }
        text.append(0)
        return text
    }
}
