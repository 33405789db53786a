import CHost
import VirtIO

extension Board {
    /// Opens the images, and makes a block device of each: in the order of the options, as many as they are.
    static func makeDisks(
        _ options: [DiskOption], backends: (any HostBackends)?
    ) throws(MachineError) -> [any VirtIODevice] {
        var devices: [any VirtIODevice] = []
        for option in options {
            var backend = try open(option, backends)
            if option.isSnapshot { backend = try overlay(backend, option) }
            devices.append(BlockDevice(backend, serial: Array(option.serial.utf8), queues: option.queues))
        }
        return devices
    }

    private static func open(_ option: DiskOption, _ backends: (any HostBackends)?) throws(MachineError) -> any BlockBackend {
        let isReadOnly = option.isReadOnly || option.isSnapshot
        if option.isNBD {
            guard let backends else { throw option.setting.refused("this build has no NBD; give a raw image") }
            do throws(BackendError) {
                return try backends.openNBD(option.path, isReadOnly: isReadOnly)
            } catch { throw MachineError(error, "\(option.setting.origin) \(quoted(option.path))") }
        }
        do throws(ImageError) {
            let image = try FileImage(option.path, .init(isReadOnly: isReadOnly, isDirect: option.isDirect))
            if let quicker = backends?.makeFileBackend(image) { return quicker }
            return try ThreadedFileBackend(image)
        } catch { throw MachineError(error, option) }
    }

    private static func overlay(_ base: any BlockBackend, _ option: DiskOption) throws(MachineError) -> any BlockBackend {
        do throws(ImageError) {
            let layer = try ThreadedFileBackend(try FileImage.temporary(size: base.size))
            return try OverlayBackend(over: base, layer: layer)
        } catch { throw MachineError(error, option) }
    }
}

extension MachineError {
    init(_ error: BackendError, _ subject: String) {
        switch error {
        case .usage(let reason): self.init(.usage, "\(subject): \(reason)")
        case .data(let reason): self.init(.data, "\(subject): \(reason)")
        case .missing(let reason): self.init(.missingFile, "\(subject): \(reason)")
        case .host(let reason): self.init(.host, "\(subject): \(reason)")
        }
    }

    init(_ error: ImageError, _ option: DiskOption) {
        let (kind, reason) = Self.explain(error, isForWriting: !option.isReadOnly && !option.isSnapshot, isDirect: option.isDirect)
        self.init(kind, "\(option.setting.origin) \(quoted(option.path)): \(reason)")
    }

    /// What is wrong with an image, and the way out.
    static func explain(_ error: ImageError, isForWriting: Bool, isDirect: Bool) -> (Kind, String) {
        switch error {
        case .cantOpen(let errno):
            let text = lowercasedFirst(hostText(errno))
            if host_error_is_missing(errno) != 0 { return (.missingFile, "\(text); make one with truncate -s 8G") }
            if host_error_is_read_only(errno) {
                return (.missingFile, "can't be opened for writing: \(text)\(isForWriting ? "; add ,readonly or ,snapshot" : "")")
            }
            if isDirect, host_error_is_unsupported(errno) {
                return (.host, "its file system has no direct I/O; leave direct out")
            }
            return (.missingFile, "can't be opened: \(text)")
        case .notAnImage: return (.data, "is neither a file nor a block device")
        case .empty: return (.data, "is empty; a disk has at least one sector")
        case .tooLarge: return (.data, "is larger than 4 EiB")
        case .inUse(_, _, true):
            return (.usage, "is given twice\(isForWriting ? "" : ", and once for writing"); two disks can share an image when both are readonly or snapshot")
        case .inUse(let pid, let name, false):
            let who = pid == 0 ? "another process" : "another process (pid \(pid) \(printableName(name)))"
            return (
                .host,
                isForWriting
                    ? "is in use by \(who); end that first, or give the image to both with ,readonly or ,snapshot"
                    : "is being written to by \(who); end that first"
            )
        case .cantLock(let errno): return (.host, "can't be locked: \(lowercasedFirst(hostText(errno))); move it to a file system with locks")
        case .readOnlyDevice: return (.host, "is a device that can't be written to; add ,readonly or ,snapshot")
        case .noTemporaryFile(let errno):
            return (.host, "no file can be made for the snapshot: \(lowercasedFirst(hostText(errno))); let TMPDIR name a directory with room")
        case .noMemory: return (.host, "the host has no memory for the snapshot's bookkeeping")
        case .noThread(let errno): return (.host, "the host refuses a thread for the disk: \(lowercasedFirst(hostText(errno)))")
        }
    }

    /// A process chooses its name: only what is fit for one line of a message.
    static func printableName(_ name: String) -> String {
        var bytes: [UInt8] = []
        for b in name.utf8 { bytes.append(b < 0x20 || b == 0x7F ? 0x3F : b) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The host's texts begin with a capital letter.
    static func lowercasedFirst(_ text: String) -> String {
        var bytes = Array(text.utf8)
        // An abbreviation stays one.
        if bytes.count > 1, bytes[0] >= 0x41, bytes[0] <= 0x5A, bytes[1] > 0x5A { bytes[0] |= 0x20 }
        return String(decoding: bytes, as: UTF8.self)
    }
}
