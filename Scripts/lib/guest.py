"""Starting the guest under rvkvm or QEMU and reading what it says: for boot-tests and measure."""

import base64
import os
import re
import shutil
import signal
import subprocess
import time



def exec_word(command):
    """The kernel command line's word that makes the guest run a shell command and power off."""
    return "rvkvm.exec=" + base64.b64encode(command.encode()).decode()


def archive(files):
    """An initrd with more files, to stand behind another: the kernel unpacks one after the other.
    A kernel's command line has 1024 bytes, so that what a guest is to run often doesn't fit there."""
    result = bytearray()
    names = [*files, "TRAILER!!!"]
    for number, name in enumerate(names, 1):
        content = files.get(name, b"")
        content = content if isinstance(content, bytes) else content.encode()
        mode = 0o100755 if name in files else 0
        fields = [number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
        result += b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        result += bytes(-len(result) % 4) + content
        result += bytes(-len(result) % 4)
    return bytes(result)


class Launcher:
    """Something that boots the guest: the same kernel, initrd and command line for both."""

    def __init__(self, program, images, append):
        self.program = program
        self.images = images
        self.kernel = os.path.join(images, "Image")
        self.plain_initrd = self.initrd = os.path.join(images, "initrd.cpio.gz")
        self.append = append

    def give(self, directory, script):
        """From now on the guest has /script, and `exec_word("/script")` runs it."""
        path = os.path.join(directory, "initrd")
        with open(self.plain_initrd, "rb") as old, open(path, "wb") as new:
            content = old.read()
            new.write(content + bytes(-len(content) % 4) + archive({"script": script}))
        self.initrd = path

    def give_nested(self, directory):
        """From now on the guest has /nested: a monitor, and what that boots."""
        path = os.path.join(directory, "initrd")
        with open(path, "wb") as new:
            # The archive that isn't compressed has to lie at a multiple of four.
            for part in (os.path.join(self.images, "nested.cpio"), self.plain_initrd):
                with open(part, "rb") as old:
                    shutil.copyfileobj(old, new)
        self.initrd = path

    def line(self, word):
        return (self.append + " " + word).strip()


class Rvkvm(Launcher):
    name = "rvkvm"
    hart_thread = "rvkvm-hart"

    def disk(self, path, readonly=False):
        return ["--disk", path.replace(",", ",,") + (",readonly" if readonly else "")]

    def hypervisor(self, aia=False):
        """Harts with H, under a PLIC or with guest interrupt files."""
        return ["--cpu", "rv64gch"] + (["--irqchip", "aia"] if aia else [])

    def user_network(self):
        return ["--net", "user"]

    def tap(self, interface):
        return ["--net", "tap,ifname=" + interface]

    def command(self, word="", smp=1, memory="1G", extra=()):
        return [
            self.program, "run", "--kernel", self.kernel, "--initrd", self.initrd,
            "--append", self.line(word), "--smp", str(smp), "--mem", memory, *extra,
        ]


class Qemu(Launcher):
    name = "QEMU"
    hart_thread = "CPU "
    devices = 0

    def number(self):
        self.devices += 1
        return "device%d" % self.devices

    def disk(self, path, readonly=False):
        name = self.number()
        return ["-drive", "file=%s,format=raw,if=none,id=%s,aio=io_uring,readonly=%s" % (
                    path.replace(",", ",,"), name, "on" if readonly else "off"),
                "-device", "virtio-blk-device,drive=" + name]

    def hypervisor(self, aia=False):
        # What comes later on the command line goes before what command() says.
        return ["-cpu", "rv64,h=true"] + (["-M", "virt,aia=aplic-imsic,aia-guests=7"] if aia else [])

    def user_network(self):
        return self.network("user")

    def tap(self, interface):
        return self.network("tap,ifname=%s,script=no,downscript=no" % interface)

    def network(self, kind):
        name = self.number()
        return ["-netdev", "%s,id=%s" % (kind, name), "-device", "virtio-net-device,netdev=" + name]

    def command(self, word="", smp=1, memory="1G", extra=()):
        return [
            self.program, "-M", "virt", "-cpu", "rv64", "-nographic", "-no-reboot",
            # Threads by name tell harts from devices; and devices as rvkvm's are.
            "-name", "guest,debug-threads=on", "-global", "virtio-mmio.force-legacy=false",
            "-kernel", self.kernel, "-initrd", self.initrd,
            "-append", self.line(word), "-smp", str(smp), "-m", memory, *extra,
        ]


class Result:
    def __init__(self, status, output, errors, seconds):
        self.status = status  # None when it had to be killed
        self.output = output
        self.errors = errors
        self.seconds = seconds


def text(data):
    """What a console said, without the carriage returns of its lines."""
    return data.decode("utf-8", "replace").replace("\r", "")


def stop(process):
    """Ends a process of ours: politely, then for certain."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run(command, limit, input=None, **options):
    """Runs to the end with output in pipes; killed after `limit` seconds."""
    started = time.monotonic()
    options.setdefault("stdin", subprocess.DEVNULL if input is None else subprocess.PIPE)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    try:
        output, errors = process.communicate(input, timeout=limit)
        status = process.returncode
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
        status = None
    except BaseException:
        # An interrupted test must leave no guest behind that eats a core.
        process.kill()
        raise
    return Result(status, text(output), text(errors), time.monotonic() - started)


def describe(status):
    if status is None:
        return "it didn't end in time and was killed"
    if status < 0:
        return "it was ended by " + signal.Signals(-status).name
    return "status %d" % status


def monitor_word(processors, aia=False, bootargs="rvkvm.batch"):
    """The kernel command line's word that has the guest of `give_nested` boot a guest of its own."""
    return exec_word("modprobe kvm && /nested/monitor -c %d -m 192 %s -i /nested/initrd.cpio.gz "
                     "-a 'console=ttyS0 %s' /nested/Image" % (processors, "--aia" if aia else "", bootargs))


def batch_answers(output):
    """(nproc, uname) of a guest in batch mode, None for what it didn't print."""
    processors = re.search(r"^(\d+)$", output, re.M)
    system = re.search(r"^(Linux rvkvm .*)$", output, re.M)
    return (int(processors.group(1)) if processors else None, system.group(1) if system else None)


def answers(output):
    """The lines "@ name value" of a guest's script."""
    return dict(re.findall(r"^@ (\S+) ?(.*)$", output, re.M))
