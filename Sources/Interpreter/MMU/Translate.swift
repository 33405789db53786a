import CHost
import RISCV

extension Hart {
    /// Physical address and permissions for one access in `mode`.
    func translate(_ va: UInt64, _ access: Access, mode: AccessMode) throws(Fault) -> Translation {
        if mode.virtual { return try translateTwice(va, access, mode) }
        let satp = state.pointee.satp
        if mode.privilege == .machine || satp &>> 60 == 0 {
            guard va < 1 << 56 else { throw .access }
            return .untranslated(va)
        }
        while true {
            let found = try walk(va, root: satp, .only)
            try checkRights(found.entry, access, mode)
            if try markUsed(found, access, .only) { return found }
        }
    }

    /// What the bits of a leaf of satp's or vsatp's table say about one access in `mode`. A guest has its own SUM
    /// and MXR; the HS-level MXR holds for it as well.
    func checkRights(_ entry: UInt64, _ access: Access, _ mode: AccessMode) throws(Fault) {
        let status = mode.virtual ? state.pointee.vsstatus | state.pointee.mstatus & MStatus.MXR : state.pointee.mstatus
        if mode.privilege == .user {
            guard entry & PTE.U != 0 else { throw .page }
        } else if entry & PTE.U != 0 {
            guard access != .fetch, status & MStatus.SUM != 0 else { throw .page }
        }
        guard Self.permits(entry, access, status & MStatus.MXR != 0) else { throw .page }
    }

    static func permits(_ entry: UInt64, _ access: Access, _ executableIsReadable: Bool) -> Bool {
        switch access {
        case .fetch, .loadOfCode: entry & PTE.X != 0
        case .load: entry & PTE.R != 0 || (entry & PTE.X != 0 && executableIsReadable)
        case .store: entry & PTE.W != 0
        }
    }

    /// Sees to it that a leaf's A and, for stores, D are set. Svade: software sets them, after a fault. Svadu with
    /// ADUE: the hart does, in one step with a check that the entry still is what was found (privileged
    /// spec 12.3.1). False if it isn't and the walk has to start again.
    func markUsed(_ found: Translation, _ access: Access, _ stage: Stage) throws(Fault) -> Bool {
        let missing = (access == .store ? PTE.A | PTE.D : PTE.A) & ~found.entry
        if missing == 0 { return true }
        guard environment(of: stage) & EnvironmentConfiguration.ADUE != 0 else { throw .page }
        let place = stage == .first ? try translateGuestPhysical(found.place, .store, implicit: true) : found.place
        guard mayWalk(place, writing: true), let slot = writableRAM(place, 8) else { throw .access }
        return host_atomic_cas_64(slot, found.entry, found.entry | missing)
    }

    /// Enters a page of RAM into the current data TLB, for loads or for stores made in the current mode.
    func fill(_ va: UInt64, _ found: Translation, _ access: Access, host: UnsafeMutableRawPointer) {
        stopSharingUnlessGlobal(found, mode: currentMode)
        let tlb = state.pointee.tlb
        let page = va & ~0xFFF
        let hostPage = UInt64(UInt(bitPattern: host)) &- (va & 0xFFF)
        let table = access == .store ? tlb + TLBLayout.stores : tlb
        let entry = table + Int(truncatingIfNeeded: page &>> 8) & ((TLBLayout.entries - 1) << TLBLayout.entryShift)
        entry.storeBytes(of: page, as: UInt64.self)
        entry.storeBytes(of: hostPage &- page, toByteOffset: 8, as: UInt64.self)
        noteLarge(va, found, mode: currentMode)
    }

    /// S-mode's tables are shared between address spaces only while all they hold is global.
    private func stopSharingUnlessGlobal(_ found: Translation, mode: AccessMode) {
        guard mode.privilege == .supervisor, found.entry & PTE.G == 0, spaces.shares else { return }
        spaces.stopSharing()
        refreshRegime()
    }

    func noteLarge(_ va: UInt64, _ found: Translation, mode: AccessMode) {
        if found.sizeShift == 12 { return }
        if mode.virtual { guestMarks.noteLarge(va, found.sizeShift) } else { hostMarks.noteLarge(va, found.sizeShift) }
    }

    /// The host address of the code at `va`, or a fault, and how many bytes of the page may be fetched from
    /// there on. Remembers the page in the fetch TLB when PMP permits all of it.
    func fetch(_ va: UInt64) throws(Fault) -> (code: UnsafeRawPointer, bytes: Int) {
        let toPageEnd = Int(4096 &- (va & 0xFFF))
        let page = va & ~0xFFF
        // Links may come to depend on the page, whether it was found quickly or not.
        if state.pointee.virtual {
            guestMarks.fetchedPages.insert(va &>> 12)
        } else {
            hostMarks.fetchedPages.insert(va &>> 12)
        }
        var entry = FetchTLB.entry(spaces.fetchTable(state.pointee.mode == .user), page)
        if entry.load(as: UInt64.self) == page {
            let host = entry.load(fromByteOffset: 8, as: UnsafeRawPointer.self)
            return (host + Int(truncatingIfNeeded: va & 0xFFF), toPageEnd)
        }
        count(.fetchMiss)
        let mode = currentMode
        let found = try translate(va, .fetch, mode: mode)
        guard let host = ram(found.address & ~0xFFF, 4096) else { throw .access }
        let whole = try protect(found.address, 2, Access.fetch.needs, mode)
        noteLarge(va, found, mode: mode)
        stopSharingUnlessGlobal(found, mode: mode)
        entry = FetchTLB.entry(spaces.fetchTable(state.pointee.mode == .user), page)
        let code = UnsafeRawPointer(host) + Int(truncatingIfNeeded: va & 0xFFF)
        if !whole { return (code, Int(truncatingIfNeeded: pmp.extent(found.address, found.address | 0xFFF))) }
        entry.storeBytes(of: page, as: UInt64.self)
        entry.storeBytes(of: UnsafeRawPointer(host), toByteOffset: 8, as: UnsafeRawPointer.self)
        return (code, toPageEnd)
    }

    /// SFENCE.VMA and SINVAL.VMA (privileged spec 12.2.1) for HS-level translations, HFENCE.VVMA and what these do
    /// in a guest for those of one VMID. Does more than asked when that is cheaper.
    func fenceVMA(address: UInt64?, asid: UInt64?, of owner: AddressSpaces.Owner = .host) {
        // More than is asked for: fences of the VS-stage needn't reach the G-stage's page tables. But hardware that
        // keeps both stages in one entry walks both after a fence of everything, and there is software that has seen
        // no other.
        if address == nil, asid == nil, owner != .host { guestStage.empty() }
        let marks = owner == .host ? hostMarks : guestMarks
        guard let address, !marks.hasVastPages else {
            empty(owner, asid: address == nil ? asid : nil)
            return
        }
        let extent = marks.extent(address)
        if extent > 4096 {
            spaces.forget(region: address, size: extent, of: owner)
        } else {
            spaces.forget(page: address, of: owner)
        }
        if marks.touchCode(address) {
            if owner == .host {
                hostMarks.fetchedPages.removeAll()
                spaces.renewEpochs(of: .host)
            } else {
                guestMarks.fetchedPages.removeAll()
                spaces.renewEpochs(of: .guests(vmid: nil))
            }
            refreshRegime()
        }
    }

    /// Forgets what an owner has, with one ASID or with all.
    private func empty(_ owner: AddressSpaces.Owner, asid: UInt64?) {
        spaces.empty(owner, asid: asid)
        if owner == .host {
            if asid == nil { hostMarks.clear() }
        } else if !spaces.hasGuests {
            guestMarks.clear()
        }
        refreshRegime()
    }

    /// HFENCE.GVMA and HINVAL.GVMA. No entry knows the guest physical address behind it, so all of the VMID go.
    func fenceGuestPhysical(vmid: UInt64?) {
        guestStage.empty()
        empty(.guests(vmid: vmid), asid: nil)
    }

    func emptyTranslations() {
        spaces.emptyAll()
        guestStage.empty()
        hostMarks.clear()
        guestMarks.clear()
    }

    /// FENCE.I: blocks have to prove themselves again before they are entered.
    func fenceInstruction() {
        generation &+= 1
        spaces.renewEpochs()
        refreshRegime()
    }

    /// Makes `tlb` and `live` agree with mode, satp, vsatp, hgatp, the status registers and the epoch. Call after
    /// changing any of them.
    func refreshRegime() {
        let s = state
        if spaces.epochsExhausted { discardBlocks() }
        let mode = currentMode
        let data = dataMode
        enterSpace(of: data)
        let status = data.virtual ? s.pointee.vsstatus : s.pointee.mstatus
        let regime =
            data.privilege == .user ? AddressSpaces.Regime.user
            : data.privilege == .supervisor && status & MStatus.SUM == 0 ? AddressSpaces.Regime.supervisor
            : AddressSpaces.Regime.supervisorUserAccess
        s.pointee.tlb = spaces.table(regime)
        // Fetches never follow MPRV.
        if data != mode { enterSpace(of: mode) }
        var live = spaces.epoch(mode.privilege == .user) &<< Live.epochShift | UInt32(mode.privilege.rawValue)
        if mode.virtual { live |= Live.virtual }
        noteModeForCounters()
        if s.pointee.fs == 0 { live |= Live.floatingPointOff }
        setLive(live)
    }

    @inline(__always)
    private func enterSpace(of mode: AccessMode) {
        let s = state
        if mode.virtual {
            spaces.enter(s.pointee.vsatp, guest: s.pointee.hgatp)
        } else {
            spaces.enter(mode.privilege == .machine ? AddressSpaces.machineKey : s.pointee.satp, guest: AddressSpaces.noGuest)
        }
    }
}
