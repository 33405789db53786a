extension KernelImage {
    /// A Linux Image: placed at the first 2 MiB boundary at or above RAM base + text_offset, entered at
    /// its first byte, with image_size bytes reserved. With `file`, `bytes` is the front of that.
    static func image(_ bytes: PayloadBytes, _ file: PayloadFile? = nil, ram: MachineDescription.Region, format: String, prefix: String, source: PayloadSource) throws(BootError) -> KernelImage {
        guard let header = ImageHeader(bytes) else {
            throw .badData(source, reason: "is \(prefix)\(sizeText(UInt64(bytes.count))), shorter than an Image header; the file is a truncated copy")
        }
        if header.flags & 1 != 0 {
            throw .badData(source, reason: "its Image header says big-endian; rvkvm runs little-endian kernels")
        }
        let length = file?.size ?? UInt64(bytes.count)
        if let announced = header.announcedLength(bytes), announced > length {
            throw .badData(
                source,
                reason: "is \(length) bytes long and its PE header announces \(announced); the file is a truncated copy")
        }
        // A wrapped or huge offset ends beyond RAM either way.
        let (wish, overflow) = ram.base.addingReportingOverflow(header.textOffset)
        guard !overflow, let start = roundUp(wish, to: 2 << 20), start < ram.end else {
            throw tooFar(header, ram, source)
        }
        // image_size 0 comes from kernels before Linux 3.17's format; a file may also carry more than it says.
        let memory = max(header.imageSize, length)
        let (end, wraps) = start.addingReportingOverflow(memory)
        guard !wraps, end <= ram.end else {
            throw .usage(
                source,
                reason: "\(sizeText(memory)) at \(hex(start)) doesn't fit before the end of RAM \(hex(ram.end)); give more --mem")
        }
        return KernelImage(
            bytes: bytes, file: file,
            segments: [Segment(address: start, memorySize: memory, fileOffset: 0, fileSize: length, clearsRest: false)],
            entry: start, start: start, end: end, format: format)
    }

    private static func tooFar(_ header: ImageHeader, _ ram: MachineDescription.Region, _ source: PayloadSource) -> BootError {
        let reason = "its Image header asks for a place \(hex(header.textOffset)) above the start of RAM \(hex(ram.base)), and RAM ends at \(hex(ram.end))"
        // Every Linux asks for a few MiB; more is no matter of memory.
        return header.textOffset <= 1 << 30
            ? .usage(source, reason: reason + "; give more --mem") : .badData(source, reason: reason + "; the header is damaged")
    }
}
