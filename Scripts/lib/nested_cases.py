"""A guest's guests: Debian's own kvm.ko in the guest, and the monitor of Images/nested on top of it."""

import os
import re

from cases import BOOT_LIMIT, TROUBLE, Skipped, case, expect, expect_clean_log, expect_healthy
from guest import describe, exec_word, monitor_word, run

# What a kernel says of processes that hang, die or find no memory as well, and KVM of a fault that it can't serve.
MORE_TROUBLE = re.compile(TROUBLE.pattern + "|Call Trace|lockup|LOCKUP|blocked for more than|[Oo]ut of memory|"
                          "Killed process|unhandled signal|Failed to map|detected stalls")


def need_nested(test):
    if not os.path.exists(os.path.join(test.options.images, "nested.cpio")):
        raise Skipped("nested.cpio is missing: Scripts/images makes it, with riscv64-linux-gnu-gcc")
    test.rvkvm.give_nested(test.directory)


@case("nested: 1 processor", False, 2, 1, False)
@case("nested: 2 processors on 2 harts", True, 2, 2, False)
@case("nested: 2 processors on 4 harts", True, 4, 2, False)
@case("nested with AIA: 1 processor", False, 2, 1, True)
@case("nested with AIA: 2 processors on 2 harts", True, 2, 2, True)
@case("nested with AIA: 2 processors on 4 harts", True, 4, 2, True)
def nested(test, harts, processors, aia):
    """With H the guest loads Debian's own kvm.ko, and a monitor in it boots the same kernel once more. With AIA
    KVM finds guest interrupt files and gives its guest the use of one."""
    need_nested(test)
    result = run(test.rvkvm.command(monitor_word(processors, aia), harts, extra=test.rvkvm.hypervisor(aia)),
                 3 * BOOT_LIMIT)
    expect("hypervisor extension available" in result.output, "kvm.ko found no hypervisor extension", result)
    if aia:
        expect(re.search(r"AIA available with [1-9]\d* guest external interrupts", result.output),
               "kvm.ko found no guest interrupt file", result)
        expect("mode auto, 255 identities, guest interrupt files: yes" in result.output, "KVM chose another mode", result)
    expect("monitor: the guest powered off" in result.output, "the guest's guest didn't power off", result)
    expect_healthy(result, processors)


@case("nested: two guests under stress", True, False)
@case("nested with AIA: two guests under stress", True, True)
def stress(test, aia):
    """Images/nested/stress: swapping, dirty logging and pages of every size under guests that check what they read."""
    need_nested(test)
    swap = test.file("swap", b"")
    os.truncate(swap, 1 << 30)
    # The guests of a short run work for fifteen seconds, those of a long one for long enough to be worth their boot.
    work = 15 if test.options.stress < 300 else 40
    word = "hugepagesz=1G hugepages=1 " + exec_word("/nested/stress %d %d" % (test.options.stress, work))
    result = run(test.rvkvm.command(word, 4, "4G", [*test.rvkvm.hypervisor(aia), *test.rvkvm.disk(swap)]),
                 8 * BOOT_LIMIT + 3 * test.options.stress)
    # What led to a failure in half an hour is worth more than the last lines.
    with open(os.path.join(test.options.images, "stress-aia.log" if aia else "stress.log"), "w") as log:
        log.write(result.output + result.errors)
    expect(result.status == 0, "%s instead of status 0" % describe(result.status), result)
    expect_clean_log(result, MORE_TROUBLE)
    expect(re.search(r"^stress: [1-9]\d* pairs, 0 failures$", result.output, re.M), "a guest didn't end well", result)
    worked = len(re.findall(r"^work: ok: ", result.output, re.M))
    ended = len(re.findall(r"^stress: status 0 of ", result.output, re.M))
    expect(worked == ended, "%d guests ended, %d worked" % (ended, worked), result)
    swapped = re.search(r"^pswpin (\d+)\npswpout (\d+)$", result.output, re.M)
    expect(swapped and min(map(int, swapped.groups())) > 0, "no page was swapped out and in", result)
