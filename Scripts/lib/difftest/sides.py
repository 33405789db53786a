"""The two sides: builds the program that both run, runs it, and reads what it says."""

import os
import re
import shutil
import struct
import subprocess
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))

# What the model rv64gc has in firmware mode, but with Svade instead of Svadu, on a processor of QEMU's that has
# nothing.
QEMU_CPU = "rv64i," + ",".join(f"{name}=true" for name in (
    "m a f d c zicsr zifencei zicntr zihpm zihintpause zihintntl zicond zawrs zicbom zicbop zicboz zba zbb zbs zcb "
    "zfa zfhmin sstc svade svinval svnapot svpbmt smstateen sscofpmf s u mmu pmp sv39 sv48 sv57").split())


class Trouble(Exception):
    """Something that isn't a divergence: a program that can't be made or started."""


class Missing(Trouble):
    """What the machine hasn't got: no reason to fail."""


def check_qemu(qemu):
    """Properties of its processors that older ones lack are asked for."""
    if not shutil.which(qemu):
        raise Missing(f"{qemu} isn't there")
    said = subprocess.run([qemu, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"version (\d+)", said)
    if not version or int(version.group(1)) < 10:
        raise Missing(f"{qemu} is older than version 10")


class Runtime:
    """runtime.S and runtime.c as an ELF's first segment."""

    def __init__(self):
        with tempfile.TemporaryDirectory() as folder:
            elf, image = os.path.join(folder, "runtime.elf"), os.path.join(folder, "runtime.bin")
            command = ["riscv64-linux-gnu-gcc", "-O2", "-march=rv64gc", "-mabi=lp64", "-mcmodel=medany", "-ffreestanding",
                       "-fno-pic", "-fno-stack-protector", "-nostdlib", "-static", "-Wl,--no-warn-rwx-segments", "-Wl,--build-id=none", "-Wall",
                       "-Werror", "-T", os.path.join(HERE, "link.ld"), "-o", elf,
                       os.path.join(HERE, "runtime.S"), os.path.join(HERE, "runtime.c")]
            try:
                subprocess.run(command, check=True)
                subprocess.run(["riscv64-linux-gnu-objcopy", "-O", "binary", elf, image], check=True)
                names = subprocess.run(["riscv64-linux-gnu-nm", elf], check=True, capture_output=True, text=True).stdout
            except FileNotFoundError as error:
                raise Missing(f"{error.filename} isn't installed (package gcc-riscv64-linux-gnu)") from error
            except subprocess.CalledProcessError as error:
                raise Trouble("the runtime doesn't compile") from error
            with open(image, "rb") as file:
                self.data = file.read()
            self.size = int(re.search(r"^([0-9a-f]+) . _end$", names, re.M).group(1), 16) - 0x80000000
            if self.size > 0x40000:
                raise Trouble("the runtime is too large")

    def write(self, path, segments):
        parts = [(0x80000000, self.data, self.size)] + [(at, data, len(data)) for at, data in segments]
        at = 64 + 56 * len(parts)
        headers, body = b"", b""
        for address, data, size in parts:
            pad = -(at + len(body)) % 4096
            body += bytes(pad)
            headers += struct.pack("<IIQQQQQQ", 1, 7, at + len(body), address, address, len(data), size, 4096)
            body += data
        ident = b"\x7fELF\x02\x01\x01" + bytes(9)
        header = ident + struct.pack("<HHIQQQIHHHHHH", 2, 243, 1, 0x80000000, 64, 0, 1, 64, 56, len(parts), 0, 0, 0)
        with open(path, "wb") as file:
            file.write(header + headers + body)


class Side:
    def __init__(self, name, command, timeout):
        self.name, self.command, self.timeout = name, command, timeout

    def start(self, path):
        # Its errors go with what it prints, so that a crash shows.
        return subprocess.Popen([a.replace("@", path) for a in self.command], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def finish(self, process, timeout=None):
        timeout = timeout or self.timeout
        try:
            output, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            output += b"\n(ended after %d seconds)\n" % timeout
        return output.decode("latin-1").replace("\r", "")


def make_sides(rvkvm, qemu, timeout):
    return [
        Side("rvkvm", [rvkvm, "run", "--engine", "interpreter", "--firmware", "none", "--kernel", "@", "--mem", "128M", "--isa", "+svade,-svadu",
                       "--no-reboot"], timeout),
        Side("qemu", [qemu, "-M", "virt", "-cpu", QEMU_CPU, "-m", "128M", "-smp", "2", "-bios", "none", "-kernel", "@",
                      "-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot", "-accel", "tcg,thread=multi"], timeout),
    ]


class Result:
    """What one side said about a program: by sequence, and all of it."""

    def __init__(self, output):
        self.output = output
        self.sequences = {}
        self.details = {}
        self.complete = "\nend\n" in "\n" + output
        found = re.search(r"^instructions n=([0-9a-f]+)", output, re.M)
        self.instructions = int(found.group(1), 16) if found else 0
        detail = []
        for line in output.splitlines():
            found = re.match(r"sequence index=([0-9a-f]+) (.*)", line)
            if found:
                index = int(found.group(1), 16)
                self.sequences[index], self.details[index] = found.group(2), detail
                detail = []
            elif line.startswith("  "):
                detail.append(line)
        self.rest = detail


def differing(ours, theirs, count):
    """Numbers of the sequences that left something else. Behind one that hangs or crashes nothing is known."""
    result = []
    for n in range(count):
        a, b = ours.sequences.get(n), theirs.sequences.get(n)
        if a is None or b is None:
            if a != b or not (ours.complete and theirs.complete):
                result.append(n)
            break
        if a != b:
            result.append(n)
    return result
