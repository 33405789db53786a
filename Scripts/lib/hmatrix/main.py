"""Generates both matrices, runs them and says what came of it."""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time

from . import sides, translation_rows, trap_rows, verdict
from .build import COMPILER, build
from .deviations import QEMU
from .entry import OUTCOMES, describe_status
from .layout import Code

SEED, DENSITY = 1, 2
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))))


class Matrices:
    """The rows of a seed as a program."""

    def __init__(self, seed, density, only=("trap", "translation")):
        code = Code()
        self.counts = {}
        self.rows = []
        makers = (("trap", lambda r: trap_rows.rows(r, code)),
                  ("translation", lambda r: translation_rows.rows(r, code, density)))
        for name, make in makers:
            found = list(make(random.Random("%s matrix %d" % (name, seed)))) if name in only else []
            self.counts[name] = len(found)
            self.rows += found
        self.seed, self.density, self.code = seed, density, code

    def build(self, path, verbose=False):
        build(self.rows, self.code, path, verbose)

    def __str__(self):
        return "seed %d, density %d: %d rows of the trap matrix, %d of the translation matrix" % (
            self.seed, self.density, self.counts["trap"], self.counts["translation"])


def explanations(found):
    """What is known of QEMU, and how many rows it explains."""
    for deviation in QEMU:
        yield "%6d rows: %s (%s): %s QEMU: %s." % (
            found.explained[deviation.name], deviation.name, deviation.section, deviation.sentence, deviation.qemu)


def arguments():
    parser = argparse.ArgumentParser(
        prog="Scripts/hmatrix", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Runs the hypervisor extension's trap and translation matrices on rvkvm and on QEMU: bare-metal rows whose\n"
        "expectations come from the specification. rvkvm has to agree with all of them, QEMU with all but what is known of it.",
        epilog="Status: 0 all agree, 1 something doesn't, 77 nothing to run (no cross compiler), 2 it can't be run at all.\n"
        "RVKVM in the environment is another build's command, as for the other scripts.")
    parser.add_argument("--seed", type=int, default=SEED, help="of what is drawn by chance (default %d)" % SEED)
    parser.add_argument("--density", type=int, default=DENSITY, help="rows a scenario and kind of access (default %d)" % DENSITY)
    parser.add_argument("--matrix", choices=("trap", "translation"), help="one of the two alone")
    parser.add_argument("--row", type=int, action="append", default=[], help="show this row: what it sets up, expects and leaves")
    parser.add_argument("--rvkvm", default=os.environ.get("RVKVM", os.path.join(ROOT, ".build/release/rvkvm")))
    parser.add_argument("--qemu", default="qemu-system-riscv64")
    parser.add_argument("--no-qemu", action="store_true", help="rvkvm alone")
    parser.add_argument("--limit", type=int, default=10, help="wrong rows to show (default 10)")
    parser.add_argument("--timeout", type=float, default=300, help="seconds that a side may take (default 300)")
    parser.add_argument("--keep", metavar="FOLDER", help="leave the program there")
    return parser.parse_args()


def show(matrices, number, reports):
    row, e = matrices.rows[number], matrices.rows[number].expected
    print("row %d: %s" % (number, row))
    print("  pc %#x, a0 %#x, a1 %#x" % (row.pc, row.a0, row.a1))
    for at, before in sorted(row.words.items()):
        after = row.after.get(at, before)
        print("  [%#x] = %#018x%s" % (at, before, " -> %#018x" % after if after != before else ""))
    lines = [("specification", e.outcome, e.cause, e.tval, e.tval2, e.tinst, e.epc, e.status & e.mask, e.result)]
    for name, report in reports:
        o = report.rows.get(number)
        if o:
            lines.append((name, o.outcome, o.cause, o.tval, o.tval2, o.tinst, o.epc, o.status & e.mask, o.result))
            for at, value in o.words.items():
                print("  %s has [%#x] = %#018x" % (name, at, value))
    for name, outcome, cause, tval, tval2, tinst, epc, status, result in lines:
        print("  %s: %s, cause %d, tval %#x, tval2 %#x, tinst %#x, epc %#x, result %s\n      %s" % (
            name, OUTCOMES[outcome], cause, tval, tval2, tinst, epc, "-" if result is None else "%#x" % result,
            describe_status(status)))


def main():
    options = arguments()
    if not shutil.which(COMPILER):
        print("hmatrix: skipped: %s isn't installed (package gcc-riscv64-linux-gnu)" % COMPILER)
        return 77
    sides_to_run = [("rvkvm", sides.rvkvm_command, options.rvkvm)]
    if not options.no_qemu:
        sides_to_run.append(("QEMU", sides.qemu_command, options.qemu))
    for _, _, program in sides_to_run:
        if not shutil.which(program):
            print("hmatrix: %s isn't there" % program, file=sys.stderr)
            return 2
    matrices = Matrices(options.seed, options.density, (options.matrix,) if options.matrix else ("trap", "translation"))
    print(matrices, flush=True)
    folder = options.keep or tempfile.mkdtemp(prefix="hmatrix")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "hypervisor.elf")
    status, reports = 0, []
    try:
        matrices.build(path, verbose=bool(options.row))
        for name, command, program in sides_to_run:
            started = time.monotonic()
            report = sides.execute(command(program, path), options.timeout)
            reports.append((name, report))
            seconds = time.monotonic() - started
            found = verdict.judge(matrices.rows, report) if name == "rvkvm" else verdict.judge_qemu(matrices.rows, report)
            print("%s: %s rows in %.1f s, %s not as the specification says, %d unexplained" % (
                name, report.ran, seconds, report.bad, len(found.wrong)), flush=True)
            for line in (*found.wrong[:options.limit], *found.notes, *(explanations(found) if name == "QEMU" else ())):
                print(line)
            status = status or (1 if found.wrong else 0)
        for number in options.row:
            show(matrices, number, reports)
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    return status
