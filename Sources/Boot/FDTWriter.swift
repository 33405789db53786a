import CFDT

/// libfdt's sequential writer. Errors stick: the calls after a failed one do nothing, and `finish` tells.
final class FDTWriter {
    private let buffer: PayloadBytes
    private var status: Int32
    private var lastHandle: UInt32 = 0

    /// A tree of up to `limit` bytes. `source` is named when the host refuses the memory.
    init(limit: UInt64, for source: PayloadSource) throws(BootError) {
        buffer = try PayloadBytes(capacity: Int(clamping: limit), for: source)
        // Names that occur twice are written twice: to find the first of them libfdt compares a name with each position
        // of its strings block, which was half of what a guest's start computed.
        status = fdt_create_with_flags(
            buffer.storage.baseAddress, Int32(clamping: buffer.storage.count), UInt32(FDT_CREATE_FLAG_NO_NAME_DEDUP))
        attempt { fdt_finish_reservemap($0) }
    }

    private func attempt(_ call: (UnsafeMutableRawPointer) -> Int32) {
        guard status == 0, let base = buffer.storage.baseAddress else { return }
        status = call(base)
    }

    /// A phandle that no node has yet.
    func newHandle() -> UInt32 {
        lastHandle &+= 1
        return lastHandle
    }

    /// A node named `name`, with the properties and then the nodes that `body` adds.
    func node(_ name: String, _ body: () -> Void) {
        attempt { fdt_begin_node($0, name) }
        body()
        attempt { fdt_end_node($0) }
    }

    /// A property without a value.
    func flag(_ name: String) { attempt { fdt_property($0, name, nil, 0) } }

    func bytes(_ name: String, _ value: [UInt8]) { attempt { fdt_property($0, name, value, Int32(clamping: value.count)) } }

    func cells(_ name: String, _ values: [UInt32]) {
        var out: [UInt8] = []
        out.reserveCapacity(values.count * 4)
        for value in values {
            for shift: UInt32 in [24, 16, 8, 0] { out.append(UInt8(truncatingIfNeeded: value >> shift)) }
        }
        bytes(name, out)
    }

    func cell(_ name: String, _ value: UInt32) { cells(name, [value]) }

    /// A 64-bit number, two cells.
    func wide(_ name: String, _ value: UInt64) { cells(name, Self.pair(value)) }

    func text(_ name: String, _ value: String) { strings(name, [value]) }

    func strings(_ name: String, _ values: [String]) {
        var out: [UInt8] = []
        for value in values {
            out.append(contentsOf: value.utf8)
            out.append(0)
        }
        bytes(name, out)
    }

    /// `reg` under #address-cells 2, #size-cells 2.
    func reg(_ region: MachineDescription.Region) { cells("reg", Self.pair(region.base) + Self.pair(region.size)) }

    static func pair(_ value: UInt64) -> [UInt32] {
        [UInt32(truncatingIfNeeded: value >> 32), UInt32(truncatingIfNeeded: value)]
    }

    /// The tree, or nil when it didn't fit.
    func finish() -> [UInt8]? {
        attempt { fdt_finish($0) }
        guard status == 0, let base = buffer.storage.baseAddress else { return nil }
        buffer.use(Int(DeviceTree.totalSize(base)))
        return buffer.array()
    }
}
