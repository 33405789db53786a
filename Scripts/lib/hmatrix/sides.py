"""What runs the rows: rvkvm and QEMU, with the same extensions."""

import re
import subprocess
from dataclasses import dataclass, field

EXTENSIONS = ("m a f d c zicsr zifencei zicntr zihpm zihintpause zihintntl zicond zawrs zicbom zicbop zicboz "
              "zba zbb zbs zcb zfa zfhmin sstc svadu svinval svnapot svpbmt smstateen sscofpmf s u h mmu pmp sv39 sv48 sv57").split()
QEMU_CPU = "rv64i,debug=off,pmu-mask=0xfffffff8," + ",".join(name + "=on" for name in EXTENSIONS)
MEMORY = "256M"


def rvkvm_command(program, path):
    return [program, "run", "--engine", "interpreter", "--cpu", "rv64gch", "--firmware", "none", "--kernel", path,
            "--mem", MEMORY, "--no-reboot"]


def qemu_command(program, path):
    # With a second hart, which sleeps, its atomics are atomics; with one they are loads and stores.
    return [program, "-M", "virt", "-cpu", QEMU_CPU, "-m", MEMORY, "-smp", "2", "-bios", path, "-display", "none",
            "-monitor", "none", "-serial", "stdio", "-no-reboot"]


@dataclass
class Observed:
    """What a row left, in the order in which matrix.c says it."""
    good: bool
    outcome: int
    cause: int
    tval: int
    tval2: int
    tinst: int
    epc: int
    status: int
    result: int
    words: dict = field(default_factory=dict)


@dataclass
class Report:
    output: str
    rows: dict  # by number, those that were printed
    ran: int  # None when it didn't get to the end
    bad: int
    seconds: float = 0


def parse(output):
    rows = {}
    for line in output.splitlines():
        found = re.match(r"(bad|row) ((?:[0-9a-f]+ ){8}[0-9a-f]+)((?: [0-9a-f]+=[0-9a-f]+)*)$", line)
        if found:
            number, *values = (int(v, 16) for v in found.group(2).split())
            words = dict((int(v, 16) for v in word.split("=")) for word in found.group(3).split())
            rows[number] = Observed(found.group(1) == "row", *values, words)
    end = re.search(r"^rows ([0-9a-f]+) bad ([0-9a-f]+)$", output, re.M)
    ran, bad = (int(v, 16) for v in end.groups()) if end else (None, None)
    return Report(output, rows, ran, bad)


def execute(command, limit):
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=limit, check=False)
        output = done.stdout
    except subprocess.TimeoutExpired as expired:
        output = (expired.stdout or b"") + b"\n(killed after %d seconds)\n" % limit
    return parse(output.decode("latin-1").replace("\r", ""))
