"""One guest on both engines: what it sees of its machine is the same, or rvkvm names what the host dictates."""

import re

from cases import BOOT_LIMIT, USAGE, case, expect
from guest import answers, describe, exec_word, run
from kvm_cases import initrd, prepare, read

# Runs in the guest, on either engine. Its command line differs between the two, and seeds at every start.
VIEW = """#!/bin/sh
cd /proc/device-tree
find . -type f | sort | while read -r name; do
    case $name in ./chosen/*) continue ;; esac
    echo "@tree ${name#./} $(od -An -tx1 -v "$name" | tr -d ' \\n')"
done
sed -n 's/^isa.*: /@isa /p; s/^m\\(vendorid\\|archid\\|impid\\).*: /@m\\1 /p; s/^mmu.*: /@mmu /p' /proc/cpuinfo
dmesg | sed -n 's/^\\[[^]]*\\] *SBI /@sbi SBI /p; s/^\\[[^]]*\\] *riscv: base ISA/@isa base/p; s/^\\[[^]]*\\] *riscv: ELF cap/@isa cap/p'
"""

# Runs in the guest that is the host of the other one.
OUTER = """#!/bin/sh
say() { echo "@ $*"; }
cd /kvm
modprobe kvm || exit 99
start() { ./rvkvm run --engine kvm --kernel Image --initrd inner --smp 2 --mem 192M --append "console=ttyS0 quiet %(word)s" "$@"; }
start </dev/null 2>/tmp/notices
say status $?
sed 's/^/@notice /' /tmp/notices
text=$(start --strict 2>&1 </dev/null)
say strict $? "$text"
./rvkvm host | sed -n 's/^kvm dictates /@host /p'
"""

# What a notice speaks of, and where the guest sees it.
SUBJECTS = {
    "timebase-frequency": r"^tree cpus/timebase-frequency ",
    "riscv,cbom-block-size": r"^tree cpus/cpu@\w+/riscv,cbom-block-size ",
    "riscv,cboz-block-size": r"^tree cpus/cpu@\w+/riscv,cboz-block-size ",
    "riscv,cbop-block-size": r"^tree cpus/cpu@\w+/riscv,cbop-block-size ",
    "mmu-type": r"^(tree cpus/cpu@\w+/mmu-type |mmu )",
    "SBI version": r"^sbi SBI specification",
    "SBI implementation version": r"^sbi SBI implementation",
    "SBI implementation": r"^sbi SBI implementation",
    "SBI extensions": r"^sbi SBI \w+ extension",
}


def view(output):
    """The guest's lines, in order."""
    return [line[1:] for line in output.splitlines() if re.match(r"@(tree|isa|mvendorid|marchid|mimpid|mmu|sbi) ", line)]


@case("guest compatibility: interpreter and kvm")
def both_engines(test):
    """The device tree, the ISA and the SBI that a guest sees: equal, but for the lines that rvkvm names."""
    inner = read(initrd(test.file("inner"), test.rvkvm.plain_initrd, {"script": VIEW}))
    launcher = test.rvkvm
    kernel = read(launcher.kernel)

    launcher.initrd = test.file("inner")
    word = exec_word("/script")
    alone = run(launcher.command(word, 2, memory="192M"), BOOT_LIMIT)
    expect(alone.status == 0, describe(alone.status), alone)
    ours = view(alone.output)
    expect(len(ours) > 50, "the guest shows only %d lines" % len(ours), alone)

    prepare(test, launcher, OUTER % {"word": word}, {"Image": kernel, "inner": inner})
    result = run(launcher.command(word, 2, extra=("--cpu", "rv64gch")), 3 * BOOT_LIMIT)
    said = answers(result.output)
    expect(said.get("status") == "0", "the guest on kvm ended with status %s" % said.get("status"), result)
    theirs = view(result.output)

    notices = re.findall(r"^@notice .* dictates (%s) (\S+); machine (\S+) has (\S+)$" % "|".join(SUBJECTS), result.output, re.M)
    named = {subject for subject, _, _, _ in notices}
    allowed = [SUBJECTS[subject] for subject in named if subject in SUBJECTS]
    different = [line for line in sorted(set(ours) ^ set(theirs)) if not any(re.match(one, line) for one in allowed)]
    expect(not different, "what rvkvm doesn't name differs: " + "; ".join(different[:6]), result)
    for subject, here, _, pinned in notices:
        expect(here != pinned, "a notice about %s, which is the same" % subject)
    # The kernel's own SBI always is another than ours.
    expect("SBI implementation version" in named, "rvkvm doesn't say that the SBI differs", result)
    strict = said.get("strict", "")
    silent = [subject for subject in named if not re.search(r"(dictates|,) %s " % subject, strict)]
    expect(not silent, "--strict doesn't name %s: %s" % (silent, strict), result)
    expect(strict.startswith("%d " % USAGE) and "--strict: " in strict and "@tree" not in strict,
           "--strict ends with %r" % strict, result)
    hosted = re.findall(r"^@host (.*)$", result.output, re.M)
    expect(any(line.startswith("SBI version: ") for line in hosted) and any(line.startswith("timebase-frequency: ") for line in hosted),
           "rvkvm host says %r" % hosted, result)
