"""The medium fails (blkdebug), once or for good: the command that meets it ends with the device's
status in words and its LBA, and everything else goes on."""
import pytest

from injection import COMPLAINTS, blkdebug

BLOCKS = 8  # of 512 bytes, in the 4 KiB that the tests move
READ, WRITE, WRITE_ONCE, ZEROES, DISCARD, READ_ONCE = 56, 160, 240, 320, 480, 100000
UNREAD = "Unrecovered Read Error (SCT 2h, SC 81h)"
FAULT = "Write Fault (SCT 2h, SC 80h)"


@pytest.fixture(scope="module")
def machine(boot_shared):
    """All of it on one disk."""
    disk = boot_shared.file("bad.img", content=bytes(range(256)) * 4096)
    return boot_shared(provokes=COMPLAINTS, drive=blkdebug(
        disk, {"iotype": "read", "sector": READ}, {"iotype": "write", "sector": WRITE},
        {"iotype": "read", "sector": READ_ONCE, "once": True},
        {"iotype": "write", "sector": WRITE_ONCE, "once": True},
        {"iotype": "write-zeroes", "sector": ZEROES, "once": True},
        {"iotype": "discard", "sector": DISCARD, "once": True},
        {"iotype": "flush", "once": True}))


def test_read(machine):
    """For good: what came before it is there, and what comes after it."""
    for _ in range(2):
        output, status = machine.run(f"dd if=/dev/nvme0n1 of=good bs=4K skip={READ // BLOCKS - 2}")
        assert status == 1
        assert "dd: error reading '/dev/nvme0n1': Input/output error\n" in output
        assert "2+0 records in\n2+0 records out\n8192 bytes" in output
        assert f"nvme0n1: read of 8 blocks at LBA {READ}: {UNREAD}" in output
    assert "1+0 records in" in machine.good(
        f"dd if=/dev/nvme0n1 of=/dev/null bs=4K skip={READ // BLOCKS + 1} count=1")


def test_read_goes_on(machine):
    """As GNU's dd does: it says how far it is, and puts zeros in place of what it cannot have."""
    output, status = machine.run("dd if=/dev/nvme0n1 of=copy bs=4K count=16 conv=noerror,sync")
    assert status == 0 and "dd: error reading '/dev/nvme0n1': Input/output error\n" in output
    counts = [line for line in output.splitlines() if "records" in line]
    assert counts == ["7+0 records in", "7+0 records out", "15+1 records in", "16+0 records out"]
    assert machine.good("dd if=/dev/nvme0n1 of=start bs=4K count=7 status=none;"
                        "cmp -n 28672 copy start") == ""
    assert machine.good("dd if=copy bs=4K skip=7 count=1 status=none | cmp -n 4096 - /dev/zero") == ""
    assert machine.good("dd if=/dev/nvme0n1 of=rest bs=4K skip=8 count=8 status=none;"
                        "dd if=copy of=end bs=4K skip=8 status=none; cmp rest end") == ""


def test_read_once(machine):
    """The command is not sent again, by what its status says; but each block is asked for by itself,
    and then all is well."""
    read = f"dd if=/dev/nvme0n1 of=/dev/null bs=4K skip={READ_ONCE // BLOCKS} count=1"
    output = machine.good(read)
    assert output.count(UNREAD) == 1 and "1+0 records in" in output
    assert UNREAD not in machine.good(read)


def test_read_up_to_the_bad_block(machine):
    """However large the command was that failed."""
    output, status = machine.run("dd if=/dev/nvme0n1 of=/large bs=1M skip=1024B")
    assert status == 1
    assert "dd: error reading '/dev/nvme0n1': Input/output error\n0+1 records in\n" in output
    output, status = machine.run("cat /dev/nvme0n1 > /part")
    assert status == 1 and output.endswith("cat: /dev/nvme0n1: Input/output error\n")
    assert machine.good("wc -c < /part; wc -c < /large").split() == [str(READ * 512),
                                                                    str(READ * 512 - 1024)]
    machine.good("cmp -i 1024:0 /part /large && cmp -n 28672 /part /dev/nvme0n1")


def test_write(machine):
    write = f"dd if=/dev/zero of=/dev/nvme0n1 bs=4K seek={WRITE // BLOCKS - 1} count=3"
    for _ in range(2):
        output, status = machine.run(write)
        assert status == 1
        assert "dd: error writing '/dev/nvme0n1': Input/output error\n" in output
        assert "2+0 records in\n1+0 records out\n4096 bytes" in output
        assert f"nvme0n1: write of 8 blocks at LBA {WRITE}: {FAULT}" in output


def test_write_once(machine):
    write = f"dd if=/dev/random of=/dev/nvme0n1 bs=4K seek={WRITE_ONCE // BLOCKS} count=1"
    output, status = machine.run(write)
    assert status == 1 and f"write of 8 blocks at LBA {WRITE_ONCE}: {FAULT}" in output
    machine.good(write)


def test_flush(machine):
    write = "dd if=/dev/zero of=/dev/nvme0n1 bs=4K count=1 conv=fsync"
    output, status = machine.run(write)
    assert status == 1
    assert "dd: fsync failed for '/dev/nvme0n1': Input/output error\n" in output
    machine.good(write)


def test_write_zeroes(machine):
    command = f"nvme io-passthru /dev/nvme0n1 -o 8 -n 1 --cdw10={ZEROES} --cdw12=7"
    output, status = machine.run(command)
    assert status == 1 and "NVMe status: Write Fault" in output
    machine.good(command)


def test_discard(machine):
    trim = ("fio --name=t --filename=/dev/nvme0n1 --rw=trim --bs=4k --size=4k "
            f"--offset={DISCARD * 512}")
    output, status = machine.run(trim)
    assert status == 1
    assert f"nvme0n1: discard of 8 blocks at LBA {DISCARD}: Internal Error (SCT 0h, SC 06h)" in output
    assert f"Input/output error: trim offset={DISCARD * 512}, buflen=4096" in output
    machine.good(trim)


def test_log(machine):
    """Each of them once, nothing twice, and the prompt has not been left."""
    log = machine.good("dmesg")
    assert log.count(f"read of 8 blocks at LBA {READ_ONCE}: ") == 1
    assert log.count("write of 8 blocks at LBA") == 3
    assert log.count("nvme0n1: flush of 0 blocks at LBA 0: ") == 1
    assert "reset" not in log and "no answer" not in log
