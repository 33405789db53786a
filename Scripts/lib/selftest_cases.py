"""Linux's own KVM selftests, run in our guest and in QEMU's: what passes there has to pass here."""

import hashlib
import json
import os
import re

from cases import Skipped, case, expect
from guest import describe, exec_word, run

# Seconds for each test, and for all of them, boot included. QEMU is slow at what they do to memory.
TEST_LIMIT, RVKVM_LIMIT, QEMU_LIMIT = 400, 1800, 2700
# Two harts: the tests with several vCPUs have them run at the same time.
HARTS, MEMORY = 2, "2G"
# Of the tests those that interrupts, timers, counters and registers matter to.
AIA_TESTS = "get-reg-list|ebreak|sbi_pmu|arch_timer|steal_time|coalesced|kvm_create"


def read_results(output):
    """{test: (result, seconds, what it said last)} of /selftests/run's lines."""
    results, said = {}, []
    for line in output.splitlines():
        entry = re.match(r"@ (.*), ([0-9.]+) s: (.*)$", line)
        if entry:
            results[entry.group(3)] = (entry.group(1), entry.group(2), said[-6:])
            said = []
        elif line.startswith("| "):
            said.append(line[2:])
    return results


def results_of(launcher, pattern, extra, limit):
    command = launcher.command("quiet " + exec_word("/selftests/run %d '%s'" % (TEST_LIMIT, pattern)),
                               HARTS, MEMORY, extra)
    command[command.index(launcher.initrd)] = os.path.join(launcher.images, "selftests.cpio")
    result = run(command, limit)
    log = re.findall(r"^@ log: (.*)$", result.output, re.M)
    expect("\n@ end\n" in result.output, "%s: the tests didn't come to their end: %s" % (
        launcher.name, describe(result.status)), result)
    return read_results(result.output), log


def results_under_qemu(test, qemu, pattern, extra):
    """QEMU's results, which don't change while QEMU, the tests and the kernel don't: kept beside them."""
    path = os.path.join(test.options.images, "selftests-qemu.json")
    identity = hashlib.sha256(run([qemu.program, "--version"], 60).output.encode())
    identity.update(repr((pattern, extra, HARTS, MEMORY, TEST_LIMIT)).encode())
    for name in ("Image", "selftests.cpio"):
        with open(os.path.join(test.options.images, name), "rb") as file:
            identity.update(file.read())
    key = identity.hexdigest()
    try:
        with open(path) as file:
            kept = json.load(file)
    except (OSError, ValueError):
        kept = {}
    if key in kept:
        return kept[key]
    results, _ = results_of(qemu, pattern, extra, QEMU_LIMIT)
    # A machine that was too busy for a test is no reason to expect nothing of it from now on.
    if all(result != "ran out of time" for result, *_ in results.values()):
        kept[key] = results
        with open(path + ".part", "w") as file:
            json.dump(kept, file)
        os.replace(path + ".part", path)
    return results


@case("KVM selftests, PLIC", True, "plic", ".", (), ("-cpu", "rv64,h=true"))
@case("KVM selftests, AIA", True, "aia", AIA_TESTS, ("--irqchip", "aia"),
      ("-cpu", "rv64,h=true,sscofpmf=true", "-machine", "virt,aia=aplic-imsic,aia-guests=7"))
def selftests(test, irqchip, pattern, ours, theirs):
    """Every selftest of the kernel's that passes in QEMU's guest passes in ours."""
    if not os.path.exists(os.path.join(test.options.images, "selftests.cpio")):
        raise Skipped("selftests.cpio is missing: Scripts/images --selftests makes it, with riscv64-linux-gnu-gcc")
    qemu = test.need_qemu()
    here, log = results_of(test.rvkvm, pattern, ("--cpu", "rv64gch", *ours), RVKVM_LIMIT)
    there = results_under_qemu(test, qemu, pattern, list(theirs))
    expect(here, "no test was run")
    width = max(map(len, here))
    print("boot: KVM selftests, %-*s  %-16s %s" % (width - 6, irqchip, "rvkvm", "QEMU"))
    for name, (result, seconds, said) in here.items():
        other, other_seconds, _ = there.get(name, ("not run", "0", []))
        print("boot:     %-*s  %-16s %s" % (
            width, name, "%s, %s s" % (result, seconds), "%s, %s s" % (other, other_seconds)))
        if result != "passed":
            print("".join("    | %s\n" % line for line in said), end="", flush=True)
    missed = [name for name, (result, *_) in there.items()
              if result == "passed" and here.get(name, ("",))[0] != "passed"]
    expect(not missed, "passed under QEMU, not here: " + "; ".join(missed))
    expect(any(result == "passed" for result, *_ in there.values()), "none passed under QEMU: it proves nothing")
    expect(not log, "the kernel's log has: " + "; ".join(log[:3]))
