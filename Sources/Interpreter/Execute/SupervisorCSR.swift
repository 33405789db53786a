import CHost
import RISCV

// The registers on a kernel's way in and out of a trap, apart from the other CSRs: S-mode, VS-mode with its own set,
// and M-mode may always reach them, and a write has no effect beyond the register. U-mode and VU-mode take the long
// way, where the exception is.

extension BlockBuilder {
    /// The handler of a CSR instruction that has one of its own.
    static func supervisorHandler(_ d: Decoded, _ extensions: Extensions) -> Handler? {
        // Without C sepc reads with a bit less; without F, FS stays Off.
        guard extensions.isSuperset(of: [.c, .f]), let csr = CSR(rawValue: UInt16(truncatingIfNeeded: d.imm)) else { return nil }
        switch (d.instruction, csr) {
        case (.csrrs, _) where d.rs1 == 0:
            return switch csr {
            case .sscratch: op_read_sscratch
            case .sepc: op_read_sepc
            case .scause: op_read_scause
            case .stval: op_read_stval
            case .sstatus: op_read_sstatus
            default: nil
            }
        case (.csrrw, .sscratch): return op_exchange_sscratch
        case (.csrrw, .sepc): return op_exchange_sepc
        case (.csrrw, .sstatus): return op_write_sstatus
        case (.csrrs, .sstatus): return op_set_sstatus
        case (.csrrc, .sstatus): return op_clear_sstatus
        case (.csrrsi, .sstatus) where d.rs1 != 0: return op_set_sstatus_bits
        case (.csrrci, .sstatus) where d.rs1 != 0: return op_clear_sstatus_bits
        default: return nil
        }
    }
}

/// Whether the hart's mode has the S-level registers at its disposal.
@inline(__always)
private func isPrivileged(_ h: H) -> Bool { h.live & 1 != 0 }

@inline(__always)
private func read(_ h: H, _ op: O, _ tlb: H, _ n: Int, _ own: UInt64, _ guest: UInt64) -> Int {
    guard isPrivileged(h) else { return rv_csrrs(h, op, tlb, n) }
    h.setX(op.rd, h.live & Live.virtual == 0 ? own : guest)
    return next(h, op, tlb, n)
}

@inline(__always)
private func exchange(_ h: H, _ op: O, _ tlb: H, _ n: Int, _ own: inout UInt64, _ guest: inout UInt64, mask: UInt64 = ~0) -> Int {
    guard isPrivileged(h) else { return rv_csrrw(h, op, tlb, n) }
    let new = h.x(op.rs1) & mask
    if h.live & Live.virtual == 0 {
        h.setX(op.rd, own)
        own = new
    } else {
        h.setX(op.rd, guest)
        guest = new
    }
    return next(h, op, tlb, n)
}

@c func op_read_sscratch(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    read(h, op, tlb, n, h.hart.pointee.sscratch, h.hart.pointee.vsscratch)
}

@c func op_read_sepc(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    read(h, op, tlb, n, h.hart.pointee.sepc, h.hart.pointee.vsepc)
}

@c func op_read_scause(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    read(h, op, tlb, n, h.hart.pointee.scause, h.hart.pointee.vscause)
}

@c func op_read_stval(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    read(h, op, tlb, n, h.hart.pointee.stval, h.hart.pointee.vstval)
}

@c func op_exchange_sscratch(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    exchange(h, op, tlb, n, &h.hart.pointee.sscratch, &h.hart.pointee.vsscratch)
}

@c func op_exchange_sepc(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    exchange(h, op, tlb, n, &h.hart.pointee.sepc, &h.hart.pointee.vsepc, mask: ~1)
}

// sstatus, in VS-mode vsstatus.

@c func op_read_sstatus(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard isPrivileged(h) else { return rv_csrrs(h, op, tlb, n) }
    h.setX(op.rd, supervisorStatus(h))
    return next(h, op, tlb, n)
}

@inline(never)
@c func op_write_sstatus(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard mayChangeStatus(h) else { return rv_csrrw(h, op, tlb, n) }
    let old = supervisorStatus(h), new = h.x(op.rs1)
    guard (old ^ new) & MStatus.MXR == 0 else { return rv_csrrw(h, op, tlb, n) }
    return change(h, op, tlb, n, old, new)
}

@inline(never)
@c func op_set_sstatus(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let bits = h.x(op.rs1)
    guard mayChangeStatus(h), bits & MStatus.MXR == 0 else { return rv_csrrs(h, op, tlb, n) }
    let old = supervisorStatus(h)
    return change(h, op, tlb, n, old, old | bits)
}

@inline(never)
@c func op_clear_sstatus(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    let bits = h.x(op.rs1)
    guard mayChangeStatus(h), bits & MStatus.MXR == 0 else { return rv_csrrc(h, op, tlb, n) }
    let old = supervisorStatus(h)
    return change(h, op, tlb, n, old, old & ~bits)
}

// The only field within reach of an immediate is SIE. These two are how a kernel closes and opens its critical
// sections.

@c func op_set_sstatus_bits(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    // An interrupt that is now enabled ends the block.
    guard mayChangeStatus(h), h.hart.pointee.pending & h.hart.pointee.mie == 0 else { return rv_csrrsi(h, op, tlb, n) }
    h.setX(op.rd, supervisorStatus(h))
    let bit = UInt64(op.rs1) & MStatus.SIE
    if h.live & Live.virtual == 0 { h.hart.pointee.mstatus |= bit } else { h.hart.pointee.vsstatus |= bit }
    return next(h, op, tlb, n)
}

@c func op_clear_sstatus_bits(_ h: H, _ op: O, _ tlb: H, _ n: Int) -> Int {
    guard mayChangeStatus(h) else { return rv_csrrci(h, op, tlb, n) }
    h.setX(op.rd, supervisorStatus(h))
    let bit = UInt64(op.rs1) & MStatus.SIE
    if h.live & Live.virtual == 0 { h.hart.pointee.mstatus &= ~bit } else { h.hart.pointee.vsstatus &= ~bit }
    return next(h, op, tlb, n)
}

/// S-mode and VS-mode. M-mode's changes may concern its own accesses, by MPRV.
@inline(__always)
private func mayChangeStatus(_ h: H) -> Bool { h.live & 3 == 1 }

/// What sstatus reads as in this mode.
@inline(__always)
private func supervisorStatus(_ h: H) -> UInt64 {
    let s = h.hart
    let virtual = h.live & Live.virtual != 0
    let joint = UInt64(s.pointee.fs)
    // While V = 1, `fs` is two fields in one; see Hart+FloatStatus.
    let fs = virtual && joint != 3 ? UInt64(s.pointee.guestFS) : joint
    let fields = virtual ? s.pointee.vsstatus | 2 &<< MStatus.UXLShift : s.pointee.mstatus & (Hart.supervisorStatus | MStatus.UXL)
    return fields | fs &<< MStatus.FSShift | (fs == 3 ? MStatus.SD : 0)
}

@inline(__always)
private func change(_ h: H, _ op: O, _ tlb: H, _ n: Int, _ old: UInt64, _ new: UInt64) -> Int {
    h.setX(op.rd, old)
    let stop = h.withHart { $0.changeSupervisorStatus(op, n, old ^ new) }
    return stop >= 0 ? stop : next(h, op, h.hart.pointee.tlb, n)
}

extension Hart {
    /// Inverts the fields of sstatus in `changed`, among which MXR isn't, in S-mode or VS-mode. A `Stop`, or -1 when
    /// the block goes on.
    @inline(never)
    fileprivate func changeSupervisorStatus(_ op: OpPointer, _ n: Int, _ changed: UInt64) -> Int {
        let s = state
        let plain = changed & (MStatus.SIE | MStatus.SPIE | MStatus.SPP | MStatus.SUM)
        let wasOff = s.pointee.fs == 0
        let fs = UInt8(truncatingIfNeeded: changed &>> MStatus.FSShift & 3)
        let status: UInt64
        if s.pointee.virtual {
            s.pointee.vsstatus ^= plain
            status = s.pointee.vsstatus
            if fs != 0 { guestFloatStatus ^= fs }
        } else {
            s.pointee.mstatus ^= plain
            status = s.pointee.mstatus
            s.pointee.fs ^= fs
        }
        if changed & MStatus.SUM != 0 {
            // Another table of the same address space.
            s.pointee.tlb = spaces.table(
                status & MStatus.SUM == 0 ? AddressSpaces.Regime.supervisor : AddressSpaces.Regime.supervisorUserAccess)
        }
        if wasOff != (s.pointee.fs == 0) {
            _ = host_atomic_xor_32(raw + HartLayout.live, Live.floatingPointOff)
            return resume(behind: op, n)
        }
        // An interrupt that is now enabled ends the block.
        if plain & MStatus.SIE != 0, s.pointee.pending & s.pointee.mie != 0, interruptDue { return resume(behind: op, n) }
        return -1
    }
}
