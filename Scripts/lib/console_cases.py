"""Cases about the virtio console: its ports and where they end, sizes, resets."""

import fcntl
import hashlib
import os
import select
import socket
import struct
import termios
import time

from cases import BOOT_LIMIT, PROMPT, Failed, Guest, case, expect, expect_healthy
from guest import describe, exec_word, run


def command(test, word, *extra):
    """A guest whose console is hvc0."""
    return test.rvkvm.command("console=hvc0 " + word, extra=("--console", "virtio", *extra))


def set_size(descriptor, columns, rows):
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def hear(read, pattern, limit=60):
    """Calls `read` until `pattern` has come; what came."""
    heard = b""
    deadline = time.monotonic() + limit
    while pattern not in heard:
        if time.monotonic() > deadline:
            raise Failed("no %r, only %r" % (pattern, heard[-200:]))
        heard += read()
    return heard


def from_descriptor(descriptor):
    def read():
        ready, _, _ = select.select([descriptor], [], [], 0.2)
        return os.read(descriptor, 65536) if ready else b""
    return read


def from_socket(peer):
    peer.settimeout(0.2)

    def read():
        try:
            return peer.recv(65536)
        except TimeoutError:
            return b""
    return read


def connect(path):
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(path)
    return peer


@case("virtio console in a pipe")
def boots_on_virtio(test):
    """A guest whose console is hvc0 says the same as one on the serial port."""
    expect_healthy(run(command(test, "rvkvm.batch"), BOOT_LIMIT), 1)


@case("early console by SBI before the virtio console")
def early_console(test):
    """earlycon=sbi shows what the kernel says before there is a driver for hvc0."""
    result = run(command(test, "earlycon=sbi keep_bootcon rvkvm.batch"), BOOT_LIMIT)
    expect_healthy(result, 1)
    expect("Linux version" in result.output, "the first lines are missing", result)


@case("much output on the virtio console")
def much_output(test):
    """Output that comes faster than it is read arrives whole and in order."""
    result = run(command(test, "quiet " + exec_word("seq 1 20000")), BOOT_LIMIT)
    lines = [line for line in result.output.splitlines() if line.isdigit()]
    expect(lines == [str(n) for n in range(1, 20001)], "%d of 20000 lines, or out of order" % len(lines), result)


@case("terminal size on the virtio console")
def size_follows(test):
    """stty size in the guest is the terminal's, also after the window has changed."""
    with Guest(["sh", "-c", 'stty cols 101 rows 37; exec "$@"', "sh", *command(test, "")]) as guest:
        guest.wait_for(PROMPT, BOOT_LIMIT)
        guest.type(b"stty size\n")
        guest.wait_for(rb"37 101", 30)
        set_size(guest.master, 132, 50)
        # It takes a moment, and nothing tells when.
        guest.type(b"until stty size | grep -q '50 132'; do sleep 0.2; done; echo now-$(stty size)\n")
        guest.wait_for(rb"now-50 132", 30)
        # The keys of the terminal work as they do on the serial port.
        guest.type(b"\x01h")
        guest.wait_for(rb"Ctrl-A X", 30)
        guest.type(b"\x01x")
        status = guest.wait(30)
        expect(status == 0, "it goes on" if status is None else describe(status))
        guest.expect_terminal_restored()


@case("reset with a virtio console")
def reset_keeps_the_console(test):
    """The guest's reset starts it again at the same terminal."""
    with Guest(command(test, "quiet")) as guest:
        for boot in range(2):
            guest.wait_for(rb"A shell on", BOOT_LIMIT)
            guest.wait_for(PROMPT, 30)
            guest.type(b"echo boot-$((%d + 1))\n" % boot)
            guest.wait_for(b"boot-%d" % (boot + 1), 30)
            if boot == 0:
                guest.type(b"reboot -f\n")
        guest.type(b"exit\n")
        status = guest.wait(60)
        expect(status == 0, "it goes on" if status is None else describe(status))


@case("consoles at a pseudo-terminal, sockets and a file")
def further_consoles(test):
    """Each port of the virtio console ends where it shall, both ways, and peers may come again."""
    log, console, port = test.file("log"), test.file("console"), test.file("port")
    extra = ["--console", "pty", "--console", "file:" + log, "--console", "unix:" + console,
             "--console", "unix:%s,name=org.example.agent" % port]
    with Guest(command(test, "quiet", *extra)) as guest:
        path = guest.wait_for(rb"/dev/pts/\d+", 30)
        guest.wait_for(PROMPT, BOOT_LIMIT)
        guest.type(b"cat /sys/class/virtio-ports/*/name\n")
        guest.wait_for(rb"\norg.example.agent", 30)

        guest.type(b"echo to-the-log >/dev/hvc2\n")
        guest.wait_for(PROMPT, 30)

        # Two peers one after the other, and a third that waits for its turn.
        # Kept open: what comes while a terminal is being closed is lost, as on any.
        guest.type(b"exec 4<>/dev/hvc3; while read x <&4; do echo reply-$x >&4; done &\n")
        for number in range(2):
            peer = connect(console)
            peer.sendall(b"peer%d\n" % number)
            hear(from_socket(peer), b"reply-peer%d" % number)
            peer.close()
            time.sleep(0.3)

        guest.type(b"cat /dev/vport0p4 >/tmp/got &\n")
        sent = b"0123456789" * 10000
        peer = connect(port)
        peer.sendall(sent)
        peer.close()
        guest.type(b"while [ $(wc -c </tmp/got) -lt %d ]; do sleep 0.2; done; md5sum </tmp/got\n" % len(sent))
        guest.wait_for(hashlib.md5(sent).hexdigest().encode(), 60)

        terminal = os.open(path, os.O_RDWR | os.O_NOCTTY)
        guest.type(b"exec 5<>/dev/hvc1; echo to-the-terminal >&5; read x <&5; echo got-$x\n")
        hear(from_descriptor(terminal), b"to-the-terminal")
        os.write(terminal, b"typed\n")
        guest.wait_for(rb"got-typed", 30)
        os.close(terminal)
        guest.type(b"poweroff -f\n")
        status = guest.wait(60)
        expect(status == 0, "it goes on" if status is None else describe(status))
    with open(log, "rb") as file:
        expect(file.read().strip() == b"to-the-log", "the file has something else")
    expect(not os.path.exists(console) and not os.path.exists(port), "sockets are left behind")


@case("pseudo-terminal as the serial port")
def serial_at_a_terminal(test):
    """--console serial,pty: the guest's ttyS0 is at a terminal of its own, with nothing on standard output."""
    with Guest(test.rvkvm.command("", extra=("--console", "serial,pty"))) as guest:
        path = guest.wait_for(rb"/dev/pts/\d+\s+\n", 30).strip()
        terminal = os.open(path, os.O_RDWR | os.O_NOCTTY)
        read = from_descriptor(terminal)
        hear(read, b"# ", BOOT_LIMIT)
        os.write(terminal, b"echo its-$((6 * 7))\n")
        hear(read, b"its-42")
        os.write(terminal, b"exit\n")
        status = guest.wait(60)
        os.close(terminal)
        expect(status == 0, "it goes on" if status is None else describe(status))
        expect(not guest.said.strip(), "on the terminal: %r" % guest.said)
