import CHost

/// A regular, non-empty file, open for reading.
///
/// Opening and reading are apart so that every file of a command line is looked at, and its size set
/// against the room there is, before any is read.
package final class PayloadFile {
    package let source: PayloadSource
    /// Bytes at the time of opening; not 0.
    package let size: UInt64
    private let descriptor: Int32

    /// Opens the file. A directory, device, pipe or socket is refused without being opened.
    package init(_ source: PayloadSource) throws(BootError) {
        guard let path = source.path else { throw .usage(source, reason: "needs a file name") }
        if hasNUL(path) { throw .missing(source, reason: "a file name can't contain a NUL character") }
        let kind = host_path_kind(path)
        if kind < 0 { throw Self.openError(source, -kind) }
        if let what = Self.foreignKind(kind) {
            throw .badData(source, reason: "is \(what); rvkvm needs a regular file")
        }
        let fd = host_open_read(path)
        if fd < 0 { throw Self.openError(source, -fd) }
        // The path may lead elsewhere by now.
        var bytes: UInt64 = 0
        let opened = host_file_kind(fd, &bytes)
        guard opened == 1 else {
            host_close(fd)
            throw opened < 0
                ? .host(source, reason: "can't be examined: \(hostText(-opened))")
                : .badData(source, reason: "changed while it was opened and is no regular file any more")
        }
        guard bytes > 0 else {
            host_close(fd)
            throw .badData(source, reason: "is empty; was the download or the build cut short?")
        }
        self.source = source
        self.size = bytes
        self.descriptor = fd
    }

    deinit { host_close(descriptor) }

    /// As much of a file as says whether it goes into memory as it is: the marks of every kind but disk images, and
    /// Linux's PE header.
    private static let frontSize: UInt64 = 4 << 10

    /// Reads all of the file, or refuses one of more than `limit` bytes.
    package func read(limit: UInt64) throws(BootError) -> PayloadBytes {
        try check(limit: limit)
        return try readFront(size)
    }

    /// Reads the first bytes of a file that may go into guest memory as it is, see `copy`. Refuses one of more than
    /// `limit` bytes.
    func readFront(limit: UInt64) throws(BootError) -> PayloadBytes {
        try check(limit: limit)
        return try readFront(min(size, Self.frontSize))
    }

    /// Reads all of the file to `target`, which has room for `size` bytes: what goes into guest memory as it is
    /// goes there at once, since copying a kernel takes longer than everything else before a guest starts.
    func copy(to target: UnsafeMutableRawPointer) throws(BootError) { try read(Int(clamping: size), to: target) }

    private func check(limit: UInt64) throws(BootError) {
        guard size <= limit, size <= UInt64(Int.max) else {
            throw .badData(source, reason: "is \(sizeText(size)) long; rvkvm reads up to \(sizeText(limit)) here")
        }
    }

    private func readFront(_ size: UInt64) throws(BootError) -> PayloadBytes {
        let count = Int(clamping: size)
        let bytes = try PayloadBytes(capacity: count, for: source)
        guard let base = bytes.storage.baseAddress else { return bytes }
        try read(count, to: base)
        bytes.use(count)
        return bytes
    }

    private func read(_ count: Int, to base: UnsafeMutableRawPointer) throws(BootError) {
        var done = 0
        while done < count {
            let n = host_pread(descriptor, base + done, count - done, UInt64(done))
            if n < 0 { throw .host(source, reason: "can't be read: \(hostText(Int32(truncatingIfNeeded: -n)))") }
            if n == 0 {
                throw .badData(source, reason: "was cut from \(sizeText(size)) to \(sizeText(UInt64(done))) while rvkvm read it")
            }
            done += n
        }
    }

    private static func openError(_ source: PayloadSource, _ error: Int32) -> BootError {
        if host_error_is_missing(error) != 0 { return .missing(source, reason: "\(hostText(error)); check the path") }
        if host_error_is_permission(error) != 0 { return .missing(source, reason: "\(hostText(error)); rvkvm needs leave to read it") }
        return .host(source, reason: "can't be opened: \(hostText(error))")
    }

    private static func foreignKind(_ kind: Int32) -> String? {
        switch UInt32(bitPattern: kind) {
        case HOST_PATH_REGULAR.rawValue: nil
        case HOST_PATH_DIRECTORY.rawValue: "a directory"
        case HOST_PATH_CHARACTER_DEVICE.rawValue: "a character device"
        case HOST_PATH_BLOCK_DEVICE.rawValue: "a block device"
        case HOST_PATH_PIPE.rawValue: "a pipe"
        case HOST_PATH_SOCKET.rawValue: "a socket"
        default: "a special file"
        }
    }
}
