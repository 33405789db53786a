import CHost
import GuestMemory

/// What the user gives a guest to start with.
package struct BootRequest: Sendable {
    package var kernel: PayloadSource
    package var initrd: PayloadSource?
    /// A tree of the user's own; nil for the machine's.
    package var deviceTree: PayloadSource?
    package var commandLine: String?
    /// nil for fresh ones.
    package var seeds: DeviceTree.Seeds?

    package init(
        kernel: PayloadSource, initrd: PayloadSource? = nil, deviceTree: PayloadSource? = nil, commandLine: String? = nil,
        seeds: DeviceTree.Seeds? = nil
    ) {
        self.kernel = kernel
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
    /// a1 of the boot hart.
    package let deviceTree: UInt64
    /// For `--dump-dtb`.
    package let deviceTreeBytes: [UInt8]
    package let kernel: Range<UInt64>
    package let initrd: Range<UInt64>?
    /// For a log: `Image (gzip)`.
    package let kernelFormat: String
}

/// Payloads that were read, checked and placed, and aren't in guest memory yet.
///
/// It holds the files' contents; let go of it once they are installed.
package struct BootPlan {
    package let info: BootInfo
    let kernel: KernelImage
    let initrd: PayloadBytes?
    let source: PayloadSource

    /// Copies everything into guest memory. Nothing is written when an address has no memory behind it.
    package func install(into memory: GuestMemory) throws(BootError) {
        for segment in kernel.segments { try check(memory, segment.address, segment.memorySize) }
        if let range = info.initrd { try check(memory, range.lowerBound, range.upperBound - range.lowerBound) }
        try check(memory, info.deviceTree, UInt64(info.deviceTreeBytes.count))

        defer { withExtendedLifetime((kernel.bytes, initrd)) {} }
        for segment in kernel.segments {
            let file = UnsafeRawBufferPointer(rebasing: kernel.bytes.raw[Int(segment.fileOffset)..<Int(segment.fileOffset + segment.fileSize)])
            try write(memory, file, segment.address)
            if segment.clearsRest, segment.memorySize > segment.fileSize {
                // After a reboot the memory isn't fresh.
                let rest = segment.memorySize - segment.fileSize
                if let p = memory.pointer(segment.address + segment.fileSize, count: rest) { host_fill(p, 0, Int(rest)) }
            }
        }
        if let initrd, let range = info.initrd { try write(memory, initrd.raw, range.lowerBound) }
        do throws(GuestMemoryError) {
            try memory.write(info.deviceTreeBytes, at: info.deviceTree)
        } catch { throw outside(info.deviceTree) }
    }

    private func check(_ memory: GuestMemory, _ address: UInt64, _ count: UInt64) throws(BootError) {
        if memory.pointer(address, count: count) == nil { throw outside(address) }
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
    /// Reads, checks and places everything; touches no guest memory.
    package static func plan(_ request: BootRequest, machine: MachineDescription) throws(BootError) -> BootPlan {
        // All files are opened before any is read: a missing initrd is told at once.
        let kernelFile = try PayloadFile(request.kernel)
        var initrdFile: PayloadFile? = nil
        if let source = request.initrd { initrdFile = try PayloadFile(source) }
        var treeFile: PayloadFile? = nil
        if let source = request.deviceTree { treeFile = try PayloadFile(source) }

        let kernel = try KernelImage.parse(
            try kernelFile.read(limit: KernelImage.fileLimit), ram: machine.ram, source: request.kernel)

        // The tree's size doesn't depend on the addresses in it, so a first one shows how much room it takes.
        let seeds = if let seeds = request.seeds { seeds } else { try DeviceTree.Seeds.fresh() }
        var chosen = DeviceTree.Chosen(
            commandLine: request.commandLine, initrd: initrdFile == nil ? nil : 0..<1, seeds: seeds)
        var userTree: PayloadBytes? = nil
        if let treeFile { userTree = try treeFile.read(limit: Placement.deviceTreeLimit) }
        let draft = try tree(request, machine, userTree, chosen)
        let placement = try Placement(
            ram: machine.ram, kernelEnd: kernel.end, deviceTreeSize: UInt64(draft.count), deviceTreeSource: request.deviceTree,
            initrdSize: initrdFile?.size, initrdSource: request.initrd)

        var initrd: PayloadBytes? = nil
        if let initrdFile { initrd = try readInitrd(initrdFile) }
        chosen.initrd = placement.initrd
        let bytes = try tree(request, machine, userTree, chosen)
        return BootPlan(
            info: BootInfo(
                entry: kernel.entry, deviceTree: placement.deviceTree.lowerBound, deviceTreeBytes: bytes,
                kernel: kernel.start..<kernel.end, initrd: placement.initrd, kernelFormat: kernel.format),
            kernel: kernel, initrd: initrd, source: request.kernel)
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

    /// An initrd may be any archive or file system that the kernel knows. What certainly is none is refused,
    /// since the guest would only panic over it.
    private static func readInitrd(_ file: PayloadFile) throws(BootError) -> PayloadBytes {
        let bytes = try file.read(limit: Placement.window)
        let what: String? =
            switch PayloadKind.of(bytes) {
            case .elf: "an ELF file"
            case .image, .zboot: "a kernel"
            case .deviceTree: "a device tree"
            case .other("a script"): "a script"
            case .other("a text file"): "a text file"
            default: nil
            }
        if let what { throw .badData(file.source, reason: "is \(what); rvkvm needs a cpio archive or a file system image, compressed or not") }
        return bytes
    }
}
