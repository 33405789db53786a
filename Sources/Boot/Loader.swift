import CHost
import GuestMemory

/// What the user gives a guest to start with.
package struct BootRequest: Sendable {
    /// nil only beside a firmware, or where flash memory holds what starts.
    package var kernel: PayloadSource?
    /// Where code stands in flash memory; what starts when there is no kernel.
    package var flash: UInt64?
    package var firmware = FirmwareRequest.supervisor
    package var initrd: PayloadSource?
    /// A tree of the user's own; nil for the machine's.
    package var deviceTree: PayloadSource?
    package var commandLine: String?
    /// nil for fresh ones.
    package var seeds: DeviceTree.Seeds?

    package init(
        kernel: PayloadSource?, firmware: FirmwareRequest = .supervisor, initrd: PayloadSource? = nil,
        deviceTree: PayloadSource? = nil, commandLine: String? = nil, seeds: DeviceTree.Seeds? = nil, flash: UInt64? = nil
    ) {
        self.kernel = kernel
        self.flash = flash
        self.firmware = firmware
        self.initrd = initrd
        self.deviceTree = deviceTree
        self.commandLine = commandLine
        self.seeds = seeds
    }

    package init(kernel: String, initrd: String? = nil, deviceTree: String? = nil, commandLine: String? = nil, seeds: DeviceTree.Seeds? = nil) {
        self.init(
            kernel: .kernel(kernel), initrd: initrd.map { .initrd($0) }, deviceTree: deviceTree.map { .deviceTree($0) },
            commandLine: commandLine, seeds: seeds)
    }
}

/// How the boot hart starts, and what lies where. All addresses are guest physical.
package struct BootInfo: Sendable {
    /// First pc.
    package let entry: UInt64
    /// a2: the `fw_dynamic` information, or 0.
    package let firmwareInfo: UInt64
    /// Where the firmware goes on, in the kernel or in flash memory; nil without either.
    package let kernelEntry: UInt64?
    /// a1 of the boot hart.
    package let deviceTree: UInt64
    /// For `--dump-dtb`.
    package let deviceTreeBytes: [UInt8]
    package let kernel: Range<UInt64>?
    package let firmware: Range<UInt64>?
    package let initrd: Range<UInt64>?
    /// For a log: `Image (gzip)`.
    package let kernelFormat: String
    /// From the kernel's symbols, or else the firmware's.
    package let harness: TestHarness?
}

/// Payloads that were checked and placed, and aren't in guest memory yet.
///
/// It holds what was unpacked, and open files; let go of it once they are installed.
package struct BootPlan {
    package let info: BootInfo
    /// Firmware and kernel, as far as there are both.
    let images: [KernelImage]
    let initrd: PayloadFile?
    let source: PayloadSource

    /// Brings everything into guest memory, reading what goes there as it stands in its file. Nothing is written when
    /// an address has no memory behind it.
    package func install(into memory: GuestMemory) throws(BootError) {
        for image in images {
            for segment in image.segments { try check(memory, segment.address, segment.memorySize) }
        }
        if info.firmwareInfo != 0 { try check(memory, info.firmwareInfo, FirmwareInfo.size) }
        if let range = info.initrd { try check(memory, range.lowerBound, range.upperBound - range.lowerBound) }
        try check(memory, info.deviceTree, UInt64(info.deviceTreeBytes.count))

        defer { withExtendedLifetime(images) {} }
        for image in images { try write(memory, image) }
        if let initrd, let range = info.initrd { try write(memory, initrd, range.lowerBound) }
        do throws(GuestMemoryError) {
            try memory.write(info.deviceTreeBytes, at: info.deviceTree)
            if info.firmwareInfo != 0, let next = info.kernelEntry {
                try memory.write(FirmwareInfo.bytes(next: next), at: info.firmwareInfo)
            }
        } catch { throw outside(info.deviceTree) }
    }

    private func write(_ memory: GuestMemory, _ kernel: KernelImage) throws(BootError) {
        for segment in kernel.segments {
            if let file = kernel.file {
                try write(memory, file, segment.address)
                continue
            }
            let file = UnsafeRawBufferPointer(rebasing: kernel.bytes.raw[Int(segment.fileOffset)..<Int(segment.fileOffset + segment.fileSize)])
            try write(memory, file, segment.address)
            if segment.clearsRest, segment.memorySize > segment.fileSize {
                // After a reboot the memory isn't fresh.
                let rest = segment.memorySize - segment.fileSize
                if let p = memory.pointer(segment.address + segment.fileSize, count: rest) { host_fill(p, 0, Int(rest)) }
            }
        }
    }

    private func check(_ memory: GuestMemory, _ address: UInt64, _ count: UInt64) throws(BootError) {
        if memory.pointer(address, count: count) == nil { throw outside(address) }
    }

    private func write(_ memory: GuestMemory, _ file: PayloadFile, _ address: UInt64) throws(BootError) {
        guard let target = memory.writablePointer(address, count: file.size) else { throw outside(address) }
        try file.copy(to: target)
    }

    private func write(_ memory: GuestMemory, _ bytes: UnsafeRawBufferPointer, _ address: UInt64) throws(BootError) {
        do throws(GuestMemoryError) { try memory.write(bytes, at: address) } catch { throw outside(address) }
    }

    private func outside(_ address: UInt64) -> BootError {
        .host(source, reason: "the machine has no memory at \(hex(address)), where a payload was placed")
    }
}

/// From file names to a guest that can start.
package enum Loader {
    /// Checks and places everything; touches no guest memory. What has to be unpacked or taken apart is read.
    package static func plan(_ request: BootRequest, machine: MachineDescription) throws(BootError) -> BootPlan {
        // All files are opened before any is read: a missing initrd is told at once.
        var firmwareFile: PayloadFile? = nil
        if case .file(let source) = request.firmware { firmwareFile = try PayloadFile(source) }
        var kernelFile: PayloadFile? = nil
        if let source = request.kernel { kernelFile = try PayloadFile(source) }
        var initrdFile: PayloadFile? = nil
        if let source = request.initrd { initrdFile = try PayloadFile(source) }
        var treeFile: PayloadFile? = nil
        if let source = request.deviceTree { treeFile = try PayloadFile(source) }

        let firmware = try firmwareFile.map { file throws(BootError) in try FirmwarePlacement.firmware(file, machine.ram) }
        let kernel = try kernelFile.map { file throws(BootError) in
            try FirmwarePlacement.kernel(file, machine.ram, request.firmware, behind: firmware)
        }
        var images: [KernelImage] = []
        if let firmware { images.append(firmware) }
        if let kernel { images.append(kernel) }
        // Where the firmware goes on, or the guest starts.
        let next = kernel?.entry ?? (kernelFile == nil ? request.flash : nil)
        guard let entry = firmware?.entry ?? next else {
            throw .usage(.kernel(""), reason: "a guest needs a kernel, a firmware or flash memory with code")
        }
        let end = images.reduce(machine.ram.base) { max($0, $1.end) }

        // The tree's size doesn't depend on the addresses in it, so a first one shows how much room it takes.
        let seeds = if let seeds = request.seeds { seeds } else { try DeviceTree.Seeds.fresh() }
        var chosen = DeviceTree.Chosen(
            commandLine: request.commandLine, initrd: initrdFile == nil ? nil : 0..<1, seeds: seeds)
        var userTree: PayloadBytes? = nil
        if let treeFile { userTree = try treeFile.read(limit: Placement.deviceTreeLimit) }
        let draft = try tree(request, machine, userTree, chosen)
        let placement = try Placement(
            ram: machine.ram, kernelEnd: end, deviceTreeSize: UInt64(draft.count),
            deviceTreeSource: request.deviceTree, initrdSize: initrdFile?.size, initrdSource: request.initrd,
            firmware: request.firmware == .supervisor ? nil : FirmwarePlacement(kernelStart: images.last?.start ?? machine.ram.base))

        if let initrdFile { try checkInitrd(initrdFile) }
        // Without an initrd there is no address in it.
        var bytes = draft
        if let range = placement.initrd {
            chosen.initrd = range
            bytes = try tree(request, machine, userTree, chosen)
        }
        return BootPlan(
            info: BootInfo(
                entry: entry, firmwareInfo: firmware == nil || next == nil ? 0 : placement.firmwareInfo,
                kernelEntry: next, deviceTree: placement.deviceTree.lowerBound, deviceTreeBytes: bytes,
                kernel: kernel.map { $0.start..<$0.end }, firmware: firmware.map { $0.start..<$0.end },
                initrd: placement.initrd, kernelFormat: images.last?.format ?? "flash", harness: kernel?.harness ?? firmware?.harness),
            images: images, initrd: initrdFile, source: (firmwareFile ?? kernelFile)?.source ?? .memory)
    }

    /// Plans and installs. Guest memory is untouched when this throws.
    package static func load(_ request: BootRequest, machine: MachineDescription, into memory: GuestMemory) throws(BootError) -> BootInfo {
        let plan = try plan(request, machine: machine)
        try plan.install(into: memory)
        return plan.info
    }

    private static func tree(_ request: BootRequest, _ machine: MachineDescription, _ user: PayloadBytes?, _ chosen: DeviceTree.Chosen) throws(BootError) -> [UInt8] {
        if let user, let source = request.deviceTree { return try DeviceTree.patch(user, chosen: chosen, source: source) }
        return try DeviceTree.build(machine, chosen: chosen)
    }

    /// An initrd is whatever the kernel takes one for: an archive, a file system, or variables in a text, which
    /// is how kvm-unit-tests get their environment. What certainly is something else is refused, since the guest
    /// would only panic over it.
    private static func checkInitrd(_ file: PayloadFile) throws(BootError) {
        let what: String? =
            switch PayloadKind.of(try file.readFront(limit: Placement.window)) {
            case .elf: "an ELF file"
            case .image, .zboot: "a kernel"
            case .deviceTree: "a device tree"
            case .other("a script"): "a script"
            default: nil
            }
        if let what { throw .badData(file.source, reason: "is \(what); rvkvm needs a cpio archive or a file system image, compressed or not") }
    }
}
