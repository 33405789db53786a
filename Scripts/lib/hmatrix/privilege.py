"""The oracle of the trap matrix: whether an instruction may execute in a mode, and what it raises otherwise.

Written from the hypervisor chapter's "Trap Cause Codes", whose list of virtual-instruction exceptions decides
between illegal and virtual, and from the sections named beside each rule. An instruction is HS-qualified when
HS-mode could execute it with mstatus.TSR and TVM zero; with V = 1 what isn't HS-qualified is illegal.
"""

from .csrs import CSR
from .machine import (BREAKPOINT, ECALL_HS, ECALL_M, ECALL_U, ECALL_VS, HS, ILLEGAL, M, U, VIRTUAL, VS, VU, envcfg, hstatus, mstatus)


def csr_access(row, csr, writes, rules):
    """The cause, or None. `row.register(name)` are the registers that decide."""
    mode = row.mode
    if csr is None and row.number in HIGH_HALVES and rules.waives("high halves on RV64"):
        csr = HIGH_HALVES[row.number]
    if csr is None or (writes and csr.read_only):
        # Zicsr, "CSR Instructions"; Ssstrict for what doesn't exist. Nobody could, so neither could HS-mode.
        return ILLEGAL
    if csr.float and (not row.register("mstatus") & mstatus.FS or (mode.virtual and not row.register("vsstatus") & mstatus.FS)):
        # "Trap Cause Codes": what FS forbids is always illegal, never virtual.
        return ILLEGAL
    if mode is M:
        return None

    def given(guards):
        return all(row.effective(name) & bits == bits for name, bits in guards)

    qualified = csr.privilege <= 2 and given(csr.machine)
    if not qualified:
        withheld = csr.name == "henvcfg" and mode.virtual and rules.waives("HS-qualified: henvcfg")
        return VIRTUAL if withheld else ILLEGAL
    if mode is HS:
        return ILLEGAL if csr.tvm and row.register("mstatus") & mstatus.TVM else None
    if mode is U:
        return None if csr.privilege == 0 and given(csr.supervisor) else ILLEGAL
    if mode is VU and csr.privilege == 1 and (given(csr.hypervisor) or csr.name == "senvcfg"):
        if rules.waives("supervisor CSRs in VU-mode"):
            return ILLEGAL
    if csr.privilege > mode.privilege or not given(csr.hypervisor):
        return VIRTUAL
    if mode is VS:
        return VIRTUAL if csr.vtvm and row.register("hstatus") & hstatus.VTVM else None
    return None if given(csr.supervisor) else VIRTUAL


# CSRs of RV32 that end in h ("Trap Cause Codes": with XLEN > 32 always illegal).
HIGH_HALVES = {**{0x31C + n: CSR(0x31C + n, "mstateen%dh" % n) for n in range(4)},
               **{0x61C + n: CSR(0x61C + n, "hstateen%dh" % n) for n in range(4)}}


def by_mode(mode, supervisor, guest, user=ILLEGAL, guest_user=VIRTUAL):
    return {M: None, HS: supervisor, U: user, VS: guest, VU: guest_user}[mode]


def execution(row, instruction, rules):
    """The cause that keeps `instruction` from being executed, or None."""
    mode, kind = row.mode, instruction.kind
    m, h, v = (row.register(name) for name in ("mstatus", "hstatus", "vsstatus"))
    if kind in ("nothing", "load", "store", "lr", "sc", "amo", "fetch"):
        if instruction.float and (not m & mstatus.FS or (mode.virtual and not v & mstatus.FS)):
            return ILLEGAL
        return None
    if kind == "invalid":
        return ILLEGAL
    if kind == "ecall":
        return {M: ECALL_M, HS: ECALL_HS, VS: ECALL_VS}.get(mode, ECALL_U)
    if kind == "ebreak":
        return BREAKPOINT
    if kind == "mret":
        # Machine chapter, "Trap-Return Instructions": HS-mode can't either.
        return None if mode is M else ILLEGAL
    if kind == "sret":
        if mode is VU and rules.waives("SRET in VU-mode") or mode is VS and m & mstatus.TSR and rules.waives("TSR in VS-mode"):
            return ILLEGAL
        return by_mode(mode, ILLEGAL if m & mstatus.TSR else None, VIRTUAL if h & hstatus.VTSR else None)
    if kind == "wfi":
        # TW counts in all modes but M-mode ("mstatus"), VTW only while TW is zero ("hstatus"); U-mode's, and with
        # TW = 1 everybody's, is illegal when nothing ends it in time. Rows see to it that nothing does.
        if m & mstatus.TW:
            if mode is VU and rules.waives("WFI in VU-mode with TW"):
                return VIRTUAL
            return by_mode(mode, ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL)
        return by_mode(mode, None, VIRTUAL if h & hstatus.VTW else None)
    if kind in ("sfence.vma", "sinval.vma"):
        return by_mode(mode, ILLEGAL if m & mstatus.TVM else None, VIRTUAL if h & hstatus.VTVM else None)
    if kind in ("sfence.w.inval", "sfence.inval.ir"):
        # Svinval: neither TVM nor VTVM matters.
        if mode.privilege == 0 and rules.waives("Svinval's fences for users"):
            return None
        return by_mode(mode, None, None)
    if kind in ("hfence.vvma", "hinval.vvma"):
        return by_mode(mode, None, VIRTUAL)
    if kind in ("hfence.gvma", "hinval.gvma"):
        return by_mode(mode, ILLEGAL if m & mstatus.TVM else None, VIRTUAL)
    if kind in ("hlv", "hlvx", "hsv"):
        return by_mode(mode, None, VIRTUAL, None if h & hstatus.HU else ILLEGAL)
    if kind in ("cbm", "cbz"):
        return cache_block(row, instruction)
    if kind.startswith("float"):
        # "vsstatus": with V = 1 both fields are in effect.
        off = not m & mstatus.FS or (mode.virtual and not v & mstatus.FS)
        return ILLEGAL if off else None
    raise KeyError(kind)


def cache_block(row, instruction):
    """CMO chapter, "CSR controls for CMO instructions"; "henvcfg"."""
    mode = row.mode
    field = envcfg.CBZE if instruction.kind == "cbz" else envcfg.CBIE if instruction.name == "cbo.inval" else envcfg.CBCFE
    machine, hypervisor, supervisor = (row.register(name) & field for name in ("menvcfg", "henvcfg", "senvcfg"))
    if mode is not M and not machine or mode is U and not supervisor:
        return ILLEGAL
    if mode is VS and not hypervisor or mode is VU and not (hypervisor and supervisor):
        return VIRTUAL
    return None

