"""Starting the guest under rvkvm or QEMU and reading what it says: for boot-tests and measure."""

import base64
import os
import re
import signal
import subprocess
import time



def exec_word(command):
    """The kernel command line's word that makes the guest run a shell command and power off."""
    return "rvkvm.exec=" + base64.b64encode(command.encode()).decode()


class Launcher:
    """Something that boots the guest: the same kernel, initrd and command line for both."""

    def __init__(self, program, images, append):
        self.program = program
        self.kernel = os.path.join(images, "Image")
        self.initrd = os.path.join(images, "initrd.cpio.gz")
        self.append = append

    def line(self, word):
        return (self.append + " " + word).strip()


class Rvkvm(Launcher):
    name = "rvkvm"

    def command(self, word="", smp=1, memory="1G", extra=()):
        return [
            self.program, "run", "--kernel", self.kernel, "--initrd", self.initrd,
            "--append", self.line(word), "--smp", str(smp), "--mem", memory, *extra,
        ]


class Qemu(Launcher):
    name = "QEMU"

    def command(self, word="", smp=1, memory="1G", extra=()):
        return [
            self.program, "-M", "virt", "-cpu", "rv64", "-nographic", "-no-reboot",
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


def run(command, limit, **options):
    """Runs to the end with output in pipes; killed after `limit` seconds."""
    started = time.monotonic()
    options.setdefault("stdin", subprocess.DEVNULL)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    try:
        output, errors = process.communicate(timeout=limit)
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


def batch_answers(output):
    """(nproc, uname) of a guest in batch mode, None for what it didn't print."""
    processors = re.search(r"^(\d+)$", output, re.M)
    system = re.search(r"^(Linux rvkvm .*)$", output, re.M)
    return (int(processors.group(1)) if processors else None, system.group(1) if system else None)
