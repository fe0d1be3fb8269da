"""Shadow doorbells on QEMU's device: off by default, as it loses a wake-up now and then; and with
them, what is lost costs microseconds and no data."""
import random
import re

import pytest

MIB = 1 << 20
CONFIG, TAIL = "pci_nvme_dbbuf_config", "pci_nvme_mmio_doorbell_sq"


def doorbells(machine):
    """Writes of I/O queues' tail doorbells."""
    return sum(not re.search(r"sqid 0\b", line) for line in machine.traced(TAIL))


def test_off_by_default(boot):
    machine = boot(trace=[CONFIG])
    assert not machine.traced(CONFIG)


@pytest.mark.parametrize("wait", ["hybrid", "interrupt", "poll"])
@pytest.mark.parametrize("smp", [1, 2])
def test_both_directions(boot, smp, wait):
    content = random.Random(smp).randbytes(32 * MIB) + bytes(32 * MIB)
    disk = boot.file("disk.img", content=content)
    machine = boot(disk=disk, smp=smp, cmdline=f"nvme.shadow=on nvme.wait={wait}",
                   trace=[CONFIG, TAIL])
    assert len(machine.traced(CONFIG)) == 1
    machine.good("dd if=/dev/nvme0n1 of=half bs=1M count=32 status=none", timeout=90)
    machine.good("dd if=half of=/dev/nvme0n1 bs=1M seek=32 conv=fsync status=none", timeout=90)
    machine.good("dd if=/dev/nvme0n1 of=back bs=64K skip=512 status=none", timeout=90)
    machine.good("cmp half back", timeout=60)
    # One command at a time: the device falls asleep after each, and each has to wake it.
    before = doorbells(machine)
    machine.good("dd if=/dev/nvme0n1 of=small bs=512 count=2000 status=none", timeout=60)
    assert machine.good("dd if=half of=first bs=512 count=2000 status=none; cmp small first") == ""
    assert 0 < doorbells(machine) - before <= 2000 + 10
    assert machine.good("sync") == ""
    assert disk.read_bytes() == content[:32 * MIB] * 2
    assert "no answer" not in machine.transcript()


def test_reset(boot):
    """The device forgets; the driver tells it again."""
    disk = boot.file("disk.img", content=random.Random(3).randbytes(4 * MIB), size=16 * MIB)
    machine = boot(disk=disk, cmdline="nvme.shadow=on", trace=[CONFIG])
    for count in range(2, 5):
        machine.good("nvme reset /dev/nvme0")
        assert len(machine.traced(CONFIG)) == count
        machine.good("dd if=/dev/nvme0n1 of=a bs=64K count=64 status=none")
        machine.good("dd if=a of=/dev/nvme0n1 bs=64K seek=128 conv=fsync status=none")
        machine.good("dd if=/dev/nvme0n1 of=b bs=64K skip=128 count=64 status=none; cmp a b")
    assert "no answer" not in machine.transcript()
