"""Tests/Corpus: shrunk cases as source, with what they start from and what is right in comments.

    # mode U, mstatus 0x6000, medeleg 0x0, program 3, context 4     what it runs under
    # x5 = 0x1    f3 = 0x7ff8000000000000    fcsr = 0xa0            what isn't zero at the start
    # expect trap M cause=0x2 epc=start+0x4 tval=0xd2007053         every trap, in order
    # expect x6=0x0 fcsr=0x1                                        what is left; the rest isn't looked at

All of it is one case; `expect no trap` says so. Memory holds n * 0x9E3779B97F4A7C15 in its n-th doubleword.
The replay needs rvkvm alone: what is right doesn't depend on QEMU."""

import os
import re
import struct
import subprocess

from generate import CODE_AT, SCRATCH, WINDOW, Body, Program, Raw, Sequence

NUMBERS = ("mstatus", "medeleg", "program", "context", "mask", "stateen", "pmpcfg", "pmpaddr0", "pmpaddr1", "pmpaddr2",
           "menvcfg", "senvcfg", "interrupts")


class Case:
    def __init__(self, path):
        self.path, self.name = path, os.path.basename(path)
        with open(path) as file:
            text = file.read()
        self.mode, self.inputs, self.traps, self.left = "M", {}, None, {}
        self.numbers = {"mstatus": None, "program": 0, "context": 0, "pmpcfg": 0x1F << 24}
        for line in text.splitlines():
            comment = re.match(r"#\s*(.*)", line)
            if not comment:
                continue
            line = comment.group(1)
            if line.startswith("expect no trap"):
                self.traps = self.traps or []
            elif line.startswith("expect trap"):
                trap = dict(re.findall(r"(\w+)=(\S+)", line))
                trap["to"] = line.split()[2]
                self.traps = (self.traps or []) + [trap]
            elif line.startswith("expect"):
                self.left.update((k, int(v, 0)) for k, v in re.findall(r"(\w+)=(\w+)", line))
            elif line.startswith("mode"):
                self.mode = line[5]
                for name in NUMBERS:
                    found = re.search(rf"\b{name} (\w+)", line)
                    if found:
                        self.numbers[name] = int(found.group(1), 0)
            else:
                self.inputs.update((k, int(v, 0)) for k, v in re.findall(r"\b([xf]\d+|fcsr) = (0x[0-9a-f]+|\d+)", line))

    def code(self, folder):
        path = os.path.join(folder, "case.o")
        subprocess.run(["riscv64-linux-gnu-gcc", "-c", "-march=rv64gc_zba_zbb_zbs", "-mabi=lp64d", "-Wa,-mno-relax", "-o",
                        path, self.path], check=True)
        subprocess.run(["riscv64-linux-gnu-objcopy", "-O", "binary", "-j", ".text", path, path + ".bin"], check=True)
        with open(path + ".bin", "rb") as file:
            return file.read()

    def program(self, table, folder):
        program = Program(table, self.numbers["program"])
        program.memory = struct.pack("<2048Q", *(n * 0x9E3779B97F4A7C15 & (1 << 64) - 1 for n in range(2048)))
        program.images = [[self.inputs.get(f"x{n}", 0) for n in range(32)] + [self.inputs.get(f"f{n}", 0) for n in range(32)]
                          + [self.inputs.get("fcsr", 0), 0, 0, 0]]
        s = Sequence(self.name)
        s.mode = "US?M".index(self.mode)
        # Bases are given as inputs; x0 takes no value.
        s.bases, s.iterations, s.image = (0, 0, 0), 1, 0
        n = self.numbers
        s.status = n["mstatus"] if n["mstatus"] is not None else s.mode << 11 | 0x6000
        s.context, s.pmpcfg = n["context"], n["pmpcfg"]
        s.pmpaddr = tuple(n.get(f"pmpaddr{i}", 0) for i in range(3))
        for name in ("medeleg", "stateen", "menvcfg", "senvcfg", "interrupts"):
            setattr(s, name, n.get(name, 0))
        data = self.code(folder)
        s.body = Body([[Raw(int.from_bytes(data, "little"), len(data))]])
        return program, s

    def check(self, result):
        """What isn't as expected, in sentences."""
        wrong = []
        lines = result.details.get(0, result.rest)
        traps = [dict(re.findall(r"(\w+)=(\w+)", line), to=line.split()[2]) for line in lines if "trap to" in line]
        if self.traps is not None:
            if len(traps) != len(self.traps):
                wrong.append(f"{len(traps)} traps, not {len(self.traps)}")
            for n, (is_, right) in enumerate(zip(traps, self.traps)):
                for key, value in right.items():
                    if key != "to":
                        value = CODE_AT + int(value[6:] or "0", 0) if value.startswith("start") else int(value, 0)
                        if int(is_[key], 16) != value:
                            wrong.append(f"trap {n + 1} has {key} {int(is_[key], 16):#x}, not {value:#x}")
                    elif is_[key] != value:
                        wrong.append(f"trap {n + 1} goes to {is_[key]}, not {value}")
        ends = [dict(p.split("=") for p in line.split()) for line in lines if line.startswith("  x01")]
        if not ends:
            return wrong + ["it doesn't end"]
        for key, value in self.left.items():
            name = re.sub(r"^([xf])(\d)$", r"\g<1>0\2", key)
            if int(ends[0][name], 16) != value:
                wrong.append(f"{key} is {int(ends[0][name], 16):#x}, not {value:#x}")
        return wrong


def cases(folder):
    if not os.path.isdir(folder):
        return []
    return [Case(os.path.join(folder, name)) for name in sorted(os.listdir(folder)) if name.endswith(".S")]


def write(path, seed, program, s, listing, lines, theirs):
    """A shrunk divergence as a case. What is right is what QEMU does, until somebody has read the specification."""
    image = program.images[s.image]
    scratch = (WINDOW if s.virtual_data else SCRATCH) + 2048
    text = [f"# Seed {seed}. The specification: (to be said which side is right, in its words)",
            f"# mode {'US?M'[s.mode]}, mstatus {s.status:#x}, medeleg {s.medeleg:#x}, program {program.seed}, "
            f"context {s.context}, stateen {s.stateen:#x}, pmpcfg {s.pmpcfg:#x}, pmpaddr0 {s.pmpaddr[0]:#x}, "
            f"pmpaddr1 {s.pmpaddr[1]:#x}, pmpaddr2 {s.pmpaddr[2]:#x}, menvcfg {s.menvcfg:#x}, senvcfg {s.senvcfg:#x}, "
            f"interrupts {s.interrupts:#x}"]
    for n in range(1, 32):
        value = scratch + (image[65 + s.bases.index(n)] & s.mask) if n in s.bases else image[n]
        text.append(f"# x{n} = {value:#x}    f{n} = {image[32 + n]:#x}")
    text.append(f"# f0 = {image[32]:#x}    fcsr = {image[64]:#x}")
    details = theirs.details.get(0, [])
    traps = [dict(re.findall(r"(\w+)=(\w+)", line), to=line.split()[2]) for line in details if "trap to" in line]
    for t in traps:
        text.append(f"# expect trap {t['to']} cause=0x{t['cause']} epc=0x{t['epc']} tval=0x{t['tval']}")
    if not traps:
        text.append("# expect no trap")
    for line in lines:
        found = re.match(r"  ([xf]\d\d|fcsr): rvkvm \w+, QEMU (\w+)", line)
        if found:
            text.append(f"# expect {found.group(1)}=0x{found.group(2)}")
    text += ["", "# What was found:"] + ["#   " + line.strip() for line in lines if ": " in line and "input" not in line][:12]
    text += ["", "    .text"]
    for at, data in listing[0][2]:
        for n in range(0, len(data), 4):
            piece = data[n:n + 4]
            if len(piece) == 4:
                text.append(f"    .4byte {int.from_bytes(piece, 'little'):#010x}")
            else:
                text.append(f"    .2byte {int.from_bytes(piece, 'little'):#06x}")
    with open(path, "w") as file:
        file.write("\n".join(text) + "\n")
