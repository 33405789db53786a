import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import corpus
from generate import SCRATCH, WINDOW, Maker, Program, read_fusions
from sides import HERE, Missing, Result, Runtime, Trouble, check_qemu, differing, make_sides
from table import Table

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))


def arguments():
    parser = argparse.ArgumentParser(
        prog="Scripts/difftest", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Runs random instruction sequences on rvkvm's interpreter and on QEMU and compares what they leave:\n"
        "registers, flags, CSRs, traps, memory. A seed stands for one sequence, which runs with many inputs.",
        epilog="A divergence is shrunk, shown, and written to Tests/Corpus, which is run first each time.\n"
        "Status: 0 no divergence, 1 divergences, 77 nothing to compare with (no QEMU 10 or no cross compiler),\n2 it can't be run at all.\n"
        "RVKVM in the environment is another build's command, as for the other scripts.")
    parser.add_argument("--seed", type=int, help="run this seed alone")
    parser.add_argument("--seeds", type=int, help="how many seeds (default 1000)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default 0)")
    parser.add_argument("--instructions", type=int, help="go on until so many instructions ran in sequences")
    parser.add_argument("--batch", type=int, default=100, help="seeds to a program (default 100; part of what a seed means)")
    parser.add_argument("--length", type=int, default=150, help="items in a sequence (default 150; the same)")
    parser.add_argument("--rvkvm", default=os.environ.get("RVKVM", os.path.join(ROOT, ".build/release/rvkvm")))
    parser.add_argument("--qemu", default="qemu-system-riscv64")
    parser.add_argument("--jobs", type=int, default=2, help="programs at a time (default 2)")
    parser.add_argument("--timeout", type=float, default=30, help="seconds that a program may take (default 30)")
    parser.add_argument("--limit", type=int, default=3, help="divergences to shrink before giving up (default 3)")
    parser.add_argument("--corpus", default=os.path.join(ROOT, "Tests/Corpus"))
    parser.add_argument("--no-corpus", action="store_true", help="don't replay the corpus, nor write to it")
    parser.add_argument("--keep", metavar="FOLDER", help="leave the programs there")
    parser.add_argument("--verbose", action="store_true", help="say each run's state (with --seed)")
    return parser.parse_args()


class Tester:
    def __init__(self, options):
        self.options = options
        self.table = Table(os.path.join(ROOT, "Sources/RISCV/instructions.txt"))
        self.fusions = read_fusions(os.path.join(ROOT, "Sources/Interpreter/Decode/fusions.txt"))
        if not shutil.which(options.rvkvm):
            raise Trouble(f"{options.rvkvm} isn't there: build it with swift build -c release --omit-frame-pointers")
        self.runtime = Runtime()
        self.sides = make_sides(options.rvkvm, options.qemu, options.timeout)
        self.folder = options.keep or tempfile.mkdtemp(prefix="difftest")
        os.makedirs(self.folder, exist_ok=True)
        self.files = 0

    def close(self):
        if not self.options.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    # ---- one program on both sides

    def generate(self, first):
        """The program of a batch, and its sequences. A seed's sequence depends on nothing but it and its batch."""
        program = Program(self.table, first // self.options.batch)
        sequences = []
        for seed in range(first, first + self.options.batch):
            maker = Maker(self.table, self.fusions, random.Random(f"sequence {seed}"), program.contexts)
            sequences.append(maker.sequence(seed, self.options.length))
        return program, sequences

    def run(self, program, sequences, verbose=False):
        segments, listing = program.place(sequences, verbose)
        self.files += 1
        path = os.path.join(self.folder, f"program-{program.seed}-{self.files}.elf")
        self.runtime.write(path, segments)
        processes = [(side, side.start(path)) for side in self.sides]
        results = [Result(side.finish(process)) for side, process in processes]
        if not self.options.keep:
            os.remove(path)
        return results, listing

    def divergent(self, program, sequences, first_only=False):
        """Which of the sequences diverge; each is judged, also behind one that never ends."""
        found, at = [], 0
        while at < len(sequences):
            (ours, theirs), _ = self.run(program, sequences[at:])
            bad = differing(ours, theirs, len(sequences) - at)
            found += [at + n for n in bad]
            if ours.complete and theirs.complete or (first_only and found):
                break
            if not bad:
                raise Trouble("neither side runs the program:\n" + ours.output[-400:] + theirs.output[-400:])
            at += bad[-1] + 1
        return found

    # ---- shrinking

    def shrink(self, program, sequence):
        """Deletes what isn't needed for the divergence. Many candidates go into one program."""
        deadline = time.time() + 150
        for side in self.sides:
            side.timeout = 3  # a single sequence takes milliseconds, and one that hangs all of it
        # One input if one is enough.
        candidates = [sequence.copy(image=(sequence.image + n) % 64, iterations=1) for n in range(sequence.iterations)]
        good = self.divergent(program, candidates, first_only=True)
        if good:
            sequence = candidates[good[0]]
        # Each candidate that hangs takes the time allowed, so then one at a time.
        hangs = not all(result.complete for result in self.run(program, [sequence])[0])
        size = max(1, sequence.body.count() // 2)
        while time.time() < deadline:
            count = sequence.body.count()
            candidates = [sequence.copy(body=sequence.body.without(set(range(n, n + size)))) for n in range(0, count, size)]
            good = [n for n in self.divergent(program, candidates, first_only=hangs) if candidates[n].body.count() < count]
            # All of those deletions at once are tried, for that is often right, and then by halves.
            step = good
            while len(step) > 1:
                unwanted = set()
                for n in step:
                    unwanted |= set(range(n * size, n * size + size))
                merged = sequence.copy(body=sequence.body.without(unwanted))
                if self.divergent(program, [merged]):
                    break
                step = step[:len(step) // 2]
            if step:
                unwanted = set()
                for n in step:
                    unwanted |= set(range(n * size, n * size + size))
                sequence = sequence.copy(body=sequence.body.without(unwanted))
            elif size == 1:
                break
            else:
                size = max(1, size // 2)
        return sequence

    def disassemble(self, laid):
        if not laid:
            return []
        path = os.path.join(self.folder, "code.bin")
        with open(path, "wb") as file:
            file.write(b"".join(data for _, data in laid))
        command = ["riscv64-linux-gnu-objdump", "-D", "-b", "binary", "-m", "riscv:rv64", "-M", "no-aliases",
                   f"--adjust-vma={laid[0][0]:#x}", path]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return [line.rstrip() for line in text.splitlines() if re.match(r"\s*[0-9a-f]+:\t", line)]

    def report(self, program, sequence):
        small = self.shrink(program, sequence)
        for side in self.sides:
            side.timeout = self.options.timeout
        (ours, theirs), listing = self.run(program, [small], verbose=True)
        lines = [f"divergence: seed {sequence.name} (index {sequence.name % self.options.batch} of its program), "
                 f"{'US?M'[small.mode]}-mode, style {sequence.style}, image {small.image}, "
                 f"{small.iterations} input(s)",
                 f"  bases x{small.bases[0]} x{small.bases[1]} x{small.bases[2]} mask {small.mask:#x} mstatus {small.status:#x} "
                 f"medeleg {small.medeleg:#x} fcsr {program.images[small.image][64]:#x}"]
        lines += ["  " + line for line in self.disassemble(listing[0][2])]
        a = ours.details.get(0, ours.rest)
        b = theirs.details.get(0, theirs.rest)
        shown = 0
        # What traps left out on one side shall not shift the lines behind it.
        for n in range(max(len(a), len(b)) if len(a) == len(b) else 0):
            left, right = (x[n] if n < len(x) else "  (nothing)" for x in (a, b))
            if left == right:
                continue
            if left.startswith("  x01") and right.startswith("  x01"):
                for p, q in zip(left.split(), right.split()):
                    if p != q and not p.startswith("traps"):
                        lines.append(f"  {p.split('=')[0]}: rvkvm {p.split('=')[1]}, QEMU {q.split('=')[1]}")
            else:
                lines += [f"  rvkvm: {left.strip()}", f"  QEMU:  {right.strip()}"]
            shown += 1
            if shown >= 4:
                break
        if len(a) != len(b):
            traps = [[line.strip() for line in x if "trap to" in line] for x in (a, b)]
            n = next((n for n in range(min(map(len, traps))) if traps[0][n] != traps[1][n]), min(map(len, traps)))
            for name, these in zip(("rvkvm", "QEMU "), traps):
                lines.append(f"  {name} trap {n + 1} of {len(these)}: {these[n] if n < len(these) else 'none'}")
            ends = [[line for line in x if line.startswith("  x01")] for x in (a, b)]
            for p, q in zip(*(e[-1].split() if e else () for e in ends)):
                if p != q and not p.startswith("traps"):
                    lines.append(f"  {p.split('=')[0]}: rvkvm {p.split('=')[1]}, QEMU {q.split('=')[1]}")
        if not (ours.complete and theirs.complete):
            for side, result in zip(self.sides, (ours, theirs)):
                if not result.complete:
                    lines.append(f"  {side.name} doesn't end: ...{result.output[-200:]!r}")
        lines += self.inputs(program, small, listing[0][2])
        if not self.options.no_corpus:
            path = os.path.join(self.options.corpus, f"seed-{sequence.name}.S")
            os.makedirs(self.options.corpus, exist_ok=True)
            corpus.write(path, sequence.name, program, small, listing, lines, theirs)
            lines.append(f"  written to {os.path.relpath(path)}")
        return small, lines

    # ---- what was found before

    def replay(self):
        """Runs the corpus on rvkvm: (cases, lines that say what is wrong)."""
        lines = []
        found = corpus.cases(self.options.corpus)
        for case in found:
            program, sequence = case.program(self.table, self.folder)
            segments, _ = program.place([sequence], True)
            path = os.path.join(self.folder, "case.elf")
            self.runtime.write(path, segments)
            result = Result(self.sides[0].finish(self.sides[0].start(path)))
            wrong = case.check(result)
            lines += [f"corpus: {case.name}: {sentence}" for sentence in wrong]
            if self.options.verbose:
                print(result.output)
        return len(found), lines

    def inputs(self, program, small, laid):
        """What the registers that the code names held."""
        text = " ".join(self.disassemble(laid))
        image = program.images[small.image]
        scratch = (WINDOW if small.virtual_data else SCRATCH) + 2048
        names = ("zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6").split()
        fnames = ([f"ft{n}" for n in range(8)] + ["fs0", "fs1"] + [f"fa{n}" for n in range(8)]
                  + [f"fs{n}" for n in range(2, 12)] + [f"ft{n}" for n in range(8, 12)])
        result = []
        for n, name in enumerate(names):
            if n and re.search(rf"\b{name}\b", text):
                value = image[n]
                if n in small.bases:
                    value = scratch + (image[65 + small.bases.index(n)] & small.mask)
                result.append(f"  input {name} = {value:#x}")
        for n, name in enumerate(fnames):
            if re.search(rf"\b{name}\b", text):
                result.append(f"  input {name} = {image[32 + n]:#x}")
        return result


def main():
    options = arguments()
    tester = None
    try:
        tester = Tester(options)
        return work(tester, options)
    except Missing as missing:
        print(f"difftest: skipped: {missing}")
        return 77
    except Trouble as trouble:
        print(f"difftest: {trouble}", file=sys.stderr)
        return 2
    finally:
        if tester:
            tester.close()


def work(tester, options):
    batch = options.batch
    if not options.no_corpus and options.seed is None:
        count, wrong = tester.replay()
        if wrong:
            print("\n".join(wrong))
            print(f"difftest: {len(wrong)} things wrong in {count} cases of the corpus")
            return 1
        print(f"corpus: {count} cases as expected", flush=True)
    check_qemu(options.qemu)
    if options.seed is not None:
        program, sequences = tester.generate(options.seed // batch * batch)
        only = sequences[options.seed % batch]
        if options.verbose:
            (ours, theirs), listing = tester.run(program, [only], verbose=True)
            print("\n".join(tester.disassemble(listing[0][2])))
            print(ours.output)
        bad = tester.divergent(program, [only])
        if bad:
            print("\n".join(tester.report(program, only)[1]))
        print(f"difftest: 1 seeds, {len(bad)} divergences")
        return 1 if bad else 0

    wanted = options.seeds if options.seeds is not None else (None if options.instructions else 1000)
    instructions = seeds = 0
    divergences = []

    def one(first):
        program, sequences = tester.generate(first)
        if wanted is not None:
            sequences = sequences[:options.first + wanted - first]
        (ours, theirs), _ = tester.run(program, sequences)
        return program, sequences, ours, theirs

    first = options.first // batch * batch
    started = time.time()
    with ThreadPoolExecutor(options.jobs) as pool:
        waiting = []
        while True:
            more = first < options.first + wanted if wanted is not None else instructions < options.instructions
            while more and len(waiting) < options.jobs:
                waiting.append(pool.submit(one, first))
                first += batch
                more = first < options.first + wanted if wanted is not None else True
            if not waiting:
                break
            program, sequences, ours, theirs = waiting.pop(0).result()
            instructions += ours.instructions
            seeds += len(sequences)
            bad = differing(ours, theirs, len(sequences))
            if not (ours.complete and theirs.complete):
                if not bad:
                    raise Trouble("neither side runs the program:\n" + ours.output[-500:] + theirs.output[-500:])
                bad = tester.divergent(program, sequences)
            for n in bad:
                divergences.append(sequences[n].name)
                if len(divergences) <= options.limit:
                    _, lines = tester.report(program, sequences[n])
                    print("\n".join(lines), flush=True)
                else:
                    print(f"divergence: seed {sequences[n].name}, not shrunk", flush=True)
            if len(divergences) >= 10 * options.limit:
                break
            if sys.stderr.isatty() or options.verbose:
                print(f"{seeds} seeds, {instructions} instructions, {len(divergences)} divergences, "
                      f"{time.time() - started:.0f} s", file=sys.stderr, flush=True)
    print(f"difftest: {seeds} seeds, {instructions} instructions, {len(divergences)} divergences")
    return 1 if divergences else 0
