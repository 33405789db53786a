"""Where QEMU 10 is known to differ from the specification, and which of its sentences decides.

Each name is that of a rule which an oracle waives (rules.py): what QEMU is expected to leave in a row is the oracle's
outcome without these rules. A row that comes out otherwise isn't explained by them, and fails the test.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Deviation:
    name: str
    section: str
    sentence: str  # what the section says, in our words
    qemu: str


QEMU = [
    Deviation("GVA in mstatus", "Hypervisor, mstatus",
              "GVA is set to 1 for a trap that writes a guest virtual address to mtval, and to 0 for any other "
              "trap into M-mode.",
              "sets it when V was 1 and mtval isn't zero: for illegal and virtual instructions as well, and not "
              "for the accesses of MPRV and HLV"),
    Deviation("GVA of a breakpoint", "Hypervisor, hstatus",
              "A breakpoint is among the traps for which GVA is 1 when they write a guest virtual address to stval.",
              "writes the address of an EBREAK to stval and leaves GVA 0"),
    Deviation("hstatus on a trap to VS-mode", "Hypervisor, Trap Entry",
              "A trap into VS-mode doesn't modify hstatus.",
              "clears GVA"),
    Deviation("htval and htinst on a trap to VS-mode", "Hypervisor, Trap Entry",
              "A trap into VS-mode writes vsepc, vscause, vstval and fields of vsstatus; htval and htinst are for "
              "traps into HS-mode.",
              "clears both"),
    Deviation("SRET in VU-mode", "Hypervisor, Trap Cause Codes",
              "In VU-mode SRET raises a virtual-instruction exception.",
              "illegal instruction"),
    Deviation("TSR in VS-mode", "Hypervisor, mstatus",
              "TSR affects execution in HS-mode only, not in VS-mode.",
              "SRET is illegal in VS-mode as well"),
    Deviation("WFI in VU-mode with TW", "Hypervisor, Trap Cause Codes",
              "In VU-mode WFI is a virtual instruction when mstatus.TW is 0; with TW = 1 HS-mode couldn't execute "
              "it either.",
              "always virtual"),
    Deviation("Svinval's fences for users", "Svinval",
              "SFENCE.W.INVAL and SFENCE.INVAL.IR are illegal in U-mode and virtual instructions in VU-mode.",
              "executes them"),
    Deviation("supervisor CSRs in VU-mode", "Hypervisor, Trap Cause Codes",
              "In VU-mode an access to a supervisor CSR that HS-mode would be allowed, TVM aside, is a "
              "virtual-instruction exception.",
              "illegal instruction"),
    Deviation("HS-qualified: henvcfg", "Smstateen; Hypervisor, Trap Cause Codes",
              "Without ENVCFG in mstateen0 HS-mode can't access henvcfg either: illegal, also with V = 1.",
              "virtual instruction"),
    Deviation("high halves on RV64", "Hypervisor, Trap Cause Codes",
              "With XLEN > 32 an access to a high-half CSR is always illegal.",
              "has mstateen0h to mstateen3h and hstateen0h to hstateen3h"),
    Deviation("trap value of MRET", "Machine, mtval",
              "A trap value that isn't zero holds the instruction.",
              "holds what an earlier one left there"),
    Deviation("trap value of cache-block instructions", "Sstvala, Shvstvala",
              "stval and vstval hold the instruction (without these extensions zero is allowed).", "zero"),
    Deviation("HLVX as a fetch", "Hypervisor, Virtual-Machine Load and Store Instructions",
              "HLVX needs execute permission instead of read permission, but is otherwise HLV and raises the "
              "exceptions of loads.",
              "an instruction page fault, also where the G-stage refuses it, and SUM doesn't help"),
    Deviation("PBMT = 3", "Svpbmt", "The value 3 in a leaf is reserved and raises a page fault.", "accepts it"),
    Deviation("henvcfg with V = 0", "Hypervisor, henvcfg",
              "PBMTE and ADUE are about VS-stage translation, whoever needs it: HLV, HLVX, HSV and MPRV too.",
              "menvcfg's decide while V = 0"),
    Deviation("access faults of page tables", "Supervisor, Virtual Address Translation Process, step 2",
              "An entry where memory isn't accessible is an access fault of the original access type.",
              "a page fault, from the G-stage a guest-page fault"),
    Deviation("MXR for implicit reads", "Hypervisor, Two-Stage Address Translation",
              "HS-level MXR makes execute-only pages readable by explicit loads; a read of a VS-level table is "
              "checked as an implicit load.",
              "reads VS-level tables in execute-only pages when MXR is set"),
    Deviation("the G-stage of updates", "Hypervisor, Guest Physical Address Translation",
              "For a write to a VS-level table the G-stage checks permissions and the need to set D as for a store.",
              "sets A and D at VS-level after the checks of a load"),
    Deviation("HLVX where PMP permits no reading", "Hypervisor, Virtual-Machine Load and Store Instructions",
              "For HLVX the physical memory attributes, PMP among them, must grant execute and read permission both.",
              "execute permission is enough"),
    Deviation("PMP for updates", "Supervisor, Virtual Address Translation Process, step 9",
              "An update of A and D that violates PMP is an access fault.", "sets the bits"),
    Deviation("SC at a misaligned address", "Zalrsc",
              "A misaligned address raises an address-misaligned exception or an access fault.",
              "fails without one when there is no reservation"),
    Deviation("the address of a cache block", "CMO, Page-Fault, Guest-Page-Fault, and Access-Fault Exceptions",
              "The trap value is the effective address, that is rs1.", "the block's first address"),
]
