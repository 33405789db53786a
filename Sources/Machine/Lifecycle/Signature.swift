import CHost

/// A test's result as Spike's +signature writes it: lines of `granularity` bytes in hexadecimal, the highest
/// address first; what is missing from the last one is zero.
struct Signature {
    private let path: String
    private let granularity: Int
    private let descriptor: Int32

    /// Opens the file, before the test runs.
    init(_ path: String, granularity: Int) throws(MachineError) {
        self.path = path
        self.granularity = granularity
        descriptor = host_open_write_truncate(path)
        guard descriptor >= 0 else { throw Self.refused(path, -descriptor) }
    }

    private static func refused(_ path: String, _ error: Int32) -> MachineError {
        MachineError(.host, "--signature \(quoted(path)): can't be written: \(MachineError.hostText(error))")
    }

    /// Writes and closes it.
    func write(_ memory: [UInt8]?) throws(MachineError) {
        defer { host_close(descriptor) }
        guard let memory else {
            throw MachineError(
                .data, "--signature \(quoted(path)): the kernel has no symbols begin_signature and end_signature around memory")
        }
        let text = Self.text(memory, granularity)
        var done = 0
        while done < text.count {
            let n = text.withUnsafeBytes { buffer in
                buffer.baseAddress.map { host_write(descriptor, $0 + done, text.count - done) } ?? 0
            }
            guard n > 0 else { throw Self.refused(path, Int32(truncatingIfNeeded: -n)) }
            done += n
        }
    }

    static func text(_ memory: [UInt8], _ granularity: Int) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        var start = 0
        while start < memory.count {
            for i in stride(from: start + granularity - 1, through: start, by: -1) {
                let byte = i < memory.count ? memory[i] : 0
                text.append(digits[Int(byte >> 4)])
                text.append(digits[Int(byte & 15)])
            }
            text.append(0x0A)
            start += granularity
        }
        return text
    }
}
