import CHost
import RISCV

extension Hart {
    /// The mode whose rules loads and stores follow: mstatus.MPRV lends M-mode that of MPP.
    var dataMode: Privilege {
        let status = state.pointee.mstatus
        if state.pointee.mode == .machine, status & MStatus.MPRV != 0 {
            return Privilege(rawValue: UInt8(truncatingIfNeeded: status &>> MStatus.MPPShift & 3)) ?? .user
        }
        return state.pointee.mode
    }

    /// Physical address and permissions for one access in `mode`.
    func translate(_ va: UInt64, _ access: Access, mode: Privilege) throws(Fault) -> Translation {
        let satp = state.pointee.satp
        if mode == .machine || satp &>> 60 == 0 {
            guard va < 1 << 56 else { throw .access }
            return Translation(address: va, entry: PTE.R | PTE.W | PTE.X | PTE.A | PTE.D, sizeShift: 12, place: 0)
        }
        while true {
            let found = try walk(va, root: satp)
            try checkRights(found.entry, access, mode)
            if try markUsed(found, access) { return found }
        }
    }

    /// What the bits of a leaf and mstatus say about one access in `mode`.
    private func checkRights(_ entry: UInt64, _ access: Access, _ mode: Privilege) throws(Fault) {
        let status = state.pointee.mstatus
        if mode == .user {
            guard entry & PTE.U != 0 else { throw .page }
        } else if entry & PTE.U != 0 {
            guard access != .fetch, status & MStatus.SUM != 0 else { throw .page }
        }
        switch access {
        case .fetch: guard entry & PTE.X != 0 else { throw .page }
        case .load:
            guard entry & PTE.R != 0 || (entry & PTE.X != 0 && status & MStatus.MXR != 0) else { throw .page }
        case .store: guard entry & PTE.W != 0 else { throw .page }
        }
    }

    /// Sees to it that a leaf's A and, for stores, D are set. Svade: software sets them, after a fault. Svadu with
    /// menvcfg.ADUE: the hart does, in one step with a check that the entry still is what was found (privileged
    /// spec 12.3.1). False if it isn't and the walk has to start again.
    private func markUsed(_ found: Translation, _ access: Access) throws(Fault) -> Bool {
        let missing = (access == .store ? PTE.A | PTE.D : PTE.A) & ~found.entry
        if missing == 0 { return true }
        guard state.pointee.menvcfg & EnvironmentConfiguration.ADUE != 0 else { throw .page }
        guard mayWalk(found.place, writing: true), let slot = writableRAM(found.place, 8) else { throw .access }
        return host_atomic_cas_64(slot, found.entry, found.entry | missing)
    }

    /// Enters a page of RAM into the current data TLB, for loads or for stores.
    func fill(_ va: UInt64, _ found: Translation, _ access: Access, host: UnsafeMutableRawPointer) {
        stopSharingUnlessGlobal(found, mode: dataMode)
        let tlb = state.pointee.tlb
        let page = va & ~0xFFF
        let hostPage = UInt64(UInt(bitPattern: host)) &- (va & 0xFFF)
        let table = access == .store ? tlb + TLBLayout.stores : tlb
        let entry = table + Int(truncatingIfNeeded: page &>> 8) & ((TLBLayout.entries - 1) << TLBLayout.entryShift)
        entry.storeBytes(of: page, as: UInt64.self)
        entry.storeBytes(of: hostPage &- page, toByteOffset: 8, as: UInt64.self)
        noteLarge(va, found)
    }

    /// S-mode's tables are shared between address spaces only while all they hold is global.
    private func stopSharingUnlessGlobal(_ found: Translation, mode: Privilege) {
        guard mode == .supervisor, found.entry & PTE.G == 0, spaces.shares else { return }
        spaces.stopSharing()
        refreshRegime()
    }

    func noteLarge(_ va: UInt64, _ found: Translation) {
        if found.sizeShift == 12 { return }
        if found.sizeShift > 30 { hasVastPages = true }
        largeRegions.insert(found.sizeShift >= 30 ? va &>> 30 | 1 &<< 60 : va &>> 21)
    }

    /// The host address of the code at `va`, or a fault, and how many bytes of the page may be fetched from
    /// there on. Remembers the page in the fetch TLB when PMP permits all of it.
    func fetch(_ va: UInt64) throws(Fault) -> (code: UnsafeRawPointer, bytes: Int) {
        let toPageEnd = Int(4096 &- (va & 0xFFF))
        let page = va & ~0xFFF
        // Links may come to depend on the page, whether it was found quickly or not.
        fetchedPages.insert(va &>> 12)
        var entry = FetchTLB.entry(spaces.fetchTable(state.pointee.mode == .user), page)
        if entry.load(as: UInt64.self) == page {
            let host = entry.load(fromByteOffset: 8, as: UnsafeRawPointer.self)
            return (host + Int(truncatingIfNeeded: va & 0xFFF), toPageEnd)
        }
        count(.fetchMiss)
        let found = try translate(va, .fetch, mode: state.pointee.mode)
        guard let host = ram(found.address & ~0xFFF, 4096) else { throw .access }
        let whole = try protect(found.address, 2, Access.fetch.needs, state.pointee.mode)
        noteLarge(va, found)
        stopSharingUnlessGlobal(found, mode: state.pointee.mode)
        entry = FetchTLB.entry(spaces.fetchTable(state.pointee.mode == .user), page)
        let code = UnsafeRawPointer(host) + Int(truncatingIfNeeded: va & 0xFFF)
        if !whole { return (code, Int(truncatingIfNeeded: pmp.extent(found.address, found.address | 0xFFF))) }
        entry.storeBytes(of: page, as: UInt64.self)
        entry.storeBytes(of: UnsafeRawPointer(host), toByteOffset: 8, as: UnsafeRawPointer.self)
        return (code, toPageEnd)
    }

    /// SFENCE.VMA and SINVAL.VMA (privileged spec 12.2.1). Does more than asked when that is cheaper.
    func fenceVMA(address: UInt64?, asid: UInt64?) {
        guard let address else {
            if let asid { spaces.empty(asid: asid) } else { emptyTranslations() }
            refreshRegime()
            return
        }
        if hasVastPages {
            emptyTranslations()
            refreshRegime()
            return
        }
        if largeRegions.mayContain(address &>> 30 | 1 &<< 60) {
            spaces.forget(region: address, size: 1 << 30)
        } else if largeRegions.mayContain(address &>> 21) {
            spaces.forget(region: address, size: 1 << 21)
        } else {
            spaces.forget(page: address)
        }
        if touchesCode(address) {
            fetchedPages.removeAll()
            spaces.renewEpochs()
            refreshRegime()
        }
    }

    /// Whether links may depend on the translation of `address`.
    private func touchesCode(_ address: UInt64) -> Bool {
        fetchedPages.mayContain(address &>> 12) || largeRegions.mayContain(address &>> 21)
            || largeRegions.mayContain(address &>> 30 | 1 &<< 60)
    }

    func emptyTranslations() {
        spaces.emptyAll()
        fetchedPages.removeAll()
        largeRegions.removeAll()
        hasVastPages = false
    }

    /// FENCE.I: blocks have to prove themselves again before they are entered.
    func fenceInstruction() {
        generation &+= 1
        spaces.renewEpochs()
        refreshRegime()
    }

    /// Makes `tlb` and `live` agree with mode, satp, mstatus and the epoch. Call after changing any of them.
    func refreshRegime() {
        let s = state
        if spaces.epochsExhausted { discardBlocks() }
        let mode = s.pointee.mode
        let data = dataMode
        spaces.enter(data == .machine ? AddressSpaces.machineKey : s.pointee.satp)
        let regime =
            data == .user ? AddressSpaces.Regime.user
            : data == .supervisor && s.pointee.mstatus & MStatus.SUM == 0 ? AddressSpaces.Regime.supervisor
            : AddressSpaces.Regime.supervisorUserAccess
        s.pointee.tlb = spaces.table(regime)
        // Fetches never follow MPRV.
        if data != mode { spaces.enter(mode == .machine ? AddressSpaces.machineKey : s.pointee.satp) }
        var live = spaces.epoch(mode == .user) &<< Live.epochShift | UInt32(mode.rawValue)
        if s.pointee.fs == 0 { live |= Live.floatingPointOff }
        setLive(live)
    }
}
