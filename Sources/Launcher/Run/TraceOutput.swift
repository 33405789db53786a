import CHost
import Machine

/// Where `--trace` writes: its file, or standard error.
enum TraceOutput {
    static func open(_ trace: TraceSelection?) throws(MachineError) -> ConsoleWriter? {
        guard let trace else { return nil }
        var descriptor: Int32 = 2
        if let path = trace.file {
            descriptor = host_open_write_truncate(path)
            guard descriptor >= 0 else {
                throw MachineError(
                    .host, "--trace \(quoted(path)): can't be written: \(String(cString: host_error_text(-descriptor)).lowercasedFirst)")
            }
        }
        // A trace that can't be written any more mustn't end the guest.
        return try ConsoleWriter(descriptor: descriptor) { _ in }
    }
}
