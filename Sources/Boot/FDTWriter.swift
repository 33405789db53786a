/// Writes a flattened device tree from front to back (devicetree specification 0.4, chapter 5), byte for byte as
/// libfdt's sequential writer would. That one looks every property's name up by comparing it with each position of the
/// strings block, which was half of what a start of a guest computed.
final class FDTWriter {
    private enum Token {
        static let beginNode: UInt32 = 1
        static let endNode: UInt32 = 2
        static let property: UInt32 = 3
        static let end: UInt32 = 9
    }

    /// A property's name, and where it begins, counted back from the end of the strings block: new names go to the
    /// block's front.
    private struct Name {
        let text: [UInt8]
        let fromEnd: Int
    }

    /// Ten cells, and two of padding as libfdt has them.
    private static let headerSize = 48
    /// One entry of zeros ends the memory reservation block.
    private static let reservationsSize = 16
    private static let version: UInt32 = 17
    private static let lastCompatibleVersion: UInt32 = 16

    private let limit: Int
    private var lastHandle: UInt32 = 0
    /// The structure block, in cells of the host's byte order.
    private var block: [UInt32] = []
    /// Where in it a name's `fromEnd` stands for its offset.
    private var nameCells: [Int] = []
    private var names: [Name] = []
    private var namesSize = 0

    /// A tree of up to `limit` bytes.
    init(limit: UInt64) {
        self.limit = Int(clamping: limit)
        block.reserveCapacity(2048)
    }

    /// A phandle that no node has yet.
    func newHandle() -> UInt32 {
        lastHandle &+= 1
        return lastHandle
    }

    /// A node named `name`, with the properties and then the nodes that `body` adds.
    func node(_ name: String, _ body: () -> Void) {
        block.append(Token.beginNode)
        var text = Array(name.utf8)
        text.append(0)
        append(text)
        body()
        block.append(Token.endNode)
    }

    /// A property without a value.
    func flag(_ name: String) { begin(name, size: 0) }

    func bytes(_ name: String, _ value: [UInt8]) {
        begin(name, size: value.count)
        append(value)
    }

    func cells(_ name: String, _ values: [UInt32]) {
        begin(name, size: values.count * 4)
        block.append(contentsOf: values)
    }

    func cell(_ name: String, _ value: UInt32) {
        begin(name, size: 4)
        block.append(value)
    }

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

    /// The tree, or nil when it is larger than the limit.
    func finish() -> [UInt8]? {
        block.append(Token.end)
        for place in nameCells { block[place] = UInt32(truncatingIfNeeded: namesSize) &- block[place] }
        let structure = Self.headerSize + Self.reservationsSize
        let strings = structure + block.count * 4
        let total = strings + namesSize
        guard total <= limit else { return nil }
        let header: [UInt32] = [
            0xD00D_FEED, UInt32(truncatingIfNeeded: total), UInt32(truncatingIfNeeded: structure),
            UInt32(truncatingIfNeeded: strings), UInt32(truncatingIfNeeded: Self.headerSize), Self.version,
            Self.lastCompatibleVersion, 0, UInt32(truncatingIfNeeded: namesSize), UInt32(truncatingIfNeeded: block.count * 4),
            0, 0, 0, 0, 0, 0,
        ]
        return [UInt8](unsafeUninitializedCapacity: total) { out, count in
            guard let base = out.baseAddress else { return }
            var place = UnsafeMutableRawPointer(base)
            for cell in header {
                place.storeBytes(of: cell.bigEndian, as: UInt32.self)
                place += 4
            }
            for cell in block {
                place.storeBytes(of: cell.bigEndian, as: UInt32.self)
                place += 4
            }
            for name in names.reversed() {
                for byte in name.text {
                    place.storeBytes(of: byte, as: UInt8.self)
                    place += 1
                }
            }
            count = total
        }
    }

    // MARK: Inside

    private func begin(_ name: String, size: Int) {
        block.append(Token.property)
        block.append(UInt32(truncatingIfNeeded: size))
        nameCells.append(block.count)
        block.append(UInt32(truncatingIfNeeded: place(of: name)))
    }

    /// Bytes, and zeros up to the next cell.
    private func append(_ bytes: [UInt8]) {
        var cell: UInt32 = 0
        for (index, byte) in bytes.enumerated() {
            cell = cell << 8 | UInt32(byte)
            if index & 3 == 3 { block.append(cell) }
        }
        let rest = bytes.count & 3
        if rest != 0 { block.append(cell << UInt32(8 * (4 - rest))) }
    }

    /// Where the name begins, counted back from the end of the strings block. A name that another one ends with shares
    /// its bytes, and the one added last is found first.
    private func place(of name: String) -> Int {
        let count = name.utf8.count
        for known in names.reversed() where known.text.count > count {
            if ends(known.text, with: name.utf8) { return known.fromEnd - (known.text.count - 1 - count) }
        }
        var text = Array(name.utf8)
        text.append(0)
        namesSize += text.count
        names.append(Name(text: text, fromEnd: namesSize))
        return namesSize
    }

    /// Whether a text with its NUL ends with `name`.
    private func ends(_ text: [UInt8], with name: String.UTF8View) -> Bool {
        var index = text.count - 1 - name.count
        for byte in name {
            if text[index] != byte { return false }
            index += 1
        }
        return true
    }
}
