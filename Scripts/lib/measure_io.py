"""Disks and networks, measured by fio and iperf3 in the guest: how fast, and at what cost to the host.

The harts' own instructions dominate under emulation, so that throughput says more about the engine
than about the devices. Hence the processor time beside it: of the threads that aren't harts (the
device's side), and of all.
"""

import os
import re
import select
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

from guest import describe, exec_word, stop, text

LIMIT = 900
MIB = 1 << 20
TAP, TAP_HOST, TAP_GUEST = "rvkvmbench", "10.77.77.1", "10.77.77.2"
# NAME: what fio is told, how much it moves, and whether MB/s or operations a second count.
DISK_JOBS = {
    "seq read": ("--rw=read --bs=1M --iodepth=4", 1024 * MIB, "MB/s"),
    "seq write": ("--rw=write --bs=1M --iodepth=4", 1024 * MIB, "MB/s"),
    "4k read": ("--rw=randread --bs=4k --iodepth=16", 64 * MIB, "op/s"),
    "4k write": ("--rw=randwrite --bs=4k --iodepth=16", 64 * MIB, "op/s"),
}
NETWORK_BYTES = {"user": 256 * MIB, "tap": 1024 * MIB}
SCRIPT_HEAD = """#!/bin/sh
    mount -o ro /dev/vda /root
    mount -t tmpfs tmpfs /root/tmp
    for name in proc sys dev; do mount --bind /$name /root/$name; done
    # Into the cache, so that the first job isn't the one to load it.
    chroot /root fio --version; chroot /root iperf3 --version
    # What stands between two marks is what is measured.
    measure() { job=$1; shift; sleep 1; echo "@ begin $job"; chroot /root "$@" >/tmp/log; echo "@ end $job"; }
    """


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


class Figures:
    """What a job came to: its rate, and the seconds of processor time that went into it."""

    def __init__(self, rate, device, all_threads):
        self.rate = rate
        self.device = device
        self.all_threads = all_threads


def processor_time(pid, hart_thread):
    """(of threads that aren't harts, of all), in seconds, threads that have ended included."""
    # The clock of another process, as clock_getcpuclockid(3) makes it.
    whole = time.clock_gettime(~pid << 3 | 2)
    harts = 0
    for task in os.listdir("/proc/%d/task" % pid):
        try:
            with open("/proc/%d/task/%s/comm" % (pid, task)) as file:
                if not file.read().startswith(hart_thread):
                    continue
            with open("/proc/%d/task/%s/schedstat" % (pid, task)) as file:
                harts += int(file.read().split()[0])
        except FileNotFoundError:
            continue
    return whole - harts / 1e9, whole


def run_marked(launcher, script, smp, extra, directory):
    """{job: (what the guest printed about it, device's seconds, all seconds)}."""
    launcher.give(directory, script)
    process = subprocess.Popen(launcher.command("quiet " + exec_word("/script"), smp, extra=extra),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said, begun, taken = b"", {}, {}
    deadline = time.monotonic() + LIMIT
    try:
        while True:
            if not select.select([process.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
                raise Failed("%s: it didn't end within %d s; it last said:\n%s" % (
                    launcher.name, LIMIT, last_lines(said)))
            more = os.read(process.stdout.fileno(), 65536)
            if not more:
                break
            said += more
            for mark, job in re.findall(rb"^@ (begin|end) (.*?)\r*\n", said, re.M):
                job = job.decode()
                if mark == b"begin" and job not in begun:
                    begun[job] = processor_time(process.pid, launcher.hart_thread)
                elif mark == b"end" and job not in taken:
                    now = processor_time(process.pid, launcher.hart_thread)
                    taken[job] = [after - before for after, before in zip(now, begun[job])]
        status = process.wait(60)
    finally:
        stop(process)
        process.stdout.close()
    if status != 0:
        raise Failed("%s: %s; it last said:\n%s" % (launcher.name, describe(status), last_lines(said)))
    results = dict(re.findall(r"^@ result (.*?): (.*)$", text(said), re.M))
    return {job: (results.get(job, ""), *taken[job]) for job in taken}


def last_lines(said):
    return "\n".join(text(said).splitlines()[-12:])


def disk_figures(launcher, smp, directory):
    data = os.path.join(directory, "data")
    script = SCRIPT_HEAD
    for job, (arguments, size, unit) in DISK_JOBS.items():
        script += """
        measure "%s" fio --name=job --filename=/dev/vdb --ioengine=libaio --direct=1 --size=%d %s --minimal
        echo "@ result %s: $(cat /tmp/log)"
        """ % (job, size, arguments, job)
    # Both begin with the same file, all of it there and in the host's cache.
    with open(data, "wb") as file:
        block = os.urandom(MIB)
        for _ in range(max(size for _, size, _ in DISK_JOBS.values()) // MIB):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    extra = launcher.disk(os.path.join(launcher.images, "trixie.ext4"), readonly=True) + launcher.disk(data)
    figures = {}
    for job, (result, device, everything) in run_marked(launcher, script, smp, extra, directory).items():
        fields = result.split(";")
        if len(fields) < 50 or fields[4] != "0":
            raise Failed("%s: fio's answer to %s is %r" % (launcher.name, job, result[:200]))
        # Terse version 3: KiB/s and operations a second, of reads and of writes.
        rate, operations = map(int, fields[6:8] if "read" in job else fields[47:49])
        figures[job] = Figures(rate * 1024 / 1e6 if DISK_JOBS[job][2] == "MB/s" else operations, device, everything)
    return figures


def network_figures(launcher, smp, directory, kind, port):
    if kind == "user":
        network, own, host = launcher.user_network(), "10.0.2.15", "10.0.2.2"
    else:
        network, own, host = launcher.tap(TAP), TAP_GUEST, TAP_HOST
    script = SCRIPT_HEAD + """
        ip link set lo up; ip link set eth0 up; ip addr add %s/24 dev eth0; sleep 1
        """ % own
    for job, flag in ((kind + " send", ""), (kind + " receive", "-R")):
        script += """
        measure "%s" iperf3 -c %s -p %d -n %d -f k %s
        echo "@ result %s: $(grep receiver /tmp/log || tail -n 1 /tmp/log)"
        """ % (job, host, port, NETWORK_BYTES[kind], flag, job)
    extra = launcher.disk(os.path.join(launcher.images, "trixie.ext4"), readonly=True) + network
    figures = {}
    for job, (result, device, everything) in run_marked(launcher, script, smp, extra, directory).items():
        rate = re.search(r"(\d+(?:\.\d+)?) Kbits/sec", result)
        if not rate:
            raise Failed("%s: iperf3's answer to %s is %r" % (launcher.name, job, result))
        figures[job] = Figures(float(rate.group(1)) / 1e3, device, everything)
    return figures


class Server:
    """iperf3 at the host's end of a network."""

    def __init__(self, address):
        with socket.socket() as free:
            free.bind((address, 0))
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen(["iperf3", "-s", "-B", address, "-p", str(self.port)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self.port

    def __exit__(self, *_):
        stop(self.process)


class Tap:
    """A tap interface of this machine's, which only root can make."""

    def __enter__(self):
        if os.getuid() != 0:
            raise Skipped("only root can make a tap interface")
        if not shutil.which("ip") or not os.path.exists("/dev/net/tun"):
            raise Skipped("there is no ip command or no /dev/net/tun")
        self.ip("tuntap", "add", "dev", TAP, "mode", "tap")
        self.ip("addr", "add", TAP_HOST + "/24", "dev", TAP)
        self.ip("link", "set", TAP, "up")

    def __exit__(self, *_):
        subprocess.run(["ip", "link", "del", TAP], check=False)

    def ip(self, *arguments):
        done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed("ip %s: %s" % (" ".join(arguments), done.stderr.strip()))


def measure_io(launchers, smp, runs):
    print("io, %d hart(s), %d runs: rates as the guest measures them, and the host's seconds of processor time"
          % (smp, runs))
    with tempfile.TemporaryDirectory(prefix="rvkvm-bench-", dir="/var/tmp") as directory:
        alternate(launchers, runs, dict((job, unit) for job, (_, _, unit) in DISK_JOBS.items()),
                  lambda launcher: disk_figures(launcher, smp, directory))
        with Server("127.0.0.1") as port:
            alternate(launchers, runs, dict.fromkeys(("user send", "user receive"), "Mbit/s"),
                      lambda launcher: network_figures(launcher, smp, directory, "user", port))
        try:
            with Tap(), Server(TAP_HOST) as port:
                alternate(launchers, runs, dict.fromkeys(("tap send", "tap receive"), "Mbit/s"),
                          lambda launcher: network_figures(launcher, smp, directory, "tap", port))
        except Skipped as reason:
            print("tap: skipped: %s" % reason)


def alternate(launchers, runs, units, measure):
    taken = {launcher.name: {job: [] for job in units} for launcher in launchers}
    for number in range(1, runs + 1):
        for launcher in launchers:
            figures = measure(launcher)
            for job in units:
                taken[launcher.name][job].append(figures[job])
            print("  run %d, %s: " % (number, launcher.name) + ", ".join(
                "%s %.0f %s (%.2f s, %.2f s)" % (job, one.rate, units[job], one.device, one.all_threads)
                for job, one in figures.items()), flush=True)
    print("%-14s %28s %6s %28s %28s" % ("", "rvkvm / QEMU", "ratio", "device's side, s", "all threads, s"))
    for job, unit in units.items():
        ours, theirs = ([median(taken[launcher.name][job], field) for field in ("rate", "device", "all_threads")]
                        for launcher in launchers)
        print("%-14s %9.0f / %-9.0f %-6s %6.2f" % (job, ours[0], theirs[0], unit, ratio(ours[0], theirs[0]))
              + "".join("   %7.2f / %-7.2f %7.2f" % (our, their, ratio(our, their))
                        for our, their in zip(ours[1:], theirs[1:])))


def median(figures, field):
    return statistics.median(getattr(one, field) for one in figures)


def ratio(ours, theirs):
    return ours / theirs if theirs else float("inf")
