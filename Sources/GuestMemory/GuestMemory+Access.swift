import CHost

extension GuestMemory {
    private func checked(_ address: GuestAddress, _ count: Int) throws(GuestMemoryError) -> UnsafeMutableRawPointer {
        guard let p = pointer(address, count: UInt64(count)) else {
            throw .outOfRange(address: address, count: UInt64(count))
        }
        return p
    }

    private func checkedWritable(_ address: GuestAddress, _ count: Int) throws(GuestMemoryError) -> UnsafeMutableRawPointer {
        guard let p = writablePointer(address, count: UInt64(count)) else {
            throw .outOfRange(address: address, count: UInt64(count))
        }
        return p
    }

    /// Little-endian integer at `address`, of any alignment.
    public func read<T: FixedWidthInteger & BitwiseCopyable>(_ address: GuestAddress, as type: T.Type) throws(GuestMemoryError) -> T {
        T(littleEndian: try checked(address, MemoryLayout<T>.size).loadUnaligned(as: T.self))
    }

    /// Stores `value` little-endian at `address`, of any alignment.
    public func write<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, at address: GuestAddress) throws(GuestMemoryError) {
        try checkedWritable(address, MemoryLayout<T>.size).storeBytes(of: value.littleEndian, as: T.self)
    }

    /// Copies `bytes` to guest memory at `address`; all or nothing.
    public func write(_ bytes: UnsafeRawBufferPointer, at address: GuestAddress) throws(GuestMemoryError) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        host_copy(try checkedWritable(address, bytes.count), source, bytes.count)
    }

    /// Copies guest memory at `address` into `buffer`; all or nothing.
    public func read(_ address: GuestAddress, into buffer: UnsafeMutableRawBufferPointer) throws(GuestMemoryError) {
        guard let target = buffer.baseAddress, buffer.count > 0 else { return }
        host_copy(target, try checked(address, buffer.count), buffer.count)
    }

    /// `count` bytes at `address`.
    public func bytes(_ address: GuestAddress, count: Int) throws(GuestMemoryError) -> [UInt8] {
        guard count >= 0 else { throw .outOfRange(address: address, count: 0) }
        if count == 0 { return [] }
        let p = try checked(address, count)
        return [UInt8](UnsafeRawBufferPointer(start: p, count: count))
    }

    /// Copies `bytes` to guest memory at `address`; all or nothing.
    public func write(_ bytes: [UInt8], at address: GuestAddress) throws(GuestMemoryError) {
        if bytes.isEmpty { return }
        let p = try checkedWritable(address, bytes.count)
        // Typed throws don't pass through a rethrowing closure, so the check comes first.
        bytes.withUnsafeBytes { if let source = $0.baseAddress { host_copy(p, source, bytes.count) } }
    }
}
