"""Trap entry: where a trap goes and what it leaves in the status registers ("Trap Entry")."""

from dataclasses import dataclass

from .machine import BREAKPOINT, HS, M, VS, Done, hstatus, mstatus

EXITED, TO_MACHINE, TO_SUPERVISOR, TO_GUEST, HUNG = range(5)
OUTCOMES = ("nothing traps", "trap to M-mode", "trap to HS-mode", "trap to VS-mode", "hangs")


# Where Images/hypervisor/matrix.c packs them.
MPP, MPV, GVA, MPIE = 0, 2, 3, 4
SPP, SPIE, SIE, SPV, SPVP, HGVA = 8, 9, 10, 12, 13, 14
VSPP, VSPIE, VSIE, FS, VFS, MPRV = 16, 17, 18, 20, 22, 24
STRAY = 25  # a trap register of another level was written
FLOAT = 15 << FS
NAMES = [("MPP", MPP, 2), ("MPV", MPV, 1), ("mGVA", GVA, 1), ("MPIE", MPIE, 1), ("SPP", SPP, 1), ("SPIE", SPIE, 1),
         ("SIE", SIE, 1), ("SPV", SPV, 1), ("SPVP", SPVP, 1), ("GVA", HGVA, 1), ("vSPP", VSPP, 1), ("vSPIE", VSPIE, 1),
         ("vSIE", VSIE, 1), ("FS", FS, 2), ("vFS", VFS, 2),
         ("MPRV", MPRV, 1), ("stray", STRAY, 1)]


def pack(m, h, v):
    """mstatus, of which sstatus is a part; hstatus; vsstatus."""
    def at(value, source, target, mask=1):
        return (value >> source & mask) << target

    return (at(m, 11, MPP, 3) | at(m, 39, MPV) | at(m, 38, GVA) | at(m, 7, MPIE)
            | at(m, 8, SPP) | at(m, 5, SPIE) | at(m, 1, SIE) | at(m, 13, FS, 3) | at(m, 17, MPRV)
            | at(h, 7, SPV) | at(h, 8, SPVP) | at(h, 6, HGVA)
            | at(v, 8, VSPP) | at(v, 5, VSPIE) | at(v, 1, VSIE) | at(v, 13, VFS, 3))


def describe_status(status):
    return " ".join("%s=%d" % (name, status >> at & (1 << width) - 1) for name, at, width in NAMES)


@dataclass
class Outcome:
    """What a row is to leave, in the terms of Images/hypervisor/layout.h."""
    outcome: int
    cause: int = 0
    tval: int = 0
    tval2: int = 0
    tinst: int = 0
    epc: int = 0
    status: int = 0
    mask: int = (1 << 26) - 1 & ~FLOAT
    result: int = None
    tval_may_be_zero: bool = False
    tinst_may_be_zero: bool = False
    tval_unknown: bool = False
    misaligned: bool = False


def target(mode, cause, medeleg, hedeleg):
    """A trap goes to M-mode, unless medeleg hands it to HS-mode and from there hedeleg, with V = 1, to VS-mode."""
    if mode is M or not medeleg >> cause & 1:
        return TO_MACHINE
    return TO_GUEST if mode.virtual and hedeleg >> cause & 1 else TO_SUPERVISOR


def put(register, mask, value):
    return register & ~mask | (mask if value is True else value)


def outcome(row, end, pc, exit_pc, rules):
    """What `row`, executed at `pc`, leaves when it ends with `end`: a Trap or Done."""
    m, h, v = (row.register(name) for name in ("mstatus", "hstatus", "vsstatus"))
    mode = row.mode
    if mode is not M:
        # Gone to by MRET, which moves MPIE to MIE and clears MPP and MPV.
        m = put(m, mstatus.MIE, mstatus.MIE if m & mstatus.MPIE else 0)
        m = put(m, mstatus.MPP | mstatus.MPV | mstatus.MPRV, 0) | mstatus.MPIE
    mask = (1 << 26) - 1 & ~FLOAT
    if isinstance(end, Done):
        m, h, v = (end.changed.get(name, value) for name, value in (("mstatus", m), ("hstatus", h), ("vsstatus", v)))
        if end.dirties_float:
            # "vsstatus": a change of the state with V = 1 makes both fields 3.
            mask |= 3 << FS | (3 << VFS if mode.virtual else 0)
            m |= mstatus.FS
            v |= mstatus.FS if mode.virtual else 0
        return Outcome(EXITED, epc=exit_pc, status=pack(*ended(end.mode, m, h, v)), mask=mask & ~(1 << GVA),
                       result=end.result)
    to = target(mode, end.cause, row.register("medeleg"), row.register("hedeleg"))
    result = Outcome(to, end.cause, end.tval, end.tval2, end.tinst, pc + end.offset, mask=mask,
                     tval_may_be_zero=end.tval_may_be_zero, tinst_may_be_zero=end.tinst_may_be_zero, tval_unknown=end.tval_unknown,
                     misaligned=end.misaligned)
    if to == TO_MACHINE:
        m = put(m, mstatus.MPIE, mstatus.MPIE if m & mstatus.MIE else 0) & ~mstatus.MIE
        m = put(m, mstatus.MPP, mode.privilege << 11)
        m = put(m, mstatus.MPV, mstatus.MPV if mode.virtual else 0)
        guest = end.guest_address
        if guest != bool(mode.virtual and end.tval) and rules.waives("GVA in mstatus"):
            guest = not guest
        m = put(m, mstatus.GVA, mstatus.GVA if guest else 0)
        result.status = pack(m, h, v)
        return result
    result.mask &= ~(1 << GVA)
    if to == TO_SUPERVISOR:
        m = put(m, mstatus.SPIE, mstatus.SPIE if m & mstatus.SIE else 0) & ~mstatus.SIE
        m = put(m, mstatus.SPP, mstatus.SPP if mode.privilege else 0)
        h = put(h, hstatus.SPV, hstatus.SPV if mode.virtual else 0)
        guest = end.guest_address and not (end.cause == BREAKPOINT and rules.waives("GVA of a breakpoint"))
        h = put(h, hstatus.GVA, hstatus.GVA if guest else 0)
        # SPVP follows SPP only when V was 1.
        if mode.virtual:
            h = put(h, hstatus.SPVP, hstatus.SPVP if mode.privilege else 0)
        result.status = pack(*ended(HS, m, h, v))
    else:
        # hstatus and sstatus stay; no register of VS-level holds tval2 or tinst.
        v = put(v, mstatus.SPIE, mstatus.SPIE if v & mstatus.SIE else 0) & ~mstatus.SIE
        v = put(v, mstatus.SPP, mstatus.SPP if mode.privilege else 0)
        if h & hstatus.GVA and rules.waives("hstatus on a trap to VS-mode"):
            h &= ~hstatus.GVA
        result.tval2 = result.tinst = 0
        result.status = pack(*ended(VS, m, h, v)) | (1 << STRAY if rules.waives("htval and htinst on a trap to VS-mode") else 0)
    return result


def ended(mode, m, h, v):
    """Once the instruction that ends a row has trapped to M-mode from `mode`."""
    m = put(m, mstatus.MPIE, mstatus.MPIE if m & mstatus.MIE else 0)
    m = put(m, mstatus.MPP, mode.privilege << 11)
    return put(m, mstatus.MPV, mstatus.MPV if mode.virtual else 0), h, v

