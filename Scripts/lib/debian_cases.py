"""Cases with Debian trixie on a disk: systemd, DHCP, ssh, and fio, which judges the disk."""

import hashlib
import http.server
import os
import re
import shutil
import socket
import threading

from cases import BOOT_LIMIT, Guest, case, expect, expect_clean
from guest import answers, describe, exec_word, run

MIB = 1 << 20
# What a client is sent: 200 MB, no two blocks of which are alike.
DOWNLOAD_BLOCKS = 200


def download_block(number):
    return (b"block %06d of what a guest downloads\n" % number * 29000)[:MIB]


class Downloads(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(DOWNLOAD_BLOCKS * MIB))
        self.end_headers()
        for number in range(DOWNLOAD_BLOCKS):
            self.wfile.write(download_block(number))

    def log_message(self, *_):
        pass


class Server:
    """An HTTP server on this machine's loopback, which user-mode networking shows as 10.0.2.2."""

    def __enter__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Downloads)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self.server.server_address[1]

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def own_copy(test):
    """A copy of Debian's image, of which only what isn't zero takes space."""
    path = test.file("trixie.ext4")
    shutil.copyfile(test.need_image("trixie.ext4"), path)
    return path


class Login:
    """Commands in a guest by ssh, each a connection of its own."""

    def __init__(self, test, port):
        # ssh wants the key to be nobody else's, whatever the umask was when the image was made.
        key = test.file("key")
        shutil.copyfile(test.need_image("guest_key"), key)
        os.chmod(key, 0o600)
        self.line = [test.need_tool("ssh"), "-F", "none", "-i", key, "-p", str(port), "-o", "BatchMode=yes",
                     "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                     "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=60", "root@127.0.0.1"]

    def run(self, command, limit):
        result = run([*self.line, command], limit)
        expect(result.status == 0, "ssh %r: %s" % (command, describe(result.status)), result)
        return result.output


@case("Debian: systemd, network, ssh and power-off", True)
def debian(test):
    """Debian comes to its login on 4 harts, and everything a small server does works."""
    disk, port = own_copy(test), free_port()
    login = Login(test, port)
    command = test.rvkvm.command("root=/dev/vda", 4, extra=(
        "--disk", disk, "--net", "user,hostfwd=tcp:127.0.0.1:%d-:22" % port, "--rng"))
    with Server() as server, Guest(command) as guest:
        guest.wait_for(rb"trixie login: ", 4 * BOOT_LIMIT)
        guest.type(b"root\r")
        guest.wait_for(rb"Password: ", 60)
        guest.type(b"rvkvm\r")
        guest.wait_for(rb"root@trixie:~# ", 60)
        # The console stays busy with it while ssh comes in beside it.
        guest.type(b"wget -q -O- http://10.0.2.2:%d/ | md5sum; echo do''ne\r" % server)
        address = login.run("ip -4 -o address show dev eth0; systemctl --failed --no-legend", 120)
        expect("inet 10.0.2.15/24" in address, "the guest's address is " + address)
        expect(len(address.splitlines()) == 1, "units have failed: " + address)
        guest.wait_for(download_digest().encode(), 600)
        guest.wait_for(rb"done\r*\n", 60)
        sent = os.urandom(4 * MIB)
        result = run([*login.line, "cat >/root/sent && md5sum /root/sent"], 120, input=sent)
        expect(hashlib.md5(sent).hexdigest() in result.output, "4 MiB through ssh arrived otherwise", result)
        guest.type(b"poweroff\r")
        status = guest.wait(180)
        expect(status == 0, "after poweroff: " + ("it goes on" if status is None else describe(status)))
    expect_clean(test, disk)


def download_digest():
    whole = hashlib.md5()
    for number in range(DOWNLOAD_BLOCKS):
        whole.update(download_block(number))
    return whole.hexdigest()


# One run for all, for fio takes its time to start; stonewall lets a job wait for those before it.
FIO = """#!/bin/sh
    mount -o ro /dev/vda /root
    mount /dev/vdb /root/mnt
    mount -t tmpfs tmpfs /root/tmp
    for name in proc sys dev; do mount --bind /$name /root/$name; done
    cat >/root/tmp/jobs <<end
[global]
directory=/mnt
size=%(size)s
verify_state_save=0
bs=4k
ioengine=libaio
iodepth=16
direct=1
fsync=128
verify=crc32c
verify_fatal=1
group_reporting
[write-1]
rw=write
[random-1]
stonewall
rw=randwrite
[write-4]
stonewall
rw=write
numjobs=4
[random-4]
stonewall
rw=randwrite
numjobs=4
end
    chroot /root fio /tmp/jobs
    echo "@ fio $?"
    umount /root/mnt
    """


@case("disks: fio verifies what it wrote", True)
def fio(test):
    """Sequential and random writes with fsync, from one job and from four, read back and checked."""
    system, data = test.need_image("trixie.ext4"), test.file_system("data", 1024 * MIB)
    size = "64m" if test.options.soak else "2m"
    test.rvkvm.give(test.directory, FIO % {"size": size})
    result = run(test.rvkvm.command("quiet " + exec_word("/script"), 2, extra=(
        "--disk", system + ",readonly", "--disk", data)), 1800)
    expect(result.status == 0, describe(result.status), result)
    errors = re.findall(r"^(?:fio: |verify: |.* err=(?! 0)).*", result.output, re.M)
    expect(answers(result.output).get("fio") == "0", "fio found errors: " + "; ".join(errors[:4]), result)
    for job in ("write-1", "random-1", "write-4", "random-4"):
        done = re.search(r"^%s: .* err= (\d+): " % job, result.output, re.M)
        expect(done and done.group(1) == "0", job + (" wasn't run" if not done else " has errors"), result)
    expect_clean(test, data)
