import ExecutionEngine

/// SiFive's core-local interruptor (`sifive,clint0`; SiFive FU540-C000 manual, "Core-Local Interruptor"; the
/// same registers as ACLINT's MSWI and MTIMER): software interrupts and timers of M-mode.
///
///   0x0000 + 4h  msip      bit 0 is hart h's MSIP
///   0x4000 + 8h  mtimecmp
///   0xBFF8       mtime     the harts' own `time`, and writable
///
/// Registers take naturally aligned accesses of 4 and 8 bytes; anything else reads 0 and stores nothing.
package final class CLINT: MMIODevice, @unchecked Sendable {
    private static let timers: UInt64 = 0x4000
    private static let time: UInt64 = 0xBFF8

    private let harts: any MachineLevel
    private let lock = Lock()
    // Guarded by `lock`; by hart.
    private var software: [Bool]
    private var compare: [UInt64]

    package init(harts: any MachineLevel, count: Int) {
        self.harts = harts
        software = [Bool](repeating: false, count: count)
        compare = [UInt64](repeating: ~0, count: count)
    }

    package func read(offset: UInt64, width: Int) -> UInt64 {
        guard width == 4 || width == 8, offset & UInt64(width &- 1) == 0 else { return 0 }
        return lock.withLock {
            if offset < Self.timers {
                let low = softwareBit(offset)
                return width == 8 ? low | softwareBit(offset &+ 4) &<< 32 : low
            }
            let value = wide(offset & ~7)
            return width == 8 ? value : value &>> (offset & 4 &* 8) & 0xFFFF_FFFF
        }
    }

    package func write(offset: UInt64, width: Int, value: UInt64) {
        guard width == 4 || width == 8, offset & UInt64(width &- 1) == 0 else { return }
        lock.withLock {
            if offset < Self.timers {
                setSoftware(offset, value & 1 != 0)
                if width == 8 { setSoftware(offset &+ 4, value &>> 32 & 1 != 0) }
                return
            }
            guard width == 4 else { return setWide(offset, value) }
            let shift = offset & 4 &* 8
            let old = wide(offset & ~7)
            setWide(offset & ~7, old & ~(0xFFFF_FFFF &<< shift) | (value & 0xFFFF_FFFF) &<< shift)
        }
    }

    // With the lock held.

    private func softwareBit(_ offset: UInt64) -> UInt64 {
        let hart = Int(offset / 4)
        return hart < software.count && software[hart] ? 1 : 0
    }

    private func setSoftware(_ offset: UInt64, _ level: Bool) {
        let hart = Int(offset / 4)
        guard hart < software.count else { return }
        software[hart] = level
        harts.setInterrupt(.software, hart: hart, level)
    }

    /// The 64-bit register at `offset`, a multiple of 8 from 0x4000 on.
    private func wide(_ offset: UInt64) -> UInt64 {
        if offset == Self.time { return harts.time }
        let hart = Int((offset &- Self.timers) / 8)
        return hart < compare.count ? compare[hart] : 0
    }

    private func setWide(_ offset: UInt64, _ value: UInt64) {
        if offset == Self.time { return harts.setTime(value) }
        let hart = Int((offset &- Self.timers) / 8)
        guard hart < compare.count else { return }
        compare[hart] = value
        harts.setTimer(hart: hart, to: value)
    }
}
