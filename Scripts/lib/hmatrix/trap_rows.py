"""The trap matrix: instruction × mode × enabling bits × delegation."""

import itertools

from . import instructions as asm
from .csrs import catalogue, left_out
from .instructions import Instruction
from .layout import LOW_PAGES, OLD_CAUSE, OLD_VALUE
from .machine import (
    BREAKPOINT, DEFAULTS, DELEGATIONS, ENVIRONMENT, HS, ILLEGAL, M, MODES, VIRTUAL, VS, VU, Done, Trap, bit, envcfg,
    hstatus, mode_of, mstatus)
from .privilege import csr_access, execution
from .rows import Row
from .rules import SPECIFICATION


def field(register, *values):
    return [(register, value) for value in values]


def product(*fields):
    """Every combination of settings; those of one register are combined."""
    for choice in itertools.product(*fields):
        registers = {}
        for register, value in choice:
            registers[register] = registers.get(register, 0) | value
        yield registers


def on_off(register, mask):
    return field(register, 0, mask)


def environments(mask_or_values):
    values = mask_or_values if isinstance(mask_or_values, tuple) else (0, mask_or_values)
    fields = mask_or_values if not isinstance(mask_or_values, tuple) else envcfg.CBIE
    for m, h, s in itertools.product(values, repeat=3):
        yield {"menvcfg": ENVIRONMENT & ~fields | m, "henvcfg": ENVIRONMENT & ~fields | h,
               "senvcfg": DEFAULTS["senvcfg"] & ~fields | s}


def enabling(instruction):
    """The settings that decide about it, each combination of them."""
    kind = instruction.kind
    if kind == "sret":
        return product(on_off("mstatus", mstatus.TSR), on_off("hstatus", hstatus.VTSR))
    if kind == "wfi":
        return product(on_off("mstatus", mstatus.TW), on_off("hstatus", hstatus.VTW))
    if "vma" in kind or "inval" in kind and kind.startswith("sfence"):
        return product(on_off("mstatus", mstatus.TVM), on_off("hstatus", hstatus.VTVM))
    if kind in ("hlv", "hlvx", "hsv"):
        return product(on_off("hstatus", hstatus.HU), on_off("hstatus", hstatus.SPVP))
    if kind == "cbz":
        return environments(envcfg.CBZE)
    if kind == "cbm":
        return environments((0, envcfg.CBIE_FLUSH, envcfg.CBIE) if instruction.name == "cbo.inval" else envcfg.CBCFE)
    if kind.startswith("float"):
        return product(field("mstatus", *(n << 13 for n in (0, 1, 3))), field("vsstatus", *(n << 13 for n in (0, 1, 3))))
    return [{}]


def trap(row, cause, rules):
    """What the trap writes. stval and mtval hold the instruction (Sstvala, Shvstvala), for both kinds of exception."""
    if cause == BREAKPOINT:
        # Machine chapter, "mtval": for EBREAK the address or zero; Sstvala and Shvstvala leave EBREAK out.
        return Trap(cause, row.pc, row.mode.virtual, tval_may_be_zero=True)
    if cause in (ILLEGAL, VIRTUAL):
        if row.instruction.kind in ("cbm", "cbz") and rules.waives("trap value of cache-block instructions"):
            return Trap(cause)
        stale = row.instruction.kind == "mret" and rules.waives("trap value of MRET")
        return Trap(cause, row.instruction.word, tval_unknown=stale)
    return Trap(cause)


def instruction_rows(random):
    groups = ([asm.MRET, asm.SRET, asm.WFI, asm.EBREAK, asm.ECALL, asm.C_EBREAK] + asm.FENCES + asm.GUEST_ACCESSES
              + asm.CACHE_BLOCK + asm.FLOAT + asm.HARMLESS + asm.INVALID)
    for instruction, mode in itertools.product(groups, MODES):
        for settings in enabling(instruction):
            for medeleg, hedeleg in DELEGATIONS:
                settings = dict(settings)
                if instruction.kind != "sret":
                    # The interrupt enables that trap entry stacks.
                    for name in ("mstatus", "vsstatus"):
                        settings[name] = settings.get(name, 0) | noise(random, mstatus.SIE, mstatus.SPP)
                    settings["mstatus"] |= noise(random, mstatus.MIE, mstatus.MPIE)
                    settings["hstatus"] = settings.get("hstatus", 0) | noise(random, hstatus.SPVP, hstatus.SPV, hstatus.GVA)
                if not instruction.kind.startswith("float"):
                    for name in ("mstatus", "vsstatus"):
                        settings[name] = settings.get(name, 0) | mstatus.FS
                row = Row(mode, instruction, settings, matrix="trap")
                row.delegate(medeleg, hedeleg)
                row.a0 = LOW_PAGES
                yield from finished(row, random)


def finished(row, random):
    instruction, mode = row.instruction, row.mode
    row.otherwise = lambda: Done(mode)
    if execution(row, instruction, SPECIFICATION) is None:
        if instruction.kind in ("sret", "mret"):
            yield from returns(row, random)
            return
        if instruction.kind == "wfi":
            # Something pending that isn't taken: an S-level interrupt, delegated, with SIE = 0.
            pending = {"hvip": 4, "hie": 4, "hideleg": 4, "vsie": 2} if mode.virtual else {"mip": 2, "mie": 0x82}
            row.registers.update(pending)
            row.registers["mstatus"] &= ~mstatus.SIE
            row.registers["vsstatus"] &= ~mstatus.SIE
        elif instruction.kind in ("hlv", "hlvx", "hsv", "cbm", "cbz") or instruction.kind.startswith("float"):
            row.otherwise = lambda: data(row)
    yield row


def judged(row, rules):
    """How an instruction's row ends by these rules."""
    cause = row.access(rules)
    return row.otherwise() if cause is None else trap(row, cause, rules)


def data(row):
    """Accesses with all translation off: the page's first eight bytes."""
    value, size, kind = 0x8899AABBCCDDEEFF, row.instruction.size, row.instruction.kind
    row.words = {LOW_PAGES: value}
    row.a1 = 0x0123456789ABCDEF
    if kind in ("hlv", "hlvx"):
        result = value & bit(8 * size) - 1
        if row.instruction.signed and result >> 8 * size - 1:
            result |= -1 << 8 * size & bit(64) - 1
        return Done(row.mode, result=result)
    if kind == "hsv":
        mask = bit(8 * size) - 1
        row.after = {LOW_PAGES: value & ~mask | row.a1 & mask}
    if kind == "cbz":
        row.after = {LOW_PAGES: 0}
    if row.instruction.name.startswith("fs") and kind == "float read":
        row.ignored = {LOW_PAGES: bit(64) - 1}
    return Done(row.mode, dirties_float=kind in ("float arithmetic", "float load"))


def returns(row, random):
    """MRET and SRET: where to, and what they leave ("Trap Return")."""
    mode, instruction = row.mode, row.instruction
    privileges = (0, 1, 3) if instruction.kind == "mret" else (0, 1)
    for privilege, virtual, enabled in itertools.product(privileges, (False, True), (False, True)):
        if mode is VS and virtual:
            continue
        new = Row(mode, instruction, dict(row.registers), matrix="trap", to=(privilege, virtual))
        m, h, v = (new.registers.get(name, DEFAULTS[name]) for name in ("mstatus", "hstatus", "vsstatus"))
        if instruction.kind == "mret":
            m = m & ~(mstatus.MPP | mstatus.MPV | mstatus.MPIE) | privilege << 11 | (mstatus.MPV if virtual else 0)
            # Leaving M-mode clears MPRV (machine chapter, "Memory Privilege").
            m |= noise(random, mstatus.MPIE, mstatus.MPRV)
            after = m & ~(mstatus.MPP | mstatus.MPV | mstatus.MIE | (0 if privilege == 3 else mstatus.MPRV)) | mstatus.MPIE
            after |= mstatus.MIE if m & mstatus.MPIE else 0
            end, saved = Done(mode_of(privilege, virtual), {"mstatus": after}), "mepc"
        elif mode is VS:
            v = v & ~(mstatus.SPP | mstatus.SPIE | mstatus.SIE) | privilege << 8 | (mstatus.SPIE if enabled else 0)
            after = v & ~(mstatus.SPP | mstatus.SIE) | mstatus.SPIE | (mstatus.SIE if enabled else 0)
            end, saved = Done(VS if privilege else VU, {"vsstatus": after}), "vsepc"
        else:
            m = m & ~(mstatus.SPP | mstatus.SPIE | mstatus.SIE) | privilege << 8 | (mstatus.SPIE if enabled else 0)
            if mode is M:
                m |= noise(random, mstatus.MPRV, mstatus.MPP)
            h = h & ~hstatus.SPV | (hstatus.SPV if virtual else 0)
            after = m & ~(mstatus.SPP | mstatus.SIE | mstatus.MPRV) | mstatus.SPIE | (mstatus.SIE if enabled else 0)
            if mode is HS:
                # The row's way into HS-mode was an MRET.
                after = after & ~(mstatus.MPP | mstatus.MPV) | mstatus.MPIE
            end = Done(mode_of(privilege, virtual), {"mstatus": after, "hstatus": h & ~hstatus.SPV})
            saved = "sepc"
        new.registers.update({"mstatus": m, "hstatus": h, "vsstatus": v})
        new.saved = saved
        new.otherwise = lambda end=end: end
        yield new


def guards(csr):
    """Every combination of what guards a CSR."""
    settings = {}
    for register, bits in csr.machine + csr.hypervisor + csr.supervisor:
        settings.setdefault(register, set()).add(bits)
    fields = []
    for register, masks in settings.items():
        fields += [[(register, 0), (register, mask)] for mask in masks]
    if csr.tvm or csr.vtvm:
        fields += [on_off("mstatus", mstatus.TVM), on_off("hstatus", hstatus.VTVM)]
    if csr.float:
        fields += [field("mstatus", *(n << 13 for n in (0, 1, 3))), field("vsstatus", *(n << 13 for n in (0, 1, 3)))]
    for registers in product(*fields):
        for register, masks in settings.items():
            # The other bits of a guarding register stay as they are.
            registers[register] |= DEFAULTS[register] & ~sum(masks)
        for name in ("mstatus", "vsstatus"):
            if not csr.float:
                registers[name] = registers.get(name, 0) | mstatus.FS
        yield registers


ACCESSES = [("csrrs a2, %s, x0", "csrrs", 0, False), ("csrrs a2, %s, a1", "csrrs", asm.A1, True),
            ("csrrc a2, %s, a1", "csrrc", asm.A1, True), ("csrrci a2, %s, 0", "csrrci", 0, False),
            ("csrrsi a2, %s, 0", "csrrsi", 0, False)]


def csr_rows(random):
    """Every number, in every mode: read, and written without a change (a1 is zero, but rs1 isn't x0)."""
    known = catalogue()
    for number in range(0x1000):
        if left_out(number):
            continue
        csr = known.get(number)
        text = csr.name if csr else "%#x" % number
        for mode in MODES:
            for settings in guards(csr) if csr else [{"mstatus": mstatus.FS}]:
                accesses = ACCESSES if csr and len(settings) <= 3 else ACCESSES[:2]
                for name, operation, source, writes in accesses if csr else random.sample(ACCESSES, 1):
                    instruction = Instruction(name % text, asm.csr(operation, number, asm.A2, source), "csr")
                    row = Row(mode, instruction, dict(settings), matrix="trap", csr=text)
                    row.number = number
                    row.delegate(*random.choice(DELEGATIONS[1:] if mode in (VS, VU) else DELEGATIONS))
                    if not (csr and (csr.tvm or csr.vtvm)):
                        # What shall make no difference.
                        row.registers["mstatus"] |= noise(random, mstatus.TVM, mstatus.TW, mstatus.TSR)
                        row.registers["hstatus"] = noise(
                            random, hstatus.VTVM, hstatus.VTW, hstatus.VTSR, hstatus.HU, hstatus.SPVP)
                    yield judged_as_csr(row, csr, writes)


def judged_as_csr(row, csr, writes):
    row.access = lambda rules: csr_access(row, csr, writes, rules)
    row.otherwise = lambda: Done(row.mode, result=value(row, csr) if csr else None)
    return row


def noise(random, *masks):
    return sum(random.choice((0, mask)) for mask in masks)


# What a CSR holds, where a row knows: its register's name, or a constant of the runtime's.
HELD = {0x302: "medeleg", 0x340: "mscratch", 0x306: "mcounteren", 0x106: "scounteren", 0x606: "hcounteren", 0x140: "sscratch",
        0x240: "vsscratch", 0x141: "sepc", 0x241: "vsepc", 0x180: "satp", 0x280: "vsatp", 0x680: "hgatp", 0x14D: "stimecmp",
        0x24D: "vstimecmp", 0x602: "hedeleg", 0x603: "hideleg", 0x605: "htimedelta", 0x142: OLD_CAUSE,
        0x242: OLD_CAUSE, 0x143: OLD_VALUE, 0x243: OLD_VALUE, 0x643: OLD_VALUE, 0x34B: OLD_VALUE, 0x343: OLD_VALUE,
        0x342: OLD_CAUSE, 0x10A: "senvcfg", 0x104: 0, 0x204: 0}


def value(row, csr):
    number = csr.twin if row.mode.virtual and csr.twin else csr.number
    if number in (0x105, 0x205):
        return row.supervisor if number == 0x105 else row.guest
    if number in (0x60A, 0x60C):
        return row.effective({0x60A: "henvcfg", 0x60C: "hstateen0"}[number])
    held = HELD.get(number)
    return row.register(held) if isinstance(held, str) else held


def rows(random, code):
    for row in itertools.chain(instruction_rows(random), csr_rows(random)):
        row.place(code)
        if row.saved:
            row.registers[row.saved] = row.exit_pc
        if row.access is None:
            row.access = lambda rules, row=row: execution(row, row.instruction, rules)
        row.judge = lambda rules, row=row: judged(row, rules)
        row.expect()
        yield row
