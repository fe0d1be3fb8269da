"""Disks behind a network protocol, by nbdkit and qemu-nbd on a unix socket: larger than the machine,
slow, failing, and with a server that is killed and started again."""
import json
import re
import shutil
import signal
import subprocess
import time

import pexpect
import pytest

from injection import COMPLAINTS
from machine import BOOT_TIMEOUT, BUILD, PROMPT, ROOT


@pytest.fixture
def serve(boot):
    """serve("nbdkit", ...) starts a server; with the same socket again after it was killed."""
    running = []
    socket = boot.directory / "nbd.sock"

    def start(*arguments):
        assert shutil.which(arguments[0]), f"{arguments[0]} is not installed"
        socket.unlink(missing_ok=True)
        how = ["-f", "-U", str(socket)] if arguments[0] == "nbdkit" else ["-t", "-k", str(socket)]
        running.append(subprocess.Popen([arguments[0], *how, *arguments[1:]],
                                        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        for _ in range(100):
            if socket.exists():
                return running[-1]
            time.sleep(0.05)
        raise AssertionError(f"{arguments[0]} does not start")

    start.socket = socket
    yield start
    for server in running:
        server.kill()
        server.wait()


def nbd(serve, **settings):
    """A -blockdev for Machine(drive=)."""
    return json.dumps({"driver": "nbd", "node-name": "disk",
                       "server": {"type": "unix", "path": str(serve.socket)}, **settings})


def test_larger_than_the_machine(boot, serve):
    """Four tebibytes, of which only what is written takes memory."""
    serve("nbdkit", "memory", "4T")
    machine = boot(drive=nbd(serve))
    assert re.search("nvme0n1 +4T", machine.good("lsblk"))
    machine.good("echo far away | dd of=/dev/nvme0n1 bs=1M seek=4194303 conv=fsync status=none")
    assert machine.good("dd if=/dev/nvme0n1 bs=512 skip=8589932544 count=1 status=none | "
                        "head -n 1") == "far away\n"
    machine.good("sh test1.sh")


def test_make_run(serve):
    """The way that the README names."""
    serve("nbdkit", "memory", "1T")
    child = pexpect.spawn("make", ["run", f"BUILD={BUILD}",
                                   f"DISK=nbd+unix:///?socket={serve.socket}"],
                          cwd=str(ROOT), timeout=BOOT_TIMEOUT, encoding="utf-8")
    try:
        child.expect(PROMPT)
        child.send("lsblk\r")
        child.expect("nvme0n1 +1T")
        child.expect(PROMPT)
        child.send("poweroff\r")
        child.expect(pexpect.EOF)
    finally:
        child.close(force=True)
    assert child.exitstatus == 0


def test_slow(boot, serve):
    """A third of a second for each request: those in flight wait together."""
    serve("nbdkit", "--filter=delay", "memory", "64M", "delay-read=333ms")
    machine = boot(drive=nbd(serve))
    start = time.monotonic()
    machine.good("fio --name=a --filename=/dev/nvme0n1 --rw=randread --bs=4k --iodepth=8 "
                 "--number_ios=32")
    assert 1.2 < time.monotonic() - start < 5
    assert "no answer" not in machine.good("dmesg")


def test_failing(boot, serve):
    """While a file is there, all reads fail; when it is gone, all is well."""
    switch = boot.directory / "fails"
    serve("nbdkit", "--filter=error", "memory", "64M", "error=EIO", "error-pread-rate=100%",
          f"error-file={switch}")
    machine = boot(drive=nbd(serve), provokes=COMPLAINTS)
    machine.good("dd if=/dev/random of=/dev/nvme0n1 bs=1M count=1 status=none")
    for _ in range(2):
        switch.touch()
        output, status = machine.run("dd if=/dev/nvme0n1 of=/dev/null bs=4K count=1")
        assert status == 1 and "Unrecovered Read Error (SCT 2h, SC 81h)" in output
        assert "dd: error reading '/dev/nvme0n1': Input/output error\n" in output
        switch.unlink()
        machine.good("dd if=/dev/nvme0n1 of=/dev/null bs=4K count=1")


@pytest.fixture
def image(boot):
    return str(boot.file("served.img", content=b"served\n"))


def test_killed_is_waited_for(boot, serve, image):
    """With reconnect-delay a request waits in QEMU for the server to come back."""
    server = serve("qemu-nbd", "-f", "raw", image)
    machine = boot(drive=nbd(serve, **{"reconnect-delay": 20}))
    assert machine.good("head -n 1 /dev/nvme0n1") == "served\n"
    server.send_signal(signal.SIGKILL)
    server.wait()
    machine.type("dd if=/dev/nvme0n1 of=copy bs=4K count=1 status=none; head -n 1 copy")
    time.sleep(1.5)
    serve("qemu-nbd", "-f", "raw", image)
    assert machine.wait_for_prompt() == "served\n"
    machine.good("sh test1.sh")
    machine.poweroff()  # while the server is there


def test_killed_while_writing(boot, serve, image):
    """Without it requests fail at once, and the machine goes on when there is a server again."""
    server = serve("qemu-nbd", "-f", "raw", image)
    machine = boot(drive=nbd(serve), provokes=COMPLAINTS)
    machine.type("while dd if=/dev/zero of=/dev/nvme0n1 bs=64K seek=1 count=100 conv=fsync "
                 "status=none; do :; done")
    time.sleep(0.5)
    server.send_signal(signal.SIGKILL)
    server.wait()
    machine.expect("dd: .*'/dev/nvme0n1': Input/output error")
    machine.wait_for_prompt()
    assert machine.run("dd if=/dev/nvme0n1 of=/dev/null bs=4K count=1").status == 1
    serve("qemu-nbd", "-f", "raw", image)
    for _ in range(20):
        if machine.run("dd if=/dev/nvme0n1 of=/dev/null bs=4K count=1").status == 0:
            break
        time.sleep(0.2)
    assert machine.good("head -n 1 /dev/nvme0n1") == "served\n"
    machine.good("sh test1.sh")
