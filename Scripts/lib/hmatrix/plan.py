"""The shape of a row's translation, chosen before its tables are made, and the tables."""

from .layout import HIGH_END, LOW_PAGES
from .machine import DEFAULTS, DELEGATIONS, HS, M, U, VS, VU, bit, envcfg, hstatus, mstatus
from .scenarios import Scenario
from .tables import CODE_OF_S, CODE_OF_U, GOOD, Pool, Tables, leaf, ram_leaf, span
from .walk import USER

LEVELS = (0, 3, 4, 5)
PLAIN = Scenario("plain")


def sizes(levels):
    """Leaves of a mode: (level, whether it is a NAPOT page of 64 KiB)."""
    return [(0, False), (0, True)] + [(n, False) for n in range(1, levels)] if levels else [(None, False)]


ATOMIC = ("lr", "sc", "amo")

# Ways to make an access: the mode that executes it, and the effective mode.
WAYS = {
    "in VS-mode": (VS, 1, True), "in VU-mode": (VU, 0, True),
    "by MPRV as VS-mode": (M, 1, True), "by MPRV as VU-mode": (M, 0, True),
    "in HS-mode": (HS, 1, False), "in U-mode": (U, 0, False),
    "by MPRV as HS-mode": (M, 1, False), "by MPRV as U-mode": (M, 0, False),
    "from HS-mode as VS-mode": (HS, 1, True), "from HS-mode as VU-mode": (HS, 0, True), "from M-mode as VS-mode": (M, 1, True),
    "from M-mode as VU-mode": (M, 0, True), "from U-mode as VS-mode": (U, 1, True), "from U-mode as VU-mode": (U, 0, True),
}
# Two stages are what this is about: more of those.
DIRECT_WAYS = ["in VS-mode", "in VU-mode"] * 4 + [w for w in WAYS if w.startswith("by MPRV as V")] * 2 + [
    "in HS-mode", "in U-mode", "by MPRV as HS-mode", "by MPRV as U-mode"]
GUEST_WAYS = [w for w in WAYS if w.startswith("from")]
FETCH_WAYS = ["in VS-mode", "in VU-mode"] * 4 + ["in HS-mode", "in U-mode"]


def ways(instruction):
    if instruction.kind in ("hlv", "hlvx", "hsv"):
        return GUEST_WAYS
    return FETCH_WAYS if instruction.kind == "fetch" else DIRECT_WAYS


class Plan:
    """A row to be: the shape of its translation, chosen before addresses and tables are made."""

    def __init__(self, random, instruction, scenario=PLAIN, **fixed):
        self.random, self.instruction, self.scenario = random, instruction, scenario
        choose = random.choice
        self.way = fixed.get("way") or choose(ways(instruction))
        mode, self.privilege, self.virtual = WAYS[self.way]
        self.mode = mode
        s = scenario
        stages = [(vs, g) for vs in LEVELS for g in LEVELS
                  if (vs or not s.vs_on) and (g or not s.g_on) and not (vs and s.vs_bare) and (self.virtual or not g)]
        stages = [(vs, g) for vs, g in stages if fixed.get("vs", vs) == vs and fixed.get("g", g) == g]
        self.possible = bool(stages)
        if not self.possible:
            return
        self.vs, self.g = choose(stages)
        vs_sizes = self.sizes(self.vs, s.vs_super, s.vs_last, s.vs_table)
        g_sizes = self.sizes(self.g, s.g_super, s.g_last, s.g_table)
        if fixed.get("vs_size", vs_sizes[0]) not in vs_sizes or fixed.get("g_size", g_sizes[0]) not in g_sizes:
            self.possible = False
            return
        self.p, self.vs_napot = fixed.get("vs_size") or choose(vs_sizes)
        self.q, self.g_napot = fixed.get("g_size") or choose(g_sizes)
        self.crossing = fixed.get("crossing", choose((False, False, True)))
        self.vs_flags = fixed.get("vs_flags")
        self.g_flags = fixed.get("g_flags")
        self.bits = fixed.get("bits")
        self.misaligned = fixed.get("misaligned", False)
        self.delegation = choose(DELEGATIONS)
        self.words = {}
        self.defective = 0
        self.protected = None  # the frame that physical memory protection is about

    @staticmethod
    def sizes(levels, upper, last, pointer):
        found = sizes(levels)
        if upper:
            found = [s for s in found if s[0]]
        if last:
            found = [s for s in found if s[0] == 0 and not s[1]]
        if pointer:
            found = [s for s in found if s[0] != levels - 1]
        return found

    # ---- addresses

    def can_cross(self):
        """Both pages' physical addresses have to lie in RAM, whatever their size."""
        i = self.instruction
        if i.size < 2 or i.kind in ATOMIC or i.kind in ("cbm", "cbz") or (i.kind == "fetch" and i.length == 2):
            return False
        vs, g = (self.p or 0) if self.vs else None, (self.q or 0) if self.g else None
        if self.vs_napot or self.g_napot:
            return False
        if vs is None:
            return g is not None and g <= 1
        if g is None:
            return vs <= 1
        return g == 0 or vs == 0 or (vs <= 1 and g <= 1)

    def offset(self):
        """In its page, for an access that doesn't leave it."""
        i = self.instruction
        if self.misaligned:
            return self.random.randrange(0, 0xFF0, i.size) + self.random.randrange(1, i.size)
        step = 2 if i.kind == "fetch" else i.size if i.kind in ATOMIC else self.random.choice((1, i.size))
        if i.kind in ("cbm", "cbz"):
            return self.random.randrange(0, 0x1000)
        return self.random.randrange(0, 0x1000 - i.size + 1, step)

    def guest_address(self, target, last):
        """A guest physical address that a G-stage leaf of level q can lead to `target`; not among those of RAM, which
        the G-stage maps to themselves. With `last` it is at the end of the VS-level page."""
        if not self.g:
            return target
        shift = 16 if self.g_napot else 12 + 9 * self.q
        low = target & bit(shift) - 1
        top = 12 + 9 * self.g
        limit = top + 2 if not self.vs else min(top + 2, 56)
        while True:
            high = self.random.getrandbits(limit - shift)
            address = high << shift | low
            if self.vs and last is not None and self.p > self.q:
                middle = bit(12 + 9 * self.p) - bit(shift)
                address = address | middle if last else address & ~middle
            # Neither it nor the next may be the root's entry for RAM, nor may there be no next.
            root, ram = address >> 12 + 9 * (self.g - 1), 2 if self.g == 3 else 0
            if ram not in (root, root + 1) and root + 1 != 1 << limit - (12 + 9 * (self.g - 1)):
                return address

    def virtual_address(self, gpa):
        if not self.vs:
            return gpa
        shift = 16 if self.vs_napot else 12 + 9 * self.p
        width = 12 + 9 * self.vs
        while True:
            address = self.random.getrandbits(width - shift) << shift | gpa & bit(shift) - 1
            root = address >> width - 9
            if root not in (0, CODE_OF_S, CODE_OF_U, 255, 511) and address >> 12 + 9 * self.p & 511 != 511:
                return address | (-1 << width & bit(64) - 1 if address >> width - 1 else 0)

    # ---- tables

    def build(self):
        s, words = self.scenario, self.words
        pool = Pool()
        self.g_tables = Tables(words, pool, self.g, True) if self.g else None
        if self.g:
            self.g_tables.set_root(2 if self.g == 3 else 0, ram_leaf(self.g, GOOD | USER))
        self.special = None  # the level whose table lies in a page that the scenario is about
        self.special_gpa = None
        if self.vs:
            lowest = self.p
            if s.table_page:
                # The root's page holds the way to the row's code as well.
                highest = self.vs - 1 if not WAYS[self.way][0].virtual or self.instruction.kind == "fetch" else self.vs - 2
                if highest < lowest:
                    return False
                self.special = self.random.randint(lowest, highest)
            if self.special == self.vs - 1:
                # VS-mode's handler couldn't be fetched either.
                self.delegation = (self.delegation[0], 0)
            self.vs_tables = Tables(words, pool, self.vs, place=self.place_table)
            self.place_table(self.vs - 1, self.vs_tables.root)
            self.vs_tables.set_root(CODE_OF_S, ram_leaf(self.vs, GOOD))
            self.vs_tables.set_root(CODE_OF_U, ram_leaf(self.vs, GOOD | USER))
        self.crossing = self.crossing and self.can_cross() and not s.gpa
        size = self.instruction.size
        if self.crossing:
            first = self.random.randrange(2, size, 2) if self.instruction.kind == "fetch" else self.random.randrange(1, size)
            targets = [HIGH_END - first, LOW_PAGES]
        else:
            targets = [LOW_PAGES + self.random.randrange(0x1000) * 0x1000 + self.offset()]
        self.targets = targets
        gpa = self.guest_address(targets[0], True if self.crossing else None)
        if s.gpa:
            gpa = s.gpa(gpa, self.g)
        self.va = self.virtual_address(gpa)
        self.defective = self.random.randrange(len(targets))
        self.map_page(0, self.va, gpa, targets[0])
        if self.crossing:
            self.map_second(gpa)
        if s.address:
            self.va = s.address(self.va, self.vs)
        return True

    def map_second(self, gpa):
        boundary = (self.va | 0xFFF) + 1
        first = gpa & ~0xFFF
        if not self.vs:
            self.map_page(1, boundary, boundary, LOW_PAGES)
            return
        if boundary & span(self.p) - 1:
            raise AssertionError("the first page doesn't end where its leaf does")
        second = self.guest_address(LOW_PAGES, False) if self.g else LOW_PAGES
        if second & ~0xFFF == first:
            second = self.guest_address(LOW_PAGES, False)
        self.map_page(1, boundary, second, LOW_PAGES)

    def place_table(self, level, frame):
        if level != self.special:
            return frame
        # This table is reached through a page of its own.
        if self.special_gpa is None:
            q = self.random.choice(range(self.g))
            while True:
                bits = min(12 + 9 * self.g + 2, 56) - 12 - 9 * q
                gpa = self.random.getrandbits(bits) << 12 + 9 * q | frame & span(q) - 1
                if gpa >> 12 + 9 * (self.g - 1) not in ((2,) if self.g == 3 else (0,)):
                    break
            self.special_gpa = gpa
            self.special_q = q
            self.special_frame = frame
            return gpa
        return self.special_gpa if frame == self.special_frame else frame

    def map_page(self, number, va, gpa, target):
        s = self.scenario
        bad = number == self.defective
        if self.g:
            pte = leaf(target, self.q, self.g_flags if self.g_flags is not None and bad else GOOD | USER, self.g_napot)
            if bad and s.g_leaf:
                pte = s.g_leaf(pte)
            path = self.g_tables.map(gpa, self.q, pte)
            if bad and s.g_table:
                at = self.random.choice(path[:-1])
                self.words[at] = s.g_table(self.words[at])
            if bad:
                self.protect("g", path)
        if self.vs:
            flags = self.vs_flags if self.vs_flags is not None and bad else GOOD | (USER if self.privilege == 0 else 0)
            pte = leaf(gpa, self.p, flags, self.vs_napot)
            if bad and s.vs_leaf:
                pte = s.vs_leaf(pte)
            path = self.vs_tables.map(va, self.p, pte)
            if bad and s.vs_table:
                at = self.random.choice(path[:-1])
                self.words[at] = s.vs_table(self.words[at])
            if bad:
                self.protect("vs", path)
        if bad:
            self.protect("page", [target])
        if number == 0 and self.special is not None:
            pte = leaf(self.special_frame, self.special_q, GOOD | USER)
            self.g_tables.map(self.special_gpa, self.special_q, s.table_page(pte))

    def protect(self, what, places):
        """The page of one of these is the one that physical memory protection is about; not that of a root, by which
        the row's code is found as well."""
        if not self.scenario.protected or self.scenario.protected[0] != what:
            return
        places = places if what == "page" else places[1:]
        if places:
            self.protected = self.random.choice(places) & ~0xFFF

    # ---- registers

    def registers(self):
        random = self.random
        registers = {}
        m = v = mstatus.FS
        h = sum(random.choice((0, mask)) for mask in (hstatus.SPV, hstatus.SPVP, hstatus.GVA))
        if self.bits is None:
            m |= random.choice((0, mstatus.SUM)) | random.choice((0, mstatus.MXR))
            v |= random.choice((0, mstatus.SUM)) | random.choice((0, mstatus.MXR))
        else:
            m |= self.bits[0]
            v |= self.bits[1]
        m |= random.choice((0, mstatus.SIE)) | random.choice((0, mstatus.SPP))
        v |= random.choice((0, mstatus.SIE)) | random.choice((0, mstatus.SPP))
        if self.instruction.kind in ("hlv", "hlvx", "hsv"):
            h = h & ~hstatus.SPVP | (hstatus.SPVP if self.privilege else 0) | hstatus.HU
            if self.mode is M:
                # MPRV doesn't affect them ("mstatus").
                m |= random.choice((0, mstatus.MPRV)) | random.choice((0, 1, 3)) << 11 | random.choice((0, mstatus.MPV))
        elif self.mode is M:
            m |= mstatus.MPRV | self.privilege << 11 | (mstatus.MPV if self.virtual else 0)
        registers["mstatus"], registers["vsstatus"], registers["hstatus"] = m, v, h
        variable = envcfg.ADUE | envcfg.PBMTE
        for name in ("menvcfg", "henvcfg"):
            registers[name] = DEFAULTS[name] & ~variable | random.choice((0, envcfg.ADUE)) | random.choice((0, envcfg.PBMTE, envcfg.PBMTE))
        if self.protected is not None:
            registers["pmpaddr0"] = self.protected >> 2 | 0x1FF
            registers["pmpcfg0"] = DEFAULTS["pmpcfg0"] | 0x18 | self.scenario.protected[1]
        if self.vs:
            registers["vsatp" if self.virtual else "satp"] = self.vs_tables.pointer | random.getrandbits(8) << 44
        if self.g:
            registers["hgatp"] = self.g_tables.pointer | random.getrandbits(6) << 44
        return registers
