import RISCV

/// What a guest-page fault tells besides its cause (privileged spec, "Guest-Page Faults").
struct GuestFault {
    /// Guest physical address >> 2, as htval and mtval2 have it.
    var address: UInt64 = 0
    /// For an implicit access of VS-stage translation: the pseudoinstruction that htinst and mtinst have.
    var pseudoinstruction: UInt64 = 0
}

extension Hart {
    /// Both stages for one access in VS-mode or VU-mode, or on its behalf (privileged spec, "Two-Stage Address
    /// Translation"). The result has the VS-stage's entry and page size with the supervisor physical address.
    func translateTwice(_ va: UInt64, _ access: Access, _ mode: AccessMode) throws(Fault) -> Translation {
        let vsatp = state.pointee.vsatp
        while true {
            var found = Translation.untranslated(va)
            if vsatp &>> SATP.MODEShift != 0 {
                found = try walk(va, root: vsatp, .first)
                try checkRights(found.entry, access, mode)
                if try !markUsed(found, access, .first) { continue }
            }
            found.address = try translateGuestPhysical(found.address, access, implicit: false)
            return found
        }
    }

    /// The G-stage: every access is a user-level one, made explicitly or for VS-stage translation (`implicit`).
    func translateGuestPhysical(_ address: UInt64, _ access: Access, implicit: Bool) throws(Fault) -> UInt64 {
        let hgatp = state.pointee.hgatp
        if hgatp &>> HGATP.MODEShift == 0 {
            guard address < 1 << 56 else { throw .access }
            return address
        }
        if let known = guestStage.find(address, access, hgatp: hgatp) { return known }
        do throws(Fault) {
            while true {
                let found = try walk(address, root: hgatp, .second)
                guard found.entry & PTE.U != 0 else { throw .page }
                // MXR is about explicit loads; vsstatus has no say here.
                let executableIsReadable = !implicit && state.pointee.mstatus & MStatus.MXR != 0
                guard Self.permits(found.entry, access, executableIsReadable) else { throw .page }
                guard try markUsed(found, access, .second) else { continue }
                // What MXR alone permits, it doesn't permit to implicit accesses.
                if !executableIsReadable { guestStage.insert(address, access, physical: found.address) }
                return found.address
            }
        } catch {
            guard error == .page else { throw error }
            guestFault = GuestFault(
                address: address &>> 2, pseudoinstruction: implicit ? (access == .store ? 0x3020 : 0x3000) : 0)
            throw .guestPage
        }
    }
}
