import RISCV

/// Two-stage translation of one access, from the text of the privileged specification alone: "Virtual Address
/// Translation Process" with the changes of "Guest Physical Address Translation" and "Two-Stage Address Translation".
struct TwoStageOracle {
    enum Access { case load, store, fetch, loadOfCode }
    enum Fault: Error, Equatable {
        case page, access
        /// With the guest physical address, and whether the access was one to a VS-stage table.
        case guestPage(UInt64, implicit: Bool)
    }

    /// Levels of either stage, 0 for Bare, and the addresses of their roots.
    var vsLevels: Int, vsRoot: UInt64
    var gLevels: Int, gRoot: UInt64
    var user = false
    /// vsstatus.SUM and vsstatus.MXR, sstatus.MXR.
    var sum = false, guestMXR = false, hostMXR = false
    var vsPBMTE = false, gPBMTE = false
    var memory: (UInt64) -> UInt64?

    func translate(_ va: UInt64, _ access: Access) throws(Fault) -> UInt64 {
        try guestStage(vsLevels == 0 ? va : try ownStage(va, access), access, implicit: false)
    }

    private func ownStage(_ va: UInt64, _ access: Access) throws(Fault) -> UInt64 {
        let width = 12 + 9 * vsLevels
        let top = va >> UInt64(width - 1)
        guard top == 0 || top == UInt64.max >> UInt64(width - 1) else { throw .page }
        var a = vsRoot
        for i in stride(from: vsLevels - 1, through: 0, by: -1) {
            // "memory accesses made in support of VS-stage address translation, such as reads and writes of
            // VS-level page tables" pass through the G-stage "as though for an implicit load".
            let place = try guestStage(a + bits(va, 12 + 9 * i, 9) * 8, .load, implicit: true)
            guard let pte = memory(place) else { throw .access }
            if let leaf = try classify(pte, pbmte: vsPBMTE) {
                // "U bit", SUM of the guest; a guest's MXR and the host's both hold here.
                if user ? !leaf.u : leaf.u && (access == .fetch || !sum) { throw .page }
                try permit(leaf, access, mxr: guestMXR || hostMXR)
                return try compose(pte, va, level: i, access)
            }
            a = bits(pte, 10, 44) << 12
        }
        throw .page
    }

    private func guestStage(_ gpa: UInt64, _ access: Access, implicit: Bool) throws(Fault) -> UInt64 {
        if gLevels == 0 {
            guard gpa >> 56 == 0 else { throw .access }
            return gpa
        }
        do throws(Fault) {
            // "the size of the incoming address is widened by 2 bits"; the others "must all be zeros".
            guard gpa >> UInt64(14 + 9 * gLevels) == 0 else { throw .page }
            var a = gRoot
            for i in stride(from: gLevels - 1, through: 0, by: -1) {
                let wide = i == gLevels - 1 ? 11 : 9
                guard let pte = memory(a + bits(gpa, 12 + 9 * i, wide) * 8) else { throw .access }
                if let leaf = try classify(pte, pbmte: gPBMTE) {
                    // "when checking the U bit, the current privilege mode is always taken to be U-mode".
                    if !leaf.u { throw .page }
                    // "Setting MXR at VS-level does not override guest-physical page protections"; MXR is about
                    // explicit loads.
                    try permit(leaf, access, mxr: hostMXR && !implicit)
                    return try compose(pte, gpa, level: i, access)
                }
                a = bits(pte, 10, 44) << 12
            }
            throw .page
        } catch {
            guard error == .page else { throw error }
            throw .guestPage(gpa, implicit: implicit)
        }
    }

    private struct Leaf { var r: Bool, w: Bool, x: Bool, u: Bool }

    /// Nil for a pointer.
    private func classify(_ pte: UInt64, pbmte: Bool) throws(Fault) -> Leaf? {
        let v = pte & 1 != 0, r = pte & 2 != 0, w = pte & 4 != 0, x = pte & 8 != 0, u = pte & 16 != 0
        let pbmt = bits(pte, 61, 2), n = pte >> 63 != 0
        if !v || (!r && w) || bits(pte, 54, 7) != 0 { throw .page }
        if pbmte ? pbmt == 3 : pbmt != 0 { throw .page }
        if r || x { return Leaf(r: r, w: w, x: x, u: u) }
        if pte & 0xC0 != 0 || u || n || pbmt != 0 { throw .page }
        return nil
    }

    private func permit(_ leaf: Leaf, _ access: Access, mxr: Bool) throws(Fault) {
        switch access {
        case .load: if !(leaf.r || (mxr && leaf.x)) { throw .page }
        case .store: if !leaf.w { throw .page }
        case .fetch, .loadOfCode: if !leaf.x { throw .page }
        }
    }

    private func compose(_ pte: UInt64, _ address: UInt64, level: Int, _ access: Access) throws(Fault) -> UInt64 {
        let ppn = bits(pte, 10, 44), n = pte >> 63 != 0
        if n, level != 0 || ppn & 15 != 8 { throw .page }
        if level > 0, bits(ppn, 0, 9 * level) != 0 { throw .page }
        // Svade
        if pte & 0x40 == 0 || (access == .store && pte & 0x80 == 0) { throw .page }
        let low = n ? 16 : 12 + 9 * level
        return ((ppn << 12) >> UInt64(low)) << UInt64(low) | bits(address, 0, low)
    }

    private func bits(_ v: UInt64, _ from: Int, _ width: Int) -> UInt64 {
        width == 0 ? 0 : (v << UInt64(64 - from - width)) >> UInt64(64 - width)
    }
}
