import RISCV

// H: instructions of a hypervisor (privileged spec, "Hypervisor Instructions").

@inline(never)
@c func rv_hlv_b(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    var raw: UInt64 = 0
    let stop = guestLoad(h, op, n, .lb, .load, &raw)
    if stop >= 0 { return stop }
    h.setX(op.rd, loaded_lb(Int8(truncatingIfNeeded: raw)))
    return next(h, op, tlb, n)
}

@inline(never)
@c func rv_hlv_bu(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    var raw: UInt64 = 0
    let stop = guestLoad(h, op, n, .lbu, .load, &raw)
    if stop >= 0 { return stop }
    h.setX(op.rd, loaded_lbu(UInt8(truncatingIfNeeded: raw)))
    return next(h, op, tlb, n)
}

@inline(never)
@c func rv_hlv_h(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    var raw: UInt64 = 0
    let stop = guestLoad(h, op, n, .lh, .load, &raw)
    if stop >= 0 { return stop }
    h.setX(op.rd, loaded_lh(Int16(truncatingIfNeeded: raw)))
    return next(h, op, tlb, n)
}

@inline(never)
@c func rv_hlv_hu(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    var raw: UInt64 = 0
    let stop = guestLoad(h, op, n, .lhu, .load, &raw)
    if stop >= 0 { return stop }
    h.setX(op.rd, loaded_lhu(UInt16(truncatingIfNeeded: raw)))
    return next(h, op, tlb, n)
}

@inline(never)
@c func rv_hlvx_hu(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    var raw: UInt64 = 0
    let stop = guestLoad(h, op, n, .lhu, .loadOfCode, &raw)
    if stop >= 0 { return stop }
    h.setX(op.rd, loaded_lhu(UInt16(truncatingIfNeeded: raw)))
    return next(h, op, tlb, n)
}

@inline(never)
@c func rv_hlv_w(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    var raw: UInt64 = 0
    let stop = guestLoad(h, op, n, .lw, .load, &raw)
    if stop >= 0 { return stop }
    h.setX(op.rd, loaded_lw(Int32(truncatingIfNeeded: raw)))
    return next(h, op, tlb, n)
}

@inline(never)
@c func rv_hlv_wu(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    var raw: UInt64 = 0
    let stop = guestLoad(h, op, n, .lwu, .load, &raw)
    if stop >= 0 { return stop }
    h.setX(op.rd, loaded_lwu(UInt32(truncatingIfNeeded: raw)))
    return next(h, op, tlb, n)
}

@inline(never)
@c func rv_hlvx_wu(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    var raw: UInt64 = 0
    let stop = guestLoad(h, op, n, .lwu, .loadOfCode, &raw)
    if stop >= 0 { return stop }
    h.setX(op.rd, loaded_lwu(UInt32(truncatingIfNeeded: raw)))
    return next(h, op, tlb, n)
}

@inline(never)
@c func rv_hlv_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    var raw: UInt64 = 0
    let stop = guestLoad(h, op, n, .ld, .load, &raw)
    if stop >= 0 { return stop }
    h.setX(op.rd, raw)
    return next(h, op, tlb, n)
}

@inline(never)
@c func rv_hsv_b(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let stop = guestStore(h, op, n, 1, h.x(op.rs2))
    return stop >= 0 ? stop : next(h, op, tlb, n)
}

@inline(never)
@c func rv_hsv_h(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let stop = guestStore(h, op, n, 2, h.x(op.rs2))
    return stop >= 0 ? stop : next(h, op, tlb, n)
}

@inline(never)
@c func rv_hsv_w(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let stop = guestStore(h, op, n, 4, h.x(op.rs2))
    return stop >= 0 ? stop : next(h, op, tlb, n)
}

@inline(never)
@c func rv_hsv_d(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let stop = guestStore(h, op, n, 8, h.x(op.rs2))
    return stop >= 0 ? stop : next(h, op, tlb, n)
}

@inline(never)
@c func rv_hfence_vvma(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int { h.withHart { $0.fenceGuestVirtual(op, n) } }

/// HINVAL is as strong as HFENCE here, as SINVAL.VMA is as SFENCE.VMA.
@inline(never)
@c func rv_hinval_vvma(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int { h.withHart { $0.fenceGuestVirtual(op, n) } }

@inline(never)
@c func rv_hfence_gvma(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int { h.withHart { $0.fenceGuestPhysical(op, n) } }

@inline(never)
@c func rv_hinval_gvma(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int { h.withHart { $0.fenceGuestPhysical(op, n) } }

extension Hart {
    /// The VMID that guests' fences are about, and HS-mode's in their name.
    var currentVMID: UInt64 { (state.pointee.hgatp & HGATP.VMID) &>> HGATP.VMIDShift }

    /// What a hypervisor's instruction raises where it isn't valid: in a guest, and in U-mode unless `userMay` and
    /// hstatus.HU.
    func hypervisorInstructionException(userMay: Bool) -> Exception? {
        if state.pointee.virtual { return .virtualInstruction }
        if state.pointee.mode == .user, !userMay || state.pointee.hstatus & HStatus.HU == 0 { return .illegalInstruction }
        return nil
    }

    fileprivate func fenceGuestVirtual(_ op: OpPointer, _ n: Int) -> Int {
        if let exception = hypervisorInstructionException(userMay: false) { return stopIllegal(op, n, exception) }
        fenceVMA(
            address: op.rs1 == 0 ? nil : raw.x(op.rs1), asid: op.rs2 == 0 ? nil : raw.x(op.rs2) & 0xFFFF,
            of: .guests(vmid: currentVMID))
        return resume(behind: op, n)
    }

    fileprivate func fenceGuestPhysical(_ op: OpPointer, _ n: Int) -> Int {
        if let exception = hypervisorInstructionException(userMay: false) { return stopIllegal(op, n, exception) }
        if state.pointee.mode == .supervisor, state.pointee.mstatus & MStatus.TVM != 0 { return stopIllegal(op, n) }
        fenceGuestPhysical(vmid: op.rs2 == 0 ? nil : raw.x(op.rs2) & (HGATP.VMID &>> HGATP.VMIDShift))
        return resume(behind: op, n)
    }
}
