import RISCV

/// The address translation process of the privileged specification ("Virtual Address Translation Process"),
/// step by step, for one access; written for the tests and from the text alone.
struct WalkOracle {
    enum Access { case load, store, fetch }
    enum Result: Equatable {
        case success(UInt64)
        case pageFault
        case accessFault
    }

    var levels: Int
    var root: UInt64
    var pbmte = false
    var sum = false
    var mxr = false
    /// The effective mode is U.
    var user = false
    /// Reads a doubleword of physical memory; nil where none is.
    var memory: (UInt64) -> UInt64?

    func translate(_ va: UInt64, _ access: Access) -> Result {
        // "Instruction fetch addresses and load and store effective addresses must have bits 63..VA width all
        // equal to the highest bit of the VA, or else a page-fault exception will occur."
        let width = 12 + 9 * levels
        let top = va >> UInt64(width - 1)
        guard top == 0 || top == UInt64.max >> UInt64(width - 1) else { return .pageFault }
        var a = root  // 1
        var i = levels - 1
        while true {
            // 2: an access fault of the original access's type if this violates a PMA
            guard let pte = memory(a + field(va, 12 + 9 * i, 9) * 8) else { return .accessFault }
            let v = pte & 1 != 0, r = pte & 2 != 0, w = pte & 4 != 0, x = pte & 8 != 0
            let u = pte & 16 != 0, accessed = pte & 64 != 0, dirty = pte & 128 != 0
            let ppn = field(pte, 10, 44), reserved = field(pte, 54, 7), pbmt = field(pte, 61, 2), n = pte >> 63 != 0
            // 3
            if !v || (!r && w) || reserved != 0 { return .pageFault }
            if pbmte ? pbmt == 3 : pbmt != 0 { return .pageFault }
            // 4
            if !r && !x {
                // "For non-leaf PTEs, the D, A, and U bits are reserved"; N and PBMT as well (Svnapot, Svpbmt).
                if accessed || dirty || u || n || pbmt != 0 { return .pageFault }
                i -= 1
                if i < 0 { return .pageFault }
                a = ppn * 4096
                continue
            }
            // 5: permissions
            if user ? !u : (u && (access == .fetch || !sum)) { return .pageFault }
            switch access {
            case .load: if !(r || (mxr && x)) { return .pageFault }
            case .store: if !w { return .pageFault }
            case .fetch: if !x { return .pageFault }
            }
            // Svnapot: only 64 KiB, at the lowest level.
            if n {
                guard i == 0, field(ppn, 0, 4) == 8 else { return .pageFault }
            }
            // 6: misaligned superpage
            if i > 0, field(ppn, 0, 9 * i) != 0 { return .pageFault }
            // 7, with Svade
            if !accessed || (access == .store && !dirty) { return .pageFault }
            // 8
            let low = n ? 16 : 12 + 9 * i
            let physical = ((ppn << 12) >> UInt64(low)) << UInt64(low) | field(va, 0, low)
            return .success(physical)
        }
    }

    private func field(_ v: UInt64, _ from: Int, _ width: Int) -> UInt64 {
        width == 0 ? 0 : (v << UInt64(64 - from - width)) >> UInt64(64 - width)
    }
}
