"""A running guest changes its engine: SIGUSR1 under --x-move-to."""

import random
import re
import signal
import time

from cases import BOOT_LIMIT, PROMPT, REFUSED, USAGE, Guest, case, expect, refuses
from device_cases import digest, expect_answer
from guest import answers, describe, exec_word, run, text
from kvm_cases import initrd, no_trouble, prepare, read

MIB = 1 << 20
MOVES = 10
NOTICE = rb"rvkvm: the guest runs on the engine interpreter now"

# Works on all harts until somebody types a line: sums, floating point, a disk, and clocks that only go forward.
BUSY = """#!/bin/sh
say() { echo "@ $*"; }
float() { awk 'BEGIN { for (i = 1; i < 3000; i++) s += i / (i + 0.37); printf "%.15g", s }'; }
worker() {
    dd if=/dev/urandom of=/tmp/data$1 bs=64k count=16 2>/dev/null
    sum=$(md5sum </tmp/data$1)
    rounds=0
    while [ ! -e /tmp/stop ]; do
        [ "$(md5sum </tmp/data$1)" = "$sum" ] || say wrong memory
        [ "$(float)" = "$expected" ] || say wrong float
        dd if=/tmp/data$1 of=/dev/vda bs=64k seek=$(($1 * 16)) conv=notrunc,fsync 2>/dev/null || say wrong write
        [ "$(dd if=/dev/vda bs=64k skip=$(($1 * 16)) count=16 iflag=direct 2>/dev/null | md5sum)" = "$sum" ] || say wrong disk
        rounds=$((rounds + 1))
    done
    say worker$1 $((rounds > 0)) $sum
}
clock() {
    before=0
    while [ ! -e /tmp/stop ]; do
        read now rest </proc/uptime
        now=${now%%.*}${now#*.}
        [ $now -ge $before ] || say wrong time $before $now
        before=$now
        usleep 1000
    done
}
expected=$(float)
for number in 0 1 2 3; do worker $number & done
clock &
say busy
read line
touch /tmp/stop
wait
say warnings $(dmesg | grep -cE "WARN|BUG|Oops|rcu.*stall|clocksource.*unstable")
say cpus $(nproc)
say done
"""


def heard(said):
    """The guest's answers. rvkvm's own lines come whenever they come, within the guest's as well."""
    return answers(re.sub(NOTICE.decode() + "\r?\n?", "", said))


@case("moving: ten times while it works, with a PLIC", False, "plic")
@case("moving: ten times while it works, with interrupt files", False, "aia")
def busy(test, irqchip):
    """To a fresh machine of the same engine, at any moment: no sum, no sector and no interrupt is lost."""
    disk = test.file("disk", bytes(4 * MIB))
    test.rvkvm.give(test.directory, BUSY)
    chance = random.Random(6)
    with Guest(test.rvkvm.command("", 4, memory="256M", extra=(
            "--engine", "interpreter", "--x-move-to", "interpreter", "--irqchip", irqchip, "--disk", disk))) as guest:
        guest.wait_for(PROMPT, BOOT_LIMIT)
        guest.type(b"sh /script\r")
        guest.wait_for(rb"@ busy", 60)
        for move in range(MOVES):
            time.sleep(chance.uniform(0, 1.2))
            guest.process.send_signal(signal.SIGUSR1)
            guest.wait_for(NOTICE, 30)
        guest.type(b"\r")
        guest.wait_for(rb"@ done", 120)
        guest.wait_for(PROMPT, 30)
        guest.type(b"exit\r")
        status = guest.wait(60)
        expect(status == 0, "it goes on" if status is None else describe(status))
    said = text(guest.heard)
    wrong = re.findall(r"^@ wrong .*$", said, re.M)
    expect(not wrong, "; ".join(wrong[:4]))
    told = heard(said)
    expect_answer(told, "warnings", "0")
    expect_answer(told, "cpus", "4")
    content = read(disk)
    for number in range(4):
        expect_answer(told, "worker%d" % number, "1 %s -" % digest(content[number * MIB:(number + 1) * MIB]))


@case("moving: at any moment of the boot")
def booting(test):
    """The kernel starts its harts while the machine changes under it."""
    chance = random.Random(7)
    command = test.rvkvm.command(exec_word("echo @ cpus $(nproc); echo @ warnings $(dmesg | grep -cE 'WARN|BUG|Oops|rcu.*stall')"), 4, extra=(
        "--engine", "interpreter", "--x-move-to", "interpreter"))
    with Guest(command) as guest:
        signals = 0
        deadline = time.monotonic() + BOOT_LIMIT
        time.sleep(0.3)
        while guest.process.poll() is None and time.monotonic() < deadline:
            guest.process.send_signal(signal.SIGUSR1)
            signals += 1
            pause = time.monotonic() + chance.uniform(0.01, 0.15)
            while time.monotonic() < pause and guest.process.poll() is None:
                guest.read(0.01)
        status = guest.wait(10)
    said = text(guest.heard)
    expect(status == 0, ("it goes on" if status is None else describe(status)) + " after %d signals" % signals)
    told = heard(said)
    expect_answer(told, "cpus", "4")
    expect_answer(told, "warnings", "0")
    moves = said.count(NOTICE.decode())
    expect(moves > 3, "it moved %d times" % moves)


# Runs in the guest, which is the host of one that moves between its engines. Our interpreter in our interpreter is so
# slow that a kernel would take a processor for one that hangs.
HOST_SCRIPT = """#!/bin/sh
say() { echo "@ $*"; }
cd /kvm
modprobe kvm || exit 99
mkfifo keys
./rvkvm run --engine %(first)s --x-move-to %(second)s --kernel Image --initrd inner --smp 2 --mem 128M %(options)s \\
    --append 'console=ttyS0 quiet nowatchdog rcupdate.rcu_cpu_stall_timeout=300' --disk disk <keys >out 2>err &
pid=$!
exec 3>keys
# Waits for a line of the guest's, or of rvkvm's.
until_said() {
    tries=0
    until grep -q "$2" $1; do
        tries=$((tries + 1))
        [ $tries -gt 900 ] || [ ! -d /proc/$pid ] && { say missing "$2"; tail -n 20 out err; kill $pid; exit 1; }
        sleep 1
    done
}
# The machines of KVM's that the launcher has: one while the guest is there.
machines() { ls -l /proc/$pid/fd | grep -c kvm-vm; }
until_said out '[#] '
say first $(machines)
echo 'sh /script 1' >&3
until_said out '@ ready1'
kill -USR1 $pid
until_said err 'the guest runs on the engine %(second)s now'
say second $(machines)
echo 'sh /script 2' >&3
until_said out '@ ready2'
%(last)s
echo exit >&3
wait $pid
say status $?
cat out err
say disk $(md5sum <disk)
"""

BACK = """kill -USR1 $pid
until_said err 'the guest runs on the engine %(first)s now'
say third $(machines)
echo 'sh /script 3' >&3
until_said out '@ ready3'"""

# Runs in the guest's guest, before and after each move. The first time it leaves a process behind that goes on.
INNER = """#!/bin/sh
say() { echo "@ $*"; }
worker() {
    sum=$(md5sum </bin/busybox)
    rounds=0
    while [ ! -e /tmp/stop ]; do
        [ "$(md5sum </bin/busybox)" = "$sum" ] || say wrong sum
        rounds=$((rounds + 1))
        echo $rounds >/tmp/rounds.new
        mv /tmp/rounds.new /tmp/rounds
        usleep 20000
    done
}
if [ $1 = 1 ]; then
    echo 0 >/tmp/rounds
    worker &
    read up rest </proc/uptime
    echo ${up%%.*} >/tmp/up
fi
say cpus$1 $(nproc)
awk 'BEGIN { for (i = 1; i < 500; i++) s += i / (i + 0.37); printf "@ float'$1' %.15g\\n", s }'
dd if=/dev/urandom of=/tmp/blob bs=16k count=8 2>/dev/null
dd if=/tmp/blob of=/dev/vda bs=16k seek=$(($1 * 8)) conv=notrunc,fsync 2>/dev/null
echo 3 >/proc/sys/vm/drop_caches
[ "$(dd if=/dev/vda bs=16k skip=$(($1 * 8)) count=8 2>/dev/null | md5sum)" = "$(md5sum </tmp/blob)" ] || say wrong disk
# The process goes on, and so does time.
rounds=$(cat /tmp/rounds)
tries=0
until [ "$(cat /tmp/rounds)" -gt "$rounds" ] || [ $tries -ge 60 ]; do sleep 1; tries=$((tries + 1)); done
[ $tries -ge 60 ] || say rounds$1 1
sleep 1
read up rest </proc/uptime
say forward$1 $((${up%%.*} > $(cat /tmp/up)))
echo ${up%%.*} >/tmp/up
say irqs$1 $(grep -oE "SiFive PLIC|APLIC-[A-Z]*" /proc/interrupts | sort -u)
say written$1 $(md5sum </dev/vda)
dmesg | grep -v stall_timeout | grep -E "WARN|BUG|Oops|rcu.*stall" | sed "s/^/dmesg $1 /"
say ready$1
"""

# KVM gives guests the host's overflow interrupts of counters with AIA, and can't take them away.
AIA = ("--irqchip", "aia", "--isa=+sscofpmf")


@case("moving: from the interpreter to kvm", False, "interpreter", "kvm", 1, (), (), "SiFive PLIC")
@case("moving: from kvm to the interpreter, and back", False, "kvm", "interpreter", 2, (), (), "SiFive PLIC")
@case("moving: from kvm to kvm, and back", True, "kvm", "kvm", 2, (), (), "SiFive PLIC")
@case("moving: from kvm to the interpreter, with interrupt files", False, "kvm", "interpreter", 1, ("--irqchip", "aia"), AIA, "APLIC-MSI")
def between(test, first, second, moves, outer, options, controller):
    """The guest comes to its prompt on one engine, goes on on the other, does I/O there and powers off."""
    disk = random.randbytes(MIB)
    inner = read(initrd(test.file("inner"), test.rvkvm.plain_initrd, {"script": INNER}))
    names = {"first": first, "second": second}
    script = HOST_SCRIPT % {**names, "options": " ".join(options), "last": BACK % names if moves > 1 else ""}
    prepare(test, test.rvkvm, script, {"Image": read(test.rvkvm.kernel), "inner": inner, "disk": disk})
    result = run(test.rvkvm.command(exec_word("/script"), 2, extra=("--cpu", "rv64gch", *outer)), 10 * BOOT_LIMIT)
    said = answers(result.output)
    expect(result.status == 0, describe(result.status), result)
    expect("missing" not in said, "it was never said: %s" % said.get("missing"), result)
    expect_answer(said, "status", "0")
    places = [first, second, first][:moves + 1]
    for name, place in zip(("first", "second", "third"), places):
        expect_answer(said, name, "1" if place == "kvm" else "0")
    expect(not re.search(r"^@ wrong .*$", result.output, re.M), "the guest found something wrong", result)
    for number in range(1, moves + 2):
        complaints = re.findall(r"^dmesg %d .*$" % number, result.output, re.M)
        expect(not complaints, "the guest's kernel complains: " + "; ".join(complaints[:3]))
        for name, wanted in (("cpus", "2"), ("forward", "1"), ("irqs", controller)):
            expect_answer(said, name + str(number), wanted)
        expect(said.get("float%d" % number) == said["float1"], "floating point differs: %s" % said.get("float%d" % number), result)
        expect_answer(said, "rounds%d" % number, "1")
        if number > 1:
            expect(said["written%d" % number] != said["written%d" % (number - 1)], "the write changed nothing", result)
    expect_answer(said, "disk", said["written%d" % (moves + 1)])
    no_trouble(result)


@case("moving: refused before the start")
def refused(test):
    """Where there is no KVM, nobody is promised a move to it."""
    kernel = ["--kernel", test.rvkvm.kernel]
    result = refuses(test, [*kernel, "--x-move-to", "kvm"], REFUSED)
    expect("/dev/kvm" in result.errors, "it doesn't say why: " + result.errors)
    for arguments in (["--x-move-to", "auto"], ["--x-move-to", "interpreter", "--cpu", "rv64gch"],
                      ["--x-move-to", "interpreter", "--firmware", "none"]):
        refuses(test, [*kernel, *arguments], USAGE)
