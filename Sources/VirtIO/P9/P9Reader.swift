/// Takes a request apart, little-endian, never beyond its end.
struct P9Reader {
    private var rest: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func bytes(_ count: Int) throws(P9Error) -> UnsafeRawBufferPointer {
        guard count >= 0, count <= rest.count else { throw .invalid }
        let taken = UnsafeRawBufferPointer(rebasing: rest[..<count])
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        return taken
    }

    mutating func u8() throws(P9Error) -> UInt8 { try integer() }
    mutating func u16() throws(P9Error) -> UInt16 { try integer() }
    mutating func u32() throws(P9Error) -> UInt32 { try integer() }
    mutating func u64() throws(P9Error) -> UInt64 { try integer() }

    /// A string with its length before it, as it came.
    mutating func string() throws(P9Error) -> UnsafeRawBufferPointer { try bytes(Int(try u16())) }

    /// A string that names an entry of a directory.
    mutating func name() throws(P9Error) -> P9Name { try P9Name(try string()) }

    @inline(__always)
    private mutating func integer<T: FixedWidthInteger & BitwiseCopyable>() throws(P9Error) -> T {
        T(littleEndian: try bytes(MemoryLayout<T>.size).loadUnaligned(as: T.self))
    }
}
