"""Commands that do not come back: the others go on, the ladder is climbed and logged, the request
is repeated or reported, and Ctrl-C ends the wait for it."""
import json
import re
import sys
import time

import pytest

from injection import throttle
from machine import ROOT

sys.path.insert(0, str(ROOT / "tests"))

from fio_report import parse_json  # noqa: E402

LADDER = ("no answer to command", "was not aborted", "the controller was reset")


def climbed(log):
    """When each step of the ladder was taken, in seconds; all of them, in order."""
    times = [float(re.search(rf"\[ *([\d.]+)\] nvme0: .*{step}", log)[1]) for step in LADDER]
    assert times == sorted(times)
    return times


def test_read_is_reported(boot):
    """At a byte a second one request passes and the next hangs; only a reset ends it."""
    machine = boot(cmdline="nvme.timeout=1000 nvme.retries=1")
    machine.good("echo -n safe | dd of=/dev/nvme0n1 status=none")
    throttle(machine, 1)
    machine.good("dd if=/dev/nvme0n1 of=/dev/null bs=4K skip=100 count=1 status=none")
    output, status = machine.run("dd if=/dev/nvme0n1 of=/dev/null bs=4K skip=101 count=1", 60)
    assert status == 1
    assert "dd: error reading '/dev/nvme0n1': Input/output error\n" in output
    assert "0+0 records in\n" in output
    log = machine.good("dmesg")
    climbed(log)
    assert "nvme0: queue 1: no answer to command" in log
    assert "opcode 02h, namespace 1, LBA 808" in log
    assert "nvme0n1: read of 8 blocks at LBA 808: no answer in time" in log
    throttle(machine, 0)
    assert machine.good("dd if=/dev/nvme0n1 bs=1 count=4 status=none") == "safe"
    machine.good("sh test3.sh")


def test_write_is_reported(boot):
    machine = boot(cmdline="nvme.timeout=1000 nvme.retries=0")
    throttle(machine, 1)
    output, status = machine.run("dd if=/dev/random of=/dev/nvme0n1 bs=4K count=4", timeout=60)
    assert status == 1
    assert "dd: error writing '/dev/nvme0n1': Input/output error\n" in output
    assert "opcode 01h" in machine.good("dmesg")
    throttle(machine, 0)
    machine.good("sh test1.sh")


def test_read_is_repeated(boot):
    """The device is well again after the first reset: nobody notices but for the time it took."""
    machine = boot(cmdline="nvme.timeout=1000")
    throttle(machine, 1)
    machine.good("dd if=/dev/nvme0n1 of=/dev/null bs=4K skip=100 count=1 status=none")
    machine.type("dd if=/dev/nvme0n1 of=/dev/null bs=4K count=4")
    machine.expect("the controller was reset")
    throttle(machine, 0)
    assert "4+0 records in\n4+0 records out\n" in machine.wait_for_prompt()
    assert machine.good("echo $?").strip() == "0"
    begun, _, reset = climbed(machine.good("dmesg"))
    assert reset - begun < 1


@pytest.fixture(scope="module")
def hanging(boot_shared):
    """Deadlines are 30 s away, and five repeats are still to come."""
    machine = boot_shared(smp=2)
    throttle(machine, 1)
    machine.good("dd if=/dev/nvme0n1 of=/dev/null bs=4K skip=100 count=1 status=none")
    yield machine
    throttle(machine, 0)
    machine.good("sh test1.sh")


@pytest.mark.parametrize("command", [
    "dd if=/dev/nvme0n1 of=/dev/null bs=4K", "dd if=/dev/zero of=/dev/nvme0n1 bs=1M",
    "dd if=/dev/zero of=/dev/nvme0n1 bs=4K oflag=sync", "cat /dev/nvme0n1 > /dev/null",
    "fio --name=a --filename=/dev/nvme0n1 --numjobs=2 --rw=randrw --iodepth=8 --eta=never",
    "nvme io-passthru /dev/nvme0n1 -o 2 -n 1 -l 512 -r"])
def test_ctrl_c(hanging, command):
    said = len(hanging.good("dmesg").splitlines())
    hanging.type(command)
    time.sleep(0.2)
    start = time.monotonic()
    hanging.send("\x03")
    hanging.wait_for_prompt(10)
    assert time.monotonic() - start < 5
    assert hanging.good("echo alive") == "alive\n"
    log = "\n".join(hanging.good("dmesg").splitlines()[said:])
    climbed(log)
    assert log.count(LADDER[2]) == 1, "nothing was sent again"


def test_others_go_on(boot, hmp):
    """One command is stopped inside QEMU, which a reset would not survive: only it waits."""
    drive = {"driver": "raw", "node-name": "disk", "file": {
        "driver": "blkdebug", "image": {"driver": "file", "filename": str(boot.file("d.img"))}}}
    machine = boot(smp=2, drive=json.dumps(drive))
    hmp(machine, 'qemu-io disk "break read_aio A"')
    machine.type("fio --output-format=json --eta=never --filename=/dev/nvme0n1 --rw=randread "
                 "--bs=4k --iodepth=4 --name=a --number_ios=100 --name=b --number_ios=100")
    time.sleep(2)
    hmp(machine, 'qemu-io disk "resume A"')
    jobs = parse_json("{" + machine.wait_for_prompt().split("{", 1)[1])["jobs"]
    assert [(job["error"], job["read"]["total_ios"]) for job in jobs] == [(0, 100)] * 2
    quick, slow = sorted(job["read"]["runtime"] for job in jobs)
    assert quick < 1000 and slow > 1500
    assert "no answer" not in machine.good("dmesg")
