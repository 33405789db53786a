import CHost

/// A payload's bytes in host memory of their own: page-aligned, resident only where touched, and refused
/// by the host with an error instead of a trap.
package final class PayloadBytes {
    private let base: UnsafeMutableRawPointer
    private let capacity: Int
    private let reserved: Int
    /// Bytes in use, from the start.
    private(set) package var count: Int

    /// `capacity` zeroed bytes, none of them in use yet.
    init(capacity: Int, for source: PayloadSource) throws(BootError) {
        var error: Int32 = 0
        // The host gives and takes back whole pages.
        guard capacity >= 0, capacity <= 1 << 40 else {
            throw .host(source, reason: "\(capacity) bytes are more than any payload takes")
        }
        let rounded = (max(capacity, 1) + 4095) & ~4095
        // Filling a kernel's worth of small pages costs more than reading it.
        let huge = 2 << 20
        guard let base = host_memory_reserve(rounded, rounded >= huge ? huge : 4096, &error) else {
            throw .host(source, reason: "the host refuses \(sizeText(UInt64(rounded))) to read it into: \(hostText(error))")
        }
        if rounded >= huge { host_memory_prefer_huge(base, rounded) }
        self.base = base
        self.capacity = capacity
        self.reserved = rounded
        self.count = 0
    }

    /// A copy of `bytes`.
    package convenience init(_ bytes: [UInt8], for source: PayloadSource) throws(BootError) {
        try self.init(capacity: bytes.count, for: source)
        bytes.withUnsafeBytes { if let from = $0.baseAddress { host_copy(base, from, $0.count) } }
        count = bytes.count
    }

    deinit { host_memory_release(base, reserved) }

    /// Declares the first `count` bytes, at most the capacity, to be in use.
    func use(_ count: Int) { self.count = min(max(count, 0), capacity) }

    /// All bytes that may be written, for C libraries. Valid while this object lives.
    var storage: UnsafeMutableRawBufferPointer { .init(start: base, count: capacity) }

    /// The bytes in use. Valid while this object lives.
    package var raw: UnsafeRawBufferPointer { .init(start: base, count: count) }

    /// Whether `offset ..< offset + count` lies within the bytes in use.
    func holds(_ offset: UInt64, _ count: UInt64) -> Bool {
        let total = UInt64(self.count)
        return count <= total && offset <= total - count
    }

    /// Little-endian integer at `offset`, or nil beyond the end.
    func load<T: FixedWidthInteger & BitwiseCopyable>(_ offset: UInt64, as type: T.Type) -> T? {
        guard holds(offset, UInt64(MemoryLayout<T>.size)) else { return nil }
        return T(littleEndian: base.loadUnaligned(fromByteOffset: Int(offset), as: T.self))
    }

    /// Whether the bytes at `offset` are `text`.
    func hasASCII(_ text: StaticString, at offset: UInt64) -> Bool {
        guard holds(offset, UInt64(text.utf8CodeUnitCount)) else { return false }
        return host_compare(base + Int(offset), text.utf8Start, text.utf8CodeUnitCount) == 0
    }

    /// Stores `value` little-endian at `offset`; nothing beyond the bytes in use.
    func store<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, at offset: UInt64) {
        guard holds(offset, UInt64(MemoryLayout<T>.size)) else { return }
        base.storeBytes(of: value.littleEndian, toByteOffset: Int(offset), as: T.self)
    }

    /// A copy of the bytes in use.
    package func array() -> [UInt8] {
        defer { withExtendedLifetime(self) {} }
        return [UInt8](raw)
    }
}

/// errno's text, lower-case at the front to stand inside a sentence.
func hostText(_ error: Int32) -> String {
    var bytes: [UInt8] = []
    var p = host_error_text(error)
    while p.pointee != 0 {
        bytes.append(UInt8(bitPattern: p.pointee))
        p += 1
    }
    if bytes.count > 1, bytes[0] >= 0x41, bytes[0] <= 0x5A, bytes[1] >= 0x61 { bytes[0] += 0x20 }
    return String(decoding: bytes, as: UTF8.self)
}
