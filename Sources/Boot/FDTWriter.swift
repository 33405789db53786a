import CFDT

/// libfdt's sequential writer, in a buffer that grows with the tree: libfdt clears all that it is given. Errors stick:
/// the calls after a failed one do nothing, and `finish` tells.
final class FDTWriter {
    /// A machine of four harts fills a third of it.
    private static let firstSize = 16 << 10

    private var buffer: PayloadBytes
    private let limit: Int
    private let source: PayloadSource
    private var status: Int32
    /// What the host refused memory with.
    private var refusal: BootError?
    private var lastHandle: UInt32 = 0

    /// A tree of up to `limit` bytes. `source` is named when the host refuses the memory.
    init(limit: UInt64, for source: PayloadSource) throws(BootError) {
        self.limit = Int(clamping: limit)
        self.source = source
        buffer = try PayloadBytes(capacity: min(Self.firstSize, self.limit), for: source)
        // Names that occur twice are written twice: to find the first of them libfdt compares a name with each position
        // of its strings block, which was half of what a guest's start computed.
        status = fdt_create_with_flags(
            buffer.storage.baseAddress, Int32(clamping: buffer.storage.count), UInt32(FDT_CREATE_FLAG_NO_NAME_DEDUP))
        attempt { fdt_finish_reservemap($0) }
    }

    private func attempt(_ call: (UnsafeMutableRawPointer) -> Int32) {
        repeat {
            guard status == 0, let base = buffer.storage.baseAddress else { return }
            status = call(base)
        } while status == -FDT_ERR_NOSPACE && grow()
    }

    /// Moves the tree so far into a buffer of twice the size, up to the limit.
    private func grow() -> Bool {
        let size = buffer.storage.count
        guard size < limit else { return false }
        do throws(BootError) {
            let larger = try PayloadBytes(capacity: min(size * 2, limit), for: source)
            guard let old = buffer.storage.baseAddress, let new = larger.storage.baseAddress else { return false }
            status = fdt_resize(old, new, Int32(clamping: larger.storage.count))
            buffer = larger
            return status == 0
        } catch {
            refusal = error
            return false
        }
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

    /// A property of `count` bytes, which `fill` writes.
    private func property(_ name: StaticString, _ count: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Void) {
        var place: UnsafeMutableRawPointer?
        // A literal has a NUL behind what counts.
        let text = UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
        attempt { fdt_property_placeholder($0, text, Int32(clamping: count), &place) }
        if status == 0, let place { fill(UnsafeMutableRawBufferPointer(start: place, count: count)) }
    }

    /// A property without a value.
    func flag(_ name: StaticString) { property(name, 0) { _ in } }

    func bytes(_ name: StaticString, _ value: [UInt8]) { property(name, value.count) { $0.copyBytes(from: value) } }

    func cells(_ name: StaticString, _ values: [UInt32]) {
        property(name, values.count * 4) { place in
            for (index, value) in values.enumerated() { place.storeBytes(of: value.bigEndian, toByteOffset: index * 4, as: UInt32.self) }
        }
    }

    func cell(_ name: StaticString, _ value: UInt32) {
        property(name, 4) { $0.storeBytes(of: value.bigEndian, as: UInt32.self) }
    }

    /// 64-bit numbers, two cells each.
    func wide(_ name: StaticString, _ first: UInt64, _ second: UInt64? = nil) {
        property(name, second == nil ? 8 : 16) { place in
            place.storeBytes(of: first.bigEndian, as: UInt64.self)
            if let second { place.storeBytes(of: second.bigEndian, toByteOffset: 8, as: UInt64.self) }
        }
    }

    func text(_ name: StaticString, _ value: String) {
        property(name, value.utf8.count + 1) { Self.put(value, $0, at: 0) }
    }

    /// Texts one behind the other, each with its NUL.
    func strings(_ name: StaticString, _ values: [String]) {
        property(name, values.reduce(0) { $0 + $1.utf8.count + 1 }) { place in
            var end = 0
            for value in values { end = Self.put(value, place, at: end) }
        }
    }

    @discardableResult
    private static func put(_ text: String, _ place: UnsafeMutableRawBufferPointer, at offset: Int) -> Int {
        var text = text
        return text.withUTF8 { utf8 in
            UnsafeMutableRawBufferPointer(rebasing: place[offset...]).copyBytes(from: utf8)
            place[offset + utf8.count] = 0
            return offset + utf8.count + 1
        }
    }

    /// `reg` under #address-cells 2, #size-cells 2.
    func reg(_ region: MachineDescription.Region) { wide("reg", region.base, region.size) }

    /// The tree, or nil when it didn't fit.
    func finish() throws(BootError) -> [UInt8]? {
        attempt { fdt_finish($0) }
        if let refusal { throw refusal }
        guard status == 0, let base = buffer.storage.baseAddress else { return nil }
        buffer.use(Int(DeviceTree.totalSize(base)))
        return buffer.array()
    }
}
