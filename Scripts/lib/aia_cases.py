"""Cases about the interrupt controllers of the advanced interrupt architecture: Debian's kernel finds them,
and every device's interrupts come through."""

import os
import re

from cases import BOOT_LIMIT, TROUBLE, Skipped, case, expect
from device_cases import MIB, digest, expect_answer
from guest import answers, describe, exec_word, run

# The disk's interrupt is sent to each hart in turn, and has to arrive there.
SCRIPT = """#!/bin/sh
    say() { echo "@ $*"; }
    say harts $(nproc)
    say isa $(sed -n 's/^isa[^:]*: *//p' /proc/cpuinfo | head -n 1)
    disk=$(basename $(readlink -f /sys/block/vda/device))
    irq=$(sed -n "s/^ *\\([0-9]*\\):.* $disk\$/\\1/p" /proc/interrupts)
    count() { awk -v irq=$irq: -v field=$((hart + 2)) '$1 == irq { print $field }' /proc/interrupts; }
    hart=0
    while [ $hart -lt $(nproc) ]; do
        echo $hart >/proc/irq/$irq/smp_affinity_list
        before=$(count)
        dd if=/dev/urandom of=/dev/vda bs=64k count=16 seek=$((hart * 16)) conv=fsync 2>/dev/null
        dd if=/dev/vda of=/dev/null bs=4k count=256 iflag=direct 2>/dev/null
        say moved$hart $(($(count) - before >= 256))
        hart=$((hart + 1))
    done
    echo 3 >/proc/sys/vm/drop_caches
    say disk $(md5sum </dev/vda)
    ifconfig eth0 10.0.2.15
    say ping $(ping -c 3 -W 5 10.0.2.2 | grep -c 'bytes from')
    cat /proc/interrupts
    """


def use(test, irqchip, smp, *extra):
    """Runs the script with a disk and a network, and judges what the guest saw."""
    disk = test.file("disk", bytes(8 * MIB))
    test.rvkvm.give(test.directory, SCRIPT)
    result = run(test.rvkvm.command(exec_word("/script"), smp, extra=(
        "--irqchip", irqchip, "--disk", disk, "--net", "user", *extra)), BOOT_LIMIT)
    expect(result.status == 0, describe(result.status), result)
    trouble = [line for line in result.output.splitlines() if TROUBLE.search(line)]
    expect(not trouble, "the kernel's log has: " + "; ".join(trouble[:3]))
    said = answers(result.output)
    expect_answer(said, "harts", str(smp))
    for hart in range(smp):
        expect_answer(said, "moved%d" % hart, "1")
    with open(disk, "rb") as file:
        expect_answer(said, "disk", digest(file.read()) + " -")
    expect_answer(said, "ping", "3")
    expect("ssaia" in said.get("isa", ""), "the harts have no ssaia: %s" % said.get("isa"))
    controller = "APLIC-MSI" if irqchip == "aia" else "APLIC-DIRECT"
    for device in ("ttyS0", "virtio0", "virtio1"):
        line = re.search(r"^ *\d+:([\d ]+) ([^\d\s]\S*) .*%s$" % device, result.output, re.M)
        expect(line, "no interrupts of " + device, result)
        expect(line.group(2).startswith(controller), "%s's interrupts are %s's" % (device, line.group(2)))
        expect(sum(map(int, line.group(1).split())) > 0, "%s has had no interrupt" % device)
    if irqchip == "aia":
        expect("providing IPIs using interrupt 1" in result.output, "IPIs don't go through IMSICs", result)
    return result


@case("AIA: APLIC and IMSICs, 1 hart", False, "aia", 1)
@case("AIA: APLIC and IMSICs, 4 harts", False, "aia", 4)
@case("AIA: an APLIC alone, 1 hart", True, "aplic", 1)
@case("AIA: an APLIC alone, 4 harts", False, "aplic", 4)
def supervisor(test, irqchip, smp):
    """Debian's kernel uses disk, network and console, and moves interrupts between harts."""
    use(test, irqchip, smp)


@case("AIA: guest files with --cpu rv64gch")
def guest_files(test):
    """With the hypervisor extension the kernel finds seven guest interrupt files a hart."""
    result = use(test, "aia", 2, "--cpu", "rv64gch")
    expect("guest-index-bits: 3" in result.output, "the kernel found no guest files", result)


@case("AIA: OpenSBI's fw_jump, APLIC and IMSICs", False, "fw_jump.elf", "aia", 1)
@case("AIA: OpenSBI's fw_dynamic, APLIC and IMSICs", False, "fw_dynamic.bin", "aia", 4)
@case("AIA: OpenSBI's fw_dynamic, an APLIC alone", True, "fw_dynamic.bin", "aplic", 2)
def firmware(test, name, irqchip, smp):
    """Debian's OpenSBI sets the machine level up, delegates every source, and Linux goes on from there."""
    path = os.path.join(test.options.images, name)
    if not os.path.exists(path):
        raise Skipped(name + " is missing: Scripts/images makes it")
    result = use(test, irqchip, smp, "--firmware", path)
    expect(re.search(r"^OpenSBI v\d", result.output, re.M), "no banner of OpenSBI's", result)
    expect(re.search(r"^Boot HART ISA Extensions +: .*smaia", result.output, re.M), "OpenSBI found no Smaia", result)
    if irqchip == "aia":
        expect(re.search(r"^Platform IPI Device +: aia-imsic", result.output, re.M), "OpenSBI uses no IMSICs", result)
