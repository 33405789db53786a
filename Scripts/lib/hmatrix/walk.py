"""One stage of translation, step by step as the supervisor chapter's "Virtual Address Translation Process" has it, with
what Svnapot and Svpbmt add to it; Svade's and Svadu's rule is step 9. Where the G-stage differs the hypervisor
chapter's "Guest Physical Address Translation" is followed.
"""

from dataclasses import dataclass

from .machine import MASK64, Unspecified, bit

V, R, W, X, USER, G, A, D = (bit(n) for n in range(8))
RESERVED = 0x7F << 54
PBMT, N = 3 << 61, bit(63)
PPN = (bit(44) - 1) << 10


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
