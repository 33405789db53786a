"""Rows: the state to set up, the instruction, and what is to come of it."""

from . import entry
from .instructions import EBREAK, ECALL
from .layout import code_address
from .machine import BREAKPOINT, DEFAULTS, M, bit, envcfg, mstatus
from .rules import SPECIFICATION


class Row:
    """One line of a matrix. `dimensions` say what it is one of; `key` picks rows for a deviation."""

    def __init__(self, mode, instruction, registers=None, words=None, **dimensions):
        self.mode = mode
        self.instruction = instruction
        self.registers = registers or {}
        self.words = words or {}
        self.dimensions = dimensions
        self.a0 = self.a1 = 0
        self.places = (0, 0, 0)  # what is added to a code address: row's mode, HS-mode's, VS-mode's
        self.pc = self.exit_pc = None
        self.before = ()
        self.after = {}
        self.ignored = {}
        self.expected = None
        self.end = None
        self.access = self.otherwise = self.judge = None
        self.saved = None  # the register that a return takes its address from
        self.number = None
        self.plan = None

    def register(self, name):
        value = self.registers.get(name, DEFAULTS[name])
        if name == "mstatus" and self.mode is not M:
            # MRET goes to the mode from there.
            return value & ~(mstatus.MPP | mstatus.MPV) | self.mode.privilege << 11 | (mstatus.MPV if self.mode.virtual else 0)
        return value

    def effective(self, name):
        """A register with what another one withholds ("menvcfg", Smstateen: read-only zero there, zero here)."""
        value = self.register(name)
        if name == "henvcfg":
            shared = envcfg.STCE | envcfg.PBMTE | envcfg.ADUE
            return value & (self.register("menvcfg") | ~shared)
        if name == "hstateen0":
            return value & self.register("mstateen0")
        return value

    def delegate(self, medeleg, hedeleg):
        """As far as the row's end stays M-mode's."""
        ends = bit(8) | bit(9) | bit(10) if self.instruction.kind == "ebreak" else bit(BREAKPOINT)
        self.registers["medeleg"] = medeleg & ~ends
        self.registers["hedeleg"] = hedeleg & ~ends

    def place(self, code):
        """Where its instructions lie; those of a fetch under test lie in its own memory."""
        last = ECALL if self.instruction.kind == "ebreak" else EBREAK
        if self.pc is None:
            sequence = (*self.before, self.instruction)
            at = code.slot(sequence, last)
            self.pc = code_address(at) + self.places[0]
            self.exit_pc = self.pc + sum(i.length for i in sequence)
        self.supervisor = code_address(code.slot((), last, "HS")) + self.places[1]
        self.guest = code_address(code.slot((), last, "VS")) + self.places[2]

    def expect(self):
        self.end = self.judge(SPECIFICATION)
        self.expected = entry.outcome(self, self.end, self.pc, self.exit_pc, SPECIFICATION)

    def by(self, rules):
        """The outcome by other rules, and what is in memory then."""
        end = self.judge(rules)
        return entry.outcome(self, end, self.pc, self.exit_pc, rules)

    def __str__(self):
        parts = ["%s in %s" % (self.instruction.name, self.mode)]
        parts += ["%s %s" % (name, value) for name, value in self.dimensions.items() if value not in (None, "", False)]
        parts += ["%s=%#x" % item for item in sorted(self.registers.items())]
        return ", ".join(parts)

