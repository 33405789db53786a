import CHost
import RISCV

/// Kinds of access that page tables tell apart.
enum Access {
    case load, store, fetch
    /// HLVX: a load, for which execute permission takes the place of read permission.
    case loadOfCode
}

/// Why a translation fails; the access decides which cause it becomes.
enum Fault: Error {
    case page, access
    /// The G-stage refuses; `Hart.guestFault` has the details.
    case guestPage

    /// The exception that an access of this kind raises.
    func exception(_ access: Access) -> Exception {
        switch (self, access) {
        case (.page, .fetch): .instructionPageFault
        case (.page, .store): .storePageFault
        case (.page, _): .loadPageFault
        case (.access, .fetch): .instructionAccessFault
        case (.access, .store): .storeAccessFault
        case (.access, _): .loadAccessFault
        case (.guestPage, .fetch): .instructionGuestPageFault
        case (.guestPage, .store): .storeGuestPageFault
        case (.guestPage, _): .loadGuestPageFault
        }
    }
}

/// Which page table a walk is in.
enum Stage {
    /// That of satp: its addresses are physical ones.
    case only
    /// VS-stage, vsatp's: each of its addresses passes through the G-stage before memory is touched.
    case first
    /// G-stage, hgatp's: addresses are two bits wider, the root has 16 KiB.
    case second
}

/// A leaf that was found: where the page lies, and what its entry permits.
struct Translation {
    /// Physical address of the byte asked for.
    var address: UInt64
    /// The entry's R, W, X, U, A and D bits.
    var entry: UInt64
    /// Base-2 logarithm of the page's size in bytes: 12, 16 (NAPOT), 21, 30, 39 or 48.
    var sizeShift: UInt64
    /// Address of the entry itself, a guest-physical one in the first stage; of no use without translation.
    var place: UInt64

    /// What no page table stands behind.
    static func untranslated(_ address: UInt64) -> Translation {
        Translation(address: address, entry: PTE.R | PTE.W | PTE.X | PTE.A | PTE.D, sizeShift: 12, place: 0)
    }
}

extension PTE {
    static func address(_ entry: UInt64) -> UInt64 { (entry & PPN) &<< 2 }
}

extension Hart {
    /// Walks the page table that `root` (a satp, vsatp or hgatp value with MODE 8, 9 or 10) names for `va`, following
    /// privileged spec 12.3.2 and "Guest Physical Address Translation". Finds the leaf and checks its form;
    /// permissions are the caller's. A refusal by the table itself is `.page` in every stage.
    func walk(_ va: UInt64, root: UInt64, _ stage: Stage) throws(Fault) -> Translation {
        count(.walk)
        let mode = root &>> 60
        guard mode >= 8, mode <= 10 else { throw .page }
        let levels = mode &- 5
        let bits = 12 &+ levels &* 9
        var mask: UInt64 = 0x1FF
        if stage == .second {
            guard va &>> (bits &+ 2) == 0 else { throw .page }
            mask = 0x7FF
        } else {
            // Bits above the translated ones must be copies of the highest of them.
            guard Int64(bitPattern: va &<< (64 &- bits)) &>> Int64(64 &- bits) == Int64(bitPattern: va) else { throw .page }
        }

        var table = (root & SATP.PPN) &<< 12
        var level = levels &- 1
        while true {
            let shift = 12 &+ level &* 9
            let place = table &+ (va &>> shift & mask) &* 8
            mask = 0x1FF
            let physical = stage == .first ? try translateGuestPhysical(place, .load, implicit: true) : place
            guard mayWalk(physical), let slot = ram(physical, 8) else { throw .access }
            let entry = host_load_relaxed_64(slot)
            guard entry & PTE.V != 0, entry & PTE.reserved == 0, entry & (PTE.R | PTE.W) != PTE.W else { throw .page }
            guard isPermittedPBMT(entry, stage) else { throw .page }
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

    private func isPermittedPBMT(_ entry: UInt64, _ stage: Stage) -> Bool {
        let type = entry & PTE.PBMT
        return type == 0 || (type != PTE.PBMT && environment(of: stage) & EnvironmentConfiguration.PBMTE != 0)
    }

    /// Where PBMTE and ADUE of a stage stand: menvcfg has those of S-mode and of the G-stage.
    func environment(of stage: Stage) -> UInt64 { stage == .first ? guestEnvironment : state.pointee.menvcfg }
}
