"""What is out of the ordinary about the way to a page: one thing at a time, at one of the two stages."""

from dataclasses import dataclass

from .machine import bit
from .walk import A, D, N, PBMT, R, USER, V, W, X

HOLE = bit(45)  # a physical address where nothing is
HOLE_PAGE = HOLE >> 12 << 10


@dataclass
class Scenario:
    name: str
    vs_leaf: object = None  # what becomes of the entry, likewise of the others
    g_leaf: object = None
    vs_table: object = None  # an entry that points to a table
    g_table: object = None
    table_page: object = None  # the G-stage's leaf for a page that holds a VS-level table
    vs_super: bool = False  # only with a leaf above the last level
    g_super: bool = False
    vs_last: bool = False  # only with a leaf at the last level
    g_last: bool = False
    vs_on: bool = False
    g_on: bool = False
    vs_bare: bool = False
    address: object = None  # of the access: function(address, levels)
    gpa: object = None  # where the VS-stage leads: function(gpa, levels)
    # Physical memory protection: what of, "page", "vs" or "g" (a table there), and what it permits.
    protected: tuple = None


def setting(mask):
    return lambda pte: pte | mask


def clearing(mask):
    return lambda pte: pte & ~mask


def toggling(mask):
    return lambda pte: pte ^ mask


def only(mask):
    return lambda pte: pte & ~(R | W | X) | mask


LEAVES = [
    ("invalid", clearing(V)), ("X only", only(X)), ("R only", only(R)), ("R and W", only(R | W)), ("R and X", only(R | X)),
    ("W only", only(W)), ("W and X", only(W | X)), ("a pointer with A and D", only(0)),
    ("a pointer", lambda pte: pte & ~(R | W | X | A | D | USER)),
    ("A clear", clearing(A)), ("D clear", clearing(D)), ("A and D clear", clearing(A | D)), ("U inverted", toggling(USER)),
    ("G", setting(bit(5))), ("RSW", setting(3 << 8)), ("X only, A clear", lambda pte: only(X)(pte) & ~A),
    ("PBMT 1", setting(1 << 61)), ("PBMT 2", setting(2 << 61)), ("PBMT 3", setting(PBMT)),
    ("no memory behind it", setting(HOLE_PAGE)),
] + [("reserved bit %d" % n, setting(bit(n))) for n in range(54, 61)]

POINTERS = [("invalid", clearing(V)), ("A", setting(A)), ("D", setting(D)), ("U", setting(USER)),
            ("W", setting(W)), ("G", setting(bit(5))),
            ("RSW", setting(3 << 8)), ("N", setting(N)), ("PBMT 1", setting(1 << 61)), ("PBMT 2", setting(2 << 61)),
            ("no memory behind it", setting(HOLE_PAGE)), ("reserved bit 54", setting(bit(54))),
            ("reserved bit 60", setting(bit(60)))]

NAPOT = [("N without a size", lambda pte: pte & ~(8 << 10) | N), ("N with 128 KiB", lambda pte: pte & ~(15 << 10) | N),
         ("N with 8 KiB", lambda pte: pte & ~(15 << 10) | 1 << 10 | N)]


def non_canonical(n):
    return lambda address, levels: address ^ bit(n if n >= 0 else 12 + 9 * levels - 1)


def scenarios():
    yield Scenario("plain")
    for stage in ("vs", "g"):
        on = {stage + "_on": True}
        for name, change in LEAVES:
            yield Scenario("%s leaf: %s" % (stage, name), **{stage + "_leaf": change}, **on)
        for name, change in NAPOT:
            yield Scenario("%s leaf: %s" % (stage, name), **{stage + "_leaf": change, stage + "_last": True}, **on)
        yield Scenario("%s leaf: N in a superpage" % stage,
                       **{stage + "_leaf": lambda pte: pte | N | 8 << 10, stage + "_super": True}, **on)
        for n in (0, 8, 9):
            yield Scenario("%s leaf: misaligned superpage, bit %d" % (stage, n),
                           **{stage + "_leaf": setting(1 << 10 + n), stage + "_super": True}, **on)
        for name, change in POINTERS:
            yield Scenario("%s pointer: %s" % (stage, name), **{stage + "_table": change}, **on)
    for name, change in LEAVES:
        yield Scenario("page of a VS-level table: %s" % name, table_page=change, vs_on=True, g_on=True)
    for name, change in (("R and X", only(R | X)), ("D clear", clearing(D)), ("plain", lambda pte: pte),
                         ("A and D clear", clearing(A | D)), ("X only", only(X))):
        yield Scenario("page of a VS-level table: %s, VS-level A clear" % name, table_page=change, vs_leaf=clearing(A | D),
                       vs_on=True, g_on=True)
    yield Scenario("address: sign bit inverted", address=non_canonical(-1), vs_on=True)
    for n in (57, 58, 59, 62, 63):
        yield Scenario("address: bit %d inverted" % n, address=non_canonical(n), vs_on=True)
        yield Scenario("guest physical address: bit %d" % n, address=lambda a, levels, n=n: a | bit(n), vs_bare=True, g_on=True)
    for n in range(4):
        # The two bits that the G-stage adds, and the first two beyond them.
        yield Scenario("guest physical address: width + %d" % (n - 2), g_on=True,
                       gpa=lambda a, levels, n=n: a ^ bit(12 + 9 * levels + n))
    for permitted in (0, 1, 3, 4, 5):
        letters = "".join(letter for n, letter in enumerate("RWX") if permitted >> n & 1) or "nothing"
        yield Scenario("PMP permits %s: the page" % letters, protected=("page", permitted))
        yield Scenario("PMP permits %s: a table of the VS-stage" % letters, protected=("vs", permitted), vs_on=True)
        yield Scenario("PMP permits %s: a table of the G-stage" % letters, protected=("g", permitted), g_on=True)
    yield Scenario("PMP permits R: a table of the VS-stage, A clear", protected=("vs", 1), vs_leaf=clearing(A | D), vs_on=True)
    yield Scenario("PMP permits R: a table of the G-stage, A clear", protected=("g", 1), g_leaf=clearing(A | D), g_on=True)


SCENARIOS = list(scenarios())
