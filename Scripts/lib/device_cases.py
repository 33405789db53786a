"""Cases about devices, with BusyBox as the guest: what it takes to see a device work is little, and a
boot is short."""

import hashlib
import os
import random
import re
import time

from cases import BOOT_LIMIT, PROMPT, Failed, Guest, case, expect, expect_clean, host, refuses, shell
from guest import answers, describe, exec_word, run

MIB = 1 << 20


def digest(data):
    return hashlib.md5(data).hexdigest()


def content(test, image, name):
    """What a file of an ext4 image holds."""
    path = test.file("dump")
    host(test.need_tool("debugfs"), "-R", "dump /%s %s" % (name, path), image)
    with open(path, "rb") as file:
        return file.read()


def run_script(test, script, smp=1, extra=(), limit=BOOT_LIMIT):
    """Runs a script in a guest to its end and returns its answers."""
    test.rvkvm.give(test.directory, "#!/bin/sh\nsay() { echo \"@ $*\"; }\n" + script)
    result = run(test.rvkvm.command("quiet " + exec_word("/script"), smp, extra=extra), limit)
    expect(result.status == 0, describe(result.status), result)
    return answers(result.output)


def expect_answer(said, name, wanted):
    expect(said.get(name) == wanted, "%s: the guest said %r instead of %r" % (name, said.get(name), wanted))


# Disks


@case("disks: files, flags and a snapshot")
def disks(test):
    """What the guest writes is in the image; a read-only disk and a snapshot's image stay as they are."""
    data, fixed, kept = test.file_system("data"), test.file("fixed", b"fixed" * 4096), test.file("kept", bytes(8 * MIB))
    said = run_script(test, """
        for disk in vda vdb vdc; do
            say $disk $(cat /sys/block/$disk/serial) $(cat /sys/block/$disk/size) $(cat /sys/block/$disk/ro)
        done
        mkdir /d
        mount /dev/vda /d
        dd if=/dev/urandom of=/d/blob bs=1M count=8 2>/dev/null
        say blob $(md5sum </d/blob)
        rm -f /d/none
        fstrim /d && say trimmed
        umount /d
        say fixed $(md5sum </dev/vdb)
        dd if=/dev/zero of=/dev/vdb bs=512 count=1 conv=fsync 2>/dev/null || say refused
        dd if=/dev/urandom of=/dev/vdc bs=1M conv=fsync 2>/dev/null
        before=$(md5sum </dev/vdc)
        echo 3 >/proc/sys/vm/drop_caches
        [ "$before" = "$(md5sum </dev/vdc)" ] && say kept
        """, extra=("--disk", data + ",serial=one", "--disk", fixed + ",readonly,serial=two",
                    "--disk", kept + ",snapshot,serial=three"))
    expect_answer(said, "vda", "one %d 0" % (64 * MIB // 512))
    expect_answer(said, "vdb", "two %d 1" % (5 * 4096 // 512))
    expect_answer(said, "vdc", "three %d 0" % (8 * MIB // 512))
    expect("trimmed" in said, "the disk takes no discards")
    expect_answer(said, "fixed", digest(b"fixed" * 4096) + " -")
    expect("refused" in said, "a read-only disk took a write")
    expect("kept" in said, "a snapshot doesn't hold what was written to it")
    expect_clean(test, data)
    expect_answer(said, "blob", digest(content(test, data, "blob")) + " -")
    with open(fixed, "rb") as file:
        expect(file.read() == b"fixed" * 4096, "the read-only image was changed")
    with open(kept, "rb") as file:
        expect(not any(file.read()), "the snapshot's image was changed")


@case("disks: an image that another rvkvm has")
def locked_disk(test):
    """The second is refused, and told by whom; the first doesn't notice."""
    path = test.file_system("data")
    with shell(test, extra=("--disk", path)) as guest:
        for option in (path, path + ",readonly"):
            result = refuses(test, ["--kernel", test.rvkvm.kernel, "--disk", option], 64, 65, 66, 71)
            for word in (path, str(guest.process.pid)):
                expect(word in result.errors, "%r isn't in: %s" % (word, result.errors))
        guest.type(b"mount /dev/vda /tmp && echo $((6*7))\r")
        guest.wait_for(rb"\n42\r*\n", 60)
    # Its end lets the image go, whatever way it ended.
    with shell(test, extra=("--disk", path)):
        pass


@case("disks: an image that shrinks, goes read-only and disappears")
def failing_disk(test):
    """What can't be read is an I/O error in the guest, never zeros; rvkvm and its guest go on."""
    path = test.file("data", os.urandom(16 * MIB))
    with shell(test, extra=("--disk", path)) as guest:
        def ask(command, wanted):
            guest.type(command.encode() + b"\r")
            guest.wait_for(wanted + rb"\r*\n", 60)
            guest.wait_for(PROMPT, 30)
        read = "dd if=/dev/vda of=/dev/null bs=1M skip=%d count=1 iflag=direct 2>/dev/null; echo st''atus $?"
        ask("dmesg -n 1", rb"")
        ask(read % 12, rb"status 0")
        os.chmod(path, 0o400)
        ask(read % 12, rb"status 0")
        os.truncate(path, 8 * MIB)
        ask(read % 12, rb"status 1")
        ask(read % 4, rb"status 0")
        os.unlink(path)
        ask(read % 4, rb"status 0")
        ask("echo $((6*7))", rb"\n42")


@case("disks: a host without space")
def full_host(test):
    """A write that the host refuses is an I/O error in the guest; what was written before stays."""
    path = test.file("data", b"")
    os.truncate(path, 16 * MIB)
    test.rvkvm.give(test.directory, """#!/bin/sh
        write() { dd if=/dev/zero bs=64k count=1 2>/dev/null | tr '\\0' x |
            dd of=/dev/vda bs=64k seek=$1 iflag=fullblock oflag=direct conv=fsync 2>/dev/null; }
        write 0; echo "@ first $?"
        write 200; echo "@ second $?"
        write 1; echo "@ third $?"
        """)
    # A file may grow to 8 MiB and no further: as good as a full disk, and needs none.
    result = run(["sh", "-c", 'ulimit -f 16384; exec "$@"', "sh",
                  *test.rvkvm.command("quiet " + exec_word("/script"), extra=("--disk", path))], BOOT_LIMIT)
    expect(result.status is not None and result.status >= 0, describe(result.status), result)
    said = answers(result.output)
    expect_answer(said, "first", "0")
    expect_answer(said, "second", "1")
    expect_answer(said, "third", "0")
    with open(path, "rb") as file:
        expect(file.read(128 << 10) == b"x" * (128 << 10), "an acknowledged write is missing")


# Numbered records, each followed by its number on the console once fsync has returned. Beside them runs
# a writer that keeps the journal and the queue busy.
RECORDS = """#!/bin/sh
    mount /dev/vda /tmp
    while :; do
        dd if=/dev/zero of=/tmp/noise bs=64k count=32 conv=fsync 2>/dev/null
        mv /tmp/noise /tmp/old
    done &
    n=0
    while :; do
        yes "record $n" | head -c 4096 |
            dd of=/tmp/records bs=4096 seek=$n iflag=fullblock conv=notrunc,fsync 2>/dev/null || echo "@ failed $n"
        echo "@ written $n"
        n=$((n + 1))
    done
    """


@case("disks: acknowledged writes after kill -9")
def killed(test):
    """A killed rvkvm loses nothing that fsync has acknowledged, and the journal alone repairs the rest."""
    path = test.file_system("data")
    test.rvkvm.give(test.directory, RECORDS)
    generator = random.Random(1)
    for number in range(10 if test.options.soak else 2):
        command = test.rvkvm.command("quiet " + exec_word("/script"), 2, extra=("--disk", path))
        with Guest(command) as guest:
            guest.wait_for(rb"@ written 5\r", BOOT_LIMIT)
            written = 5
            deadline = time.monotonic() + generator.uniform(0.2, 2)
            while time.monotonic() < deadline:
                guest.read(0.02)
            guest.process.kill()
            guest.wait(10)
            expect(b"@ failed" not in guest.said, "a write failed")
            written = max([written, *map(int, re.findall(rb"@ written (\d+)\r", guest.said))])
        try:
            expect_records(test, path, written)
        except Failed as failure:
            raise Failed("kill %d, after record %d: %s" % (number + 1, written, failure))


def expect_records(test, path, last):
    check = test.need_tool("e2fsck")
    host(check, "-y", "-E", "journal_only", path)
    # A journal holds no counts of free blocks: the kernel counts anew when it mounts, and so does -p. Whatever
    # else it would have to repair makes it ask, and 4 is its status then.
    result = run([check, "-fp", path], 300)
    expect(result.status in (0, 1), "e2fsck has more to repair than the journal does", result)
    expect_clean(test, path)
    records = content(test, path, "records")
    for number in range(last + 1):
        wanted = (b"record %d\n" % number * 4096)[:4096]
        expect(records[number * 4096:(number + 1) * 4096] == wanted, "record %d is lost" % number)


# The others


@case("entropy")
def entropy(test):
    """The guest's hardware generator is ours, and never says the same twice."""
    said = run_script(test, """
        say generator $(cat /sys/class/misc/hw_random/rng_current)
        say first $(head -c 64 /dev/hwrng | md5sum)
        say second $(head -c 64 /dev/hwrng | md5sum)
        """, extra=("--rng",))
    expect(said.get("generator", "").startswith("virtio_rng"), "the generator is %r" % said.get("generator"))
    expect(said["first"] != said["second"], "twice the same")
    expect(said["first"] != digest(b"") + "  -", "nothing can be read")


@case("balloon gives pages back")
def balloon(test):
    """What a guest has freed is the host's again, without anybody asking the guest for it."""
    with shell(test, extra=("--balloon",)) as guest:
        guest.type(b"dd if=/dev/zero of=/tmp/much bs=1M count=400 2>/dev/null; echo do''ne\r")
        guest.wait_for(rb"done\r*\n", 120)
        high = resident(guest.process.pid)
        guest.type(b"rm /tmp/much; echo do''ne\r")
        guest.wait_for(rb"done\r*\n", 60)
        deadline = time.monotonic() + 60
        while resident(guest.process.pid) > high - 300 * MIB:
            if time.monotonic() > deadline:
                raise Failed("of 400 MiB that the guest has freed %d are back with the host"
                             % ((high - resident(guest.process.pid)) // MIB))
            guest.read(0.2)


def resident(pid):
    """Bytes of memory that a process has, shared ones included."""
    with open("/proc/%d/statm" % pid) as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@case("shared directories")
def shares(test):
    """Files go both ways; a read-only share takes none."""
    for name in ("open", "closed"):
        os.mkdir(test.file(name))
    for name in ("open/greeting", "closed/greeting"):
        test.file(name, "from the host\n")
    said = run_script(test, """
        mkdir /o /c
        mount -t 9p -o trans=virtio,version=9p2000.L open /o
        mount -t 9p -o trans=virtio,version=9p2000.L,ro closed /c
        mount -o remount,rw /c
        say open $(cat /o/greeting)
        say closed $(cat /c/greeting)
        mkdir -p /o/one/two
        dd if=/dev/urandom of=/o/one/blob bs=64k count=64 2>/dev/null
        mv /o/one/blob /o/one/two/blob
        say blob $(md5sum </o/one/two/blob)
        ln -s greeting /o/link
        say link $(cat /o/link)
        rm /o/greeting
        touch /c/new 2>/dev/null || say refused
        say listed $(ls /o)
        umount /o
        """, extra=("--share", test.file("open") + ",tag=open", "--share", test.file("closed") + ",tag=closed,readonly"))
    for name in ("open", "closed", "link"):
        expect_answer(said, name, "from the host")
    expect_answer(said, "listed", "link one")
    with open(test.file("open/one/two/blob"), "rb") as file:
        expect_answer(said, "blob", digest(file.read()) + " -")
    expect(not os.path.exists(test.file("open/greeting")), "a file that the guest removed is there")
    expect("refused" in said and os.listdir(test.file("closed")) == ["greeting"], "a read-only share took a file")
