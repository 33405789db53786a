"""The conformance suite of the engines' boundary, where the engines are: Tests/EngineConformance as a program."""

import os
import re
import shutil

from cases import BOOT_LIMIT, TROUBLE, Skipped, case, expect
from guest import describe, exec_word, run
from kvm_cases import QEMU_CPU, prepare, read

# Runs in the guest. Each case has five minutes: the guest's guest is slow, and has long waits to make.
OUTER = """#!/bin/sh
cd /kvm
modprobe kvm || exit 99
./rvkvm-conformance list
./rvkvm-conformance kvm "" 300
echo "@ status $?"
"""


def program(test):
    path = os.path.join(test.options.root, ".build/riscv64/rvkvm-conformance")
    if not os.path.exists(path):
        raise Skipped(".build/riscv64/rvkvm-conformance is missing: Scripts/build-riscv64 makes it")
    return path


def judge(result, names, lacks, faults=frozenset()):
    """Every case ran and is right, but for those that need what `lacks` names, or that find one of `faults`."""
    lines = result.output.replace("\r", "").splitlines()
    failed = [line for line in lines if line.startswith("FAIL ")]
    expect(not failed, "%d cases failed: %s" % (len(failed), "; ".join(failed[:5])), result)
    passed = {line[3:] for line in lines if line.startswith("ok ")}
    skipped = dict(re.findall(r"^skip (.*): (\w+)$", "\n".join(lines), re.M))
    faulty = dict(re.findall(r"^kernel (.*): (\w+)$", "\n".join(lines), re.M))
    missing = [name for name in names if name not in passed and name not in skipped and name not in faulty]
    expect(not missing, "no result of: " + "; ".join(missing[:5]), result)
    wrong = {name: what for name, what in skipped.items() if what not in lacks}
    expect(not wrong, "skipped without a right to: %s" % wrong, result)
    unknown = set(faulty.values()) - faults
    expect(not unknown, "faults of a kernel's that it can't have: %s" % unknown, result)
    for name, what in skipped.items():
        print("boot:   without %s: %s" % (what, name))
    for name, what in faulty.items():
        print("boot:   the guest's kernel has the fault %s: %s" % (what, name))
    print("boot:   %d cases ok, %d skipped, %d with a fault of the kernel's" % (len(passed), len(skipped), len(faulty)), flush=True)


def named(output):
    return [line[5:] for line in output.replace("\r", "").splitlines() if line.startswith("case ")]


def in_guest(test, launcher, extra, lacks):
    prepare(test, launcher, OUTER, {"rvkvm-conformance": read(program(test))})
    result = run(launcher.command(exec_word("/script"), 4, "1G", extra=extra), 20 * BOOT_LIMIT)
    names = named(result.output)
    expect(len(names) > 50, "the suite has %d cases" % len(names), result)
    judge(result, names, lacks, KERNEL_FAULTS)
    expect(result.status == 0, describe(result.status), result)
    expect("@ status 0" in result.output, "the program ended with another status than 0", result)
    trouble = [line for line in result.output.splitlines() if TROUBLE.search(line)]
    expect(not trouble, "the kernel's log has: " + "; ".join(trouble[:3]))


# What Debian's kernel is known to do wrong: KernelFault in Tests/EngineConformance says what each is.
KERNEL_FAULTS = {"unsignedLoads", "loadedZero", "unwrittenHalves", "lostInterrupt", "statusOfNoHart"}
# A host without guest interrupt files, and a kernel without dirty rings for RISC-V.
PLAIN = {"interruptFiles", "interruptDoorbells", "dirtyRing"}


@case("conformance: kvm in our interpreter")
def on_rvkvm(test):
    """The suite through Debian's kvm.ko over the interpreter's H extension."""
    in_guest(test, test.rvkvm, ("--cpu", "rv64gch"), PLAIN)


@case("conformance: kvm in our interpreter, with AIA")
def aia_on_rvkvm(test):
    """The same where KVM has interrupt files for its guests."""
    in_guest(test, test.rvkvm, ("--cpu", "rv64gch", "--irqchip", "aia"), {"dirtyRing"})


@case("conformance: kvm under QEMU", True)
def on_qemu(test):
    """The same on another implementation of H."""
    in_guest(test, test.need_qemu(), ("-cpu", QEMU_CPU), PLAIN)


@case("conformance: kvm under QEMU, with AIA", True)
def aia_on_qemu(test):
    """The same on another implementation of AIA."""
    in_guest(test, test.need_qemu(), ("-M", "virt,aia=aplic-imsic,aia-guests=3", "-cpu", QEMU_CPU + ",smstateen=on"), {"dirtyRing"})


@case("conformance: interpreter, riscv64 build", True)
def user_mode(test):
    """The interpreter as the riscv64 build has it gives the results that it gives on this machine (swift test)."""
    emulator = shutil.which("qemu-riscv64")
    if not emulator:
        raise Skipped("qemu-riscv64 isn't installed")
    names = named(run([emulator, program(test), "list"], 30).output)
    result = run([emulator, program(test), "interpreter", "", "300"], 20 * BOOT_LIMIT)
    judge(result, names, {"dirtyRing"})
    expect(result.status == 0, describe(result.status), result)
