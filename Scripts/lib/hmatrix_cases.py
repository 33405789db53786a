"""The hypervisor extension's matrices: rows whose expectations come from the specification's text, run by a program of
our own on bare metal (Images/hypervisor)."""

import functools
import re
import shutil

from cases import Skipped, case, expect, host
from hmatrix import sides, verdict
from hmatrix.build import COMPILER
from hmatrix.main import DENSITY, SEED, Matrices, explanations

# Rows that hang are given up after seconds; more than a few of them end the program.
LIMIT = 600
SHOWN = 5


@functools.cache
def matrices():
    return Matrices(SEED, DENSITY)


def program(test):
    if not shutil.which(COMPILER):
        raise Skipped(COMPILER + " isn't installed")
    path = test.file("hypervisor.elf")
    matrices().build(path)
    print("boot: hypervisor matrices: %s" % matrices(), flush=True)
    return path


def expect_explained(found):
    expect(not found.wrong, "%d rows aren't as expected (Scripts/hmatrix --row N shows one):\n    %s" % (
        len(found.wrong), "\n    ".join(found.wrong[:SHOWN])))


@case("hypervisor matrices")
def matrices_agree(test):
    """Traps and translation are as the specification has them: cause, trap values, modes, A and D, in every row."""
    report = sides.execute(sides.rvkvm_command(test.rvkvm.program, program(test)), LIMIT)
    expect_explained(verdict.judge(matrices().rows, report))


@case("hypervisor matrices under QEMU", True)
def qemu_agrees_but_for_what_is_known(test):
    """The same program says the same under QEMU, but for the rows in which a sentence of the specification is known to
    decide against it; which those are is known as well."""
    qemu = test.need_qemu()
    version = re.search(r"version (\d+)", host(qemu.program, "--version"))
    if not version or int(version.group(1)) < 10:
        raise Skipped("QEMU is older than version 10")
    report = sides.execute(sides.qemu_command(qemu.program, program(test)), LIMIT)
    found = verdict.judge_qemu(matrices().rows, report)
    for line in (*explanations(found), *found.notes):
        print("boot: hypervisor matrices: QEMU: " + line, flush=True)
    expect_explained(found)
