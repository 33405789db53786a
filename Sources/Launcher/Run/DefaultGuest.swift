import CHost
import ExecutionEngine
import Machine

/// The guest that `Scripts/images` builds: what `rvkvm run` boots when no kernel is named.
package enum DefaultGuest {
    static let image = "Images/build/Image"
    static let initrd = "Images/build/initrd.cpio.gz"

    /// Fills in kernel, initrd and command line as far as nobody gave them.
    package static func complete(_ configuration: inout GuestConfiguration, appendGiven: Bool) throws(MachineError) {
        // Whoever brings firmware, in flash memory or not, also says what it shall start.
        guard configuration.kernel == nil, configuration.startMode == .supervisor, configuration.flash.isEmpty else { return }
        guard let root = root() else {
            throw MachineError(
                .missingFile,
                "there is no \(image) here to boot; make it with Scripts/images, or name a kernel with --kernel")
        }
        configuration.useKernel(root + image)
        if configuration.initrd == nil, isThere(root + initrd) { configuration.useInitrd(root + initrd) }
        if !appendGiven { configuration.append = configuration.console }
    }

    /// The directory that holds the images: this one, or one above the executable, which is the package's
    /// when it was built there. Ends with a slash, or is empty for this one.
    private static func root() -> String? {
        if isThere(image) { return "" }
        guard var path = executable() else { return nil }
        while let slash = path.lastIndex(of: "/") {
            path = String(path[..<slash])
            if isThere("\(path)/\(image)") { return path + "/" }
        }
        return nil
    }

    private static func executable() -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { $0.baseAddress.map { host_executable_path($0, 4096) } ?? -1 }
        return count > 0 ? String(decoding: buffer[..<Int(count)], as: UTF8.self) : nil
    }

    private static func isThere(_ path: String) -> Bool {
        let descriptor = host_open_read(path)
        if descriptor >= 0 { host_close(descriptor) }
        return descriptor >= 0
    }
}
