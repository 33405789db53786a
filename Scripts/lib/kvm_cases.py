"""The KVM engine: our own launcher, built for riscv64, inside a guest with Debian's kvm.ko."""

import os
import random
import re
import shutil

from cases import BOOT_LIMIT, MISSING, REFUSED, TIMED_OUT, TROUBLE, USAGE, Skipped, case, expect
from device_cases import digest, expect_answer
from guest import answers, archive, describe, exec_word, run

MIB = 1 << 20

# Runs in the guest, which is the host of the second one.
OUTER = """#!/bin/sh
say() { echo "@ $*"; }
cd /kvm
modprobe kvm && modprobe tun || exit 99
say host "$(./rvkvm host | sed -n 's/^engine kvm: //p')"
./rvkvm run --engine %(engine)s --kernel Image --initrd inner --smp %(processors)d --mem 192M %(options)s \\
    --append 'console=hvc0 quiet %(word)s' --console virtio --disk disk,serial=inner --rng \\
    --net tap,ifname=tap0,script=/kvm/up,mac=52:54:00:00:00:07 </dev/null
say status $?
refused() {
    name=$1
    shift
    text=$(./rvkvm run --engine kvm --kernel Image "$@" 2>&1)
    say "$name" "$text" $?
}
refused hypervisor --cpu rv64gch
refused firmware --firmware none
%(refusals)s
# Harts that wait for ever, or haven't started, are brought out of the guest.
./rvkvm run --engine kvm --kernel Image --append maxcpus=1 --smp 2 --mem 128M %(options)s --timeout 4 >/dev/null 2>&1
say timeout $?
say disk $(md5sum <disk)
say upload $(md5sum </tmp/upload)
"""

UP = """#!/bin/sh
ip addr add 10.7.0.1/24 dev $1
ip link set $1 up
httpd -p 10.7.0.1:80 -h /kvm
# It would end at the end of its own input.
sleep 1000 | nc -l -p 99 >/tmp/upload &
"""

# Runs in the guest's guest.
INNER = """#!/bin/sh
say() { echo "@ $*"; }
say cpus $(nproc)
say console $(cat /sys/class/tty/console/active)
say serial $(cat /sys/block/vda/serial)
say read $(md5sum </dev/vda)
dd if=/dev/hwrng of=/tmp/blob bs=64k count=16 iflag=fullblock 2>/dev/null
dd if=/tmp/blob of=/dev/vda bs=64k seek=16 conv=fsync 2>/dev/null
echo 3 >/proc/sys/vm/drop_caches
say written $(md5sum </dev/vda)
ip addr add 10.7.0.2/24 dev eth0
ip link set eth0 up
say download $(wget -q -O - http://10.7.0.1/blob | md5sum)
nc 10.7.0.1 99 </tmp/blob
say sent $(md5sum </tmp/blob)
say sbi $(dmesg | sed -n 's/.*SBI implementation ID=0x3 Version=0x//p')
say warnings $(dmesg | grep -cE "WARN|BUG|Oops|rcu.*stall")
say irqchip $(grep -oE "SiFive PLIC|APLIC-[A-Z]*" /proc/interrupts | sort -u)
say ipis $(dmesg | grep -c "providing IPIs using interrupt 1")
"""

# Runs in the guest, which is the host of one that restarts. How many machines of KVM's the launcher has at most, and
# how much memory, is looked at while it runs.
REBOOTING = """#!/bin/sh
say() { echo "@ $*"; }
cd /kvm
modprobe kvm || exit 99
./rvkvm run --engine kvm --kernel Image --initrd inner --smp 2 --mem 128M %(options)s \\
    --append 'console=ttyS0 quiet panic=-1 %(word)s' --disk disk </dev/null &
pid=$!
machines=0
harts=0
while [ -d /proc/$pid/fd ] && ! grep -q "^State:.Z" /proc/$pid/status; do
    ls -l /proc/$pid/fd >/tmp/fds 2>/dev/null
    found=$(grep -c kvm-vm /tmp/fds)
    [ "$found" -gt $machines ] && machines=$found
    found=$(grep -c kvm-vcpu /tmp/fds)
    [ "$found" -gt $harts ] && harts=$found
    found=$(sed -n 's/^VmHWM:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/$pid/status)
    peak=${found:-$peak}
    sleep 1
done
wait $pid
say status $?
say machines $machines
say harts $harts
say peak $peak
say counter $(head -c 1 disk)
printf 1 | dd of=disk conv=notrunc 2>/dev/null
./rvkvm run --engine kvm --no-reboot --kernel Image --initrd inner --smp 2 --mem 128M %(options)s \\
    --append 'console=ttyS0 quiet panic=-1 %(word)s' --disk disk </dev/null >/dev/null
say refused $? $(head -c 1 disk)
"""

# Runs in the guest, which is the host of one in huge pages: as many as that needs, so that a start can't have the
# memory of the one before as well. How many are touched, and how many nobody else may have, is looked at while it runs.
HUGE = """#!/bin/sh
say() { echo "@ $*"; }
# Free ones, and how many of those are somebody's already.
pages() { sed -n 's/^HugePages_Free: *//p; s/^HugePages_Rsvd: *//p' /proc/meminfo; }
cd /kvm
modprobe kvm || exit 99
echo %(pages)d >/proc/sys/vm/nr_hugepages
say reserved $(pages)
./rvkvm run --engine kvm --hugepages --kernel Image --initrd inner --smp 2 --mem %(memory)dM \\
    --append 'console=ttyS0 quiet panic=-1 %(word)s' --disk disk </dev/null &
pid=$!
least=%(pages)d
left=%(pages)d
while [ -d /proc/$pid/fd ] && ! grep -q "^State:.Z" /proc/$pid/status; do
    set -- $(pages)
    [ $1 -lt $least ] && least=$1
    [ $(($1 - $2)) -lt $left ] && left=$(($1 - $2))
    sleep 1
done
wait $pid
say status $?
say touched $((%(pages)d - least))
say left $left
say counter $(head -c 1 disk)
say back $(pages)
refused() {
    name=$1
    shift
    text=$(./rvkvm run --engine kvm --hugepages --kernel Image "$@" 2>&1)
    say "$name" "$text" $?
}
refused toofew --mem $((%(memory)d + 2))M
echo 0 >/proc/sys/vm/nr_hugepages
refused none --mem %(memory)dM
refused odd --mem %(odd)dK
"""

# Restarts until the disk's first byte, which counts the starts, has the given number.
INNER_REBOOTING = """#!/bin/sh
boot=$(head -c 1 /dev/vda)
echo "@ boot$boot $(nproc)"
printf $((boot + 1)) | dd of=/dev/vda conv=notrunc 2>/dev/null
sync
[ $boot -lt %d ] && reboot -f
exit 0
"""


def need_program(test):
    program = os.path.join(test.options.root, ".build/riscv64/rvkvm")
    if not os.path.exists(program):
        raise Skipped(".build/riscv64/rvkvm is missing: Scripts/build-riscv64 makes it")
    with open(program, "rb") as file:
        return file.read()


def read(path):
    with open(path, "rb") as file:
        return file.read()


def initrd(path, plain, files):
    """`plain` with more files behind it."""
    with open(path, "wb") as file:
        content = read(plain)
        file.write(content + bytes(-len(content) % 4) + archive(files))
    return path


def prepare(test, launcher, outer, files):
    """Gives the outer guest /kvm with our program and `files`, and /script."""
    folder = {"kvm/" + name: content for name, content in files.items()}
    launcher.initrd = initrd(test.file("outer"), launcher.plain_initrd,
                             {"kvm": None, **folder, "kvm/rvkvm": need_program(test), "script": outer})


def nested_guest(test, launcher, processors, engine, extra, options=(), irqchip="SiFive PLIC", refusals=()):
    """`options` are the inner launcher's; `refusals` what else it has to refuse: name, options, words of the reason."""
    disk, blob = random.randbytes(4 * MIB), random.randbytes(3 * MIB)
    inner = read(initrd(test.file("inner"), launcher.plain_initrd, {"script": INNER}))
    word = exec_word("/script")
    lines = "\n".join("refused %s %s" % (name, arguments) for name, arguments, _ in refusals)
    prepare(test, launcher, OUTER % {"engine": engine, "processors": processors, "word": word,
                                     "options": " ".join(options), "refusals": lines},
            {"Image": read(launcher.kernel), "inner": inner, "disk": disk, "blob": blob, "up": UP})
    result = run(launcher.command(word, 2, extra=extra), 3 * BOOT_LIMIT)
    said = answers(result.output)
    expect(result.status == 0, describe(result.status), result)
    expect(said.get("status") == "0", "the inner rvkvm ended with status %s" % said.get("status"), result)
    for name, wanted in (("host", "available"), ("cpus", str(processors)), ("serial", "inner"), ("read", digest(disk) + " -"),
                         ("download", digest(blob) + " -"), ("warnings", "0"), ("irqchip", irqchip),
                         ("ipis", "1" if irqchip == "APLIC-MSI" else "0")):
        expect_answer(said, name, wanted)
    # The kernel's own, and not what our interpreter would say.
    release = re.search(r"Linux version (\d+)\.(\d+)\.(\d+)", result.output)
    if release:
        major, minor, patch = map(int, release.groups())
        expect_answer(said, "sbi", "%x" % (major << 16 | minor << 8 | min(patch, 255)))
    for name, _, reason in (("hypervisor", "", "can't have guests of their own"), ("firmware", "", "start in S-mode"), *refusals):
        expect(reason in said.get(name, "") and said[name].endswith(" %d" % USAGE),
               "%s: rvkvm says %r" % (name, said.get(name)), result)
    expect_answer(said, "timeout", str(TIMED_OUT))
    expect("hvc0" in said.get("console", ""), "the inner console is %s" % said.get("console"))
    # The same bytes on both sides of the disk, and of the network.
    expect(said["written"] != said["read"], "the inner guest's write changed nothing")
    expect_answer(said, "disk", said["written"])
    expect_answer(said, "upload", said["sent"])
    no_trouble(result)


def no_trouble(result):
    trouble = [line for line in result.output.splitlines() if TROUBLE.search(line)]
    expect(not trouble, "the kernel's log has: " + "; ".join(trouble[:3]))


# What KVM can't take away from a guest, and what this host hasn't.
UNHIDEABLE = ("unhideable", "--isa=-zbb", "KVM here can't hide extension Zbb, which cpu model rv64gc@1.0 with --isa=-zbb lacks; "
              "leave --isa out, or choose --engine interpreter")
NOT_HERE = ("nothere", "--isa=+zkr", "KVM here can't give a guest extension Zkr, which cpu model rv64gc@1.0 with --isa=+zkr has; "
            "leave --isa out, or choose --engine interpreter")
# A host without guest files of its own says so.
NO_FILES = ("aia", "--irqchip aia", "no interrupt files for guests")
# KVM gives guests the host's overflow interrupts of counters with AIA, and can't take them away.
WITH_AIA = ("--isa=+sscofpmf",)
# What rv64gc has and QEMU's rv64 hasn't, and the other way round: KVM can't hide it from its guests.
QEMU_CPU = "rv64,h=true,zicond=on,zfhmin=on,zcb=on,svinval=on,svnapot=on,svpbmt=on,zbc=off,zfh=off"


@case("kvm engine: a guest with console, disk and network")
def on_rvkvm(test):
    """Our riscv64 build runs Debian's kernel through /dev/kvm, which the interpreter's H extension provides."""
    nested_guest(test, test.rvkvm, 2, "kvm", ("--cpu", "rv64gch"), refusals=(NO_FILES, UNHIDEABLE, NOT_HERE))


@case("kvm engine: with interrupt files", False, "aia", "APLIC-MSI")
@case("kvm engine: with an APLIC alone", False, "aplic", "APLIC-DIRECT")
def with_aia(test, irqchip, controller):
    """The inner guest's IMSICs are KVM's, over the interpreter's guest files; its APLIC is ours."""
    nested_guest(test, test.rvkvm, 2, "auto", ("--cpu", "rv64gch", "--irqchip", "aia"), ("--irqchip", irqchip, *WITH_AIA), controller)


@case("kvm engine: under QEMU", True)
def on_qemu(test):
    """The same on another implementation of H, and --engine auto takes KVM where it works."""
    nested_guest(test, test.need_qemu(), 2, "auto", ("-cpu", QEMU_CPU), refusals=(NO_FILES,))


@case("kvm engine: under QEMU, with interrupt files", True)
def aia_on_qemu(test):
    """The same on another implementation of guest files."""
    machine = ("-M", "virt,aia=aplic-imsic,aia-guests=3", "-cpu", QEMU_CPU + ",smstateen=on")
    nested_guest(test, test.need_qemu(), 2, "kvm", machine, ("--irqchip", "aia"), "APLIC-MSI")


@case("kvm engine: a guest that restarts", False, (), ())
@case("kvm engine: a guest with interrupt files that restarts", False, ("--irqchip", "aia"), ("--irqchip", "aia", *WITH_AIA))
def restarting(test, outer, options):
    """Each start has a machine of KVM's of its own, and the one before is gone by then; --no-reboot makes one start."""
    inner = read(initrd(test.file("inner"), test.rvkvm.plain_initrd, {"script": INNER_REBOOTING % 3}))
    word = exec_word("/script")
    prepare(test, test.rvkvm, REBOOTING % {"word": word, "options": " ".join(options)},
            {"Image": read(test.rvkvm.kernel), "inner": inner, "disk": b"1" + bytes(MIB - 1)})
    result = run(test.rvkvm.command(word, 2, extra=("--cpu", "rv64gch", *outer)), 3 * BOOT_LIMIT)
    said = answers(result.output)
    expect(result.status == 0, describe(result.status), result)
    for name, wanted in (("boot1", "2"), ("boot2", "2"), ("boot3", "2"), ("status", "0"), ("counter", "4"), ("machines", "1"),
                         ("harts", "2"), ("refused", "0 2")):
        expect(said.get(name) == wanted, "%s is %r, not %r" % (name, said.get(name), wanted), result)
    # The guest's 128 MiB once, and the kernel's file beside it while a machine is built.
    expect(int(said["peak"]) < 224 << 10, "the launcher had %s KiB at most" % said["peak"])
    no_trouble(result)


@case("kvm engine: a guest in huge pages")
def in_huge_pages(test):
    """RAM is the host's reserved pages of 2 MiB: all of them are the guest's while it runs, over a restart too, and all
    come back; too few are a clear refusal."""
    memory, kernel = 128, read(test.rvkvm.kernel)
    pages = memory // 2
    inner = read(initrd(test.file("inner"), test.rvkvm.plain_initrd, {"script": INNER_REBOOTING % 2}))
    word = exec_word("/script")
    prepare(test, test.rvkvm, HUGE % {"word": word, "memory": memory, "pages": pages, "odd": (memory << 10) + 4},
            {"Image": kernel, "inner": inner, "disk": b"1" + bytes(MIB - 1)})
    result = run(test.rvkvm.command(word, 2, extra=("--cpu", "rv64gch")), 3 * BOOT_LIMIT)
    said = answers(result.output)
    expect(result.status == 0, describe(result.status), result)
    for name, wanted in (("reserved", "%d 0" % pages), ("boot1", "2"), ("boot2", "2"), ("status", "0"), ("counter", "3"),
                         ("back", "%d 0" % pages)):
        expect(said.get(name) == wanted, "%s is %r, not %r" % (name, said.get(name), wanted), result)
    # The kernel's two numbers aren't of one moment.
    expect(int(said["left"]) <= 0, "others could have had %s pages" % said["left"])
    # The kernel at least was there.
    expect(len(kernel) // (2 * MIB) <= int(said["touched"]) <= pages, "the guest touched %s pages" % said["touched"])
    for name, needed, status, reason in (
            ("toofew", pages + 1, REFUSED, "reserve them in /proc/sys/vm/nr_hugepages"), ("none", pages, REFUSED, "reserve them in"),
            ("odd", 0, USAGE, "is no multiple; choose another --mem")):
        text = said.get(name, "")
        expect("--hugepages: " in text and reason in text and text.endswith(" %d" % status)
               and (not needed or "the host hasn't %d free pages of 2 MiB" % needed in text),
               "%s: rvkvm says %r" % (name, text), result)
    no_trouble(result)


@case("riscv64 build: under qemu-riscv64")
def user_mode(test):
    """The program itself: version, host, help and refusals are those of the other build."""
    emulator = shutil.which("qemu-riscv64")
    if not emulator:
        raise Skipped("qemu-riscv64 isn't installed")
    need_program(test)
    program = [emulator, os.path.join(test.options.root, ".build/riscv64/rvkvm")]
    for arguments in (["version"], ["--version"], ["run", "--kernel", "/nothing"], ["run", "--smp", "0"],
                      ["run", "--disk", "x,reedonly"], ["run", "--isa", "+zbx"]):
        theirs, ours = run([*program, *arguments], 30), run([test.rvkvm.program, *arguments], 30)
        expect((theirs.status, theirs.output, theirs.errors) == (ours.status, ours.output, ours.errors),
               "%s: %s, and the x86 build: %s" % (" ".join(arguments), theirs.errors or theirs.output, ours.errors or ours.output))
    host = run([*program, "host"], 30)
    expect(host.status == 0 and "engine interpreter: available" in host.output, "host says otherwise", host)
    for arguments, status in ((["run", "--kernal", "x"], USAGE), (["walk"], USAGE), (["run", "--config", "x"], USAGE),
                              (["run", "--kernel", test.file("no")], MISSING)):
        result = run([*program, *arguments], 30)
        expect(result.status == status and len(result.errors.splitlines()) == 1, "%s: %s" % (arguments, describe(result.status)), result)
