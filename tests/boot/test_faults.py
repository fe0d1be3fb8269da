"""A device that fails or does not answer: an error in words, and the machine goes on."""
import json

LIMITS = ("bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr")


def throttle(machine, bytes_per_second, device="n0"):
    machine.qmp.execute("block_set_io_throttle", id=f"/machine/peripheral/{device}",
                        **{**{name: 0 for name in LIMITS}, "bps": bytes_per_second})


def test_hung_command(boot):
    """At a byte a second one request passes and the next hangs; only a reset ends it."""
    machine = boot(cmdline="nvme.timeout=2000 nvme.retries=1")
    machine.good("echo -n safe | dd of=/dev/nvme0n1 status=none")
    throttle(machine, 1)
    machine.good("dd if=/dev/nvme0n1 of=/dev/null bs=4K skip=100 count=1 status=none")
    output, status = machine.run("dd if=/dev/nvme0n1 of=/dev/null bs=4K skip=101 count=1", 60)
    assert status == 1
    assert "dd: error reading '/dev/nvme0n1': Input/output error\n" in output
    assert "records in\n" in output
    log = machine.good("dmesg")
    assert "nvme0: queue 1: no answer to command" in log
    assert "opcode 02h, namespace 1, LBA 808" in log
    assert "nvme0: the controller was reset" in log
    assert "nvme0n1: read of 8 blocks at LBA 808: no answer in time" in log
    throttle(machine, 0)
    assert machine.good("dd if=/dev/nvme0n1 bs=1 count=4 status=none") == "safe"
    machine.good("sh test3.sh")


def test_hung_write(boot):
    machine = boot(cmdline="nvme.timeout=2000 nvme.retries=1")
    throttle(machine, 1)
    output, status = machine.run("dd if=/dev/random of=/dev/nvme0n1 bs=4K count=4", timeout=60)
    assert status == 1
    assert "dd: error writing '/dev/nvme0n1': Input/output error\n" in output
    assert "opcode 01h" in machine.good("dmesg")
    throttle(machine, 0)
    machine.good("sh test1.sh")


def media_error(boot, **where):
    """A disk of which one access fails, once if not said otherwise."""
    error = {"event": "none", "errno": 5, "once": True, **where}
    drive = {"driver": "blkdebug", "node-name": "disk", "inject-error": [error],
             "image": {"driver": "file", "filename": str(boot.file("bad.img"))}}
    return boot(drive=json.dumps(drive), provokes=["pci_nvme_err_aio", "pci_nvme_err_req_status"])


def test_media_error_while_reading(boot):
    """What stands before the bad block is read, however large the command was that failed."""
    machine = media_error(boot, iotype="read", sector=60, once=False)
    machine.good("dd if=/dev/random of=/dev/nvme0n1 bs=512 count=60 status=none")
    output, status = machine.run("dd if=/dev/nvme0n1 of=/copy bs=4K")
    assert status == 1
    assert "dd: error reading '/dev/nvme0n1': Input/output error\n7+1 records in\n" in output
    assert "30720 bytes (31 kB, 30 KiB) copied, " in output
    output, status = machine.run("cat /dev/nvme0n1 > /other")
    assert (output.splitlines()[-1], status) == ("cat: /dev/nvme0n1: Input/output error", 1)
    machine.good("cmp /copy /other && cmp -n 30720 /copy /dev/nvme0n1")
    assert "nvme0n1: read of 1 blocks at LBA 60: Unrecovered Read Error (SCT 2h, SC 81h)" in \
        machine.good("dmesg")
    assert "1+0 records in" in machine.good("dd if=/dev/nvme0n1 of=/dev/null bs=4K skip=8 count=1")


def test_media_error_that_goes_away(boot):
    """The second attempt finds the data."""
    machine = media_error(boot, iotype="read", sector=56)
    assert "1+0 records in" in machine.good("dd if=/dev/nvme0n1 of=/dev/null bs=4K skip=7 count=1")
    assert "nvme0n1: read of 8 blocks at LBA 56: Unrecovered Read Error (SCT 2h, SC 81h)" in \
        machine.good("dmesg")


def test_media_error_while_writing(boot):
    machine = media_error(boot, iotype="write", sector=56)
    output, status = machine.run("dd if=/dev/zero of=/dev/nvme0n1 bs=4K seek=7 count=1")
    assert status == 1
    assert "dd: error writing '/dev/nvme0n1': Input/output error\n" in output
    said = "nvme0n1: write of 8 blocks at LBA 56: Write Fault (SCT 2h, SC 80h)"
    assert said in machine.good("dmesg")
    machine.good("sh test1.sh")


def test_media_error_while_flushing(boot):
    machine = media_error(boot, iotype="flush")
    output, status = machine.run("dd if=/dev/zero of=/dev/nvme0n1 bs=4K count=1 conv=fsync")
    assert status == 1
    assert "dd: fsync failed for '/dev/nvme0n1': Input/output error\n" in output
    machine.good("sync")
