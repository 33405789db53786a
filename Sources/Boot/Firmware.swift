/// What stands below the kernel.
package enum FirmwareRequest: Equatable, Sendable {
    /// The engine's own SBI: the kernel starts in S-mode.
    case supervisor
    /// Nothing: the kernel, or what takes its place, starts in M-mode.
    case none
    /// A file: starts in M-mode and goes on with the kernel.
    case file(PayloadSource)
}

/// OpenSBI's `struct fw_dynamic_info` (its docs/firmware/fw_dynamic.md), which a2 points at.
enum FirmwareInfo {
    static let size: UInt64 = 48
    private static let magic: UInt64 = 0x4942_534F
    private static let version: UInt64 = 2
    private static let supervisorMode: UInt64 = 1

    /// Six longs: magic, version, next_addr, next_mode, options, boot_hart.
    static func bytes(next: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        for word in [magic, version, next, supervisorMode, 0, 0] as [UInt64] {
            for i in 0..<8 as Range<UInt64> { bytes.append(UInt8(truncatingIfNeeded: word >> (8 * i))) }
        }
        return bytes
    }
}

/// Where firmware and what it starts lie: as on QEMU's virt board, since firmware was built for that.
struct FirmwarePlacement {
    /// Where the kernel begins.
    let kernelStart: UInt64

    /// Firmware of the kind fw_jump goes on exactly here, counted from the start of RAM.
    private static let kernelOffset: UInt64 = 2 << 20
    /// Room behind the device tree: firmware adds its own nodes in place.
    static let treeSlack: UInt64 = 64 << 10

    static func firmware(_ file: PayloadFile, _ ram: MachineDescription.Region) throws(BootError) -> KernelImage {
        try KernelImage.parse(try file.read(limit: KernelImage.fileLimit), ram: ram, source: file.source, place: ram.base)
    }

    static func kernel(
        _ file: PayloadFile, _ ram: MachineDescription.Region, _ request: FirmwareRequest, behind firmware: KernelImage?
    ) throws(BootError) -> KernelImage {
        if firmware == nil, request != .none { return try KernelImage.open(file, ram: ram) }
        let bytes = try file.read(limit: KernelImage.fileLimit)
        guard let firmware else {
            let place: UInt64? = PayloadKind.of(bytes) == .unknown ? ram.base : nil
            return try KernelImage.parse(bytes, ram: ram, source: file.source, place: place)
        }
        let start = max(roundUp(firmware.end, to: 2 << 20) ?? .max, ram.base + kernelOffset)
        let kernel = try KernelImage.parse(bytes, ram: ram, source: file.source, place: start)
        for a in kernel.segments {
            for b in firmware.segments where a.address < b.address + b.memorySize && b.address < a.address + a.memorySize {
                throw .badData(
                    file.source,
                    reason: "lies on top of the firmware at \(hex(max(a.address, b.address))); link it for \(hex(start)) or above")
            }
        }
        return kernel
    }

    /// Half-way into RAM, or 512 MiB behind the kernel: firmware and boot loaders move themselves to the top.
    func initrdStart(_ ram: MachineDescription.Region) -> UInt64 {
        let (start, wraps) = kernelStart.addingReportingOverflow(min(ram.size / 2, 512 << 20))
        return wraps ? .max : roundDown(start, to: Placement.page)
    }
}
