/// The flash memory of QEMU's `virt` board: a 32-bit bus on which two 16-bit chips of Intel's command set stand side
/// by side, each with every other halfword.
package enum FlashGeometry {
    /// Bytes of a bank, both chips together.
    package static let bankSize = 32 << 20
    /// Bytes of an erase block, both chips together.
    package static let blockSize = 256 << 10

    /// 16-bit words of one chip, and of one of its blocks.
    static let chipWords = bankSize / 4
    static let blockWords = blockSize / 4
    static let blocks = bankSize / blockSize
    /// Words that one chip programs at once.
    static let bufferWords = 512
}

/// One chip's CFI query table (JEDEC JESD68.01; Intel's extended table), by word address from 0x10.
enum FlashQuery {
    static let start = 0x10

    static let table: [UInt8] =
        Array("QRY".utf8)
        + [0x01, 0x00]  // primary command set: Intel's extended
        + [UInt8(extended), 0x00]
        + [0x00, 0x00, 0x00, 0x00]  // no alternate one
        + [0x27, 0x36, 0x00, 0x00]  // 2.7 to 3.6 V, no programming voltage
        // Typical times as powers of two: a word and a buffer in µs, a block in ms; then the factors to the longest.
        + [0x07, 0x07, 0x0A, 0x00, 0x04, 0x04, 0x04, 0x00]
        + [UInt8(log2(FlashGeometry.chipWords * 2))]
        + [0x01, 0x00]  // 16-bit interface
        + [UInt8(log2(FlashGeometry.bufferWords * 2)), 0x00]
        + [0x01]  // one kind of block: how many less one, and its size in 256 bytes
        + pair(FlashGeometry.blocks - 1) + pair(FlashGeometry.blockWords * 2 / 256)
        // 0x31: the extended table.
        + Array("PRI10".utf8)
        + [0x0E, 0x00, 0x00, 0x00]  // erase and program suspend, locks
        + [0x01]  // programming while an erase is suspended
        + [0x01, 0x00]  // a lock bit in the block status
        + [0x33, 0x00, 0x00]

    private static let extended = 0x31

    static func byte(_ address: Int) -> UInt8 {
        address >= start && address < start + table.count ? table[address - start] : 0
    }

    private static func log2(_ n: Int) -> Int { n.trailingZeroBitCount }
    private static func pair(_ n: Int) -> [UInt8] { [UInt8(n & 0xFF), UInt8(n >> 8)] }
}
