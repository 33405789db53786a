"""The oracle of the translation matrix: the hypervisor chapter's "Two-Stage Address Translation", and which exception a
fault on the way is.
"""

from functools import partial

from .instructions import transformed
from .machine import (
    FETCH_ACCESS, FETCH_GUEST, FETCH_PAGE, LOAD_ACCESS, LOAD_GUEST, LOAD_MISALIGNED, LOAD_PAGE, MASK64, STORE_ACCESS,
    STORE_GUEST, STORE_MISALIGNED, STORE_PAGE, Trap, Unspecified, bit, envcfg, hstatus, mstatus)
from .memory import Protected, physical
from .walk import Access, Fault, Stage, walk

LEVELS = {0: 0, 8: 3, 9: 4, 10: 5}


class Translation:
    """Translation as a row's registers have it."""

    def __init__(self, row, memory, rules):
        self.row, self.memory, self.rules = row, memory, rules
        m, h = row.register("menvcfg"), row.effective("henvcfg")
        lenient = 0 if row.mode.virtual else m
        self.hs = Stage(False, *self.pointer("satp"), m & envcfg.PBMTE, m & envcfg.ADUE)
        # "henvcfg": its bits are for the VS-stage, menvcfg's for the G-stage.
        self.vs = Stage(False, *self.pointer("vsatp"), h & envcfg.PBMTE, h & envcfg.ADUE,
                        lenient & envcfg.PBMTE, lenient & envcfg.ADUE)
        self.g = Stage(True, *self.pointer("hgatp"), m & envcfg.PBMTE, m & envcfg.ADUE)

    def pointer(self, name):
        value = self.row.register(name)
        return LEVELS[value >> 60], (value & bit(44) - 1) << 12

    def read(self, at, fault):
        """An entry. What can't be read is an access fault of the original access (step 2)."""
        try:
            return self.memory.read(at)
        except Protected:
            raise
        except Fault:
            if self.rules.waives("access faults of page tables"):
                raise fault() from None
            raise

    def write(self, at, value):
        self.memory.write(at, value)

    def guest_physical(self, gpa, access, implicit=None):
        if not self.g.levels:
            if not implicit:
                physical(gpa)
            return gpa
        fault = partial(Fault, "guest", gpa, implicit)
        pa = walk(self.g, gpa, access, lambda at: self.read(at, fault), self.write, fault, self.rules)
        if not implicit:
            physical(pa)
        return pa

    def table(self, at, write=False):
        """Where an entry at VS-level is. It is looked for as by an implicit load or store, for which MXR doesn't
        count: that makes pages readable by explicit loads only ("Two-Stage Address Translation")."""
        if write:
            return self.guest_physical(at, Access("store"), "write")
        return self.guest_physical(at, Access("load", hs_mxr=self.row.register("mstatus") & mstatus.MXR), "read")

    def update(self, at, value):
        """Sets A and D at VS-level: a write to the table."""
        before = dict(self.memory.words)
        try:
            pa, fault = self.table(at, write=True), None
        except Fault as denied:
            fault = denied
        if (fault or self.memory.words != before) and self.rules.waives("the G-stage of updates"):
            self.memory.words, fault = before, None
            pa = self.table(at)
        if fault:
            raise fault
        self.memory.write(pa, value)

    def virtual(self, va, access, vs_mxr, hs_mxr):
        """As with V = 1: (supervisor physical address)."""
        gpa = va
        if self.vs.levels:
            fault = partial(Fault, "page")

            def read(at):
                return self.read(self.table(at), fault)

            first = Access(access.kind, access.user, access.sum, vs_mxr or hs_mxr)
            gpa = walk(self.vs, va, first, read, self.update, fault, self.rules)
        pa = self.guest_physical(gpa, Access(access.kind, True, False, hs_mxr))
        self.memory.protect(pa, access.kind)
        return pa

    def real(self, va, access):
        """As with V = 0."""
        pa = va
        if self.hs.levels:
            fault = partial(Fault, "page")
            pa = walk(self.hs, va, access, lambda at: self.read(at, fault), self.write, fault, self.rules)
        physical(pa)
        self.memory.protect(pa, access.kind)
        return pa

    def translate(self, va, kind, privilege, virtual):
        m, v = self.row.register("mstatus"), self.row.register("vsstatus")
        if privilege == 3:
            physical(va)
            return va
        if virtual:
            # HS-level SUM doesn't count ("vsstatus", "Hypervisor Virtual-Machine Load and Store Instructions").
            return self.virtual(va, Access(kind, privilege == 0, v & mstatus.SUM), v & mstatus.MXR, m & mstatus.MXR)
        return self.real(va, Access(kind, privilege == 0, m & mstatus.SUM, m & mstatus.MXR))


def effective_mode(row, kind):
    """(privilege, V) of the explicit access: "Machine Status Registers", Effect of MPRV; SPVP for HLV and its like."""
    if kind in ("hlv", "hlvx", "hsv"):
        return (1 if row.register("hstatus") & hstatus.SPVP else 0), True
    m = row.register("mstatus")
    if kind != "fetch" and row.mode.privilege == 3 and m & mstatus.MPRV:
        privilege = m >> 11 & 3
        return privilege, bool(m & mstatus.MPV) and privilege != 3
    return row.mode.privilege, row.mode.virtual


NEEDS = {"load": "load", "hlv": "load", "lr": "load", "hlvx": "hlvx", "store": "store", "hsv": "store", "sc": "store",
         "amo": "store", "cbz": "store", "cbm": "cbm", "fetch": "fetch"}
CAUSES = {"fetch": (FETCH_PAGE, FETCH_GUEST, FETCH_ACCESS), "load": (LOAD_PAGE, LOAD_GUEST, LOAD_ACCESS),
          # What raises the exceptions of loads although it needs X ("Hypervisor Virtual-Machine Load and Store ...").
          "hlvx": (LOAD_PAGE, LOAD_GUEST, LOAD_ACCESS), "store": (STORE_PAGE, STORE_GUEST, STORE_ACCESS),
          "cbm": (STORE_PAGE, STORE_GUEST, STORE_ACCESS)}


def portions(address, size):
    """The parts of an access in their pages."""
    first = min(size, 0x1000 - (address & 0xFFF))
    return [(address, first)] + ([(address + first & MASK64, size - first)] if first < size else [])


def access(row, instruction, address, memory, rules):
    """[(physical address, bytes)] or the Trap."""
    kind = instruction.kind
    need = NEEDS[kind]
    privilege, virtual = effective_mode(row, kind)
    translation = Translation(row, memory, rules)
    found, failed = [], []
    size = instruction.size if need not in ("cbm",) and kind != "cbz" else 1
    for va, length in portions(address, size):
        try:
            found.append((translation.translate(va, need, privilege, virtual), length))
        except Fault as fault:
            failed.append((va, fault))
    if len(failed) > 1:
        # Which portion comes first isn't said.
        raise Unspecified
    if not failed and kind in ("lr", "sc", "amo") and address % size:
        # Atomics have to be aligned, or raise one of two exceptions (Zalrsc, Zaamo).
        return Trap(LOAD_MISALIGNED if kind == "lr" else STORE_MISALIGNED, address, guest_address=virtual,
                    tinst=transformed(instruction), tinst_may_be_zero=True, misaligned=True)
    if not failed:
        return found
    va, fault = failed[0]
    if kind in ("lr", "sc", "amo") and address % size:
        # Which of the two comes first is the implementation's choice.
        raise Unspecified
    if fault.kind == "access" and not isinstance(fault, Protected) and (address % size or need == "cbm"):
        # Where nothing answers a misaligned access may as well be refused for being misaligned ("Synchronous exception
        # priority"), and cache-block management, which accesses nothing, doesn't notice: a matter of what the platform
        # says of addresses without memory.
        raise Unspecified
    page, guest, denied = CAUSES[need]
    cause = {"page": page, "guest": guest, "access": denied}[fault.kind]
    as_fetch = need == "hlvx" and rules.waives("HLVX as a fetch")
    if as_fetch:
        cause = FETCH_ACCESS if fault.kind == "access" else FETCH_PAGE
    block = 63 if need == "cbm" or kind == "cbz" else 0
    gpa = fault.gpa
    if va & block and rules.waives("the address of a cache block"):
        va -= va & block
        gpa -= 0 if fault.implicit else gpa & block
    trap = Trap(cause, va, guest_address=virtual)
    if fault.kind == "guest":
        # Shtvala: never zero where the specification would allow it.
        trap.tval2 = gpa >> 2
    if fault.implicit:
        trap.tinst = 0x3020 if fault.implicit == "write" else 0x3000
    elif need != "fetch" and not as_fetch:
        trap.tinst = transformed(instruction, 0 if block else va - address)
        trap.tinst_may_be_zero = True
    return trap
