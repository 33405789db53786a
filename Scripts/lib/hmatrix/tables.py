"""Page tables of a row, in its words."""

from .layout import RAM, TABLES
from .walk import A, D, N, R, V, W, X

MODES = {0: 0, 3: 8, 4: 9, 5: 10}
NAMES = {0: "Bare", 3: "Sv39", 4: "Sv48", 5: "Sv57"}
GOOD = V | R | W | X | A | D
# Entries of the root that hold code: for S-level, where U must be 0, and for U-level.
CODE_OF_S, CODE_OF_U = 1, 2


def span(level):
    return 1 << 12 + 9 * level


class Pool:
    """Frames for tables: zero between rows, so that a row begins with the first again."""

    def __init__(self):
        self.next = TABLES

    def frame(self, size=0x1000):
        at = self.next + size - 1 & ~(size - 1)
        self.next = at + size
        return at


def leaf(address, level, flags, napot=False):
    page = (address & ~(span(level) - 1)) >> 12
    if napot:
        page, flags = page & ~15 | 8, flags | N
    return page << 10 | flags


def ram_leaf(levels, flags):
    """An entry of the root that reaches RAM: pages of that size hold it at its own offset."""
    return leaf(RAM, levels - 1, flags)


def code_offset(levels, entry):
    """What is added to a physical address of RAM for its virtual one in an entry like that."""
    if not levels:
        return 0
    return entry * span(levels - 1) - (RAM & ~(span(levels - 1) - 1))


class Tables:
    """A tree. `place(level, frame)` says by which address the table with entries of that level is pointed to."""

    def __init__(self, words, pool, levels, guest=False, place=lambda level, frame: frame):
        self.words, self.pool, self.levels, self.guest, self.place = words, pool, levels, guest, place
        self.root = pool.frame(0x4000 if guest else 0x1000)
        self.tables = {}

    @property
    def pointer(self):
        return MODES[self.levels] << 60 | self.place(self.levels - 1, self.root) >> 12

    def index(self, address, level):
        return address >> 12 + 9 * level & (0x7FF if self.guest and level == self.levels - 1 else 0x1FF)

    def set_root(self, entry, pte):
        self.words[self.root + 8 * entry] = pte

    def map(self, address, level, pte):
        """Makes the leaf and what leads to it; where the entries are, from the root's to the leaf's."""
        table, path = self.root, []
        for at in range(self.levels - 1, level, -1):
            entry = table + 8 * self.index(address, at)
            path.append(entry)
            key = (table, entry)
            if key not in self.tables:
                self.tables[key] = self.pool.frame()
                self.words[entry] = self.place(at - 1, self.tables[key]) >> 12 << 10 | V
            table = self.tables[key]
        entry = table + 8 * self.index(address, level)
        self.words[entry] = pte
        return path + [entry]

