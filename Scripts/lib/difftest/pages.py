"""Sv39, Sv48 and Sv57 tables for the sequences that run in S- and U-mode, and the places in them that fault."""

import struct

V, R, W, X, U, G, A, D = (1 << n for n in range(8))

CODE = 0x80400000
SCRATCH = 0x80800000
SCRATCH_PAGES = 4
WINDOW = 0x40000000
WINDOW_PAGES = 10
ALIAS = 0xC0000000
NOWHERE = 0x18000000  # neither board has anything there


class Context:
    """One address space for one mode. `window` is where base registers point; `special` are addresses whose
    accesses, aligned ones, mostly fault; `unfetchable` can't be jumped to."""

    def __init__(self, allocator, rng, mode):
        self.mode = mode
        self.pages = allocator
        user = U if mode == 0 else 0
        self.levels = rng.choice([3, 3, 4, 5])
        self.root = allocator.table()
        kind = rng.random()
        self.clean = kind < 0.4  # every page of the window may be read and written

        self.leaf(0x80000000, 0x80000000, 1, R | W | X | A | D)
        if rng.random() < 0.5:
            for at in range(CODE, SCRATCH, 0x200000):
                self.leaf(at, at, 1, R * rng.randrange(2) | X | A | user | G * rng.randrange(2))
        else:
            for at in range(CODE, SCRATCH, 0x1000):
                self.leaf(at, at, 0, R * rng.randrange(2) | X | A | user)
        self.leaf(0x10000000, 0x10000000, 0, R | W | A | D)
        self.leaf(ALIAS, 0x80000000, 2, R | W | A | D)

        self.unfetchable = [0x50000000, 0x10000000 + 0x800, ALIAS, ALIAS + 0x400000]
        if mode == 0:
            self.unfetchable += [0x80000000, 0x80001FFC]
        for n in range(WINDOW_PAGES):
            flags = R | W | A | D | user
            if not self.clean and n > 0 and rng.random() < 0.5:
                flags = rng.choice([
                    R | A | user, R | A | D | user, R | W | A | user, R | W | D | user, X | A | user,
                    R | X | A | D | user, R | W | A | D | (user ^ U), R | A | (user ^ U), R | W | X | A | D | user,
                    W | A | D | user, X | A | (user ^ U)])
            physical = SCRATCH + 0x1000 * (n if n < 1 else rng.randrange(SCRATCH_PAGES))
            va = WINDOW + 0x1000 * n
            present = V if self.clean or n == 0 or rng.random() < 0.95 else 0
            self.leaf(va, physical, 0, flags, present)
            if not (flags & X and (flags ^ user ^ U) & U):
                self.unfetchable.append(va + rng.choice([0, 2, 0x7FC, 0xFFC]))

        self.special = []
        good = R | W | A | D | user
        self.add_special(0x40200000, NOWHERE, 0, good)
        self.add_special(0x40201000, SCRATCH, 0, good | 1 << 54)
        self.add_special(0x40202000, SCRATCH, 0, good | 1 << 60)
        self.add_special(0x40203000, SCRATCH, 0, good | 1 << 61)
        self.add_special(0x40204000, SCRATCH, 0, good | 3 << 61)
        self.add_special(0x40205000, SCRATCH, 0, good | 1 << 63)
        self.add_special(0x40206000, SCRATCH, 0, 0)
        self.add_special(0x40207000, SCRATCH, 0, good, 0)
        self.add_special(0x40208000, SCRATCH, 0, good | 1 << 8)
        self.add_special(0x40209000, SCRATCH, 0, good | 1 << 9)
        self.add_special(0x4020A000, SCRATCH, 0, good & ~A)
        self.add_special(0x4020B000, SCRATCH, 0, W | D | A | user)
        self.add_special(0x40210000, 0x80808000, 0, good | 1 << 63)  # Svnapot, beyond the memory compared
        self.add_special(0x40600000, SCRATCH + 0x1000, 1, good)      # misaligned superpage
        self.add_special(0x40800000, SCRATCH, 1, good)
        self.add_special(0x40A00000, SCRATCH, 1, good & ~rng.choice([A, D, W, 0]))
        # No table where nothing is: "If accessing pte violates a PMA or PMP check, raise an access-fault exception"
        # (12.3.2, step 2), where QEMU 10 raises a page fault.
        self.add_special(0x40E00000, NOWHERE, 1, rng.choice([A, D, U]))
        self.special += [0x60000000, 0x00000000, 0x10000000, 0x7FFFF000]

    def add_special(self, va, physical, level, flags, present=V):
        self.leaf(va, physical, level, flags, present)
        self.special.append(va)

    def leaf(self, va, physical, level, flags, present=V):
        table = self.root
        for step in range(self.levels - 1, 0, -1):
            if step == level:
                break
            index = va >> (12 + 9 * step) & 511
            entry = self.pages.read(table, index)
            if not entry:
                entry = self.pages.table() >> 12 << 10 | V
                self.pages.write(table, index, entry)
            table = entry >> 10 << 12
        self.pages.write(table, va >> (12 + 9 * level) & 511, physical >> 12 << 10 | flags | present)

    @property
    def satp(self):
        return (self.levels + 5) << 60 | self.root >> 12


class Allocator:
    """Page tables from 0x80100000 on."""

    def __init__(self, base=0x80100000):
        self.base = base
        self.entries = []

    def table(self):
        at = self.base + len(self.entries) * 8
        self.entries += [0] * 512
        return at

    def read(self, table, index):
        return self.entries[(table - self.base) // 8 + index]

    def write(self, table, index, entry):
        self.entries[(table - self.base) // 8 + index] = entry

    def blob(self):
        return struct.pack(f"<{len(self.entries)}Q", *self.entries)
