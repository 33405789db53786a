"""What it takes to start a guest: rvkvm beside kvmtool's lkvm, both on KVM, inside a guest of ours.

Counted are the instructions that the launcher retires, its own and the kernel's on its behalf, from the end of execve
to when its guest has run its first instruction and the launcher sleeps; and what of it is resident then. See
Images/launch/launch.c. Instructions don't depend on the machine's mood, so that few runs are enough.
"""

import os
import re
import statistics
import subprocess
import tempfile

from guest import archive, describe, exec_word, run
from measure_io import Failed

LIMIT = 600
PROCESSORS = (1, 4)
MEMORY_MIB = 256
# What is started: an Image of one page, and one as large as Debian's kernel; both wait with their first instruction.
PAYLOADS = {"tiny": "a kernel of 4 KiB", "kernel": "a kernel of Debian's size"}
FIGURES = ("user", "kernel", "resident", "anonymous", "file", "threads")
COMMANDS = {
    "rvkvm": "./rvkvm run --engine kvm --kernel %(payload)s --smp %(smp)d --mem %(memory)dM --append console=ttyS0",
    # Without its defaults, which are a network and the host's files for the guest.
    "lkvm": "./lkvm run --nodefaults --console serial -k %(payload)s -c %(smp)d -m %(memory)d -p console=ttyS0",
}


def read(path):
    with open(path, "rb") as file:
        return file.read()


def script(launchers, runs):
    """For the guest. The first round isn't counted: it brings the files into the page cache."""
    lines = ["#!/bin/sh", "cd /launch", "modprobe kvm && mount -t debugfs debugfs /sys/kernel/debug || exit 99"]
    for number in range(runs + 1):
        for smp in PROCESSORS:
            for payload in PAYLOADS:
                for launcher in launchers:
                    command = COMMANDS[launcher] % {"payload": payload, "smp": smp, "memory": MEMORY_MIB}
                    lines.append('echo "@ %d %d %s %s $(./launch %s)"' % (number, smp, payload, launcher, command))
    return "\n".join(lines) + "\n"


def files(images, programs):
    waiting, image = (read(os.path.join(images, name)) for name in ("launch.img", "Image"))
    found = {"launch": None, "launch/launch": read(os.path.join(images, "launch")), "launch/tiny": waiting,
             # The kernel with the tiny one's first two instructions.
             "launch/kernel": waiting[:8] + image[8:]}
    for name, path in programs.items():
        found["launch/" + name] = read(path)
    return found


def parse(output, launchers):
    """{(smp, payload, launcher): {figure: [numbers]}}, without the first round's."""
    taken = {}
    for number, smp, payload, launcher, said in re.findall(r"^@ (\d+) (\d+) (\w+) (\w+) (.*)$", output, re.M):
        numbers = dict(re.findall(r"(\w+) (\d+)", said))
        if said.startswith("launch:") or not all(figure in numbers for figure in FIGURES):
            raise Failed("%s, %s vCPU(s), %s: %s" % (launcher, smp, PAYLOADS[payload], said))
        figures = taken.setdefault((int(smp), payload, launcher), {figure: [] for figure in FIGURES})
        if number != "0":
            for figure in FIGURES:
                figures[figure].append(int(numbers[figure]))
    return taken


def grouped(number):
    return "{:,}".format(int(number)).replace(",", " ")


def measure_launch(launcher, program, lkvm, runs):
    programs = {"rvkvm": program, **({"lkvm": lkvm} if lkvm else {})}
    print("launch, %d runs: retired instructions from execve to the guest's first one, and what is resident then" % runs)
    with tempfile.TemporaryDirectory(prefix="rvkvm-bench-") as directory:
        path = os.path.join(directory, "initrd")
        with open(path, "wb") as file:
            content = read(launcher.plain_initrd)
            file.write(content + bytes(-len(content) % 4) + archive(
                {**files(launcher.images, programs), "script": script(programs, runs)}))
        launcher.initrd = path
        result = run(launcher.command(exec_word("/script"), 1, extra=launcher.hypervisor()), LIMIT)
    taken = parse(result.output, programs)
    if result.status != 0 or len(taken) != len(PROCESSORS) * len(PAYLOADS) * len(programs):
        raise Failed("%s: %s; it last said:\n%s" % (
            launcher.name, describe(result.status), "\n".join((result.output + result.errors).splitlines()[-12:])))
    middle = {key: {figure: statistics.median(numbers) for figure, numbers in figures.items()}
              for key, figures in taken.items()}
    for payload, what in PAYLOADS.items():
        for smp in PROCESSORS:
            report(smp, what, {name: middle[smp, payload, name] for name in programs})
    if not lkvm:
        print("launch: nothing to compare with: --lkvm names a static riscv64 lkvm (kvmtool), which Debian's archive doesn't have")


def report(smp, what, figures):
    for name, one in figures.items():
        print("  %-5s %9s user, %9s kernel; %s kB resident: %s anonymous, %s of files; %d threads" % (
            name, grouped(one["user"]), grouped(one["kernel"]), grouped(one["resident"]), grouped(one["anonymous"]),
            grouped(one["file"]), one["threads"]))
    ours = figures["rvkvm"]
    line = "launch, %d vCPU%s, %s: rvkvm %s instructions (%s user, %s kernel)" % (
        smp, "s" if smp > 1 else "", what, grouped(ours["user"] + ours["kernel"]), grouped(ours["user"]), grouped(ours["kernel"]))
    if "lkvm" in figures:
        theirs = figures["lkvm"]
        total, other = ours["user"] + ours["kernel"], theirs["user"] + theirs["kernel"]
        line += ", lkvm %s, ratio %.2f; resident rvkvm %s kB, lkvm %s kB, ratio %.2f" % (
            grouped(other), total / other, grouped(ours["resident"]), grouped(theirs["resident"]),
            ours["resident"] / theirs["resident"])
    else:
        line += "; resident %s kB" % grouped(ours["resident"])
    print(line, flush=True)
