import CHost
import RISCV

/// Kinds of access that page tables tell apart.
enum Access {
    case load, store, fetch
}

/// Why a translation fails; the access decides which cause it becomes.
enum Fault: Error {
    case page, access
}

/// A leaf that was found: where the page lies, and what its entry permits.
struct Translation {
    /// Physical address of the byte asked for.
    var address: UInt64
    /// The entry's R, W, X, U, A and D bits.
    var entry: UInt64
    /// Base-2 logarithm of the page's size in bytes: 12, 16 (NAPOT), 21, 30, 39 or 48.
    var sizeShift: UInt64
    /// Physical address of the entry itself; of no use without translation.
    var place: UInt64
}

extension PTE {
    static func address(_ entry: UInt64) -> UInt64 { (entry & PPN) &<< 2 }
}

extension Hart {
    /// Walks the page table that `root` (a satp value with MODE 8, 9 or 10) names for `va`, following
    /// privileged spec 12.3.2. Finds the leaf and checks its form; permissions are the caller's.
    ///
    /// The H extension adds a second stage here: each table address and the final address then pass through
    /// the G-stage before memory is touched.
    func walk(_ va: UInt64, root: UInt64) throws(Fault) -> Translation {
        count(.walk)
        let mode = root &>> 60
        guard mode >= 8, mode <= 10 else { throw .page }
        let levels = mode &- 5
        let bits = 12 &+ levels &* 9
        // Bits above the translated ones must be copies of the highest of them.
        guard Int64(bitPattern: va &<< (64 &- bits)) &>> Int64(64 &- bits) == Int64(bitPattern: va) else { throw .page }

        var table = (root & 0xFFF_FFFF_FFFF) &<< 12
        var level = levels &- 1
        while true {
            let shift = 12 &+ level &* 9
            let place = table &+ (va &>> shift & 0x1FF) &* 8
            guard mayWalk(place), let slot = ram(place, 8) else { throw .access }
            let entry = host_load_relaxed_64(slot)
            guard entry & PTE.V != 0, entry & PTE.reserved == 0, entry & (PTE.R | PTE.W) != PTE.W else { throw .page }
            guard isPermittedPBMT(entry) else { throw .page }
            if entry & (PTE.R | PTE.X) == 0 {
                // A pointer to the next table: D, A, U, PBMT and N are reserved in it.
                guard entry & (PTE.D | PTE.A | PTE.U | PTE.PBMT | PTE.N) == 0, level > 0 else { throw .page }
                table = PTE.address(entry)
                level &-= 1
                continue
            }
            return try leaf(entry, at: place, va, level: level, shift: shift)
        }
    }

    private func leaf(_ entry: UInt64, at place: UInt64, _ va: UInt64, level: UInt64, shift: UInt64) throws(Fault) -> Translation {
        let base = PTE.address(entry)
        if entry & PTE.N != 0 {
            // Svnapot knows 64 KiB alone: level 0, ppn[3:0] = 1000.
            guard extensions.contains(.svnapot), level == 0, base &>> 12 & 0xF == 8 else { throw .page }
            return Translation(address: base & ~0xFFFF | va & 0xFFFF, entry: entry, sizeShift: 16, place: place)
        }
        let inPage = (1 &<< shift) &- 1
        guard base & inPage == 0 else { throw .page }  // misaligned superpage
        return Translation(address: base | va & inPage, entry: entry, sizeShift: shift, place: place)
    }

    private func isPermittedPBMT(_ entry: UInt64) -> Bool {
        let type = entry & PTE.PBMT
        return type == 0 || (type != PTE.PBMT && state.pointee.menvcfg & EnvironmentConfiguration.PBMTE != 0)
    }
}
