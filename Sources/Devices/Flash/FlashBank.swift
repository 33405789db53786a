import CHost

/// A bank of flash memory: two chips side by side on a 32-bit bus (see `FlashGeometry`), and the cells of both.
///
/// As on QEMU's `virt` board. What the guest programs is in the storage when the store has been made, so a variable
/// that firmware has written outlives everything but the host's own crash, and that after a moment (`FlashStorage`).
package final class FlashBank: MMIODevice, @unchecked Sendable {
    private let lock = Lock()
    private let storage: FlashStorage
    /// Guarded by `lock`: for the even halfwords, and for the odd ones.
    private var chips = (FlashChip(), FlashChip())

    package init(_ storage: FlashStorage) { self.storage = storage }

    /// The cells, for a read-only slot of guest memory: `FlashGeometry.bankSize` bytes, for as long as the bank lives.
    package var cells: UnsafeMutableRawPointer { storage.cells }

    /// What a power cycle leaves: the cells.
    package func reset() { lock.withLock { chips = (FlashChip(), FlashChip()) } }

    package func read(offset: UInt64, width: Int) -> UInt64 {
        guard let start = place(offset, width) else { return 0 }
        return lock.withLock {
            var value: UInt64 = 0
            for i in 0..<width { value |= UInt64(byte(start &+ i)) &<< UInt64(8 &* i) }
            return value
        }
    }

    package func write(offset: UInt64, width: Int, value: UInt64) {
        guard let start = place(offset, width) else { return }
        lock.withLock {
            // One halfword after the other, as far as the store has bits of it.
            var at = start & ~1
            while at < start &+ width {
                var bits: UInt16 = 0
                var mask: UInt16 = 0
                for i in 0..<2 where at &+ i >= start && at &+ i < start &+ width {
                    let byte = UInt16(truncatingIfNeeded: value &>> UInt64(8 &* (at &+ i &- start)) & 0xFF)
                    bits |= byte &<< UInt16(8 &* i)
                    mask |= 0xFF &<< UInt16(8 &* i)
                }
                write(halfword: at / 2, bits, mask: mask)
                at &+= 2
            }
            storage.keep()
        }
    }

    private func place(_ offset: UInt64, _ width: Int) -> Int? {
        guard width >= 1, width <= 8, offset <= UInt64(FlashGeometry.bankSize &- width) else { return nil }
        return Int(offset)
    }

    private func byte(_ offset: Int) -> UInt8 {
        let isOdd = offset & 2 != 0
        let mode = isOdd ? chips.1.mode : chips.0.mode
        if mode == .array { return storage.cells.load(fromByteOffset: offset, as: UInt8.self) }
        let word = isOdd ? chips.1.read(offset / 4) : chips.0.read(offset / 4)
        return UInt8(truncatingIfNeeded: word &>> UInt16(8 &* (offset & 1)))
    }

    /// Gives a write to the chip that has the halfword.
    private func write(halfword: Int, _ value: UInt16, mask: UInt16) {
        // A command without its low byte is none.
        if halfword & 1 != 0 {
            let effect = chips.1.write(halfword / 2, value, mask: mask)
            if !apply(effect, chip: 1) { chips.1.fail(effect) }
        } else {
            let effect = chips.0.write(halfword / 2, value, mask: mask)
            if !apply(effect, chip: 0) { chips.0.fail(effect) }
        }
    }

    /// False when the storage can't keep it.
    private func apply(_ effect: FlashChip.Effect, chip: Int) -> Bool {
        switch effect {
        case .none: return true
        case .program(let word, let value, let mask):
            return storage.program(word &* 4 &+ chip &* 2, value | ~mask)
        case .programBuffer(let start, let values):
            for (i, value) in values.enumerated() {
                guard storage.program((start &+ i) &* 4 &+ chip &* 2, value) else { return false }
            }
            return true
        case .erase(let block):
            let start = block &* FlashGeometry.blockSize
            for offset in stride(from: start &+ chip &* 2, to: start &+ FlashGeometry.blockSize, by: 4) {
                guard storage.erase(offset) else { return false }
            }
            return true
        }
    }
}
