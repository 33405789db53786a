"""A row's memory: a dictionary of 64-bit words, with physical memory protection (machine chapter, "Physical Memory
Protection").
"""

from .layout import HIGH_END, RAM, RAM_END, TABLES
from .machine import Unspecified
from .rules import SPECIFICATION
from .walk import Fault

PMP_R, PMP_W, PMP_X = 1, 2, 4
# What an access needs of physical memory protection: (any of these sets). HLVX needs both ("Hypervisor Virtual-Machine
# Load and Store Instructions").
PROTECTION = {"load": (PMP_R,), "store": (PMP_W,), "fetch": (PMP_X,), "hlvx": (PMP_R | PMP_X,), "cbm": (PMP_R, PMP_W)}


class Protected(Fault):
    def __init__(self):
        super().__init__("access")


def physical(address):
    """No page table and no page lies where nothing is. Rows that get at the runtime by accident aren't made."""
    if not RAM <= address < RAM_END:
        raise Fault("access")
    if not TABLES <= address < HIGH_END + 0x1000000:
        raise Unspecified


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
