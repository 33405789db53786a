"""The instruction table of Sources/RISCV as an encoder for random operands."""

import re


class Instruction:
    """One line of instructions.txt."""

    def __init__(self, name, bits, operands, extension, flags, expansion):
        self.name = name
        self.operands = [o for o in re.split(r"[,\s]+", operands) if o not in ("", "-")]
        self.extensions = extension.split("+")
        self.flags = set(flags.split()) - {"-"}
        self.expansion = expansion
        self.pieces = [self._piece(t) for t in bits.split()]
        self.length = sum(width for _, width, _ in self.pieces) // 8
        assert self.length in (2, 4), name
        self.fields = {kind for kind, _, _ in self.pieces}

    @staticmethod
    def _piece(token):
        """(kind, width, detail): kind is 'fixed', a field's name, or 'imm'."""
        if re.fullmatch(r"[01]+", token):
            return "fixed", len(token), int(token, 2)
        if re.fullmatch(r"-+", token):
            return "ignored", len(token), 0
        found = re.fullmatch(r"(nz)?(u?)imm\[([\d:|]+)\]", token)
        if found:
            places = []
            for part in found.group(3).split("|"):
                high, _, low = part.partition(":")
                places += range(int(high), int(low or high) - 1, -1)
            return "imm", len(places), (places, bool(found.group(1)), not found.group(2))
        found = re.fullmatch(r"(rd|rs[123])('?)(?:!=([\d,]+))?", token)
        if found:
            width = 3 if found.group(2) else 5
            return found.group(1), width, [int(n) for n in (found.group(3) or "").split(",") if n]
        widths = {"csr": 12, "zimm": 5, "rm": 3, "aq": 1, "rl": 1}
        return token, widths[token], None

    def registers(self, field):
        """What may stand in a register field."""
        for kind, width, detail in self.pieces:
            if kind == field:
                return list(range(8, 16)) if width == 3 else [r for r in range(32) if r not in detail]
        return []

    @property
    def immediate(self):
        """(lowest bit, highest bit, signed, zero excluded), or None."""
        places, nonzero, signed = [], False, False
        for kind, _, detail in self.pieces:
            if kind == "imm":
                places += detail[0]
                nonzero |= detail[1]
                signed |= detail[2]
        return (min(places), max(places), signed, nonzero) if places else None

    def fits(self, value):
        low, high, signed, nonzero = self.immediate
        if value % (1 << low) or (nonzero and value == 0):
            return False
        return -(1 << high) <= value < (1 << high) if signed else 0 <= value < (2 << high)

    def encode(self, **fields):
        word = 0
        for kind, width, detail in self.pieces:
            if kind == "fixed":
                value = detail
            elif kind == "imm":
                value = 0
                for place in detail[0]:
                    value = value << 1 | (fields["imm"] >> place & 1)
            elif kind == "ignored":
                value = 0
            else:
                value = fields.get(kind, 0)
                if width == 3 and kind.startswith("r") and kind != "rm":
                    assert 8 <= value < 16, (self.name, fields)
                    value -= 8
            assert 0 <= value < 1 << width, (self.name, kind, value)
            word = word << width | value
        return word


class Table:
    def __init__(self, path):
        self.all = {}
        with open(path) as file:
            for line in file:
                line = line.rstrip()
                if not line or line.startswith("#"):
                    continue
                columns = re.split(r" {2,}", line)
                # Some lines have more room between extension and flags than two columns' worth.
                columns += ["-"] * (5 - len(columns))
                expansion = columns[5] if len(columns) > 5 else ""
                self.all[columns[0]] = Instruction(*columns[:5], expansion)
        self._short = {}
        for line in self.all.values():
            if line.length == 2 and line.expansion.startswith("= "):
                self._learn(line)
        self._checks = self._masks()

    def __getitem__(self, name):
        return self.all[name]

    def _learn(self, line):
        """Notes what a compressed instruction stands for, so that compress() finds it from there."""
        name, _, rest = line.expansion[2:].partition(" ")
        full = self.all[name]
        operands = [o for o in re.split(r"[,()\s]+", rest) if o]
        wanted = [o for o in re.split(r"[,()\s]+", ",".join(full.operands)) if o and o != "rm"]
        if len(operands) != len(wanted):
            return
        rule = {}
        for place, operand in zip(wanted, operands):
            place = place.lstrip("f") if place.startswith(("frd", "frs")) else place
            place = "imm" if place in ("target", "upper") else place
            rule[place] = operand.rstrip("'")
        self._short.setdefault(name, []).append((line, rule))

    def compress(self, name, fields):
        """The compressed form of an instruction, or None: (line, its fields)."""
        for line, rule in self._short.get(name, ()):
            result, good = {}, True
            for place, operand in rule.items():
                value = fields.get(place, 0)
                if re.fullmatch(r"-?\d+", operand):
                    good &= value == int(operand)
                elif operand in ("x0", "x1", "x2"):
                    good &= value == int(operand[1:])
                elif re.fullmatch(r"(nz)?u?imm", operand):
                    scaled = value << 12 if name == "lui" and False else value
                    good &= line.immediate is not None and line.fits(scaled)
                    result["imm"] = scaled
                else:
                    good &= value in line.registers(operand) and result.get(operand, value) == value
                    result[operand] = value
                if not good:
                    break
            if good:
                return line, result
        return None

    def _masks(self):
        checks = []
        for line in self.all.values():
            if line.length == 4:
                mask = match = 0
                for kind, width, detail in line.pieces:
                    mask = mask << width | ((1 << width) - 1 if kind == "fixed" else 0)
                    match = match << width | (detail if kind == "fixed" else 0)
                checks.append((mask, match))
        return checks

    def matches(self, word):
        """Whether some 32-bit instruction's fixed bits are in a word."""
        return any(word & mask == match for mask, match in self._checks)
