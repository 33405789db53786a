"""Which CSRs there are, and when HS-mode may access them: all else about modes follows from the number.

An extension is a function of its own in `EXTENSIONS`. Without AIA, which the machine of the rows hasn't got, its CSRs
are among those that aren't there.
"""

from dataclasses import dataclass, field

from .machine import envcfg, stateen


@dataclass
class CSR:
    number: int
    name: str
    extension: str = ""
    # What guards it besides privilege: (register, bits that are all needed), for everybody below M-mode.
    machine: list = field(default_factory=list)
    # The same for V = 1, by registers of HS-level.
    hypervisor: list = field(default_factory=list)
    # And for U and VU, by registers of S-level.
    supervisor: list = field(default_factory=list)
    # mstatus.TVM and hstatus.VTVM keep HS-mode and VS-mode from it.
    tvm: bool = False
    vtvm: bool = False
    float: bool = False
    # Where V = 1 accesses another instead ("Hypervisor and Virtual Supervisor CSRs").
    twin: int = None

    @property
    def privilege(self):
        """The lowest that may access it: bits 9:8; 2 is HS-mode (Zicsr, "CSR Address Mapping Conventions")."""
        return self.number >> 8 & 3

    @property
    def read_only(self):
        return self.number >> 10 == 3


def machine_csrs():
    names = {0xF11: "mvendorid", 0xF12: "marchid", 0xF13: "mimpid", 0xF14: "mhartid", 0xF15: "mconfigptr",
             0x300: "mstatus", 0x301: "misa", 0x302: "medeleg", 0x303: "mideleg", 0x304: "mie", 0x305: "mtvec",
             0x306: "mcounteren", 0x30A: "menvcfg", 0x320: "mcountinhibit", 0x340: "mscratch", 0x341: "mepc",
             0x342: "mcause", 0x343: "mtval", 0x344: "mip", 0xB00: "mcycle", 0xB02: "minstret",
             0x3A0: "pmpcfg0", 0x3A2: "pmpcfg2"}
    for n in range(16):
        names[0x3B0 + n] = "pmpaddr%d" % n
    for n in range(3, 32):
        names[0x320 + n] = "mhpmevent%d" % n
        names[0xB00 + n] = "mhpmcounter%d" % n
    for number, name in names.items():
        yield CSR(number, name)


def supervisor_csrs():
    twins = {0x100: ("sstatus", 0x200), 0x104: ("sie", 0x204), 0x105: ("stvec", 0x205), 0x140: ("sscratch", 0x240),
             0x141: ("sepc", 0x241), 0x142: ("scause", 0x242), 0x143: ("stval", 0x243), 0x144: ("sip", 0x244)}
    for number, (name, twin) in twins.items():
        yield CSR(number, name, twin=twin)
    yield CSR(0x106, "scounteren")
    # Machine chapter, "Virtualization Support": TVM; hypervisor chapter, "hstatus": VTVM.
    yield CSR(0x180, "satp", tvm=True, vtvm=True, twin=0x280)
    # Smstateen: ENVCFG of mstateen0 for senvcfg and henvcfg, of hstateen0 for senvcfg.
    yield CSR(0x10A, "senvcfg", machine=[("mstateen0", stateen.ENVCFG)], hypervisor=[("hstateen0", stateen.ENVCFG)])


def user_csrs():
    for number, name in ((1, "fflags"), (2, "frm"), (3, "fcsr")):
        yield CSR(number, name, float=True)


def zihpm():
    """Counters: the same bit of mcounteren, hcounteren and scounteren (machine chapter, "mcounteren";
    "hcounteren"; supervisor chapter, "scounteren")."""
    for n in range(32):
        name = {0: "cycle", 1: "time", 2: "instret"}.get(n, "hpmcounter%d" % n)
        yield CSR(0xC00 + n, name, machine=[("mcounteren", 1 << n)], hypervisor=[("hcounteren", 1 << n)],
                  supervisor=[("scounteren", 1 << n)])


def sscofpmf():
    # Bits of it are withheld by the counter-enable registers, access isn't.
    yield CSR(0xDA0, "scountovf")


def sstc():
    """Machine chapter, "mcounteren" and "menvcfg"; "hcounteren" and "henvcfg"."""
    guards = [("mcounteren", 2), ("menvcfg", envcfg.STCE)]
    yield CSR(0x14D, "stimecmp", machine=guards, hypervisor=[("hcounteren", 2), ("henvcfg", envcfg.STCE)], twin=0x24D)
    yield CSR(0x24D, "vstimecmp", machine=guards)


def smstateen():
    """Bit 63 of mstateen n guards sstateen n and hstateen n, that of hstateen n guards sstateen n. Rows change those
    with number 0 only; the others have their bits set."""
    for n in range(4):
        machine = [("mstateen0", stateen.SE0)] if n == 0 else []
        hypervisor = [("hstateen0", stateen.SE0)] if n == 0 else []
        yield CSR(0x30C + n, "mstateen%d" % n)
        yield CSR(0x10C + n, "sstateen%d" % n, machine=machine, hypervisor=hypervisor)
        yield CSR(0x60C + n, "hstateen%d" % n, machine=machine)


def hypervisor_csrs():
    names = {0x600: "hstatus", 0x602: "hedeleg", 0x603: "hideleg", 0x604: "hie", 0x605: "htimedelta", 0x606: "hcounteren",
             0x607: "hgeie", 0x643: "htval", 0x644: "hip", 0x645: "hvip", 0x64A: "htinst", 0xE12: "hgeip",
             0x200: "vsstatus", 0x204: "vsie", 0x205: "vstvec", 0x240: "vsscratch", 0x241: "vsepc", 0x242: "vscause",
             0x243: "vstval", 0x244: "vsip", 0x280: "vsatp", 0x34A: "mtinst", 0x34B: "mtval2"}
    for number, name in names.items():
        yield CSR(number, name)
    yield CSR(0x60A, "henvcfg", machine=[("mstateen0", stateen.ENVCFG)])
    yield CSR(0x680, "hgatp", tvm=True)


EXTENSIONS = {"machine": machine_csrs, "supervisor": supervisor_csrs, "user": user_csrs, "zihpm": zihpm, "sscofpmf": sscofpmf,
              "sstc": sstc, "smstateen": smstateen, "h": hypervisor_csrs}

# Left out, because the specification leaves them to the implementation or because they belong to an extension that
# has tests of its own: (first, last, why).
LEFT_OUT = [
    (0x3A4, 0x3AF, "PMP entries from 16 on may be there or not"),
    (0x3C0, 0x3EF, "PMP entries from 16 on may be there or not"),
    (0x7A0, 0x7AF, "triggers (Sdtrig) may be there with none of them usable"),
    (0x5A8, 0x5A8, "Sdtrig"), (0x6A8, 0x6A8, "Sdtrig"),
]


def catalogue(extensions=EXTENSIONS):
    found = {}
    for extension in extensions:
        for csr in EXTENSIONS[extension]():
            csr.extension = extension
            found[csr.number] = csr
    return found


def left_out(number):
    return any(first <= number <= last for first, last, _ in LEFT_OUT)
