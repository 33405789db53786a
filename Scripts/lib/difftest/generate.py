"""Random instruction sequences.

A sequence is a tree of items that can be deleted one by one without making another one unsafe: that is what
shrinking lives on. An item is a list of parts: words, branches over following items, or whole bodies.
"""

import random
import struct

from pages import NOWHERE, SCRATCH, WINDOW, Allocator, Context

M_MODE, S_MODE, U_MODE = 3, 1, 0
CODE_AT = 0x80400000

# ---- What is in the registers at the start

_WORDS = [0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, 0x7FF, 0x800, 0xFFF, 0x1000]
_SINGLES = [
    0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007FFFFF, 0x807FFFFF, 0x00800000, 0x80800000, 0x7F7FFFFF,
    0xFF7FFFFF, 0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC00000, 0x7F800001, 0xFF800001, 0x7FBFFFFF, 0x7FFFFFFF,
    0x3F800000, 0xBF800000, 0x3F000000, 0x3F000001, 0xBF000000, 0x3FC00000, 0x40200000, 0x3F7FFFFF, 0x3F800001,
    0x4EFFFFFF, 0x4F000000, 0xCF000000, 0xCF000001, 0x4F7FFFFF, 0x4F800000, 0x5EFFFFFF, 0x5F000000, 0xDF000000,
    0xDF000001, 0x5F7FFFFF, 0x5F800000, 0x4B000000, 0x4B7FFFFF, 0x4AFFFFFF, 0x33800000, 0x33000000, 0x38800000,
    0x387FE000, 0x387FFFFF, 0x477FE000, 0x477FF000, 0x477FEFFF, 0x33000001, 0x0DA24260, 0x00FFFFFF, 0x01000000]
_HALVES = [0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x0400, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00, 0x7E00, 0x7C01, 0xFFFF,
           0x3C00, 0xBC00, 0x3800, 0x3555]
_DOUBLES = [
    0, 1 << 63, 1, 1 << 63 | 1, 0x000FFFFFFFFFFFFF, 0x800FFFFFFFFFFFFF, 0x0010000000000000, 0x8010000000000000,
    0x7FEFFFFFFFFFFFFF, 0xFFEFFFFFFFFFFFFF, 0x7FF0000000000000, 0xFFF0000000000000, 0x7FF8000000000000,
    0xFFF8000000000000, 0x7FF0000000000001, 0xFFF0000000000001, 0x7FF7FFFFFFFFFFFF, 0x7FFFFFFFFFFFFFFF,
    0x3FF0000000000000, 0xBFF0000000000000, 0x3FE0000000000000, 0xBFE0000000000000, 0x3FE0000000000001,
    0x3FF8000000000000, 0x4004000000000000, 0x3FEFFFFFFFFFFFFF, 0x3FF0000000000001, 0x41DFFFFFFFC00000,
    0x41DFFFFFFFE00000, 0x41E0000000000000, 0xC1E0000000000000, 0xC1E0000000100000, 0xC1E0000000200000,
    0x41EFFFFFFFE00000, 0x41EFFFFFFFF00000, 0x41F0000000000000, 0x43DFFFFFFFFFFFFF, 0x43E0000000000000,
    0xC3E0000000000000, 0xC3E0000000000001, 0x43EFFFFFFFFFFFFF, 0x43F0000000000000, 0x4330000000000000,
    0x433FFFFFFFFFFFFF, 0x36A0000000000000, 0x36A0000000000001, 0x3690000000000000, 0x380FFFFFE0000000,
    0x380FFFFFF0000000, 0x3810000000000000, 0x47EFFFFFE0000000, 0x47EFFFFFF0000000, 0x47EFFFFFEFFFFFFF,
    0x47F0000000000000, 0x3F10000000000000, 0x3E60000000000000, 0x3E70000000000001, 0x40EFFC0000000000,
    0x40EFFE0000000000, 0x1FF0000000000000, 0x2000000000000001, 0x001FFFFFFFFFFFFF]
M64 = (1 << 64) - 1


def integer(rng):
    kind = rng.randrange(8)
    if kind == 0:
        value = rng.choice(_WORDS)
    elif kind == 1:
        value = (1 << rng.randrange(64)) + rng.randrange(-1, 2)
    elif kind == 2:
        value = rng.getrandbits(32)
        value -= (value >> 31 & rng.randrange(2)) << 32
    elif kind == 3:
        value = rng.choice([0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 63, (1 << 63) - 1, 0xFFFF, 0x8000, 0x80, 0xFF,
                            0x5555555555555555, 0xFF00FF00FF00FF00, 0x0123456789ABCDEF, 0xFFFFFFFF00000000])
    elif kind == 4:
        value = rng.choice(_DOUBLES)
    elif kind == 5:
        value = rng.getrandbits(rng.randrange(1, 65))
    else:
        value = rng.getrandbits(64)
    return (-value if rng.random() < 0.3 else value) & M64


def floating(rng):
    kind = rng.randrange(10)
    if kind < 3:
        value = rng.choice(_DOUBLES)
        return (value + rng.choice([0, 0, 0, 1, -1, 1 << 28, 1 << 29])) & M64
    if kind < 6:
        value = rng.choice(_SINGLES)
        return 0xFFFFFFFF00000000 | (value + rng.choice([0, 0, 0, 1, -1])) & 0xFFFFFFFF
    if kind == 6:
        exponent = rng.choice([rng.randrange(2048), rng.randrange(1010, 1040), rng.randrange(1080, 1090)])
        bits = rng.getrandbits(52)
        if rng.random() < 0.5:
            bits &= -1 << rng.randrange(52)
        return rng.getrandbits(1) << 63 | exponent << 52 | bits & (1 << 52) - 1
    if kind == 7:
        exponent = rng.choice([rng.randrange(256), rng.randrange(112, 145), rng.randrange(150, 192)])
        bits = rng.getrandbits(23)
        if rng.random() < 0.5:
            bits &= -1 << rng.randrange(23)
        return 0xFFFFFFFF00000000 | rng.getrandbits(1) << 31 | exponent << 23 | bits & (1 << 23) - 1
    if kind == 8:
        return 0xFFFFFFFFFFFF0000 | rng.choice([rng.choice(_HALVES), rng.getrandbits(16)])
    # Not boxed as it should be.
    return rng.choice([rng.choice(_SINGLES), 0xFFFFFFFE00000000 | rng.choice(_SINGLES), rng.getrandbits(64),
                       0x7FFFFFFF00000000 | rng.choice(_SINGLES), 0xFFFFFFFF7FFF0000 | rng.choice(_HALVES)])


# ---- The tree

class Word:
    def __init__(self, line, **fields):
        self.line, self.fields = line, fields
        self.length = line.length

    def bytes(self, at, program):
        return self.line.encode(**self.fields).to_bytes(self.length, "little")


class Raw:
    def __init__(self, word, length):
        self.word, self.length = word, length

    def bytes(self, at, program):
        return self.word.to_bytes(self.length, "little")


class Jump:
    """A branch or jump to a label, or over `skip` following items of the same body."""

    def __init__(self, line, skip=None, label=None, **fields):
        self.line, self.fields, self.skip, self.label = line, fields, skip, label
        self.length = line.length
        self.target = None

    def bytes(self, at, program):
        offset = self.target.address - at
        line, fields = self.line, dict(self.fields)
        assert line.fits(offset) or offset == 0, (line.name, offset)
        return line.encode(imm=offset, **fields).to_bytes(self.length, "little")


class FarJump:
    """auipc and jalr (or addi and jalr) to a following item."""

    def __init__(self, table, temporary, link, skip, through_addi):
        self.table, self.temporary, self.link, self.skip, self.addi = table, temporary, link, skip, through_addi
        self.length = 12 if through_addi else 8
        self.target = None

    def bytes(self, at, program):
        offset = self.target.address - at
        t, low = self.table, (offset & 0xFFF ^ 0x800) - 0x800
        words = [t["auipc"].encode(rd=self.temporary, imm=offset - low)]
        if self.addi:
            words.append(t["addi"].encode(rd=self.temporary, rs1=self.temporary, imm=low))
            low = 0
        words.append(t["jalr"].encode(rd=self.link, rs1=self.temporary, imm=low))
        return b"".join(w.to_bytes(4, "little") for w in words)


class Label:
    length = 0
    address = None

    def bytes(self, at, program):
        return b""


class Body:
    """Items in their order."""

    def __init__(self, items=None):
        self.items = items or []

    def count(self):
        return sum(1 + sum(p.count() for p in item if isinstance(p, Body)) for item in self.items)

    def without(self, unwanted):
        """A copy without the items of these numbers, counted from here in depth-first order."""
        number = [0]

        def copy(body):
            result = []
            for item in body.items:
                drop = number[0] in unwanted
                number[0] += 1
                parts = [copy(p) if isinstance(p, Body) else p for p in item]
                if not drop:
                    result.append(parts)
            return Body(result)

        return copy(self)

    def flatten(self, out, after=None):
        """Lays the parts out in a row; jumps learn their targets."""
        labels = [Label() for _ in self.items] + [Label()]
        for n, item in enumerate(self.items):
            out.append(labels[n])
            for part in item:
                if isinstance(part, Body):
                    part.flatten(out)
                    continue
                if getattr(part, "skip", None) is not None:
                    part.target = labels[min(n + part.skip, len(self.items))]
                elif getattr(part, "label", None) is not None:
                    part.target = part.label
                out.append(part)
        out.append(labels[-1])


class Sequence:
    """A body and the conditions that it runs under."""

    def __init__(self, name):
        self.name = name
        self.body = Body()
        self.mode = M_MODE
        self.context = 0
        self.bases = (2, 8, 18)
        self.mask = 0x1FFF
        self.status = 0
        self.medeleg = 0
        self.menvcfg = 0
        self.senvcfg = 0
        self.mcounteren = 0
        self.scounteren = 0
        self.interrupts = 0
        self.stateen = 0
        self.image = 0
        self.iterations = 64
        self.virtual_data = False
        self.translated = False
        self.pmpcfg = 0x1F << 24
        self.pmpaddr = (0, 0, 0)

    def copy(self, **changes):
        other = Sequence(self.name)
        other.__dict__.update(self.__dict__)
        other.__dict__.update(changes)
        return other


# ---- Making sequences

_CSR = {
    "fflags": 1, "frm": 2, "fcsr": 3, "sstatus": 0x100, "sscratch": 0x140, "sepc": 0x141, "scause": 0x142,
    "stval": 0x143, "satp": 0x180, "mstatus": 0x300, "misa": 0x301, "mepc": 0x341, "mcause": 0x342, "mtval": 0x343,
    "mhartid": 0xF14, "scounteren": 0x106, "senvcfg": 0x10A}
_INTEGER_SETS = {"I", "M", "Zba", "Zbb", "Zbs", "Zicond"}


class Maker:
    def __init__(self, table, fusions, rng, contexts):
        self.table, self.rng, self.contexts = table, rng, contexts
        self.fusions = fusions
        lines = list(table.all.values())
        long = [x for x in lines if x.length == 4]
        self.alu = [x for x in long if set(x.extensions) <= _INTEGER_SETS and "rd" in x.operands
                    and not x.flags and x.name not in ("auipc",)]
        self.short = [x for x in lines if x.length == 2 and not x.flags]
        self.fp = [x for x in long if x.flags == {"fp"}]
        self.loads = [x for x in long if "load" in x.flags and "imm(rs1)" in x.operands]
        self.stores = [x for x in long if "store" in x.flags and "imm(rs1)" in x.operands]
        self.amos = [x for x in long if "atomic" in x.flags and x.name.startswith("amo")]
        self.branches = [x for x in long if x.flags == {"branch"} and "rs2" in x.operands]

    # -- registers

    def source(self):
        r = self.rng
        return self.recent[-1] if self.recent and r.random() < 0.35 else r.randrange(32)

    def target(self, choices=range(32)):
        """A register that may be written."""
        r = self.rng
        free = [x for x in choices if x not in self.kept]
        if not free:
            return None
        if r.random() < 0.25:
            again = [x for x in self.recent[-3:] if x in free]
            if again:
                return r.choice(again)
        reg = r.choice(free)
        self.recent.append(reg)
        del self.recent[:-6]
        return reg

    def temporaries(self, n=2):
        free = [x for x in range(1, 32) if x not in self.kept]
        return self.rng.sample(free, n)

    def base(self, fields=None):
        return self.rng.choice(self.bases)

    def immediate(self, line):
        low, high, signed, nonzero = line.immediate
        r = self.rng
        while True:
            kind = r.randrange(4)
            if kind == 0:
                value = r.choice([0, 1, -1, 2, 4, 8, 0x7FF, -0x800, 31, 32, 63, 255]) << low
            elif kind == 1:
                value = 1 << r.randrange(low, high + 1)
            else:
                value = r.getrandbits(high + 1 - low) << low
                if signed and value >> high & 1:
                    value -= 2 << high
            if line.fits(value):
                return value

    def word(self, name, **fields):
        """An instruction, often in its compressed form."""
        if self.rng.random() < 0.5:
            short = self.table.compress(name, fields)
            if short:
                return Word(short[0], **short[1])
        return Word(self.table[name], **fields)

    # -- items

    def make_alu(self):
        r = self.rng
        if r.random() < 0.12:
            line = r.choice(self.short)
            if line.name == "c.addi16sp" and 2 in self.kept:
                return None
            fields = {}
            for kind in ("rd", "rs1", "rs2"):
                allowed = line.registers(kind)
                if allowed:
                    fields[kind] = self.target(allowed) if kind == "rd" else r.choice(allowed)
                    if fields[kind] is None:
                        return None
            if line.immediate:
                fields["imm"] = self.immediate(line)
            return [Word(line, **fields)]
        line = r.choice(self.alu)
        return [self.integer_word(line)]

    def integer_word(self, line, **fixed):
        fields = {}
        if line.immediate:
            fields["imm"] = self.immediate(line)
        for kind in ("rs1", "rs2"):
            if kind in line.fields:
                fields[kind] = self.source()
        if "rd" in line.fields:
            fields["rd"] = self.target()
        fields.update(fixed)
        if self.rng.random() < 0.15 and "rs1" in fields and fields["rd"] not in self.kept and "rs1" not in fixed:
            fields["rs1"] = fields["rd"]
        return self.word(line.name, **fields)

    def make_auipc(self):
        r, t = self.rng, self.table
        rd = self.target()
        upper = self.immediate(t["auipc"])
        parts = [Word(t["auipc"], rd=rd, imm=upper)]
        kind = r.randrange(4)
        if kind == 0:
            other = self.target()
            parts.append(Word(t["addi"], rd=r.choice([rd, other]), rs1=rd, imm=self.immediate(t["addi"])))
        elif kind == 1:
            parts += [Word(t["addi"], rd=rd, rs1=rd, imm=self.immediate(t["addi"])) for _ in range(r.randrange(1, 3))]
        elif kind == 2:
            parts.append(self.integer_word(r.choice(self.alu), rs1=rd)
                         if r.random() < 0.5 else self.integer_word(t["addi"], rs1=rd))
        return parts

    def make_lui(self):
        rd = self.target()
        r, t = self.rng, self.table
        return [self.word("lui", rd=rd, imm=self.immediate(t["lui"])),
                self.word(r.choice(["addi", "addiw"]), rd=rd, rs1=rd, imm=self.immediate(t["addi"]))]

    def make_fence(self):
        r, t = self.rng, self.table
        name = r.choice(["fence", "fence", "fence.tso", "pause", "fence.i", "c.nop"])
        # fm, predecessor and successor; with reserved ones, which are plain fences ("Memory Ordering Instructions").
        return [Word(t[name], imm=r.getrandbits(8) if name == "fence" else r.randrange(-32, 32))]

    def fp_word(self, line=None):
        r = self.rng
        line = line or r.choice(self.fp)
        fields = {}
        for kind in ("rs1", "rs2", "rs3"):
            if kind in line.fields:
                if "f" + kind in line.operands:
                    fields[kind] = r.choice(self.frecent) if self.frecent and r.random() < 0.3 else r.randrange(32)
                else:
                    fields[kind] = self.source()
        if "rd" in line.fields:
            if "frd" in line.operands:
                fields["rd"] = r.randrange(32)
                self.frecent = (self.frecent + [fields["rd"]])[-4:]
            else:
                fields["rd"] = self.target()
        if "rm" in line.fields:
            fields["rm"] = r.choice([7, 7, 7, 0, 0, 1, 2, 3, 4] + [5, 6] * (r.random() < 0.03))
        if line.immediate:
            fields["imm"] = self.immediate(line)
        return Word(line, **fields)

    def make_fp(self):
        word = self.fp_word()
        if word.line.name.startswith("fround"):
            # QEMU 10 drops fround and froundnx, flags and all, when what they compute is overwritten in the same
            # block. A read of the flags ends it, and the flags are the instruction's own: "froundnx ... sets the
            # inexact flag if the input differs from the rounded result" ("Zfa").
            return [word, self.csr("csrrs", 1, self.target(), 0)]
        return [word]

    def make_load(self, base=None, imm=None):
        r = self.rng
        line = r.choice(self.loads)
        base = base if base is not None else self.base()
        if imm is None:
            imm = r.choice([r.randrange(-2048, 2048), r.randrange(16) * 8, r.randrange(32) * 4, r.randrange(4)])
        rd = r.randrange(32) if "frd" in line.operands else self.target()
        return [self.word(line.name, rd=rd, rs1=base, imm=imm)]

    def make_store(self, base=None, imm=None):
        r = self.rng
        line = r.choice(self.stores)
        base = base if base is not None else self.base()
        if imm is None:
            imm = r.choice([r.randrange(-2048, 2048), r.randrange(16) * 8, r.randrange(32) * 4, r.randrange(4)])
        rs2 = r.randrange(32) if "frs2" in line.operands else self.source()
        return [self.word(line.name, rs2=rs2, rs1=base, imm=imm)]

    def make_indexed(self):
        """An address that is the sum of a base and what some register holds, masked."""
        r = self.rng
        t, = self.temporaries(1)
        parts = [self.word("andi", rd=t, rs1=self.source(), imm=r.choice([0x7F8, 0x3FF, 0x7FF, 0x40, 0x1C]))]
        base = self.base()
        form = r.randrange(4)
        if form == 0:
            parts.append(self.word("add", rd=t, rs1=base, rs2=t))
        elif form == 1:
            parts.append(self.word("add", rd=t, rs1=t, rs2=base))
        elif form == 2:
            parts = [self.word("andi", rd=t, rs1=self.source(), imm=0x7F),
                     self.word(r.choice(["sh1add", "sh2add", "sh3add", "sh3add.uw", "add.uw"]), rd=t, rs1=t, rs2=base)]
        else:
            parts.append(self.word("sub", rd=t, rs1=base, rs2=t))
            return parts + self.make_memory(t, r.choice([0, 1, 8, 64]))
        if form == 2:
            return parts + self.make_memory(t, r.choice([0, 0, 4, 8, -8]))
        return parts + self.make_memory(t, r.choice([0, 0, 1, 4, 8, -8]))

    def make_memory(self, base, imm):
        """Some loads and stores at one place, first a load into another register than the base."""
        r = self.rng
        self.kept.add(base)
        parts = []
        for _ in range(r.randrange(1, 4)):
            parts += self.make_load(base, imm) if r.random() < 0.6 else self.make_store(base, imm)
            imm += r.choice([0, 0, 1, 2, 4, 8])
        self.kept.discard(base)
        return parts

    def make_pointer(self):
        """A pointer that goes through memory: ld and a load or store through what it loaded."""
        r = self.rng
        t, = self.temporaries(1)
        base = self.base()
        if not self.all_writable:
            return None
        place = r.randrange(16) * 8
        return [self.word("sd", rs2=base, rs1=self.bases[0], imm=place), self.word("ld", rd=t, rs1=self.bases[0], imm=place)
                ] + self.make_memory(t, r.randrange(0, 64))

    def aligned(self, t):
        """Parts that bring an address that is a multiple of eight into t."""
        r = self.rng
        parts = [self.word("andi", rd=t, rs1=self.base(), imm=-8)]
        if r.random() < 0.7:
            parts.append(self.word("addi", rd=t, rs1=t, imm=8 * r.randrange(-200, 200)))
        return parts

    def make_amo(self):
        r = self.rng
        t, = self.temporaries(1)
        line = r.choice(self.amos)
        parts = self.aligned(t)
        self.kept.add(t)
        if line.name.endswith(".w") and r.random() < 0.4:
            parts.append(self.word("addi", rd=t, rs1=t, imm=4))
        for _ in range(r.randrange(1, 4)):
            parts.append(Word(line, rd=self.target(), rs1=t, rs2=self.source(), aq=r.randrange(2), rl=r.randrange(2)))
            others = [x for x in self.amos if x.name[-1] == line.name[-1]]
            line = r.choice(others)
        self.kept.discard(t)
        return parts

    def make_cbo(self):
        """A cache-block operation somewhere in the scratch memory. cbo.zero clears 64 bytes; the others need the
        right to load or store and change nothing. Faults give "the faulting effective address (i.e. the value of
        rs1)", where QEMU 10 gives the block's, so the two are made one."""
        r = self.rng
        t, = self.temporaries(1)
        name = r.choice(["cbo.zero", "cbo.zero", "cbo.clean", "cbo.flush", "cbo.inval"])
        return [self.word("andi", rd=t, rs1=self.base(), imm=-64), self.word("addi", rd=t, rs1=t, imm=64 * r.randrange(-25, 25)),
                self.word(name, rs1=t)]

    def make_lrsc(self):
        """LR and SC to a page that may be written, nothing but register arithmetic between them, and then an SC
        that must fail: "An SC instruction must fail if there is another SC (to any address) between". Stores
        between them and other pages are left out, since whether SC fails, or faults first, is open there
        ("Zalrsc": "SC ... may fail"; its faults when it fails aren't laid down)."""
        r, t = self.rng, self.table
        size = r.choice(["w", "d"])
        p, = self.temporaries(1)
        if self.virtual:
            parts = [self.word("lui", rd=p, imm=WINDOW), self.word("addi", rd=p, rs1=p, imm=8 * r.randrange(256))]
        else:
            parts = self.aligned(p)
        self.kept.add(p)
        parts.append(Word(t["lr." + size], rd=self.target(), rs1=p, aq=r.randrange(2), rl=r.randrange(2)))
        for _ in range(r.randrange(3)):
            parts += self.make_alu() or []
        for _ in range(r.choice([1, 1, 2])):
            parts.append(Word(t["sc." + size], rd=self.target(), rs1=p, rs2=self.source(), aq=r.randrange(2),
                              rl=r.randrange(2)))
        self.kept.discard(p)
        return parts

    def make_branch(self):
        r, t = self.rng, self.table
        skip = r.randrange(1, 6)
        kind = r.random()
        if kind < 0.3:
            line = t[r.choice(["c.beqz", "c.bnez"])]
            return [Jump(line, skip=min(skip, 3), rs1=r.randrange(8, 16))]
        if kind < 0.5:
            return [Jump(t[r.choice(["beq", "bne", "blt", "bge", "bltu", "bgeu"])], skip=skip, rs1=self.source(), rs2=0)]
        return [Jump(r.choice(self.branches), skip=skip, rs1=self.source(), rs2=self.source())]

    def make_jump(self):
        r, t = self.rng, self.table
        skip = r.randrange(1, 4)
        kind = r.randrange(4)
        if kind == 0:
            return [Jump(t["c.j"], skip=skip)]
        if kind == 1:
            return [Jump(t["jal"], skip=skip, rd=self.target())]
        link = self.target()
        return [FarJump(t, self.temporaries(1)[0], link, skip, kind == 3)]

    def make_pair(self):
        """Two instructions that the interpreter may carry out as one, with registers that meet."""
        r, t = self.rng, self.table
        first, second = r.choice(self.fusions)
        second, _, which = second.partition(":")
        rd = self.target()
        if rd is None:
            return None
        parts = [self.pair_word(first, rd)]
        if parts[0] is None:
            return None
        same = rd if which or r.random() < 0.3 else self.source()
        overlap = {"1": {"rs1": same}, "2": {"rs2": same}}.get(which, {r.choice(["rs1", "rs2"]): same})
        if second in ("beqz", "bnez"):
            overlap = {"rs1": overlap.get("rs1", same), "rs2": 0}
            second = {"beqz": "beq", "bnez": "bne"}[second]
        if t.all.get(second) in self.branches:
            fields = {"rs1": self.source(), "rs2": self.source()}
            fields.update(overlap)
            name = second
            if fields["rs2"] == 0 and fields["rs1"] in range(8, 16) and r.random() < 0.5:
                return parts + [Jump(t[{"beq": "c.beqz", "bne": "c.bnez"}.get(name, "c.bnez")], skip=r.randrange(1, 3),
                                     rs1=fields["rs1"])]
            return parts + [Jump(t[name], skip=r.randrange(1, 5), **fields)]
        if second == "jr":
            # add, or addi, and jr: to the next instruction, whose address an auipc knows.
            p, = self.temporaries(1)
            if first == "addi":
                return [Word(t["auipc"], rd=p, imm=0), Word(t["andi"], rd=p, rs1=p, imm=-1),
                        Word(t["addi"], rd=p, rs1=p, imm=16), Word(t["jalr"], rd=0, rs1=p, imm=0)]
            other = r.choice([x for x in range(1, 32) if x not in self.kept and x != p])
            return [Word(t["addi"], rd=other, rs1=0, imm=20), Word(t["auipc"], rd=p, imm=0),
                    Word(t["andi"], rd=p, rs1=p, imm=-1), Word(t["add"], rd=p, rs1=p, rs2=other),
                    Word(t["jalr"], rd=0, rs1=p, imm=-4)]
        if second in ("li", "mv"):
            word = self.pair_word(second, self.target(), overlap.get("rs1"))
        elif t.all.get(second) in self.loads:
            if which:
                return self.pair_address(first, second, rd)
            word = self.word(second, rd=self.target(), rs1=self.base(), imm=r.randrange(-256, 256) * 8)
        elif t.all.get(second) in self.stores:
            if which == "1":
                return self.pair_address(first, second, rd)
            word = self.word(second, rs2=same, rs1=self.base(), imm=r.randrange(-256, 256) * 8)
        else:
            line = t[second]
            word = self.integer_word(line, **{k: v for k, v in overlap.items() if k in line.fields})
            if r.random() < 0.3 and rd not in self.kept:
                fields = dict(word.fields) if word.line is line else None
                if fields is not None:
                    fields["rd"] = rd
                    word = Word(line, **fields)
        return parts + [word]

    def pair_word(self, name, rd, rs1=None):
        r, t = self.rng, self.table
        if name == "mv":
            source = rs1 if rs1 is not None else self.source()
            return self.word(*r.choice([("addi",), ("add",)]), **(
                {"rd": rd, "rs1": source, "imm": 0}), rs2=0) if False else (
                self.word("addi", rd=rd, rs1=source, imm=0) if r.random() < 0.5
                else self.word("add", rd=rd, rs1=0, rs2=source))
        if name == "li":
            return self.word("addi", rd=rd, rs1=0, imm=self.immediate(t["addi"]))
        line = t[name]
        if line in self.loads:
            return self.word(name, rd=rd, rs1=self.base(), imm=r.randrange(-256, 256) * 8)
        if line in self.stores:
            return self.word(name, rs2=self.source(), rs1=self.base(), imm=r.randrange(-256, 256) * 8)
        return self.integer_word(line, rd=rd)

    def pair_address(self, first, second, rd):
        """`addi t, base, n` or `add t, base, small`, and a load or store through t."""
        r, t = self.rng, self.table
        p, = self.temporaries(1)
        parts = []
        if first == "add":
            other = r.choice([x for x in range(1, 32) if x not in self.kept and x != p])
            parts = [self.word("andi", rd=other, rs1=self.source(), imm=0x3FF)]
            pair = [self.base(), other]
            r.shuffle(pair)
            parts.append(self.word("add", rd=p, rs1=pair[0], rs2=pair[1]))
        elif first == "addi":
            parts.append(self.word("addi", rd=p, rs1=self.base(), imm=r.randrange(-1024, 1024)))
        elif first == "slli" or first == "ld" or first == "lw":
            return None
        else:
            return None
        imm = r.choice([0, 0, 8, r.randrange(-64, 64)])
        if t[second] in self.loads:
            parts.append(self.word(second, rd=r.choice([p, self.target()]), rs1=p, imm=imm))
        else:
            parts.append(self.word(second, rs2=r.choice([p, self.source()]), rs1=p, imm=imm))
        return parts

    def load_constant(self, rd, value):
        low = (value & 0xFFF ^ 0x800) - 0x800
        high = value - low
        if high & 0x80000000:
            high -= 1 << 32
        t = self.table
        if not high:
            return [Word(t["addi"], rd=rd, rs1=0, imm=low)]
        return [Word(t["lui"], rd=rd, imm=high)] + ([Word(t["addiw"], rd=rd, rs1=rd, imm=low)] if low else [])

    def csr(self, name, number, rd, source):
        line = self.table[name]
        if "zimm" in line.fields:
            return Word(line, rd=rd, csr=number, zimm=source)
        return Word(line, rd=rd, csr=number, rs1=source)

    def make_csr(self):
        r = self.rng
        if r.random() < 0.5 or self.mode == U_MODE:
            number = r.choice([1, 2, 3])
            name = r.choice(["csrrw", "csrrs", "csrrc", "csrrwi", "csrrsi", "csrrci"])
            if name.endswith("i"):
                return [self.csr(name, number, self.target(), r.randrange(32))]
            # Mostly valid rounding modes, so that the rest of the sequence computes.
            t, = self.temporaries(1)
            mask = {1: 31, 2: r.choice([3, 4, 7]), 3: r.choice([0x7F, 0x9F, 0xFF])}[number]
            return [self.word("andi", rd=t, rs1=self.source(), imm=mask), self.csr(name, number, self.target(), t)]
        kind = r.random()
        if kind < 0.45:
            names = ["sepc", "stval", "scause"] + (["sscratch"] if not self.delegates else [])
            if self.mode == M_MODE:
                names += ["mepc", "mtval", "mcause"]
            name = r.choice(names)
            source = self.source()
            parts = []
            if name in ("scause", "mcause"):
                # WLRL: causes that exist, and nothing else.
                source, = self.temporaries(1)
                parts = [self.word("addi", rd=source, rs1=0, imm=r.choice([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 15]))]
                return parts + [self.csr("csrrw", _CSR[name], self.target(), source)]
            op = r.choice(["csrrw", "csrrs", "csrrc", "csrrwi", "csrrsi", "csrrci"])
            if name in ("sepc", "mepc"):
                # "The low bit of mepc is always zero" (3.1.14); QEMU 10 keeps it. So it is never written.
                if op.endswith("i"):
                    return [self.csr(op, _CSR[name], self.target(), 2 * r.randrange(16))]
                even, = self.temporaries(1)
                parts = [self.word("andi", rd=even, rs1=source, imm=-2)]
                source = even
            return parts + [self.csr(op, _CSR[name], self.target(), source)]
        if kind < 0.6:
            names = ["scounteren", "senvcfg", "satp"]
            if self.mode == M_MODE:
                names += ["misa", "mhartid"]
            return [self.csr("csrrs", _CSR[r.choice(names)], self.target(), 0)]
        # Status. Its FS may be dirtier than need be (3.1.6.6), and SD with it: they are masked from what is read.
        which = "mstatus" if self.mode == M_MODE and r.random() < 0.7 else "sstatus"
        fields = [1 << 18, 1 << 19, 1 << 8, 1 << 5, 3 << 18]
        if which == "mstatus":
            fields += [1 << 7, 1 << 20, 1 << 21, 1 << 22, 1 << 11, 3 << 11]
            if self.virtual:
                fields += [1 << 17, 1 << 17 | 1 << 11]
        if self.mode == S_MODE or self.virtual:
            fields += [1 << 18, 1 << 19] * 3
        t, u = self.temporaries(2)
        value = r.choice(fields)
        if which == "mstatus" and value & 3 << 11:
            # MPP = 2 is reserved: what a write of it leaves is WARL. So clear the field first.
            first = [*self.load_constant(t, 3 << 11), self.csr("csrrc", _CSR[which], 0, t)]
        else:
            first = []
        parts = first + self.load_constant(t, value)
        parts.append(self.csr(r.choice(["csrrs", "csrrs", "csrrc"]) if not first else "csrrs", _CSR[which], 0, t))
        if r.random() < 0.5:
            parts += self.load_constant(t, 0x7E19AA)
            parts += [self.csr("csrrs", _CSR[which], u, 0), Word(self.table["and"], rd=u, rs1=u, rs2=t)]
        return parts

    def make_mprv(self):
        """M-mode loads and stores as another mode: MPRV on, accesses, MPRV off. A trap's mret leaves MPP at U."""
        if not self.translated:
            return None
        r, t = self.rng, self.table
        bits, p = self.temporaries(2)
        self.kept |= {bits, p}
        parts = self.load_constant(bits, 3 << 11) + [self.csr("csrrc", _CSR["mstatus"], 0, bits)]
        parts += self.load_constant(p, 1 << 17 | r.choice([0, 1 << 11]) | r.choice([0, 1 << 18, 1 << 19]))
        parts += [self.csr("csrrs", _CSR["mstatus"], 0, p)]
        for _ in range(r.randrange(1, 4)):
            parts.append(Word(t["lui"], rd=p, imm=r.choice(
                [WINDOW + 0x1000 * n for n in range(10)] + [x for x in self.context.special
                                                             if x not in (0x40200000, 0x10000000)])))
            imm = 8 * r.randrange(200)
            parts += self.make_load(p, imm) if r.random() < 0.6 else self.make_store(p, imm)
        parts += self.load_constant(bits, 1 << 17) + [self.csr("csrrc", _CSR["mstatus"], 0, bits)]
        self.kept -= {bits, p}
        return parts

    def make_interrupt(self):
        """A software interrupt, taken at once: "immediately following ... an explicit write to a CSR on which these
        interrupt trap conditions expressly depend" (3.1.9). The handler takes it back."""
        if self.mode == U_MODE or not self.interrupts:
            return None
        r = self.rng
        parts = [self.csr(r.choice(["csrrsi", "csrrsi", "csrrci"]), 0x100, 0, 2),
                 self.csr(r.choice(["csrrsi", "csrrsi", "csrrsi", "csrrci"]), 0x144, 0, 2),
                 self.csr(r.choice(["csrrsi", "csrrci"]), 0x100, 0, 2)]
        if self.mode == M_MODE:
            parts += [self.csr(r.choice(["csrrsi", "csrrci"]), _CSR["mstatus"], 0, 8),
                      self.csr("csrrsi", 0x344, self.target(), 2), self.csr("csrrsi", _CSR["mstatus"], 0, 8),
                      self.csr("csrrs", 0x344, self.target(), 0)]
        r.shuffle(parts)
        return parts

    def make_patch(self):
        """Code that changes: a store over an instruction ahead, fence.i, and the instruction. M-mode alone may
        write code. The place is found by auipc; what is stored comes from a table of three instructions."""
        if self.mode != M_MODE:
            return None
        r, t = self.rng, self.table
        p, v, d = self.temporaries(3)
        new = t[r.choice(["addi", "xori", "ori"])].encode(rd=d, rs1=r.randrange(32), imm=r.randrange(-2048, 2048))
        value = self.load_constant(v, new - (1 << 32) if new >> 31 else new)
        old = [Word(t["addi"], rd=d, rs1=d, imm=1)]
        store = r.choice([[Word(t["sw"], rs1=p, rs2=v, imm=None)],
                          [Word(t["sh"], rs1=p, rs2=v, imm=None), Word(t["srli"], rd=v, rs1=v, imm=16),
                           Word(t["sh"], rs1=p, rs2=v, imm=2)]])
        # From auipc to the instruction that changes.
        size = 4 + sum(w.length for w in store) + 4
        first = True
        for w in store:
            if w.line.name in ("sw", "sh"):
                w.fields["imm"] = size if first else size + 2
                first = False
        return value + [Word(t["auipc"], rd=p, imm=0)] + store + [Word(t["fence.i"])] + old

    def make_fence_page(self):
        if self.mode == U_MODE:
            return None
        r = self.rng
        return [Word(self.table["sfence.vma"], rs1=r.choice([0, 0, r.choice(self.bases)]), rs2=0)]

    def make_fp_off(self):
        if self.mode == U_MODE:
            return None
        r = self.rng
        t, = self.temporaries(1)
        parts = self.load_constant(t, 0x6000) + [self.csr("csrrc", _CSR["sstatus"], 0, t)]
        self.kept.add(t)
        for _ in range(r.randrange(1, 3)):
            kind = r.randrange(4)
            if kind == 0:
                parts += self.make_load()
            elif kind == 1:
                parts.append(self.csr("csrrs", r.choice([1, 2, 3]), self.target(), 0))
            else:
                parts += self.make_fp()
        self.kept.discard(t)
        return parts + [self.csr("csrrs", _CSR["sstatus"], 0, t)]

    def make_trap(self):
        r, t = self.rng, self.table
        kind = r.randrange(8)
        if kind == 0:
            return [Word(t[r.choice(["ecall", "ebreak", "c.ebreak"])])]
        if kind == 1:
            return [self.illegal()]
        if kind == 2:
            return [self.illegal_csr()]
        if kind == 3:
            return self.bad_address()
        if kind == 4:
            return self.bad_jump()
        if kind == 5:
            return self.misaligned_atomic()
        if kind == 6:
            # Not sfence.w.inval: "an attempt to execute [it] in U-mode raises an illegal-instruction exception"
            # ("Svinval"), which QEMU 10 leaves out.
            names = {M_MODE: [], S_MODE: ["mret"], U_MODE: ["mret", "sret", "sfence.vma", "sinval.vma"]}
            names = names[self.mode]
            if not names:
                return [self.illegal()]
            name = r.choice(names)
            return [Word(t[name], **{k: r.randrange(32) for k in ("rs1", "rs2") if k in t[name].fields})]
        return self.make_fp_off()

    def illegal(self):
        r = self.rng
        if r.random() < 0.3:
            return Raw(0, 2)
        while True:
            # Reserved points in opcodes that are in use, where the encoding's neighbours are instructions.
            opcode = r.choice([0x13, 0x1B, 0x33, 0x3B, 0x53, 0x03, 0x23, 0x07, 0x27, 0x2F, 0x63, 0x67])
            word = r.getrandbits(25) << 7 | opcode
            if not self.table.matches(word):
                return Raw(word, 4)

    def illegal_csr(self):
        r = self.rng
        # Numbers that nothing has, read-only ones written, and others' levels.
        choice = [(0x5FF, 1), (0x8FF, 0), (0x9FF, 1), (0xF14, 1), (0xF11, 1), (0xC00, 1), (0xCFF, 0), (0x004, 0)]
        if self.mode < M_MODE:
            choice += [(0x300, 0), (0x341, 0), (0x304, 1), (0xF14, 0), (0x3A0, 0), (0xC00, 0), (0xC02, 0), (0xB00, 0)]
        if self.mode < S_MODE:
            choice += [(0x100, 0), (0x180, 0), (0x141, 1), (0x104, 0)]
        number, writes = r.choice(choice)
        if writes:
            return self.csr(r.choice(["csrrw", "csrrwi"]), number, self.target(), r.randrange(1, 32))
        return self.csr(r.choice(["csrrs", "csrrc"]), number, self.target(), 0)

    def bad_address(self):
        """An access, aligned, to where it is likely to fault. A misaligned one might, as the specification has it,
        rather be a misaligned access's trap ("load/store/AMO address-misaligned exceptions may have either higher
        or lower priority than load/store/AMO access-fault and page-fault exceptions")."""
        r, t = self.rng, self.table
        p, = self.temporaries(1)
        if self.virtual and r.random() < 0.8:
            parts = [Word(t["lui"], rd=p, imm=r.choice(self.context.special))]
        elif self.virtual:
            parts = [Word(t["addi"], rd=p, rs1=0, imm=-8),
                     Word(t["slli"], rd=p, rs1=p, imm=12), Word(t["srli"], rd=p, rs1=p, imm=r.randrange(1, 25)),
                     Word(t["andi"], rd=p, rs1=p, imm=-8)]
        else:
            parts = [Word(t["lui"], rd=p, imm=NOWHERE)]
        self.kept.add(p)
        # What devices do with atomics is the platform's to say (3.6.3).
        if parts[0].fields.get("imm") == 0x10000000 and self.virtual and self.mode != U_MODE:
            self.kept.discard(p)
            return None
        if r.random() < 0.25:
            line = r.choice(self.amos + [t["lr.w"], t["lr.d"]])
            parts.append(Word(line, rd=self.target(), rs1=p, **({"rs2": self.source()} if "rs2" in line.fields else {})))
        else:
            imm = 8 * r.randrange(200)
            parts += self.make_load(p, imm) if r.random() < 0.6 else self.make_store(p, imm)
        self.kept.discard(p)
        return parts

    def bad_jump(self):
        r, t = self.rng, self.table
        if 1 in self.kept:
            return None
        p, = [x for x in self.temporaries(2) if x != 1][:1]
        place = r.choice(self.context.unfetchable) if self.mode != M_MODE else NOWHERE + 2 * r.randrange(0x800)
        low = (place & 0xFFF ^ 0x800) - 0x800
        high = place - low
        if place >= 1 << 31:
            # lui would extend the sign.
            parts = [Word(t["lui"], rd=p, imm=high >> 1), Word(t["slli"], rd=p, rs1=p, imm=1)]
        else:
            parts = [Word(t["lui"], rd=p, imm=high)]
        return parts + [Word(t["jalr"], rd=1, rs1=p, imm=low)]

    def misaligned_atomic(self):
        """LR and AMO; a misaligned SC without a reservation might as well only fail."""
        r, t = self.rng, self.table
        if not self.all_writable:
            return None
        p, = self.temporaries(1)
        parts = self.aligned(p)
        line = r.choice(self.amos + [t["lr.w"], t["lr.d"]])
        off = r.choice([1, 2, 3, 5, 6, 7] + ([4] if line.name.endswith("d") else []))
        parts.append(self.word("addi", rd=p, rs1=p, imm=off))
        self.kept.add(p)
        parts.append(Word(line, rd=self.target(), rs1=p, **({"rs2": self.source()} if "rs2" in line.fields else {})))
        self.kept.discard(p)
        return parts

    def make_loop(self, depth):
        r, t = self.rng, self.table
        counter = r.choice([x for x in range(1, 32) if x not in self.kept])
        turns = r.choice([1, 2, 3, 5, 9])
        self.kept.add(counter)
        body = Body()
        self.fill(body, r.randrange(2, 10), depth + 1)
        self.kept.discard(counter)
        top = Label()
        down = self.word("addi", rd=counter, rs1=counter, imm=-1)
        return [self.word("addi", rd=counter, rs1=0, imm=turns), top, body, down,
                Jump(t["bne"], label=top, rs1=counter, rs2=0)]

    def make_call(self, depth):
        """A subroutine in the way: called, jumped around, and returned from through its link."""
        r, t = self.rng, self.table
        link = r.choice([x for x in (1, 5) + tuple(range(1, 32)) if x not in self.kept])
        self.kept.add(link)
        body = Body()
        self.fill(body, r.randrange(1, 6), depth + 1)
        self.kept.discard(link)
        start, end = Label(), Label()
        back = self.word("jalr", rd=0, rs1=link, imm=0)
        return [Jump(t["jal"], label=start, rd=link), Jump(t["jal"], label=end, rd=0), start, body, back, end]

    WEIGHTS = {
        "mixed": dict(alu=26, pair=22, auipc=3, lui=3, fence=1, fp=12, load=7, store=6, indexed=4, pointer=1, amo=3,
                      lrsc=2, branch=7, jump=2, csr=3, trap=1, loop=2, call=1.5, mprv=1, interrupt=0.6, fence_page=0.3, patch=0.5, cbo=0.4),
        "integer": dict(alu=50, pair=30, auipc=3, lui=3, branch=10, loop=3, call=1, jump=2),
        "pairs": dict(pair=70, alu=15, auipc=4, branch=8, loop=4, indexed=4),
        "float": dict(fp=70, alu=4, load=6, store=4, csr=6, branch=2, loop=2),
        "memory": dict(load=25, store=20, indexed=12, pointer=4, pair=10, alu=12, amo=8, lrsc=5, branch=3, loop=3,
                       csr=1, cbo=3),
        "traps": dict(cbo=3, trap=25, csr=18, load=8, store=8, indexed=3, alu=15, fp=6, branch=4, loop=1, jump=2, amo=3, mprv=8, interrupt=5, fence_page=2, patch=1),
    }

    def fill(self, body, n, depth=0):
        r = self.rng
        names, weights = self.names, self.weights
        for name in r.choices(names, weights, k=n):
            if name in ("loop", "call"):
                if depth >= 2:
                    continue
                item = getattr(self, "make_" + name)(depth)
            else:
                item = getattr(self, "make_" + name)()
            if item:
                body.items.append(item)

    def protect(self, s):
        """PMP entries over whole pages of the scratch memory, but its first. Smaller ones would have misaligned
        accesses, and page-crossing ones, be judged part by part or whole, as an implementation likes (3.7.1)."""
        r = self.rng
        if r.random() < 0.6:
            return
        page = SCRATCH + 0x1000 * r.randrange(1, 4)
        rights = r.choice([0, 1, 4, 5, 3, 7])
        lock = 0  # a locked entry would outlive its sequence
        kind = r.randrange(3)
        if kind == 0:
            s.pmpaddr, config = (page >> 2 | 0x1FF, 0, 0), 0x18 | rights
        elif kind == 1:
            s.pmpaddr, config = (page >> 2, page + 0x1000 >> 2, 0), (8 | rights) << 8
        else:
            s.pmpaddr = (page >> 2, page + 0x1000 >> 2, (SCRATCH + 0x2000 >> 2) | 0x3FF)
            config = (8 | rights) << 8 | (0x18 | r.choice([1, 3, 7])) << 16
        s.pmpcfg = 0x1F << 24 | config | lock

    def sequence(self, name, length):
        r = self.rng
        s = Sequence(name)
        style = r.choice(["mixed", "mixed", "integer", "pairs", "float", "memory", "traps"])
        self.names, self.weights = zip(*self.WEIGHTS[style].items())
        s.style = style
        s.mode = r.choice([M_MODE, M_MODE, S_MODE, U_MODE, U_MODE])
        s.context = r.choice([n for n, c in enumerate(self.contexts) if c.mode == s.mode or s.mode == M_MODE])
        context = self.contexts[s.context]
        s.bases = (r.choice([2, 2, r.randrange(16, 32)]), r.randrange(8, 16), r.randrange(18, 28))
        while len(set(s.bases)) < 3:
            s.bases = (r.choice([2, 2, r.randrange(16, 32)]), r.randrange(8, 16), r.randrange(18, 28))
        s.virtual_data = s.mode != M_MODE
        # M-mode with satp set: nothing is translated until MPRV is.
        s.translated = s.mode == M_MODE and r.random() < 0.3
        s.mask = r.choice([0x1FFF, 0x1FFF, 0x1FF8, 0x1FF0])
        if s.virtual_data:
            s.mask |= 0x6000
        s.status = s.mode << 11 | 0x6000 | r.choice([0, 0, 1 << 18, 1 << 19, 3 << 18])
        if r.random() < 0.03:
            s.status &= ~0x6000
        if s.mode != M_MODE:
            s.medeleg = r.choice([0, 0, 0xB1FF, 0xB1FF & r.getrandbits(16)]) & ~(1 << 9)
        if r.random() < 0.4 and not (s.medeleg and s.mode == S_MODE):
            # SSIP enabled; delegated or not.
            s.interrupts = 2 | r.choice([0, 2 << 16])
        if s.mode != M_MODE or r.random() < 0.3:
            self.protect(s)
        # Cache-block operations are always permitted: where they aren't, QEMU 10 leaves mtval 0, as it may
        # (3.1.16).
        s.menvcfg, s.senvcfg = r.choice([0xD0, 0xF0]), r.choice([0xD0, 0xF0])
        s.stateen = r.choice([0, 1 << 62, 1 << 63, 3 << 62])
        s.iterations = 64 if style != "traps" else 24
        s.image = r.randrange(64)

        self.mode, self.context, self.virtual = s.mode, context, s.virtual_data
        self.bases = s.bases
        self.translated = s.translated
        self.interrupts = s.interrupts
        self.kept = set(s.bases)
        self.recent, self.frecent = [], []
        self.delegates = bool(s.medeleg or s.interrupts >> 16)
        # Whether a store through a base register is sure to be made.
        self.all_writable = (not s.virtual_data or context.clean) and s.pmpcfg == 0x1F << 24
        self.fill(s.body, length)
        return s


# ---- The program that carries them

class Program:
    """What both sides are given: the runtime, tables, code, images."""

    def __init__(self, table, seed, images=64):
        self.table = table
        rng = random.Random(f"program {seed}")
        self.seed = seed
        allocator = Allocator()
        self.contexts = [Context(allocator, rng, mode) for mode in (S_MODE, S_MODE, S_MODE, U_MODE, U_MODE, U_MODE)]
        self.tables = allocator.blob()
        self.images = []
        for _ in range(images):
            frm = rng.choice([0, 0, 0, 1, 2, 3, 4, 4] + [rng.randrange(8)])
            self.images.append([integer(rng) for _ in range(32)] + [floating(rng) for _ in range(32)]
                               + [frm << 5 | rng.choice([0, 0, rng.randrange(32)])]
                               + [rng.getrandbits(32) for _ in range(3)])
        words = 4 * 512
        self.memory = struct.pack(f"<{words}Q", *(rng.choice([integer, floating])(rng) for _ in range(words)))

    def settle(self, parts, start):
        """Gives labels their addresses. A short jump that doesn't reach becomes the long one that it stands for."""
        long = {"c.beqz": ("beq", {"rs2": 0}), "c.bnez": ("bne", {"rs2": 0}), "c.j": ("jal", {"rd": 0})}
        settled = False
        while not settled:
            settled, where = True, start
            places = []
            for part in parts:
                if isinstance(part, Label):
                    part.address = where
                places.append(where)
                where += part.length
            for part, at in zip(parts, places):
                if isinstance(part, Jump) and part.line.name in long and not part.line.fits(part.target.address - at):
                    name, fields = long[part.line.name]
                    part.line, part.length = self.table[name], 4
                    part.fields = {**part.fields, **fields}
                    settled = False

    def place(self, sequences, verbose=False):
        """The segments [(address, bytes)], and each sequence's (start, end, parts with their addresses)."""
        code = bytearray()
        at = 0x80400000
        rows, listing = [], []
        for s in sequences:
            start = at
            out = []
            s.body.flatten(out)
            self.settle(out, at)
            laid = []
            for part in out:
                data = part.bytes(at, self)
                if data:
                    laid.append((at, data))
                code += data
                at += len(data)
            end = at
            code += self.table["ecall"].encode().to_bytes(4, "little")
            at += 4
            listing.append((start, end, laid))
            context = self.contexts[s.context]
            scratch = (WINDOW if s.virtual_data else SCRATCH) + 2048
            satp = context.satp if s.mode != M_MODE or s.translated else 0
            rows.append(struct.pack(
                "<22Q", start, end, satp, s.status, s.medeleg, scratch, s.menvcfg, s.senvcfg, s.mcounteren,
                s.scounteren, s.iterations, s.image, *s.bases, s.mask, s.pmpcfg, *s.pmpaddr, s.interrupts, s.stateen))
        assert at <= 0x80800000, "too much code"
        table_at = 0x80040000 + 128
        images_at = table_at + sum(map(len, rows))
        memory_at = images_at + len(self.images) * 68 * 8
        header = struct.pack("<9Q", 1, len(rows), int(verbose), table_at, images_at, len(self.images), memory_at,
                             len(self.memory), 0).ljust(128, b"\0")
        data = header + b"".join(rows) + b"".join(struct.pack("<68Q", *i) for i in self.images) + self.memory
        assert 0x80040000 + len(data) <= 0x80100000, "tables too large"
        assert 0x80100000 + len(self.tables) <= 0x80200000, "page tables too large"
        return [(0x80040000, data), (0x80100000, self.tables), (0x80400000, bytes(code))], listing


def read_fusions(path):
    pairs = []
    with open(path) as file:
        for line in file:
            line = line.split("#")[0].split()
            pairs += [(line[0], second) for second in line[1:]]
    return pairs
