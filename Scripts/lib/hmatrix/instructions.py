"""Instructions under test, encoded: the address in a0, a value to store in a1, the result in a2."""

from dataclasses import dataclass

A0, A1, A2 = 10, 11, 12


@dataclass(frozen=True)
class Instruction:
    name: str
    word: int
    kind: str  # what the oracles decide by
    size: int = 0  # bytes accessed
    signed: bool = False
    length: int = 4
    expanded: int = None  # the 32-bit form of a compressed one
    float: bool = False


def i_type(opcode, funct3, rd, rs1, immediate):
    return immediate << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode


def r_type(opcode, funct3, funct7, rd, rs1, rs2):
    return funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode


def s_type(opcode, funct3, rs1, rs2):
    return rs2 << 20 | rs1 << 15 | funct3 << 12 | opcode


def system(name, funct7, rs1, rs2, kind=None):
    return Instruction(name, r_type(0x73, 0, funct7, 0, rs1, rs2), kind or name)


def csr(operation, number, rd, source):
    funct3 = {"csrrw": 1, "csrrs": 2, "csrrc": 3, "csrrwi": 5, "csrrsi": 6, "csrrci": 7}[operation]
    return i_type(0x73, funct3, rd, source, number)


def hlv(name, funct7, rs2, size, signed=False, kind="hlv"):
    return Instruction(name, r_type(0x73, 4, funct7, A2, A0, rs2), kind, size, signed)


def hsv(name, funct7, size):
    return Instruction(name, r_type(0x73, 4, funct7, 0, A0, A1), "hsv", size)


EBREAK = Instruction("ebreak", 0x00100073, "ebreak")
ECALL = Instruction("ecall", 0x00000073, "ecall")
C_EBREAK = Instruction("c.ebreak", 0x9002, "ebreak", length=2)

SRET, MRET, WFI = system("sret", 8, 0, 2), system("mret", 0x18, 0, 2), system("wfi", 8, 0, 5)

# Fences ("Hypervisor Memory-Management Fence Instructions", Svinval), with and without operands.
FENCES = [system(name + suffix, funct7, rs1, rs2, name)
          for name, funct7 in (("sfence.vma", 0x09), ("sinval.vma", 0x0B), ("hfence.vvma", 0x11), ("hfence.gvma", 0x31),
                               ("hinval.vvma", 0x13), ("hinval.gvma", 0x33))
          for suffix, rs1, rs2 in (("", 0, 0), (" a0", A0, 0), (" x0, a1", 0, A1), (" a0, a1", A0, A1))]
FENCES += [system("sfence.w.inval", 0x0C, 0, 0), system("sfence.inval.ir", 0x0C, 0, 1)]

GUEST_LOADS = [
    hlv("hlv.b", 0x30, 0, 1, True), hlv("hlv.bu", 0x30, 1, 1), hlv("hlv.h", 0x32, 0, 2, True), hlv("hlv.hu", 0x32, 1, 2),
    hlv("hlv.w", 0x34, 0, 4, True), hlv("hlv.wu", 0x34, 1, 4), hlv("hlv.d", 0x36, 0, 8)]
GUEST_FETCHES = [hlv("hlvx.hu", 0x32, 3, 2, kind="hlvx"), hlv("hlvx.wu", 0x34, 3, 4, kind="hlvx")]
GUEST_STORES = [hsv("hsv.b", 0x31, 1), hsv("hsv.h", 0x33, 2), hsv("hsv.w", 0x35, 4), hsv("hsv.d", 0x37, 8)]
GUEST_ACCESSES = GUEST_LOADS + GUEST_FETCHES + GUEST_STORES

CACHE_BLOCK = [Instruction(name, i_type(0x0F, 2, 0, A0, operation), kind, 64)
               for name, operation, kind in (("cbo.inval", 0, "cbm"), ("cbo.clean", 1, "cbm"), ("cbo.flush", 2, "cbm"),
                                             ("cbo.zero", 4, "cbz"))]
PREFETCH = [Instruction("prefetch." + letter, i_type(0x13, 6, 0, A0, number), "nothing")
            for letter, number in (("i", 0), ("r", 1), ("w", 3))]

LOADS = [Instruction(name, i_type(0x03, funct3, A2, A0, 0), "load", size, signed) for name, funct3, size, signed in (
    ("lb", 0, 1, True), ("lh", 1, 2, True), ("lw", 2, 4, True), ("ld", 3, 8, False), ("lbu", 4, 1, False),
    ("lhu", 5, 2, False), ("lwu", 6, 4, False))]
STORES = [Instruction(name, s_type(0x23, funct3, A0, A1), "store", 1 << funct3)
          for name, funct3 in (("sb", 0), ("sh", 1), ("sw", 2), ("sd", 3))]
FLOAT_LOADS = [Instruction(name, i_type(0x07, funct3, A2, A0, 0), "load", 1 << funct3, float=True)
               for name, funct3 in (("flh", 1), ("flw", 2), ("fld", 3))]
FLOAT_STORES = [Instruction(name, s_type(0x27, funct3, A0, A1), "store", 1 << funct3, float=True)
                for name, funct3 in (("fsh", 1), ("fsw", 2), ("fsd", 3))]


def compressed(name, funct3, register, plain):
    # CL and CS: rs1' and rd' or rs2' count from x8; no offset.
    return Instruction(name, funct3 << 13 | (A0 - 8) << 7 | (register - 8) << 2, plain.kind, plain.size, plain.signed, 2,
                       plain.word)


COMPRESSED = [compressed("c.lw", 2, A2, LOADS[2]), compressed("c.ld", 3, A2, LOADS[3]),
              compressed("c.sw", 6, A1, STORES[2]), compressed("c.sd", 7, A1, STORES[3])]


# Zcb's, whose offsets lie elsewhere, and those that take the stack pointer: a0 is moved there before.
COMPRESSED += [
    Instruction("c.lbu", 0x8000 | (A0 - 8) << 7 | (A2 - 8) << 2, "load", 1, False, 2, LOADS[4].word),
    Instruction("c.lhu", 0x8400 | (A0 - 8) << 7 | (A2 - 8) << 2, "load", 2, False, 2, LOADS[5].word),
    Instruction("c.lh", 0x8440 | (A0 - 8) << 7 | (A2 - 8) << 2, "load", 2, True, 2, LOADS[1].word),
    Instruction("c.sb", 0x8800 | (A0 - 8) << 7 | (A1 - 8) << 2, "store", 1, False, 2, STORES[0].word),
    Instruction("c.sh", 0x8C00 | (A0 - 8) << 7 | (A1 - 8) << 2, "store", 2, False, 2, STORES[1].word),
    Instruction("c.fld", 0x2000 | (A0 - 8) << 7 | (A2 - 8) << 2, "load", 8, False, 2, FLOAT_LOADS[2].word, float=True),
    Instruction("c.fsd", 0xA000 | (A0 - 8) << 7 | (A1 - 8) << 2, "store", 8, False, 2, FLOAT_STORES[2].word, float=True),
]
STACK = [
    Instruction("c.lwsp", 0x4002 | A2 << 7, "load", 4, True, 2, i_type(0x03, 2, A2, 2, 0)),
    Instruction("c.ldsp", 0x6002 | A2 << 7, "load", 8, False, 2, i_type(0x03, 3, A2, 2, 0)),
    Instruction("c.fldsp", 0x2002 | A2 << 7, "load", 8, False, 2, i_type(0x07, 3, A2, 2, 0), float=True),
    Instruction("c.swsp", 0xC002 | A1 << 2, "store", 4, False, 2, s_type(0x23, 2, 2, A1)),
    Instruction("c.sdsp", 0xE002 | A1 << 2, "store", 8, False, 2, s_type(0x23, 3, 2, A1)),
    Instruction("c.fsdsp", 0xA002 | A1 << 2, "store", 8, False, 2, s_type(0x27, 3, 2, A1), float=True),
]
TO_STACK = Instruction("mv sp, a0", i_type(0x13, 0, 2, A0, 0), "nothing")
# With an offset, of which the transformed instruction has nothing.
OFFSET = 0x7D5
TO_OFFSET = Instruction("addi a0, a0, -0x7d5", i_type(0x13, 0, A0, A0, -OFFSET & 0xFFF), "nothing")
WITH_OFFSET = [
    Instruction("lw a2, 0x7d5(a0)", i_type(0x03, 2, A2, A0, OFFSET), "load", 4, True),
    Instruction("ld a2, 0x7d5(a0)", i_type(0x03, 3, A2, A0, OFFSET), "load", 8),
    Instruction("sw a1, 0x7d5(a0)", s_type(0x23, 2, A0, A1) | (OFFSET >> 5) << 25 | (OFFSET & 31) << 7, "store", 4),
    Instruction("fsd fa1, 0x7d5(a0)", s_type(0x27, 3, A0, A1) | (OFFSET >> 5) << 25 | (OFFSET & 31) << 7, "store", 8, float=True),
]


def amo(name, funct5, width, kind):
    rs2 = 0 if kind == "lr" else A1
    return Instruction(name, r_type(0x2F, width, funct5 << 2, A2, A0, rs2), kind, 1 << width, width == 2)


LR = [amo("lr.w", 2, 2, "lr"), amo("lr.d", 2, 3, "lr")]
SC = [amo("sc.w", 3, 2, "sc"), amo("sc.d", 3, 3, "sc")]
AMO = [amo("amoadd.w", 0, 2, "amo"), amo("amoadd.d", 0, 3, "amo"), amo("amoswap.w", 1, 2, "amo"), amo("amoswap.d", 1, 3, "amo")]

# Two instructions as good as any for "in a page that may not be executed": a long and a short one.
FETCHES = [Instruction("fetch of 4 bytes", EBREAK.word, "fetch", 4),
           Instruction("fetch of 2 bytes", C_EBREAK.word, "fetch", 2, length=2)]

FLOAT = [
    Instruction("fadd.d", r_type(0x53, 0, 0x01, 0, 1, 2), "float arithmetic"),
    Instruction("fsgnj.s", r_type(0x53, 0, 0x10, 0, 0, 0), "float arithmetic"),
    Instruction("fmv.d.x", r_type(0x53, 0, 0x79, 0, 0, 0), "float arithmetic"),
    Instruction("fmv.x.d", r_type(0x53, 0, 0x71, A2, 0, 0), "float read"),
    Instruction("fclass.d", r_type(0x53, 1, 0x71, A2, 0, 0), "float read"),
] + [Instruction(i.name, i.word, "float load", i.size) for i in FLOAT_LOADS] + [
    Instruction(i.name, i.word, "float read", i.size) for i in FLOAT_STORES] + [
    Instruction("c.fld", 1 << 13 | (A0 - 8) << 7 | 4 << 2, "float load", 8, length=2)]

HARMLESS = [Instruction("fence.i", 0x0000100F, "nothing"), Instruction("fence", 0x0FF0000F, "nothing"),
            Instruction("pause", 0x0100000F, "nothing"), Instruction("addi", 0x00000013, "nothing")] + PREFETCH

# Encodings that no extension of the model has.
INVALID = [Instruction("unimp (0x00000000)", 0, "invalid", length=2), Instruction("all ones", 0xFFFFFFFF, "invalid"),
           Instruction("vsetvli", 0x0D007057, "invalid"), Instruction("vadd.vv", 0x02208157, "invalid"),
           Instruction("dret", 0x7B200073, "invalid"), Instruction("mnret", 0x70200073, "invalid"),
           Instruction("uret", 0x00200073, "invalid"),
           Instruction("hlv.d with rs2 = 1", r_type(0x73, 4, 0x36, A2, A0, 1), "invalid"),
           Instruction("hlvx.du", r_type(0x73, 4, 0x36, A2, A0, 3), "invalid"),
           Instruction("sctrclr", 0x10400073, "invalid"), Instruction("c.addi4spn 0", 0x0008, "invalid", length=2),
           Instruction("custom-0", 0x0000000B, "invalid"), Instruction("ssamoswap.d", r_type(0x2F, 3, 0x24, A2, A0, A1), "invalid")]


def transformed(instruction, offset=0):
    """"Transformed Instruction or Pseudoinstruction for mtinst or htinst"; for cache blocks the CMO chapter's."""
    word = instruction.expanded or instruction.word
    opcode = word & 0x7F
    if opcode in (0x03, 0x07):
        word &= 0x00007FFF
    elif opcode in (0x23, 0x27):
        word &= 0x01F0707F
    elif opcode == 0x0F:
        return word & 0xFFF0707F
    word = word & ~(0x1F << 15) | offset << 15
    return word & ~2 if instruction.length == 2 else word
