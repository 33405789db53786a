/// Physical memory protection (privileged spec, "Physical Memory Protection" and "Smepmp"): 16 entries with a grain
/// of 4 bytes.
struct PMP {
    static let count = 16

    /// Bits of a configuration byte.
    enum Config {
        static let R: UInt8 = 1
        static let W: UInt8 = 2
        static let X: UInt8 = 4
        static let A: UInt8 = 3 << 3
        static let L: UInt8 = 1 << 7
        static let TOR: UInt8 = 1 << 3
        static let NA4: UInt8 = 2 << 3
        static let NAPOT: UInt8 = 3 << 3
        static let all = R | W | X
    }

    /// Smepmp's bits of mseccfg; all clear without it.
    struct Policy: Equatable {
        /// Machine-Mode Lockdown: L says whose a region is, M-mode's or the others', and W without R shares it.
        var MML = false
        /// Machine-Mode Whitelist Policy: M-mode needs a matching entry as the others do.
        var MMWP = false
        /// Rule Locking Bypass: locked entries may be changed.
        var RLB = false
    }

    /// What the entries say about a range of addresses.
    enum Verdict {
        case permitted, refused
        /// Entries begin or end inside it: ask for less.
        case mixed
    }

    private var configs: InlineArray<16, UInt8> = .init(repeating: 0)
    private var addresses: InlineArray<16, UInt64> = .init(repeating: 0)
    // What those two mean: the first and last byte of each entry, first > last for one that matches nothing.
    private var firsts: InlineArray<16, UInt64> = .init(repeating: 1)
    private var lasts: InlineArray<16, UInt64> = .init(repeating: 0)
    private var machineRights: InlineArray<16, UInt8> = .init(repeating: 0)
    private var otherRights: InlineArray<16, UInt8> = .init(repeating: 0)
    /// What M-mode may do where no entry matches. The others may do nothing there.
    private var unmatchedRights = Config.all
    private var policy = Policy()
    /// Entries from here on match nothing.
    private var used = 0
    /// Entry 0 permits everything everywhere, so that there is nothing to look up.
    private(set) var isOpen = false

    /// The lowest-numbered entry that matches a byte of the range decides, and it has to match all of them.
    /// Without a match M-mode may do everything, unless Smepmp says otherwise, and the others nothing.
    func verdict(_ first: UInt64, _ last: UInt64, _ needs: UInt8, machine: Bool) -> Verdict {
        for i in 0..<used where firsts[i] <= last && first <= lasts[i] {
            guard firsts[i] <= first, last <= lasts[i] else { return .mixed }
            return (machine ? machineRights[i] : otherRights[i]) & needs == needs ? .permitted : .refused
        }
        return machine && unmatchedRights & needs == needs ? .permitted : .refused
    }

    /// How many bytes from `address` to at most `last` one and the same answer covers; at least 1.
    func extent(_ address: UInt64, _ last: UInt64) -> UInt64 {
        var end = last
        for i in 0..<used where firsts[i] <= lasts[i] && firsts[i] <= end && address <= lasts[i] {
            if firsts[i] <= address { return min(end, lasts[i]) &- address &+ 1 }
            end = firsts[i] &- 1
        }
        return end &- address &+ 1
    }

    // MARK: The registers

    /// pmpcfg0 or pmpcfg2: eight configuration bytes from entry `first`.
    func configs(from first: Int) -> UInt64 {
        var value: UInt64 = 0
        for i in 0..<8 where first &+ i < Self.count { value |= UInt64(configs[first &+ i]) &<< UInt64(8 &* i) }
        return value
    }

    /// Writes the bytes of unlocked entries. R = 0 with W = 1 is reserved without MML: W stays clear then. With MML
    /// no region becomes executable in M-mode any more.
    mutating func setConfigs(from first: Int, _ value: UInt64) {
        for i in 0..<8 where first &+ i < Self.count {
            let entry = first &+ i
            if isLocked(entry) { continue }
            var byte = UInt8(truncatingIfNeeded: value &>> UInt64(8 &* i)) & (Config.all | Config.A | Config.L)
            if byte & Config.R == 0, !policy.MML { byte &= ~Config.W }
            if policy.MML, !policy.RLB, Self.sharedRights(byte).machine & Config.X != 0 { continue }
            configs[entry] = byte
        }
        refresh()
    }

    func address(_ entry: Int) -> UInt64 { addresses[entry & 15] }

    /// Bits 55 to 2 of an address. Locked with its own entry, and with the next one when that is a locked TOR.
    mutating func setAddress(_ entry: Int, _ value: UInt64) {
        let entry = entry & 15
        if isLocked(entry) { return }
        if entry < 15, isLocked(entry &+ 1), configs[entry &+ 1] & Config.A == Config.TOR { return }
        addresses[entry] = value & (1 &<< 54 &- 1)
        refresh()
    }

    private func isLocked(_ entry: Int) -> Bool { configs[entry] & Config.L != 0 && !policy.RLB }

    /// Takes Smepmp's bits. MML and MMWP stay set until reset; RLB can't be set, or cleared, while it is clear and an
    /// entry is locked. What became of them is returned.
    mutating func setPolicy(_ new: Policy) -> Policy {
        var isAnyLocked = false
        for i in 0..<Self.count where configs[i] & Config.L != 0 { isAnyLocked = true }
        if policy.RLB || !isAnyLocked { policy.RLB = new.RLB }
        if new.MML { policy.MML = true }
        if new.MMWP { policy.MMWP = true }
        refresh()
        return policy
    }

    /// Who may do what by a configuration byte under MML (Smepmp, the table of "Smepmp specification").
    private static func sharedRights(_ config: UInt8) -> (machine: UInt8, others: UInt8) {
        let rights = config & Config.all
        let isLocked = config & Config.L != 0
        switch (isLocked, rights) {
        case (false, Config.W): return (Config.R | Config.W, Config.R)
        case (false, Config.W | Config.X): return (Config.R | Config.W, Config.R | Config.W)
        case (true, Config.W): return (Config.X, Config.X)
        case (true, Config.W | Config.X): return (Config.R | Config.X, Config.X)
        case (true, Config.all): return (Config.R, Config.R)
        case (true, _): return (rights, 0)
        case (false, _): return (0, rights)
        }
    }

    /// Opens everything, as firmware does when it has nothing to hide.
    mutating func open() {
        setAddress(0, ~0)
        setConfigs(from: 0, UInt64(Config.NAPOT | Config.all))
    }

    private mutating func refresh() {
        used = 0
        for i in 0..<Self.count {
            firsts[i] = 1
            lasts[i] = 0
            // Only a locked entry binds M-mode.
            (machineRights[i], otherRights[i]) =
                policy.MML
                ? Self.sharedRights(configs[i])
                : (configs[i] & Config.L == 0 ? Config.all : configs[i] & Config.all, configs[i] & Config.all)
            let address = addresses[i]
            switch configs[i] & Config.A {
            case Config.TOR:
                let bottom = i == 0 ? 0 : addresses[i &- 1]
                guard bottom < address else { continue }
                firsts[i] = bottom &<< 2
                lasts[i] = address &<< 2 &- 1
            case Config.NA4:
                firsts[i] = address &<< 2
                lasts[i] = firsts[i] | 3
            case Config.NAPOT:
                // …0111 stands for 2⁶ bytes: the ones and the zero above them are no part of the base.
                let span = address ^ (address &+ 1)
                firsts[i] = (address & ~span) &<< 2
                lasts[i] = (address | span) &<< 2 | 3
            default: continue
            }
            used = i &+ 1
        }
        unmatchedRights = policy.MMWP ? 0 : policy.MML ? Config.R | Config.W : Config.all
        isOpen =
            used > 0 && firsts[0] == 0 && lasts[0] &>> 56 != 0
            && machineRights[0] & otherRights[0] & Config.all == Config.all
    }
}
