import CHost
import RISCV

/// The soft TLBs of the address spaces a hart has been in lately, so that a change of satp or mode is a change
/// of pointer and a process finds its entries again when it comes back.
///
/// What S-mode does with SUM clear, which is a kernel's ordinary life, needs no copy for each process as long as
/// its pages are global ones (PTE.G, privileged spec 12.3.1): those translations, and the links that depend on
/// them, are shared by all spaces. The first page of S-mode that isn't global ends that for its space.
struct AddressSpaces {
    /// One value of satp (or M-mode), or of vsatp and hgatp, with its TLBs: U, S with SUM clear, S with SUM set,
    /// then fetches.
    struct Space {
        var key: UInt64
        /// hgatp for a guest's space, whose key is vsatp; else `noGuest`. Translations of both stages stand here,
        /// so a hit costs what it costs without a guest, and a switch of worlds is a switch of spaces.
        var guest: UInt64
        var epoch: UInt32
        var lastUse: UInt64
        /// Bit n: TLB n may hold entries.
        var filled: UInt8
        /// S-mode's translations are all global: the shared tables and epoch stand for this space's own.
        var shares: Bool
        let memory: UnsafeMutableRawPointer
    }

    enum Regime {
        static let user = 0
        static let supervisor = 1
        static let supervisorUserAccess = 2
        static let count = 3
    }

    /// Key of M-mode's untranslated accesses: no satp value has MODE 15.
    static let machineKey: UInt64 = ~0
    /// No hgatp value.
    static let noGuest: UInt64 = ~0

    /// Whose translations a fence is about.
    enum Owner: Equatable {
        /// HS-level ones, and M-mode's.
        case host
        /// Those of guests with a VMID; nil for all of them.
        case guests(vmid: UInt64?)

        @inline(__always)
        func owns(_ space: borrowing Space) -> Bool {
            switch self {
            case .host: return space.guest == noGuest
            case .guests(let vmid):
                if space.guest == noGuest { return false }
                guard let vmid else { return true }
                return (space.guest & HGATP.VMID) &>> HGATP.VMIDShift == vmid
            }
        }
    }

    static let count = 8
    private static let spaceSize = Regime.count * TLBLayout.size + 2 * FetchTLB.size
    private let memory: UnsafeMutableRawPointer
    private var spaces: InlineArray<8, Space>
    private var clock: UInt64 = 1
    private var nextEpoch: UInt32 = 1
    private(set) var current = 0
    /// S-mode's shared tables: data, then fetches. Behind the spaces.
    private let shared: UnsafeMutableRawPointer
    private var sharedEpoch: UInt32 = 1
    private static let sharedSize = TLBLayout.size + FetchTLB.size
    private static let size = (count * spaceSize + sharedSize + 4095) & ~4095

    init?() {
        var error: Int32 = 0
        guard let memory = host_memory_reserve(Self.size, 4096, &error) else { return nil }
        self.memory = memory
        shared = memory + Self.count * Self.spaceSize
        host_fill(shared, 0xFF, Self.sharedSize)
        spaces = InlineArray { i in
            // No real key: MODE 15 with nothing else.
            Space(key: 0xF << 60 | UInt64(truncatingIfNeeded: i), guest: Self.noGuest, epoch: 0, lastUse: 0, filled: 0xFF,
                  shares: false, memory: memory + i &* Self.spaceSize)
        }
    }

    func release() { host_memory_release(memory, Self.size) }

    /// The TLB of a regime in the current space.
    mutating func table(_ regime: Int) -> UnsafeMutableRawPointer {
        if regime == Regime.supervisor, spaces[current].shares { return shared }
        spaces[current].filled |= 1 &<< UInt8(truncatingIfNeeded: regime)
        return spaces[current].memory + regime &* TLBLayout.size
    }

    /// The fetch TLB of the current space, for U (0) or S and M (1).
    mutating func fetchTable(_ user: Bool) -> UnsafeMutableRawPointer {
        if !user, spaces[current].shares { return shared + TLBLayout.size }
        spaces[current].filled |= 0x80
        return spaces[current].memory + Regime.count &* TLBLayout.size + (user ? 0 : FetchTLB.size)
    }

    /// The epoch of the current space, for U or for the other modes.
    func epoch(_ user: Bool) -> UInt32 { !user && spaces[current].shares ? sharedEpoch : spaces[current].epoch }

    /// Whether S-mode uses the shared tables in the current space.
    var shares: Bool { spaces[current].shares }

    /// Gives the current space tables of its own for S-mode.
    mutating func stopSharing() {
        spaces[current].shares = false
        spaces[current].epoch = freshEpoch()
    }

    /// Enters the space of `key` and `guest`, an empty one if it wasn't here lately.
    mutating func enter(_ key: UInt64, guest: UInt64) {
        clock &+= 1
        if spaces[current].key == key, spaces[current].guest == guest {
            spaces[current].lastUse = clock
            return
        }
        var oldest = 0
        for i in 0..<Self.count {
            if spaces[i].key == key, spaces[i].guest == guest {
                current = i
                spaces[i].lastUse = clock
                return
            }
            if spaces[i].lastUse < spaces[oldest].lastUse { oldest = i }
        }
        current = oldest
        spaces[oldest].key = key
        spaces[oldest].guest = guest
        spaces[oldest].lastUse = clock
        empty(oldest)
        spaces[oldest].epoch = freshEpoch()
        // Without translation there is no G bit to go by.
        spaces[oldest].shares = guest == Self.noGuest && key != Self.machineKey && key &>> 60 != 0
    }

    private mutating func freshEpoch() -> UInt32 {
        nextEpoch &+= 1
        return nextEpoch
    }

    /// Epochs run out after 2²⁷ of them: then every link has to go before they start again.
    var epochsExhausted: Bool { nextEpoch >= Live.epochLimit - 64 }
    mutating func restartEpochs() {
        nextEpoch = 1
        sharedEpoch = freshEpoch()
        for i in 0..<Self.count { spaces[i].epoch = freshEpoch() }
    }

    private mutating func empty(_ i: Int) {
        let filled = spaces[i].filled
        for regime in 0..<Regime.count where filled &>> UInt8(truncatingIfNeeded: regime) & 1 != 0 {
            host_fill(spaces[i].memory + regime &* TLBLayout.size, 0xFF, TLBLayout.size)
        }
        if filled & 0x80 != 0 {
            host_fill(spaces[i].memory + Regime.count &* TLBLayout.size, 0xFF, 2 * FetchTLB.size)
        }
        spaces[i].filled = 0
    }

    /// Forgets all translations, and every link with them.
    mutating func emptyAll() {
        host_fill(shared, 0xFF, Self.sharedSize)
        sharedEpoch = freshEpoch()
        for i in 0..<Self.count {
            empty(i)
            spaces[i].epoch = freshEpoch()
        }
    }

    /// Forgets what stores have found, in every space. What loads and fetches have found stays, and so does every link.
    mutating func forgetStores() {
        host_fill(shared + TLBLayout.stores, 0xFF, TLBLayout.stores)
        for i in 0..<Self.count {
            for regime in 0..<Regime.count where spaces[i].filled &>> UInt8(truncatingIfNeeded: regime) & 1 != 0 {
                host_fill(spaces[i].memory + regime &* TLBLayout.size + TLBLayout.stores, 0xFF, TLBLayout.stores)
            }
        }
    }

    /// Whether translations of guests are held.
    var hasGuests: Bool {
        for i in 0..<Self.count where spaces[i].guest != Self.noGuest && spaces[i].filled != 0 { return true }
        return false
    }

    /// Forgets the translations of an owner's spaces, or of those with this ASID. What S-mode shares is global and
    /// outlives an ASID.
    mutating func empty(_ owner: Owner, asid: UInt64?) {
        if owner == .host, asid == nil {
            host_fill(shared, 0xFF, Self.sharedSize)
            sharedEpoch = freshEpoch()
        }
        for i in 0..<Self.count where owner.owns(spaces[i]) && spaces[i].filled != 0 {
            if let asid, spaces[i].key &>> 44 & 0xFFFF != asid || spaces[i].key &>> 60 == 15 { continue }
            empty(i)
            spaces[i].epoch = freshEpoch()
        }
    }

    /// Forgets every link, but no translation.
    mutating func renewEpochs() {
        sharedEpoch = freshEpoch()
        for i in 0..<Self.count { spaces[i].epoch = freshEpoch() }
    }

    mutating func renewEpochs(of owner: Owner) {
        if owner == .host { sharedEpoch = freshEpoch() }
        for i in 0..<Self.count where owner.owns(spaces[i]) { spaces[i].epoch = freshEpoch() }
    }

    /// Forgets all pages of the region of `size` bytes (a power of two) around `va`, in every space of the owner.
    mutating func forget(region va: UInt64, size: UInt64, of owner: Owner) {
        let mask = ~(size &- 1)
        if owner == .host {
            Self.forget(shared, count: 2 * TLBLayout.entries, va & mask, mask)
            Self.forget(shared + TLBLayout.size, count: FetchTLB.entries, va & mask, mask)
        }
        for i in 0..<Self.count where owner.owns(spaces[i]) {
            let filled = spaces[i].filled
            for regime in 0..<Regime.count where filled &>> UInt8(truncatingIfNeeded: regime) & 1 != 0 {
                Self.forget(spaces[i].memory + regime &* TLBLayout.size, count: 2 * TLBLayout.entries, va & mask, mask)
            }
            if filled & 0x80 != 0 {
                Self.forget(spaces[i].memory + Regime.count &* TLBLayout.size, count: 2 * FetchTLB.entries, va & mask, mask)
            }
        }
    }

    private static func forget(_ table: UnsafeMutableRawPointer, count: Int, _ region: UInt64, _ mask: UInt64) {
        for i in 0..<count {
            let entry = table + i &* 16
            let tag = entry.load(as: UInt64.self)
            if tag & mask == region, tag & 0xFFF == 0 { entry.storeBytes(of: ~0, as: UInt64.self) }
        }
    }

    /// Forgets one 4 KiB page in every space of the owner.
    mutating func forget(page va: UInt64, of owner: Owner) {
        let page = va & ~0xFFF
        if owner == .host {
            Self.forget(shared, page)
            Self.forget(shared + TLBLayout.stores, page)
            FetchTLB.forget(shared + TLBLayout.size, page)
        }
        for i in 0..<Self.count where owner.owns(spaces[i]) {
            let filled = spaces[i].filled
            for regime in 0..<Regime.count where filled &>> UInt8(truncatingIfNeeded: regime) & 1 != 0 {
                let table = spaces[i].memory + regime &* TLBLayout.size
                Self.forget(table, page)
                Self.forget(table + TLBLayout.stores, page)
            }
            if filled & 0x80 != 0 {
                let table = spaces[i].memory + Regime.count &* TLBLayout.size
                FetchTLB.forget(table, page)
                FetchTLB.forget(table + FetchTLB.size, page)
            }
        }
    }

    private static func forget(_ table: UnsafeMutableRawPointer, _ page: UInt64) {
        let entry = table + Int(truncatingIfNeeded: page &>> 8) & ((TLBLayout.entries - 1) << TLBLayout.entryShift)
        if entry.load(as: UInt64.self) == page { entry.storeBytes(of: ~0, as: UInt64.self) }
    }
}

/// Translations of fetches: page address and the host address of the page.
enum FetchTLB {
    static let entries = 64
    static let size = entries * 16

    @inline(__always)
    static func entry(_ table: UnsafeMutableRawPointer, _ page: UInt64) -> UnsafeMutableRawPointer {
        table + Int(truncatingIfNeeded: page &>> 8) & ((entries - 1) << 4)
    }

    static func forget(_ table: UnsafeMutableRawPointer, _ page: UInt64) {
        let e = entry(table, page)
        if e.load(as: UInt64.self) == page { e.storeBytes(of: ~0, as: UInt64.self) }
    }
}
