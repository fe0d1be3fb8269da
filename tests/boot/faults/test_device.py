"""The device itself behaves badly, by qtest, behind the guest's back: interrupts that get lost or
that nobody asked for, a fatal status, completions of nobody, registers that go away, resets."""
import re
import struct
import sys
import time

import pytest

from injection import (BUS_MASTER, COMMAND, DEVICE_CONTROL, FLR, MEMORY, MSIX_CONTROL, MSIX_ENTRY,
                       MSIX_TABLE, controller_address)
from machine import ROOT

sys.path.insert(0, str(ROOT / "tests"))

from fio_report import parse_json  # noqa: E402

ASQ = 0x28  # register: where the admin submission queue is
CREATE_CQ = 0x05
GONE = r"Invalid (read|write) at addr 0x\w+, size 4, region '\(null\)', reason: rejected"
RESET = "the controller is not ready any more: somebody has reset it"
LOAD = ("fio --output-format=json --eta=never --name=a --filename=/dev/nvme0n1 --rw=randwrite "
        "--bs=4k --iodepth=16 --size=2m --verify=crc32c --numjobs=2 --offset_increment=16m")



@pytest.fixture(scope="module")
def machine(boot_shared, qtest):
    """One for all: each test leaves it well. QEMU complains of what the device cannot reach, and of
    registers that are not there, which it reads as zeros."""
    return boot_shared(smp=2, cmdline="nvme.timeout=1000 nvme.wait=interrupt",
                       extra=qtest.arguments, tolerates=[GONE, "pci_nvme_err_(addr|cfs)"])


def under_load(machine, happens, says):
    """`happens` is called a few times while two processors write and verify: nothing is lost."""
    machine.type(LOAD + " --rate_iops=250")
    for _ in range(2):
        time.sleep(0.5)
        happens()
        machine.expect(says)
        machine.expect("the controller was reset")
    jobs = parse_json("{" + machine.wait_for_prompt(60).split("{", 1)[1])["jobs"]
    assert [(job["error"], job["read"]["io_bytes"]) for job in jobs] == [(0, 2 << 20)] * 2
    machine.good("sh test1.sh")


def test_masked_vector(machine, qtest):
    """No interrupt comes to the other processor, which waits for one: it looks by itself."""
    _, bar = controller_address(machine)

    def mask(value):  # vector 2: processor 1's queue
        qtest.write(bar + MSIX_TABLE + 2 * MSIX_ENTRY + MSIX_CONTROL, value)

    def runtime():
        reports = parse_json(machine.good(
            "fio --output-format=json --filename=/dev/nvme0n1 --rw=randread --bs=4k --name=a "
            "--number_ios=1 --name=b --number_ios=20"))["jobs"]
        assert reports[1]["read"]["total_ios"] == 20
        return reports[1]["read"]["runtime"]

    quick = runtime()
    mask(1)
    slow = runtime()
    mask(0)
    assert quick < 400 < slow < 5000
    assert runtime() < 400
    assert "no answer" not in machine.transcript()


def test_masked_vector_here(machine, qtest):
    """The same on the boot processor, and for the admin queue."""
    _, bar = controller_address(machine)

    def mask(value):
        for vector in (0, 1):
            qtest.write(bar + MSIX_TABLE + vector * MSIX_ENTRY + MSIX_CONTROL, value)

    mask(1)
    start = time.monotonic()
    machine.good("dd if=/dev/nvme0n1 of=/dev/null bs=4K count=1")
    machine.good("nvme smart-log /dev/nvme0")
    assert time.monotonic() - start < 5
    mask(0)
    assert "no answer" not in machine.transcript()


def test_spurious(machine, qtest):
    """The messages that the device would send, by the hundred, at the prompt and under load."""
    _, bar = controller_address(machine)
    messages = [struct.unpack("<QL", qtest.read_bytes(bar + MSIX_TABLE + MSIX_ENTRY * vector, 12))
                for vector in range(3)]

    def storm():
        for _ in range(100):
            for address, data in messages:
                qtest.write(address, data)

    before = machine.good("dmesg")
    storm()
    machine.type(LOAD)
    storm()
    jobs = parse_json("{" + machine.wait_for_prompt(60).split("{", 1)[1])["jobs"]
    assert [(job["error"], job["read"]["io_bytes"]) for job in jobs] == [(0, 2 << 20)] * 2
    storm()
    machine.good("sh test1.sh")
    assert machine.good("dmesg") == before


def test_fatal_status(machine, qtest):
    """Bus Master goes: the next fetch fails, and CSTS.CFS says so."""
    configuration, _ = controller_address(machine)

    def happens():
        command = qtest.read(configuration + COMMAND, 2)
        qtest.write(configuration + COMMAND, command & ~BUS_MASTER, 2)

    under_load(machine, happens, "the controller reports a fatal status")


def test_registers_gone(machine, qtest):
    """They cannot be reached, until the reset sees to it that the function decodes them."""
    configuration, _ = controller_address(machine)

    def happens():
        command = qtest.read(configuration + COMMAND, 2)
        qtest.write(configuration + COMMAND, command & ~MEMORY, 2)

    under_load(machine, happens, RESET)


def test_function_level_reset(machine, qtest):
    """It takes the BARs, Bus Master, MSI-X and all queues away."""
    configuration, bar = controller_address(machine)

    def happens():
        qtest.write(configuration + DEVICE_CONTROL, FLR, 2)

    under_load(machine, happens, RESET)
    assert controller_address(machine) == (configuration, bar)
    machine.good("nvme smart-log /dev/nvme0")


def test_function_level_reset_idle(machine, qtest):
    """At the prompt it is seen within a second, and nobody has to ask."""
    configuration, _ = controller_address(machine)
    qtest.write(configuration + DEVICE_CONTROL, FLR, 2)
    machine.expect(RESET, timeout=2)
    machine.expect("the controller was reset")
    machine.send("\r")
    machine.wait_for_prompt()
    machine.good("sh test1.sh")


def completion_queue(qtest, bar, number):
    """Where an I/O completion queue is, by the command that has created it."""
    commands = qtest.read_bytes(qtest.read(bar + ASQ, 8), 64 * 64)
    for at in range(0, len(commands), 64):
        opcode, = struct.unpack_from("<B", commands, at)
        prp1, = struct.unpack_from("<Q", commands, at + 24)
        size_and_number, = struct.unpack_from("<L", commands, at + 40)
        if opcode == CREATE_CQ and size_and_number & 0xffff == number:
            return prp1
    raise AssertionError("the queue was never created")


def forge_completion(machine, qtest, queue, identifier):
    """Where the next one is going to be, then reads. True: the driver was there before the device."""
    _, bar = controller_address(machine)
    machine.good("nvme reset /dev/nvme0; nvme reset /dev/nvme0")  # all entries are new
    machine.good("dd if=/dev/nvme0n1 of=/dev/null bs=4K count=3 iflag=sync status=none")
    address = completion_queue(qtest, bar, 1)
    entry = 0
    while qtest.read(address + 16 * entry + 14, 2) & 1:
        entry += 1
    qtest.write(address + 16 * entry + 8, queue << 16 | entry)
    qtest.write(address + 16 * entry + 12, 1 << 16 | identifier)
    machine.send("dd if=/dev/nvme0n1 of=/dev/null bs=4K skip=9 count=1; echo status $?\r")
    seen = machine.expect("(the controller was reset)|status 0\r")[1]
    if seen:
        machine.expect("status 0\r")
    machine.wait_for_prompt()
    return seen


@pytest.mark.parametrize("queue, identifier", [(1, 0xfffe), (0, 0), (99, 7)])
def test_corrupted_completion(machine, qtest, queue, identifier):
    """An entry for a command that nobody sent: it is not taken for one, and the real one, which the
    device puts there later, is not lost either."""
    assert any(forge_completion(machine, qtest, queue, identifier) for _ in range(5))
    machine.good("sh test1.sh")
    said = "completion for command [0-9a-f]{4} of queue [0-9]+, which is not in flight"
    assert len(re.findall(said, machine.good("dmesg"))) == 1, "the first is said, all are counted"
