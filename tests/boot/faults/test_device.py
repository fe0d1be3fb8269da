"""The device itself behaves badly, by qtest, behind the guest's back: interrupts that get lost or
that nobody asked for, a fatal status, completions of nobody, registers that go away, resets."""
import re
import struct
import sys
import time

import pytest

from injection import (BUS_MASTER, COMMAND, MEMORY, MSIX_CONTROL, MSIX_ENTRY, MSIX_TABLE,
                       controller_address)
from machine import ROOT

sys.path.insert(0, str(ROOT / "tests"))

from fio_report import parse_json  # noqa: E402

ASQ = 0x28  # register: where the admin submission queue is
CREATE_CQ = 0x05
DEVICE_CONTROL, FLR = 0x88, 0x8000  # in configuration space: QEMU's PCIe capability is at 80h
GONE = r"Invalid (read|write) at addr 0x\w+, size 4, region '\(null\)', reason: rejected"
RESET = "the controller is not ready any more: somebody has reset it"
LOAD = ("fio --output-format=json --eta=never --name=a --filename=/dev/nvme0n1 --rw=randwrite "
        "--bs=4k --iodepth=16 --size=2m --verify=crc32c --numjobs=2 --offset_increment=16m")


SETTINGS = {"smp": 2, "cmdline": "nvme.timeout=1000 nvme.wait=interrupt"}


@pytest.fixture
def machine(boot, qtest):
    return boot(extra=qtest.arguments, **SETTINGS)


@pytest.fixture
def cut_off(boot, qtest):
    """The same, which is not going to reach memory any more."""
    return boot(extra=qtest.arguments, provokes=[GONE, "pci_nvme_err_addr_", "pci_nvme_err_cfs"],
                **SETTINGS)


@pytest.fixture
def lost(boot, qtest):
    """The same, of which registers are going to be lost, where QEMU then reads zeros."""
    return boot(extra=qtest.arguments, provokes=[GONE], **SETTINGS)


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
    for vector in (0, 1):
        qtest.write(bar + MSIX_TABLE + vector * MSIX_ENTRY + MSIX_CONTROL, 1)
    start = time.monotonic()
    machine.good("dd if=/dev/nvme0n1 of=/dev/null bs=4K count=1")
    machine.good("nvme smart-log /dev/nvme0")
    assert time.monotonic() - start < 5
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

    storm()
    machine.type(LOAD)
    storm()
    jobs = parse_json("{" + machine.wait_for_prompt(60).split("{", 1)[1])["jobs"]
    assert [(job["error"], job["read"]["io_bytes"]) for job in jobs] == [(0, 2 << 20)] * 2
    storm()
    machine.good("sh test1.sh")
    assert "nvme0: " not in machine.good("dmesg | tail -n 1")


def test_fatal_status(cut_off, qtest):
    """Bus Master goes: the next fetch fails, and CSTS.CFS says so."""
    configuration, _ = controller_address(cut_off)

    def happens():
        command = qtest.read(configuration + COMMAND, 2)
        qtest.write(configuration + COMMAND, command & ~BUS_MASTER, 2)

    under_load(cut_off, happens, "the controller reports a fatal status")


def test_registers_gone(lost, qtest):
    """They cannot be reached, until the reset sees to it that the function decodes them."""
    configuration, _ = controller_address(lost)

    def happens():
        command = qtest.read(configuration + COMMAND, 2)
        qtest.write(configuration + COMMAND, command & ~MEMORY, 2)

    under_load(lost, happens, RESET)


def test_function_level_reset(lost, qtest):
    """It takes the BARs, Bus Master, MSI-X and all queues away."""
    configuration, bar = controller_address(lost)

    def happens():
        qtest.write(configuration + DEVICE_CONTROL, FLR, 2)

    under_load(lost, happens, RESET)
    assert controller_address(lost) == (configuration, bar)
    lost.good("nvme smart-log /dev/nvme0")


def test_function_level_reset_idle(lost, qtest):
    """At the prompt it is seen within a second, and nobody has to ask."""
    configuration, _ = controller_address(lost)
    qtest.write(configuration + DEVICE_CONTROL, FLR, 2)
    lost.expect(RESET, timeout=2)
    lost.expect("the controller was reset")
    lost.send("\r")
    lost.wait_for_prompt()
    lost.good("sh test1.sh")


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


@pytest.mark.parametrize("queue, identifier", [(1, 0xfffe), (1, 0), (0, 0), (99, 7)])
def test_corrupted_completion(machine, qtest, queue, identifier):
    """An entry for a command that nobody sent, where the next one is going to be: it is not taken
    for one, and the real one, which the device puts behind it, is not lost either."""
    _, bar = controller_address(machine)
    machine.good("dd if=/dev/nvme0n1 of=/dev/null bs=4K count=3 iflag=sync")
    address = completion_queue(qtest, bar, 1)
    entry = 0
    while qtest.read(address + 16 * entry + 14, 2) & 1:
        entry += 1
    qtest.write(address + 16 * entry + 8, queue << 16 | entry)
    qtest.write(address + 16 * entry + 12, 1 << 16 | identifier)
    machine.good("dd if=/dev/nvme0n1 of=/dev/null bs=4K skip=9 count=1")
    log = machine.good("dmesg")
    assert re.search(f"completion for command {identifier:04x} of queue {queue}, which is not", log)
    assert "the controller was reset" in log
    machine.good("sh test1.sh")
