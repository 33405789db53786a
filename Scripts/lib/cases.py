"""What the cases of the boot tests are made of: registering, judging, a guest on a terminal.

A case is a function; its docstring says what it stands for. It raises Failed with what went wrong
or Skipped with what was missing.
"""

import fcntl
import itertools
import os
import pty
import re
import select
import shutil
import subprocess
import tempfile
import termios
import time

from guest import Qemu, Rvkvm, batch_answers, describe, run, text

# What a kernel says when something went wrong; nothing of a healthy boot matches.
TROUBLE = re.compile(r"WARN|BUG|Oops|rcu.*stall")
# How long a boot may take before it counts as hung. Generous: test machines are slow and shared.
BOOT_LIMIT = 180

USAGE, BAD_DATA, MISSING, REFUSED, TIMED_OUT = 64, 65, 66, 71, 124

CASES = []


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


def case(name, slow=False, *arguments):
    """Registers a function as a case; `slow` ones are left out by --quick."""
    def register(function):
        CASES.append((name, function, arguments, slow))
        return function
    return register


def expect(condition, message, result=None):
    if condition:
        return
    if result is not None:
        message += tail(result)
    raise Failed(message)


def tail(result):
    lines = (result.output + result.errors).splitlines()[-8:]
    return "".join("\n    | " + line for line in lines)


def expect_healthy(result, smp):
    expect(result.status == 0, "%s instead of status 0" % describe(result.status), result)
    processors, _ = batch_answers(result.output)
    expect(processors == smp, "nproc printed %s instead of %d" % (processors, smp), result)
    expect_clean_log(result)


def expect_clean_log(result, trouble=TROUBLE):
    found = [line for line in result.output.splitlines() if trouble.search(line)]
    expect(not found, "the kernel's log has: " + "; ".join(found[:3]))


class Guest:
    """rvkvm on a terminal of its own."""

    def __init__(self, command):
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        # What nobody has waited for yet, and everything.
        self.said = self.heard = b""

        def take_terminal():
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            command, stdin=self.slave, stdout=self.slave, stderr=self.slave,
            start_new_session=True, preexec_fn=take_terminal)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # Someone has to read while it ends: a full terminal would hold its last words back.
        if self.process.poll() is None:
            self.process.terminate()
            self.wait(10)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def read(self, seconds):
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return False
        more = os.read(self.master, 65536)
        self.said += more
        self.heard += more
        return True

    def wait_for(self, pattern, limit):
        """Reads until `pattern` was said and returns it; what comes after is kept for the next time."""
        deadline = time.monotonic() + limit
        while True:
            found = re.search(pattern, self.said)
            if found:
                self.said = self.said[found.end():]
                return found.group()
            if time.monotonic() > deadline or (self.process.poll() is not None and not self.read(0)):
                lines = text(self.said).splitlines()[-8:]
                raise Failed("no %r on the console%s%s" % (
                    pattern.decode(),
                    "" if self.process.poll() is None else "; " + describe(self.process.returncode),
                    "".join("\n    | " + line for line in lines)))
            self.read(0.2)

    def type(self, keys):
        os.write(self.master, keys)

    def wait(self, limit):
        """The status, or None when it doesn't end."""
        deadline = time.monotonic() + limit
        while self.process.poll() is None and time.monotonic() < deadline:
            self.read(0.05)
        while self.read(0):
            pass
        return self.process.poll()

    def expect_terminal_restored(self):
        expect(termios.tcgetattr(self.slave) == self.before, "the terminal isn't as it was before")


PROMPT = rb"[#] (\x1b\[6n)?"


def shell(test, smp=1, extra=()):
    """A guest at its shell's prompt."""
    guest = Guest(test.rvkvm.command("", smp, extra=extra))
    try:
        guest.wait_for(PROMPT, BOOT_LIMIT)
    except BaseException:
        guest.__exit__()
        raise
    return guest


def expect_refusal(result, statuses):
    expect(result.status in statuses, "%s instead of %s" % (
        describe(result.status), " or ".join(map(str, statuses))), result)
    lines = [line for line in result.errors.splitlines() if line.strip()]
    expect(len(lines) == 1, "%d lines instead of one sentence on standard error%s" % (
        len(lines), "".join("\n    | " + line for line in lines[:6])))
    expect(result.output == "", "something was printed on standard output", result)


def refuses(test, arguments, *statuses):
    result = run([test.rvkvm.program, "run", *arguments], 30)
    expect_refusal(result, statuses)
    return result


def host(*command):
    """Runs a program of the host's, which has to succeed, and returns what it said."""
    result = run(command, 120)
    expect(result.status == 0, "%s: %s" % (" ".join(command[:2]), describe(result.status)), result)
    return result.output


def expect_clean(test, path):
    """The file system in an image has nothing to repair, its journal included."""
    result = run([test.need_tool("e2fsck"), "-fn", path], 300)
    expect(result.status == 0, "e2fsck finds the file system in disorder", result)


class Test:
    """What a case works with."""

    def __init__(self, options, directory):
        self.options = options
        self.directory = directory
        self.rvkvm = Rvkvm(options.rvkvm, options.images, options.append)

    def file(self, name, content=None):
        path = os.path.join(self.directory, name)
        if content is not None:
            with open(path, "wb") as file:
                file.write(content if isinstance(content, bytes) else content.encode())
        return path

    def file_system(self, name, size=64 << 20):
        """An image with an empty ext4."""
        path = self.file(name, b"")
        os.truncate(path, size)
        host(self.need_tool("mke2fs"), "-q", "-t", "ext4", path)
        return path

    def need_soak(self):
        if self.options.soak == 0:
            raise Skipped("only with --soak")

    def need_tool(self, name):
        """The path of a program of the host's; those for administrators may be off the PATH."""
        path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if not path:
            raise Skipped(name + " isn't installed")
        return path

    def need_image(self, name):
        path = os.path.join(self.options.images, name)
        if not os.path.exists(path):
            raise Skipped("%s is missing: Scripts/images --rootfs makes it" % name)
        return path

    def need_qemu(self):
        if self.options.no_qemu:
            raise Skipped("--no-qemu was given")
        if not shutil.which(self.options.qemu):
            raise Skipped("QEMU isn't installed")
        return Qemu(self.options.qemu, self.options.images, self.options.append)


def perform(options, name, function, arguments):
    with tempfile.TemporaryDirectory(prefix="rvkvm-test-") as directory:
        started = time.monotonic()
        try:
            function(Test(options, directory), *arguments)
            outcome, reason = "passed", ""
        except Skipped as skipped:
            outcome, reason = "skipped", str(skipped)
        except Failed as failure:
            outcome, reason = "failed", str(failure)
        except OSError as failure:
            outcome, reason = "failed", str(failure)
        print("boot: %s: %s (%.1f s)%s" % (
            outcome, name, time.monotonic() - started, ": " + reason if reason else ""), flush=True)
        return outcome


def in_reading_order(cases):
    """Several decorators on one function take effect from the last to the first."""
    for _, group in itertools.groupby(cases, key=lambda entry: entry[1]):
        yield from reversed(list(group))
