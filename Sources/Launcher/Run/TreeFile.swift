import CHost
import Machine

/// `--dump-dtb FILE`.
enum TreeFile {
    static func write(_ bytes: [UInt8], to path: String) throws(MachineError) {
        func refused(_ error: Int32) -> MachineError {
            MachineError(
                .host, "--dump-dtb \(quoted(path)): can't be written: \(String(cString: host_error_text(error)).lowercasedFirst)")
        }
        let descriptor = host_open_write_truncate(path)
        guard descriptor >= 0 else { throw refused(-descriptor) }
        defer { host_close(descriptor) }
        var done = 0
        while done < bytes.count {
            let n = bytes.withUnsafeBytes { buffer in
                buffer.baseAddress.map { host_write(descriptor, $0 + done, bytes.count - done) } ?? 0
            }
            guard n > 0 else { throw refused(Int32(truncatingIfNeeded: -n)) }
            done += n
        }
    }
}
