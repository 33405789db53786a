import CHost

/// A raw disk image, open and locked: a regular file or a block device of the host.
package final class FileImage: @unchecked Sendable {
    /// How an image is to be opened.
    package struct Access: Equatable, Sendable {
        package var isReadOnly: Bool
        /// Past the host's page cache, where offsets and lengths allow it.
        package var isDirect: Bool

        package init(isReadOnly: Bool, isDirect: Bool = false) {
            self.isReadOnly = isReadOnly
            self.isDirect = isDirect
        }
    }

    package let access: Access
    /// Bytes, rounded up to a sector.
    package let size: UInt64
    /// Where the content ended when the image was opened; from here to `size` it reads as zeros.
    let contentEnd: UInt64
    package let physicalBlockSize: UInt32
    let isDevice: Bool
    /// Goes through the page cache.
    package let descriptor: Int32
    /// The same file opened with O_DIRECT, or -1.
    let directDescriptor: Int32
    /// What the latter asks of addresses, and of offsets and lengths: powers of two.
    let memoryAlignment: Int
    let offsetAlignment: UInt64

    package static let sector: UInt64 = 512

    /// Opens `path` and locks it: against everybody when it is for writing, otherwise against writers.
    package convenience init(_ path: String, _ access: Access) throws(ImageError) {
        let descriptor = host_image_open(path, !access.isReadOnly, false)
        guard descriptor >= 0 else { throw .cantOpen(errno: -descriptor) }
        var direct: Int32 = -1
        if access.isDirect {
            direct = host_image_open(path, !access.isReadOnly, true)
            guard direct >= 0 else {
                host_close(descriptor)
                throw .cantOpen(errno: -direct)
            }
        }
        try self.init(descriptor: descriptor, direct: direct, access, locks: true)
    }

    /// A file without a name that reads as `size` zeros, to be written sparsely; gone when it is closed.
    package static func temporary(size: UInt64) throws(ImageError) -> FileImage {
        let descriptor = host_image_open_temporary()
        guard descriptor >= 0 else { throw .noTemporaryFile(errno: -descriptor) }
        let error = host_image_set_size(descriptor, size)
        guard error == 0 else {
            host_close(descriptor)
            throw .noTemporaryFile(errno: -error)
        }
        return try FileImage(descriptor: descriptor, direct: -1, Access(isReadOnly: false), locks: false)
    }

    /// Takes the descriptors over, also when it throws.
    private init(descriptor: Int32, direct: Int32, _ access: Access, locks: Bool) throws(ImageError) {
        self.descriptor = descriptor
        directDescriptor = direct
        self.access = access
        var facts = host_image_facts()
        var problem: ImageError?
        let error = host_image_inspect(descriptor, &facts)
        if error != 0 { problem = .cantOpen(errno: -error) }
        isDevice = facts.kind == HOST_IMAGE_DEVICE.rawValue
        contentEnd = facts.size
        size = (facts.size &+ (Self.sector &- 1)) & ~(Self.sector &- 1)
        memoryAlignment = Self.powerOfTwo(facts.memory_alignment, largest: 1 << 16)
        offsetAlignment = UInt64(Self.powerOfTwo(facts.offset_alignment, largest: 1 << 16))
        physicalBlockSize = UInt32(max(512, Self.powerOfTwo(facts.physical_block, largest: 4096)))
        if problem == nil { problem = Self.problem(facts, access) }
        if problem == nil, locks { problem = Self.lock(descriptor, isShared: access.isReadOnly) }
        if let problem { throw problem }
    }

    deinit {
        if directDescriptor >= 0 { host_close(directDescriptor) }
        host_close(descriptor)
    }

    private static func problem(_ facts: host_image_facts, _ access: Access) -> ImageError? {
        if facts.kind != HOST_IMAGE_FILE.rawValue, facts.kind != HOST_IMAGE_DEVICE.rawValue { return .notAnImage }
        if facts.size == 0 { return .empty }
        if facts.size > 1 << 62 { return .tooLarge }
        if facts.is_read_only, !access.isReadOnly { return .readOnlyDevice }
        return nil
    }

    private static func lock(_ descriptor: Int32, isShared: Bool) -> ImageError? {
        let error = host_image_lock(descriptor, !isShared)
        if error == 0 { return nil }
        guard host_error_is_busy(-error) else { return .cantLock(errno: -error) }
        var name = [CChar](repeating: 0, count: 64)
        let pid = host_image_lock_holder(descriptor, &name, name.count)
        var bytes: [UInt8] = []
        for c in name {
            if c == 0 { break }
            bytes.append(UInt8(bitPattern: c))
        }
        return .inUse(pid: pid, name: String(decoding: bytes, as: UTF8.self), isOurs: pid == host_process_id())
    }

    /// The largest power of two that isn't above `value`, between 1 and `largest`.
    private static func powerOfTwo(_ value: UInt32, largest: Int) -> Int {
        if value == 0 { return 1 }
        return min(largest, 1 << (31 &- value.leadingZeroBitCount))
    }
}
