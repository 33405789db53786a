"""The table of Images/hypervisor as bytes: its form is layout.h's, its registers are registers.h's."""

import os
import re
import struct

HERE = os.path.dirname(os.path.realpath(__file__))
SOURCES = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(HERE))), "Images/hypervisor")

# Physical memory: see link.ld. Tables and pages are zero between rows.
RAM, RAM_END = 0x80000000, 0x90000000
CODE, CODE_END = 0x80200000, 0x80400000
TABLES = 0x80400000  # page tables from here on
LOW_PAGES, HIGH_END = 0x82000000, 0x84000000  # pages that rows access: from the one on, and up to the other
SLOT = 16
# What matrix.c leaves in the trap registers before a row.
OLD_CAUSE, OLD_VALUE = 0x3F, 0x55AA54

ALLOW_TVAL_ZERO, ALLOW_TINST_ZERO, ALLOW_ACCESS_FAULT, CHECK_RESULT = 1, 2, 4, 8


def code_address(offset):
    return CODE + offset


class Code:
    """Instructions under test, each followed by the one that ends its row."""

    def __init__(self):
        self.data = bytearray()
        self.slots = {}

    def slot(self, sequence, last, name=None):
        """The offset of the sequence, which is added when it isn't there."""
        key = (tuple((i.word, i.length) for i in sequence), last.word, name)
        if key not in self.slots:
            self.slots[key] = len(self.data)
            for i in (*sequence, last):
                self.data += i.word.to_bytes(i.length, "little")
            self.data += bytes(-len(self.data) % SLOT)
        return self.slots[key]


def register_numbers():
    with open(os.path.join(SOURCES, "registers.h")) as file:
        names = re.findall(r"X\((\w+), 0x\w+\)", file.read())
    return {name: number for number, name in enumerate(names)}


def encode(rows, defaults, verbose):
    numbers = register_numbers()
    parts = [struct.pack("<QQ", len(rows), verbose)]
    parts.append(struct.pack("<%dQ" % len(numbers), *(defaults[name] or 0 for name in numbers)))
    for row in rows:
        parts.append(encode_row(row, numbers))
    return b"".join(parts)


def encode_row(row, numbers):
    e = row.expected
    settings = [(numbers[name], value) for name, value in row.registers.items() if name != "mstatus"]
    allowed = (ALLOW_TVAL_ZERO if e.tval_may_be_zero else 0) | (ALLOW_TINST_ZERO if e.tinst_may_be_zero else 0)
    allowed |= ALLOW_ACCESS_FAULT if e.misaligned else 0
    result = 0
    if e.result is not None:
        allowed |= CHECK_RESULT
        result = e.result
    size = 8 + 14 * 8 + 16 * len(settings) + 32 * len(row.words)
    data = struct.pack("<HBBBBBB", size // 8, row.mode.privilege == 3, e.outcome, allowed, e.cause, len(settings), len(row.words))
    data += struct.pack("<14Q", row.register("mstatus"), row.pc, row.exit_pc, row.a0, row.a1, row.supervisor, row.guest,
                        e.tval, e.tval2, e.tinst, e.epc, e.status, e.mask, result)
    for number, value in settings:
        data += struct.pack("<QQ", number, value)
    for address, value in row.words.items():
        data += struct.pack("<QQQQ", address, value, row.after.get(address, value), row.ignored.get(address, 0))
    assert len(data) == size
    return data
