import RISCV

/// Builds page tables in a guest's RAM.
struct PageTables {
    let guest: Guest
    let mode: TranslationMode
    private(set) var root: UInt64
    private var free: UInt64

    init(_ guest: Guest, _ mode: TranslationMode = .sv39, at base: UInt64 = Guest.tables) {
        self.guest = guest
        self.mode = mode
        root = base
        free = base + 4096
        guest.fill(base, 4096, 0)
    }

    func satp(asid: UInt64 = 0) -> UInt64 { mode.rawValue << 60 | asid << 44 | root >> 12 }

    static let all = PTE.V | PTE.R | PTE.W | PTE.X | PTE.A | PTE.D

    static func entry(_ physical: UInt64, _ bits: UInt64) -> UInt64 { (physical >> 12) << 10 | bits }

    /// Where the entry for `va` of a level stands; tables on the way are made.
    mutating func slot(_ va: UInt64, level: Int = 0) -> UInt64 {
        var table = root
        var at = mode.levels - 1
        while true {
            let address = table + (va >> UInt64(12 + 9 * at) & 511) * 8
            if at == level { return address }
            if guest[address] & PTE.V == 0 {
                guest.fill(free, 4096, 0)
                guest[address] = Self.entry(free, PTE.V)
                free += 4096
            }
            table = (guest[address] >> 10) << 12
            at -= 1
        }
    }

    mutating func map(_ va: UInt64, to physical: UInt64, _ bits: UInt64 = all, level: Int = 0) {
        guest[slot(va, level: level)] = Self.entry(physical, bits)
    }

    /// The vector of S-mode at its own address, so that delegated traps have somewhere to go.
    mutating func mapVectors() { map(Guest.base, to: Guest.base) }
}
