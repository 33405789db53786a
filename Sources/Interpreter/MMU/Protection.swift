import RISCV

extension Access {
    /// The permission bits of PMP that it needs.
    var needs: UInt8 {
        switch self {
        case .load: PMP.Config.R
        case .store: PMP.Config.W
        case .fetch: PMP.Config.X
        case .loadOfCode: PMP.Config.R | PMP.Config.X
        }
    }
}

extension Hart {
    /// Lets an access of `size` bytes, all in one page, pass PMP or throws. False when the page must not enter a
    /// TLB: when PMP permits a part of it only, or when the hart uses another mode's rights through MPRV or HLV, whose
    /// tables may be shared between address spaces and aren't the current ones.
    func protect(_ address: UInt64, _ size: UInt64, _ needs: UInt8, _ mode: AccessMode) throws(Fault) -> Bool {
        let own = mode == currentMode
        if pmp.isOpen { return own }
        let machine = mode.privilege == .machine
        switch pmp.verdict(address & ~0xFFF, address | 0xFFF, needs, machine: machine) {
        case .permitted: return own
        case .refused: throw .access
        case .mixed:
            guard case .permitted = pmp.verdict(address, address &+ (size &- 1), needs, machine: machine) else {
                throw .access
            }
            return false
        }
    }

    /// Page tables are read, and written for A and D, with S-mode's rights, whoever caused the walk (privileged spec, "Physical Memory
    /// Protection": implicit accesses).
    func mayWalk(_ address: UInt64, writing: Bool = false) -> Bool {
        if pmp.isOpen { return true }
        let needs = writing ? PMP.Config.R | PMP.Config.W : PMP.Config.R
        if case .permitted = pmp.verdict(address, address &+ 7, needs, machine: false) { return true }
        return false
    }

    /// What a change of PMP leaves standing of translations, links and ways to blocks: nothing.
    func protectionChanged() {
        emptyTranslations()
        refreshRegime()
    }

    // MARK: Watched addresses

    /// Whether stores to this page have to be seen.
    @inline(__always)
    func isWatchedPage(_ address: UInt64) -> Bool {
        !watched.isEmpty && watched.contains { ($0 ^ address) &>> 12 == 0 || (($0 &+ 7) ^ address) &>> 12 == 0 }
    }

    /// The watched address that a store of `size` bytes hits.
    func watchedAddress(_ address: UInt64, _ size: UInt64) -> UInt64? {
        watched.first { address < $0 &+ 8 && $0 < address &+ size }
    }
}
