"""The driver outside our kernel: tests/port, a UEFI application that takes the controllers from
the firmware, reads blocks that describe themselves, and with the option "write" writes one."""
import re
import struct

import pytest

from machine import BOOT_TIMEOUT, BUILD, SHUTDOWN_EVENT

IMAGE = BUILD / "port" / "PORTX64.EFI"
SIZE = 2 << 20
MASK = (1 << 64) - 1
TAG = 0x0123456789ABCDEF


def word(lba, tag, index):
    if index < 2:
        return (lba, tag)[index]
    z = ((lba ^ tag) + index * 0x9E3779B97F4A7C15) & MASK
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
    return z ^ z >> 31


def block(lba, tag, size):
    words = size // 8
    return struct.pack(f"<{words}Q", *(word(lba, tag, index) for index in range(words)))


def content(size, tag=TAG):
    return b"".join(block(lba, tag, size) for lba in range(SIZE // size))


def port(boot, **settings):
    """Boots the application and waits until it has switched the machine off: its lines."""
    machine = boot.create(image=IMAGE, **settings).start()
    machine.wait_for_end(0, BOOT_TIMEOUT)
    return machine, re.findall(r"port: ([^\r\n]*)\r\n", machine.transcript())


def identity(number=0, serial="nvmetal", kib=512):
    return [rf"nvme{number}: model QEMU NVMe Ctrl, serial {serial}",
            rf"nvme{number}: firmware [\w.]+, NVMe 1\.4, {kib} KiB a command"]


def reads(blocks, tag=TAG):
    return [f"read 1 blocks from LBA 0 on, tag {tag:X}",
            f"read {blocks} blocks from LBA 0 on, tag {tag:X}"]


def check(lines, expected):
    assert len(lines) == len(expected), lines
    for line, pattern in zip(lines, expected):
        assert re.fullmatch(pattern, line), (line, pattern)


@pytest.mark.parametrize("lba, nvme, kib", [
    (512, "", 512), (4096, "", 512), (512, "mdts=1", 8), (4096, "mdts=1", 8)])
def test_reads(boot, lba, nvme, kib):
    before = content(lba)
    disk = boot.file("disk.img", SIZE, before)
    machine, lines = port(boot, disk=disk, lba=lba, nvme=nvme)
    check(lines, [*identity(kib=kib), f"nvme0n1: {SIZE // lba} blocks of {lba} bytes",
                  *reads(kib * 1024 // lba), "all good"])
    assert len(machine.traced(SHUTDOWN_EVENT)) == 1
    assert disk.read_bytes() == before


@pytest.mark.parametrize("lba", [512, 4096])
def test_writes(boot, lba):
    before = content(lba)
    disk = boot.file("disk.img", SIZE, before)
    _, lines = port(boot, disk=disk, lba=lba, append="write")
    last = SIZE // lba - 1
    check(lines[-4:], [reads(512 * 1024 // lba)[1], f"wrote and flushed LBA {last}",
                       f"read 1 blocks from LBA {last} on, tag {TAG ^ MASK:X}", "all good"])
    assert disk.read_bytes() == before[:-lba] + block(last, TAG ^ MASK, lba)


def test_two_controllers(boot):
    """On two hosts in one program, both of them running."""
    tags = [0x1111, 0x2222]
    devices = []
    for number, size in enumerate((512, 4096)):
        disk = boot.file(f"{number}.img", SIZE, content(size, tags[number]))
        devices += ["-drive", f"file={disk},if=none,id=d{number},format=raw", "-device",
                    f"nvme,id=n{number},serial=s{number},addr={number + 3}", "-device",
                    f"nvme-ns,bus=n{number},drive=d{number},nsid={5 * number + 1},"
                    f"logical_block_size={size},physical_block_size={size}"]
    machine, lines = port(boot, devices=devices)
    check(lines, [*identity(0, "s0"), "nvme0n1: 4096 blocks of 512 bytes",
                  *identity(1, "s1"), "nvme1n6: 512 blocks of 4096 bytes",
                  *reads(1024, tags[0]), *reads(128, tags[1]), "all good"])
    assert len(machine.traced(SHUTDOWN_EVENT)) == 2


def test_wrong_block(boot):
    """One bit of the 700th block is another."""
    wrong = bytearray(content(512))
    wrong[700 * 512 + 80] ^= 1
    _, lines = port(boot, disk=boot.file("disk.img", SIZE, wrong), append="write")
    check(lines[-3:], [reads(0)[0], rf"LBA 700, word 10 is {word(700, TAG, 10) ^ 1:X}",
                       "FAILED: Read: the block does not describe itself"])


def test_nothing_there(boot):
    _, lines = port(boot, devices=[])
    assert lines == ["FAILED: PCI: no NVMe controller"]
    _, lines = port(boot, devices=["-device", "nvme,serial=empty"])
    assert lines[-1] == "FAILED: Identify: no namespace"
