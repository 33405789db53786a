import CHost

/// Why a disk image can't be used.
package enum ImageError: Error, Equatable {
    /// It can't be opened; `errno` as the host gave it.
    case cantOpen(errno: Int32)
    /// Neither a regular file nor a block device.
    case notAnImage
    /// Shorter than one sector.
    case empty
    /// Larger than what offsets can name.
    case tooLarge
    /// Another open file has it: a process, and its name, as far as they could be found; pid 0 for neither.
    case inUse(pid: Int32, name: String, isOurs: Bool)
    /// The host refuses the lock for another reason than that.
    case cantLock(errno: Int32)
    /// Only for writing.
    case readOnlyDevice
    /// No room for an overlay's file.
    case noTemporaryFile(errno: Int32)
    case noMemory
    case noThread(errno: Int32)
}
