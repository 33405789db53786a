"""Modes, registers and traps, as the privileged specification has them. Sections are those of its hypervisor chapter
where no other is named; nothing here knows how rvkvm or QEMU do it."""

from dataclasses import dataclass, field


def bit(position):
    return 1 << position


MASK64 = bit(64) - 1


@dataclass(frozen=True)
class Mode:
    """Nominal privilege (0 U, 1 S, 3 M) and virtualization mode ("Privilege Modes")."""
    name: str
    privilege: int
    virtual: bool

    def __repr__(self):
        return self.name


U, HS, M = Mode("U", 0, False), Mode("HS", 1, False), Mode("M", 3, False)
VU, VS = Mode("VU", 0, True), Mode("VS", 1, True)
MODES = (M, HS, U, VS, VU)


def mode_of(privilege, virtual):
    return next(m for m in MODES if m.privilege == privilege and m.virtual == (virtual and privilege != 3))


class mstatus:
    SIE, MIE, SPIE, MPIE, SPP = bit(1), bit(3), bit(5), bit(7), bit(8)
    MPP, FS, MPRV, SUM, MXR = 3 << 11, 3 << 13, bit(17), bit(18), bit(19)
    TVM, TW, TSR, GVA, MPV = bit(20), bit(21), bit(22), bit(38), bit(39)


class hstatus:
    GVA, SPV, SPVP, HU, VTVM, VTW, VTSR = bit(6), bit(7), bit(8), bit(9), bit(20), bit(21), bit(22)


class envcfg:
    CBIE, CBIE_FLUSH, CBCFE, CBZE, ADUE, PBMTE, STCE = 3 << 4, 1 << 4, bit(6), bit(7), bit(61), bit(62), bit(63)


class stateen:
    ENVCFG, SE0 = bit(62), bit(63)


# Causes ("Trap Cause Codes").
FETCH_ACCESS, ILLEGAL, BREAKPOINT, LOAD_MISALIGNED, LOAD_ACCESS, STORE_MISALIGNED, STORE_ACCESS = 1, 2, 3, 4, 5, 6, 7
ECALL_U, ECALL_HS, ECALL_VS, ECALL_M = 8, 9, 10, 11
FETCH_PAGE, LOAD_PAGE, STORE_PAGE = 12, 13, 15
FETCH_GUEST, LOAD_GUEST, VIRTUAL, STORE_GUEST = 20, 21, 22, 23

# What medeleg and hedeleg may delegate at all; ecall from M-mode can't be (machine chapter, "medeleg"), and
# hedeleg's bits are those of "Bits of hedeleg".
DELEGABLE = sum(bit(c) for c in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 15, 20, 21, 22, 23))
DELEGABLE_TO_GUEST = sum(bit(c) for c in (1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 15))

# How far a trap is delegated: not, to HS-mode, to VS-mode; and to VS-mode by hedeleg alone, which isn't enough.
DELEGATIONS = [(0, 0), (DELEGABLE, 0), (DELEGABLE, DELEGABLE_TO_GUEST), (0, DELEGABLE_TO_GUEST)]

# What a row's registers hold unless it says otherwise. Registers with a twin hold something else than it.
ENVIRONMENT = envcfg.CBIE | envcfg.CBCFE | envcfg.CBZE | envcfg.PBMTE | envcfg.STCE
DEFAULTS = {
    "mstatus": mstatus.FS, "vsstatus": mstatus.FS, "hstatus": 0,
    "menvcfg": ENVIRONMENT, "henvcfg": ENVIRONMENT, "senvcfg": envcfg.CBIE | envcfg.CBCFE | envcfg.CBZE,
    "mstateen0": stateen.ENVCFG | stateen.SE0, "hstateen0": stateen.ENVCFG | stateen.SE0,
    "mcounteren": 0xFFFFFFFF, "hcounteren": 0xFFFFFFFF, "scounteren": 0xFFFFFFFF,
    "medeleg": 0, "hedeleg": 0, "mideleg": 0x222, "hideleg": 0x444, "mie": 0x80, "mip": 0, "hie": 0, "hvip": 0,
    "htimedelta": 0x1000000, "mscratch": 0x33A0, "sscratch": 0x11A0, "vsscratch": 0x22A0, "mepc": 0x33B0, "sepc": 0x11B0,
    "vsepc": 0x22B0, "stimecmp": MASK64, "vstimecmp": MASK64 - 1, "vsie": 0,
    # Physical memory protection: entry 1 permits everything.
    "pmpaddr0": 0, "pmpaddr1": bit(54) - 1, "pmpcfg0": 0x1F00,
    "satp": 0, "vsatp": 0, "hgatp": 0, "stvec": None, "vstvec": None,
}


@dataclass
class Trap:
    """A synchronous exception: what it writes, and where the specification leaves a choice."""
    cause: int
    tval: int = 0
    guest_address: bool = False  # tval holds a guest virtual address: GVA
    tval2: int = 0
    tinst: int = 0
    tval_may_be_zero: bool = False
    tval_unknown: bool = False  # only by other rules than the specification's
    tinst_may_be_zero: bool = False
    misaligned: bool = False  # the next cause, the access fault, is as good
    offset: int = 0  # of the trapping instruction from the row's first


@dataclass
class Done:
    """Nothing trapped: the mode and the registers afterwards, and what was loaded."""
    mode: Mode
    changed: dict = field(default_factory=dict)
    result: int = None
    dirties_float: bool = False


class Unspecified(Exception):
    """The specification leaves more open than a row can express: no row is made of it."""
