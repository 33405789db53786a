import RISCV

/// Builds G-stage tables: as others, but with a root of 16 KiB and two more bits of address.
struct GuestPageTables {
    let guest: Guest
    let mode: TranslationMode
    let root: UInt64
    private var free: UInt64

    /// Room for tables of a G-stage, apart from that of `PageTables`.
    static let base = Guest.tables + 0x10_0000
    static let all = PageTables.all | PTE.U

    init(_ guest: Guest, _ mode: TranslationMode = .sv39, at base: UInt64 = base) {
        self.guest = guest
        self.mode = mode
        root = base
        free = base + 0x4000
        guest.fill(base, 0x4000, 0)
    }

    func hgatp(vmid: UInt64 = 0) -> UInt64 { mode.rawValue << 60 | vmid << 44 | root >> 12 }

    mutating func slot(_ address: UInt64, level: Int = 0) -> UInt64 {
        var table = root
        var at = mode.levels - 1
        while true {
            let place = table + (address >> UInt64(12 + 9 * at) & (at == mode.levels - 1 ? 2047 : 511)) * 8
            if at == level { return place }
            if guest[place] & PTE.V == 0 {
                guest.fill(free, 4096, 0)
                guest[place] = PageTables.entry(free, PTE.V)
                free += 4096
            }
            table = (guest[place] >> 10) << 12
            at -= 1
        }
    }

    mutating func map(_ address: UInt64, to physical: UInt64, _ bits: UInt64 = all, level: Int = 0) {
        guest[slot(address, level: level)] = PageTables.entry(physical, bits)
    }
}
