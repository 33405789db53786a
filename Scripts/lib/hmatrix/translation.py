"""The oracle of the translation matrix: two-stage address translation, step by step as the supervisor chapter's
"Virtual Address Translation Process" has it, with the hypervisor chapter's "Two-Stage Address Translation" where that
departs from it.

It works on a dictionary of 64-bit words, which is all the memory a row has, and updates A and D there.
"""

from dataclasses import dataclass

from .layout import HIGH_END, RAM, RAM_END, TABLES
from .machine import (
    FETCH_ACCESS, FETCH_GUEST, FETCH_PAGE, LOAD_ACCESS, LOAD_GUEST, LOAD_MISALIGNED, LOAD_PAGE, MASK64, STORE_ACCESS, STORE_GUEST, STORE_MISALIGNED, STORE_PAGE, Trap,
    Unspecified, bit, envcfg, hstatus, mstatus)
from .instructions import transformed
from .rules import SPECIFICATION

V, R, W, X, USER, G, A, D = (bit(n) for n in range(8))
RESERVED = 0x7F << 54
PBMT, N = 3 << 61, bit(63)
PPN = (bit(44) - 1) << 10
LEVELS = {0: 0, 8: 3, 9: 4, 10: 5}

# Svpbmt's and Svnapot's chapters; Svade's and Svadu's rule is step 9 of the process.


class Fault(Exception):
    def __init__(self, kind, gpa=0, implicit=None):
        super().__init__(kind)
        self.kind = kind  # "page", "guest" or "access"
        self.gpa = gpa
        self.implicit = implicit  # "read" or "write" of a VS-level page table


@dataclass
class Stage:
    """One stage's parameters."""
    guest: bool  # the G-stage
    levels: int
    root: int
    pbmt: bool
    update: bool  # A and D are set by hardware
    lenient_pbmt: bool = False  # by menvcfg, though henvcfg withholds it
    lenient_update: bool = False

    def has_pbmt(self, rules):
        return self.pbmt or self.lenient_pbmt and rules.waives("henvcfg with V = 0")

    def updates(self, rules):
        return self.update or self.lenient_update and rules.waives("henvcfg with V = 0")


@dataclass
class Access:
    """What is asked of a page: "load", "store", "fetch", "hlvx" (a load that needs X), or "cbm" (either of two)."""
    kind: str
    user: bool = False
    sum: bool = False
    mxr: bool = False  # as an explicit load
    hs_mxr: bool = False  # set, but of no account


def physical(address):
    """No page table and no page lies where nothing is. Rows that get at the runtime by accident aren't made."""
    if not RAM <= address < RAM_END:
        raise Fault("access")
    if not TABLES <= address < HIGH_END + 0x1000000:
        raise Unspecified


def permitted(pte, kind, mxr):
    readable = pte & R or (mxr and pte & X)
    if kind == "load":
        return readable
    if kind == "store":
        return pte & W
    if kind in ("fetch", "hlvx"):
        return pte & X
    if not readable and not pte & W and pte & X:
        # CMO chapter: left open where only a fetch would be permitted.
        raise Unspecified
    return readable or pte & W


def walk(stage, address, access, read, write, fault, rules):
    """The process: the translated address. `fault()` makes the exception of this stage."""
    width = 12 + 9 * stage.levels + (2 if stage.guest else 0)
    if stage.guest:
        # "Guest Physical Address Translation": the bits above are zero.
        if address >> width:
            raise fault()
    elif address >> width - 1 not in (0, MASK64 >> width - 1):
        raise fault()
    # 1
    table, level = stage.root, stage.levels - 1
    while True:
        # 2. The G-stage's root is four times as large.
        root = stage.guest and level == stage.levels - 1
        at = table + (address >> 12 + 9 * level & (0x7FF if root else 0x1FF)) * 8
        pte = read(at)
        # 3
        if not pte & V or (pte & W and not pte & R) or pte & RESERVED:
            raise fault()
        page = (pte & PPN) >> 10
        if pte & (R | X):
            break
        # 4. Of a pointer D, A and U are reserved (Sv39 and its like), and so are N and PBMT.
        if pte & (D | A | USER | N | PBMT):
            raise fault()
        level -= 1
        if level < 0:
            raise fault()
        table = page << 12
    if pte & PBMT and (not stage.has_pbmt(rules) or pte & PBMT == PBMT and not rules.waives("PBMT = 3")):
        raise fault()
    if pte & N:
        if level > 0 or page & 15 != 8:
            raise fault()
        page = page & ~15 | address >> 12 & 15
    # 5
    if page & bit(9 * level) - 1:
        raise fault()
    # 6. In the G-stage every access is as though executed in U-mode.
    if stage.guest or access.user:
        if not pte & USER:
            raise fault()
    elif pte & USER and (access.kind == "fetch" or not access.sum or access.kind == "hlvx" and rules.waives("HLVX as a fetch")):
        raise fault()
    # 8
    if not permitted(pte, access.kind, access.mxr):
        if not (access.hs_mxr and pte & X and rules.waives("MXR for implicit reads")):
            raise fault()
    # 9. Cache-block management doesn't look at D.
    wanted = A | (D if access.kind == "store" else 0)
    if pte & wanted != wanted:
        if not stage.updates(rules):
            raise fault()
        write(at, pte | wanted)
    # 10
    offset = bit(12 + 9 * level) - 1
    return page << 12 & ~offset | address & offset


PMP_R, PMP_W, PMP_X = 1, 2, 4
# What an access needs of physical memory protection: (any of these sets). HLVX needs both ("Hypervisor Virtual-Machine
# Load and Store Instructions").
PROTECTION = {"load": (PMP_R,), "store": (PMP_W,), "fetch": (PMP_X,), "hlvx": (PMP_R | PMP_X,), "cbm": (PMP_R, PMP_W)}


class Protected(Fault):
    def __init__(self):
        super().__init__("access")


class Memory:
    def __init__(self, row, rules=SPECIFICATION):
        self.words = dict(row.words)
        self.rules = rules
        # One page that isn't like the others: pmpaddr0, of 4 KiB.
        self.frame = row.register("pmpaddr0") & ~0x3FF
        self.permitted = row.register("pmpcfg0") & 7 if row.register("pmpcfg0") & 0x18 else None

    def protect(self, address, kind):
        if self.permitted is not None and address >> 2 & ~0x3FF == self.frame:
            if any(self.permitted & needed == needed for needed in PROTECTION[kind]):
                return
            if kind == "hlvx" and self.permitted & PMP_X and self.rules.waives("HLVX where PMP permits no reading"):
                return
            raise Protected

    def read(self, address):
        physical(address)
        self.protect(address, "load")
        return self.words.get(address, 0)

    def write(self, address, value):
        physical(address)
        try:
            self.protect(address, "store")
        except Protected:
            if not self.rules.waives("PMP for updates"):
                raise
        self.words[address] = value

    def bytes(self, address, size):
        return b"".join(bytes([self.words.get(a & ~7, 0) >> 8 * (a & 7) & 0xFF]) for a in range(address, address + size))

    def store(self, address, data):
        for n, byte in enumerate(data):
            a = address + n
            self.words[a & ~7] = self.words.get(a & ~7, 0) & ~(0xFF << 8 * (a & 7)) | byte << 8 * (a & 7)


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
        fault = lambda: Fault("guest", gpa, implicit)  # noqa: E731
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
            fault = lambda: Fault("page")  # noqa: E731

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
            fault = lambda: Fault("page")  # noqa: E731
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


NEEDS = {"load": "load", "hlv": "load", "lr": "load", "hlvx": "hlvx", "store": "store", "hsv": "store", "sc": "store", "amo": "store",
         "cbz": "store", "cbm": "cbm", "fetch": "fetch"}
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
    if fault.kind == "access" and (address % size or need == "cbm"):
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
        trap.tinst, trap.tinst_may_be_zero = transformed(instruction, 0 if block else va - address), True
    return trap
