/// Where the payloads lie in guest memory.
///
/// The kernel says where it goes. Device tree and initrd lie as high as they can below the end of the
/// first GiB of RAM, as kvmtool has it, so that a kernel whose header tells no size has all the room there
/// is behind it.
package struct Placement: Equatable, Sendable {
    /// Page-aligned, so 8-byte aligned too.
    package let deviceTree: Range<UInt64>
    /// Page-aligned; nil without an initrd.
    package let initrd: Range<UInt64>?
    /// Where the `fw_dynamic` information goes; 0 without firmware.
    package let firmwareInfo: UInt64

    static let page: UInt64 = 4096
    /// Linux maps 2 MiB for the tree before it knows its size.
    package static let deviceTreeLimit: UInt64 = 2 << 20
    /// Early page tables reach this far above the start of RAM.
    static let window: UInt64 = 1 << 30

    /// End of the room for payloads: of RAM or of its first GiB.
    package static func top(_ ram: MachineDescription.Region) -> UInt64 { ram.base + min(ram.size, window) }

    /// Finds room above `kernelEnd`.
    package init(
        ram: MachineDescription.Region, kernelEnd: UInt64, deviceTreeSize: UInt64, deviceTreeSource: PayloadSource?,
        initrdSize: UInt64?, initrdSource: PayloadSource?
    ) throws(BootError) {
        try self.init(
            ram: ram, kernelEnd: kernelEnd, deviceTreeSize: deviceTreeSize, deviceTreeSource: deviceTreeSource,
            initrdSize: initrdSize, initrdSource: initrdSource, firmware: nil)
    }

    /// With `firmware`, there is room behind the tree for what that adds, and the initrd lies where QEMU has it.
    init(
        ram: MachineDescription.Region, kernelEnd: UInt64, deviceTreeSize: UInt64, deviceTreeSource: PayloadSource?,
        initrdSize: UInt64?, initrdSource: PayloadSource?, firmware: FirmwarePlacement?
    ) throws(BootError) {
        let top = Self.top(ram)
        let floor = roundUp(kernelEnd, to: Self.page) ?? .max
        let tree = try Self.below(
            top, floor, deviceTreeSize + (firmware == nil ? 0 : FirmwarePlacement.treeSlack + FirmwareInfo.size), ram: ram, kernelEnd: kernelEnd, taken: 0,
            source: deviceTreeSource ?? .memory, what: deviceTreeSource == nil ? "the device tree's " : "")
        deviceTree = tree..<tree + deviceTreeSize
        // Behind the slack, and 8-byte aligned.
        firmwareInfo = firmware == nil ? 0 : roundDown(tree + deviceTreeSize + FirmwarePlacement.treeSlack, to: 8)
        guard let initrdSize else {
            initrd = nil
            return
        }
        if let start = firmware?.initrdStart(ram), start >= floor, start <= tree, initrdSize <= tree - start {
            initrd = start..<start + initrdSize
            return
        }
        let start = try Self.below(
            tree, floor, initrdSize, ram: ram, kernelEnd: kernelEnd, taken: top - tree,
            source: initrdSource ?? .initrd(""), what: "")
        initrd = start..<start + initrdSize
    }

    /// The highest page boundary with `size` bytes below `limit`, or the sum that shows there is none.
    private static func below(
        _ limit: UInt64, _ floor: UInt64, _ size: UInt64, ram: MachineDescription.Region, kernelEnd: UInt64,
        taken: UInt64, source: PayloadSource, what: String
    ) throws(BootError) -> UInt64 {
        if floor <= limit, size <= limit - floor {
            let start = roundDown(limit - size, to: page)
            if start >= floor { return start }
        }
        let top = Self.top(ram)
        let atRAM = top == ram.end
        let upper = "\(atRAM ? "the end of RAM" : "the end of RAM's first GiB") \(hex(top))"
        let behind = taken == 0 ? "" : ", where the device tree takes \(sizeText(taken))"
        let advice = atRAM ? "give more --mem" : "initrd and device tree have to lie below it"
        throw .usage(
            source,
            reason: "\(what)\(sizeText(size)) doesn't fit between the kernel's end \(hex(kernelEnd)) and \(upper)\(behind); \(advice)")
    }
}
