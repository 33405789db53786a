extension KernelImage {
    /// A file that is memory as it stands, from its first byte, where it also starts. An Image says how much room
    /// it takes; of another only the file's size is known.
    static func flat(
        _ bytes: PayloadBytes, at start: UInt64, ram: MachineDescription.Region, format: String, source: PayloadSource
    ) throws(BootError) -> KernelImage {
        let length = UInt64(bytes.count)
        let memory = max(length, format == "Image" ? ImageHeader(bytes)?.imageSize ?? 0 : 0)
        let (end, wraps) = start.addingReportingOverflow(memory)
        guard !wraps, end <= ram.end else {
            throw .usage(
                source,
                reason: "\(sizeText(memory)) at \(hex(start)) doesn't fit before the end of RAM \(hex(ram.end)); give more --mem")
        }
        return KernelImage(
            bytes: bytes,
            segments: [Segment(address: start, memorySize: memory, fileOffset: 0, fileSize: length, clearsRest: false)],
            entry: start, start: start, end: end, format: format)
    }
}
