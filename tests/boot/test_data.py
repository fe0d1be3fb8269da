"""What goes to the disk and comes back, compared with the image file on the host."""
import random
import re

import pytest

MIB = 1 << 20


def noise(size, seed):
    return random.Random(seed).randbytes(size)


@pytest.fixture(scope="module", params=[512, 4096])
def noisy(boot_shared, request):
    """A machine whose disk is full of bytes that the host knows; a test says what it changes."""
    content = bytearray(noise(64 * MIB, request.param))
    disk = boot_shared.file(f"disk-{request.param}.img", content=content)
    machine = boot_shared(disk=disk, lba=request.param)
    machine.content = content
    yield machine
    machine.poweroff()
    assert disk.read_bytes() == content


def read(machine, offset, length):
    return machine.good(f"dd if=/dev/nvme0n1 bs=64K iflag=skip_bytes,count_bytes "
                        f"skip={offset} count={length} status=none")


def check_disk(machine, begin, end):
    """The disk holds what the host thinks, from `begin` to `end` at least."""
    machine.good("sync")
    with open(machine.disk, "rb") as file:
        file.seek(begin)
        assert file.read(end - begin) == machine.content[begin:end]


@pytest.mark.parametrize("offset, length", [
    (0, 1), (511, 1), (512, 1), (4095, 2), (1000, 7), (8191, 4098), (12288, 4096), (16383, 1),
    (65535, 12290), (64 * MIB - 1, 1)])
def test_writes_leave_neighbours_alone(noisy, offset, length):
    """Bytes that the host knows, taken from the disk's middle, put elsewhere at any offset."""
    source = 32 * MIB + 3 * offset % MIB
    noisy.good(f"dd if=/dev/nvme0n1 of=piece iflag=skip_bytes,count_bytes "
               f"skip={source} count={length} status=none")
    noisy.good(f"dd if=piece of=/dev/nvme0n1 bs={length} "
               f"oflag=seek_bytes seek={offset} status=none")
    noisy.content[offset:offset + length] = noisy.content[source:source + length]
    check_disk(noisy, max(0, offset - MIB), offset + length + MIB)


def test_single_bytes(noisy):
    """bs=1: each byte is a read, a change and a write of its block."""
    text = "byte by byte, across the border of a block"
    begin, length = 20 * 4096 - 20, len(text)
    noisy.good(f"echo -n '{text}' > text")
    noisy.good(f"dd if=text of=/dev/my_nvme0n1 bs=1 seek={begin} conv=notrunc status=none")
    noisy.content[begin:begin + length] = text.encode()
    check_disk(noisy, 0, MIB)
    back = noisy.good(f"dd if=/dev/my_nvme0n1 bs=1 skip={begin} count={length} status=none")
    assert back == text


def test_half_of_the_disk(noisy):
    """32 MiB read, kept in a file, written to the other half, and compared on both sides."""
    noisy.good("dd if=/dev/nvme0n1 of=half bs=1M count=32 status=none", timeout=60)
    output = noisy.good("dd if=half of=/dev/nvme0n1 bs=1M seek=32 conv=fsync", timeout=60)
    assert "32+0 records in\n32+0 records out\n33554432 bytes (34 MB, 32 MiB) copied" in output
    noisy.content[32 * MIB:] = noisy.content[:32 * MIB]
    check_disk(noisy, 0, 64 * MIB)
    noisy.good("dd if=/dev/nvme0n1 of=back bs=1M skip=32 status=none", timeout=60)
    noisy.good("cmp half back", timeout=60)
    noisy.good("rm half back")


@pytest.mark.parametrize("size", [513, 4097, 102400, 999999, 5 * MIB])
def test_odd_block_sizes(noisy, size):
    """A read of odd blocks ends at the same bytes; requests begin and end anywhere."""
    noisy.good(f"dd if=/dev/nvme0n1 of=odd bs={size} skip=1 count=3 status=none")
    noisy.good("dd if=odd of=/dev/nvme0n1 bs=1M seek=20 status=none")
    noisy.content[20 * MIB:20 * MIB + 3 * size] = noisy.content[size:4 * size]
    check_disk(noisy, 19 * MIB, 37 * MIB)


def test_whole_disk_between_files(noisy):
    """cp and cmp know devices too; > writes at the beginning."""
    noisy.good("echo -n start > /dev/nvme0n1")
    noisy.content[:5] = b"start"
    check_disk(noisy, 0, MIB)
    noisy.good("cp /dev/nvme0n1 copy", timeout=60)
    output = noisy.good("cmp copy /dev/nvme0n1 && wc -c < copy", timeout=60)
    assert output.split()[-1] == str(64 * MIB)  # behind the progress of a slow machine
    noisy.good("rm copy")


def test_memory_is_given_back(noisy):
    load = ("dd if=/dev/nvme0n1 of=a bs=1M count=8 status=none; dd if=a of=b bs=7777 status=none; "
            "cmp a b; dd if=a of=/dev/null bs=3 count=1000 status=none; cat a a a > b; rm a b")
    noisy.good(load)
    before = noisy.good("free -b")
    for _ in range(3):
        noisy.good(load, timeout=60)
        assert noisy.good("free -b") == before
    total, used, rest = map(int, re.search(r"Mem: +(\d+) +(\d+) +(\d+)", before).groups())
    assert total == used + rest and total > 400 * MIB


def test_beyond_4_gib(boot):
    """A sparse disk of 6 GiB: offsets that 32 bits do not hold, written and read."""
    disk = boot.file("large.img", size=6 << 30)
    machine = boot(disk=disk)
    machine.good("echo -n beyond > text")
    for offset in (4 << 30, (4 << 30) + 12345, (6 << 30) - 6):
        machine.good(f"dd if=text of=/dev/nvme0n1 oflag=seek_bytes seek={offset} status=none")
        assert read(machine, offset, 6) == "beyond"
        with open(disk, "rb") as file:
            file.seek(offset)
            assert file.read(6) == b"beyond"
    with open(disk, "rb") as file:
        assert file.read(MIB) == bytes(MIB), "nothing has wrapped around"


def test_lba_above_32_bits(boot):
    """4 TiB in blocks of 512: the device says which LBA it was asked for."""
    machine = boot(drive="driver=null-co,node-name=disk,size=4398046511104,read-zeroes=on",
                   trace=["pci_nvme_read", "pci_nvme_write"])
    assert "4T" in machine.good("lsblk")
    lba = (1 << 32) + 0x123
    machine.good(f"dd if=/dev/nvme0n1 of=/dev/null bs=512 skip={lba} count=1 status=none")
    assert f"lba 0x{lba:x}" in machine.traced("pci_nvme_read")[-1]
    machine.good(f"dd if=/dev/zero of=/dev/nvme0n1 bs=512 seek={lba + 1} count=1 status=none")
    assert f"lba 0x{lba + 1:x}" in machine.traced("pci_nvme_write")[-1]
    last = (1 << 33) - 1
    assert "1+0 records in" in machine.good(f"dd if=/dev/nvme0n1 of=/dev/null bs=512 skip={last}")
    assert f"lba 0x{last:x}" in machine.traced("pci_nvme_read")[-1]
