/// A kernel, unpacked and understood: which of its bytes go where, and where it starts.
package struct KernelImage {
    /// One stretch of guest memory and the part of the file that fills its front.
    package struct Segment: Equatable, Sendable {
        /// Guest physical address.
        package let address: UInt64
        /// Bytes of guest memory it takes.
        package let memorySize: UInt64
        /// Where its bytes lie in the unpacked file, and how many there are; the rest is bss.
        package let fileOffset: UInt64
        package let fileSize: UInt64
        /// Whether the bss is cleared by us (ELF) or by the kernel itself (Image).
        package let clearsRest: Bool
    }

    package let bytes: PayloadBytes
    /// The file that goes into guest memory as it is; `bytes` has its front only. Nil when `bytes` has everything.
    let file: PayloadFile?
    package let segments: [Segment]
    /// Guest physical address of the first instruction.
    package let entry: UInt64
    /// Lowest and behind-the-last address taken, bss included.
    package let start: UInt64
    package let end: UInt64
    /// For a log: `Image`, `ELF`, `Image (gzip)`.
    package let format: String
    /// What an ELF file says about a test harness that it wants.
    package let harness: TestHarness?

    init(
        bytes: PayloadBytes, file: PayloadFile? = nil, segments: [Segment], entry: UInt64, start: UInt64, end: UInt64,
        format: String, harness: TestHarness? = nil
    ) {
        self.bytes = bytes
        self.file = file
        self.segments = segments
        self.entry = entry
        self.start = start
        self.end = end
        self.format = format
        self.harness = harness
    }

    /// Bytes of a kernel file that rvkvm reads: the payloads have to fit into the first GiB of RAM.
    static let fileLimit: UInt64 = 1 << 30

    /// Understands a file as a kernel for a machine with this RAM, as `parse` does. Of a plain Image only the front
    /// is read.
    static func open(_ file: PayloadFile, ram: MachineDescription.Region) throws(BootError) -> KernelImage {
        let front = try file.readFront(limit: fileLimit)
        guard PayloadKind.of(front) == .image else { return try parse(try file.read(limit: fileLimit), ram: ram, source: file.source) }
        return try image(front, file, ram: ram, format: "Image", prefix: "", source: file.source)
    }

    /// Understands `bytes` as a kernel for a machine with this RAM.
    ///
    /// Linux Image, riscv64 ELF, either of them compressed with gzip or zstd, or an EFI zboot file. With `place`,
    /// whatever is no ELF goes to that address, and that may be a raw binary.
    package static func parse(
        _ file: PayloadBytes, ram: MachineDescription.Region, source: PayloadSource, place: UInt64? = nil
    ) throws(BootError) -> KernelImage {
        var wrapping = ""
        var bytes = file
        var kind = PayloadKind.of(bytes)
        let limit = min(ram.size, fileLimit)
        if kind == .zboot {
            let inner = try zbootPayload(bytes, source: source)
            (bytes, wrapping) = try unpack(bytes, inner.range, inner.format, limit: limit, source: source)
            kind = PayloadKind.of(bytes)
        } else if kind == .gzip || kind == .zstd {
            (bytes, wrapping) = try unpack(bytes, 0..<UInt64(bytes.count), kind == .gzip ? .gzip : .zstd, limit: limit, source: source)
            kind = PayloadKind.of(bytes)
        }
        let prefix = wrapping.isEmpty ? "" : "\(wrapping) of "
        switch kind {
        case .image where place == nil:
            return try image(bytes, ram: ram, format: wrapping.isEmpty ? "Image" : "Image (\(wrapping))", prefix: prefix, source: source)
        case .elf:
            return try elf(bytes, ram: ram, format: wrapping.isEmpty ? "ELF" : "ELF (\(wrapping))", prefix: prefix, source: source)
        case .image, .unknown:
            guard let place, bytes.count > 0 else { break }
            return try flat(bytes, at: place, ram: ram, format: kind == .image ? "Image" : "raw binary", source: source)
        default: break
        }
        if bytes.count == 0 { throw .badData(source, reason: "is \(prefix)nothing; \(wanted)") }
        if kind == .unknown && UInt64(bytes.count) < ImageHeader.size {
            throw .badData(source, reason: "is \(prefix)\(sizeText(UInt64(bytes.count))), too short for a kernel; \(wanted)")
        }
        throw .badData(source, reason: "is \(prefix)\(describe(kind)); \(wanted)")
    }

    static let wanted = "rvkvm needs a riscv64 Image or ELF"

    private static func describe(_ kind: PayloadKind) -> String {
        switch kind {
        case .image: "an Image"
        case .elf: "an ELF file"
        case .gzip: "gzip data"
        case .zstd: "zstd data"
        case .zboot: "an EFI zboot file"
        case .deviceTree: "a device tree (or a FIT image)"
        case .other(let name): name
        case .unknown: "no kernel of a kind rvkvm knows"
        }
    }

    private enum Compression { case gzip, zstd }

    private static func unpack(_ bytes: PayloadBytes, _ range: Range<UInt64>, _ format: Compression, limit: UInt64, source: PayloadSource) throws(BootError) -> (PayloadBytes, String) {
        switch format {
        case .gzip: (try Decompressor.gunzip(bytes, range, limit: limit, source: source), "gzip")
        case .zstd: (try Decompressor.unzstd(bytes, range, limit: limit, source: source), "zstd")
        }
    }

    /// The compressed Image inside an EFI zboot file (Linux drivers/firmware/efi/libstub/zboot-header.S):
    /// offset and size at 8 and 12, the method's name at 24.
    private static func zbootPayload(_ bytes: PayloadBytes, source: PayloadSource) throws(BootError) -> (range: Range<UInt64>, format: Compression) {
        guard let offset = bytes.load(8, as: UInt32.self), let length = bytes.load(12, as: UInt32.self),
            let coff = bytes.load(0x3C, as: UInt32.self)
        else { throw .badData(source, reason: "its EFI zboot header is cut short; the file is a truncated copy") }
        if bytes.hasASCII("PE\0\0", at: UInt64(coff)), let machine = bytes.load(UInt64(coff) + 4, as: UInt16.self), machine != 0x5064 {
            throw .badData(source, reason: "is an EFI zboot kernel for another architecture (PE machine \(hex(UInt64(machine)))); \(wanted)")
        }
        guard bytes.holds(UInt64(offset), UInt64(length)) else {
            throw .badData(
                source,
                reason: "its EFI zboot payload ends at \(hex(UInt64(offset) + UInt64(length))), beyond the file's end \(hex(UInt64(bytes.count))); the file is a truncated copy")
        }
        let range = UInt64(offset)..<UInt64(offset) + UInt64(length)
        if PayloadKind.isGzip(bytes, at: range.lowerBound) { return (range, .gzip) }
        if bytes.load(range.lowerBound, as: UInt32.self) == PayloadKind.zstdMagic { return (range, .zstd) }
        var method = ""
        for i in 0..<UInt64(32) {
            guard let byte = bytes.load(24 + i, as: UInt8.self), byte > 0x20, byte < 0x7F else { break }
            method.unicodeScalars.append(Unicode.Scalar(byte))
        }
        throw .badData(source, reason: "is an EFI zboot kernel packed with \(method.isEmpty ? "an unknown method" : method), and rvkvm unpacks gzip and zstd; unpack it or use the plain Image")
    }
}
