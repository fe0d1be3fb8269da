"""Power goes: QEMU is killed while the guest writes. All that a flush has covered is there, and
elsewhere nothing but whole old or whole new blocks. POWER_ROUNDS says how often (200 by hand),
POWER_SEED when. And below the device, what blklogwrites has seen: no flush is acknowledged before
the writes that it covers.

The writer is fio, a MiB of blocks in random order after the other, each flushed at its end. Its
blocks say where they belong, and have a checksum of their head and one of their contents. Others
write block after block, by Force Unit Access or with a flush behind each."""
import hashlib
import json
import os
import random
import re
import struct
import time

import pexpect
import pytest

MIB = 1 << 20
BLOCK = 4096
HALF = 32  # MiB; a round writes one half of the disk and the next one verifies it
ROUNDS = int(os.environ.get("POWER_ROUNDS", 3))
SEED = int(os.environ.get("POWER_SEED", random.randrange(1 << 32)))
HEADER = struct.Struct("<HHLQQLLHHLL")  # fio's, and the checksum of what is behind it
MAGIC, CRC32C = 0xacca, 5


def table():
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82f63b78 if value & 1 else 0)
        yield value


TABLE = list(table())


def crc32c(data):
    """As fio has it, without the last complement."""
    crc = 0xffffffff
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    return crc


def is_whole(block, offset):
    magic, kind, length, _, at, *_, head, contents = HEADER.unpack_from(block)
    return ((magic, kind, length, at) == (MAGIC, CRC32C, BLOCK, offset) and
            head == crc32c(block[:HEADER.size - 8]) and
            contents == crc32c(block[HEADER.size:]))


def writer(first, count=HALF):
    return (f"n={first}; while [ $n -lt {first + count} ]; do "
            "fio --name=w --filename=/dev/nvme0n1 --rw=randwrite --bs=4k --iodepth=8 --size=1m "
            "--offset=${n}m --verify=crc32c --do_verify=0 --end_fsync=1 > /dev/null && "
            "echo flushed $n; n=$((n + 1)); done")


def check_image(path, first, flushed):
    """Every block of the half: how many are new, of those that no flush has covered."""
    image = path.read_bytes()
    new = 0
    for offset in range(first * MIB, (first + HALF) * MIB, BLOCK):
        block = image[offset:offset + BLOCK]
        if offset // MIB in flushed:
            assert block.count(0) < BLOCK, f"{offset}: flushed, and not there"
        if block.count(0) < BLOCK:
            assert is_whole(block, offset), f"{offset}: neither old nor new"
            new += offset // MIB not in flushed
    return new


def clear(path, first):
    with open(path, "r+b") as file:
        file.seek(first * MIB)
        file.write(bytes(HALF * MIB))


def kill(machine, pattern):
    """The numbers that it has said up to the end."""
    machine.kill()
    try:
        machine.serial.expect(pexpect.EOF, timeout=10)
    except OSError:
        pass  # the socket was reset
    said = machine.transcript() + (machine.serial.before or "")
    return {int(number) for number in re.findall(pattern, said)}


def test_killed(boot):
    chance = random.Random(SEED)
    print(f"POWER_SEED={SEED}")
    path = boot.file("disk.img", 2 * HALF * MIB)
    flushed, total, torn_regions = [], 0, 0
    for number in range(ROUNDS):
        first = HALF * (number % 2)
        clear(path, first)
        machine = boot(disk=path)
        for region in flushed[:: max(len(flushed) // 4, 1)]:
            machine.good("fio --name=r --filename=/dev/nvme0n1 --rw=read --bs=4k --size=1m "
                         f"--offset={region}m --verify=crc32c")
        machine.type(writer(first))
        machine.expect(f"flushed {first}\r")
        time.sleep(chance.uniform(0, 0.25))
        flushed = sorted(kill(machine, r"flushed (\d+)\r"))
        total += len(flushed)
        torn_regions += check_image(path, first, flushed) > 0
    print(f"{ROUNDS} rounds, {total} MiB flushed, {torn_regions} times in the middle of a write")
    assert total >= ROUNDS


# A block for each number: what it is, random bytes, and a checksum of both. It is acknowledged when
# it has to be on the medium.
ONE_BY_ONE = ("n=0; while [ $n -lt 1000 ]; do {{ echo block $n; head -c 3900 /dev/urandom; }} > b; "
              "sha256sum < b >> b; dd if=b of=c bs=4096 conv=sync status=none; {write} && "
              "echo written $n; n=$((n + 1)); done")
WRITES = {"fua": "nvme write /dev/nvme0n1 -f -s $((n * 8)) -c 7 -z 4096 -d c > /dev/null",
          "dsync": "dd if=c of=/dev/nvme0n1 bs=4096 seek=$n oflag=dsync status=none"}


def is_numbered(block, number):
    head = f"block {number}\n".encode()
    body = block[:len(head) + 3900]
    return block.startswith(head) and hashlib.sha256(body).hexdigest().encode() in block[len(body):]


@pytest.mark.parametrize("way", WRITES)
def test_killed_while_writing_through(boot, way):
    chance = random.Random(SEED)
    print(f"POWER_SEED={SEED}")
    total = begun = 0
    for number in range(max(ROUNDS // 2, 1)):
        path = boot.file("disk.img", 1000 * BLOCK)
        machine = boot(disk=path)
        machine.type(ONE_BY_ONE.format(write=WRITES[way]))
        machine.expect("written 5\r")
        time.sleep(chance.uniform(0, 0.5))
        written = kill(machine, r"\bwritten (\d+)\r")
        blocks = [path.read_bytes()[at:at + BLOCK] for at in range(0, 1000 * BLOCK, BLOCK)]
        assert all(is_numbered(blocks[n], n) for n in written)
        others = [n for n in range(1000) if n not in written and any(blocks[n])]
        assert all(is_numbered(blocks[n], n) for n in others)
        total, begun = total + len(written), begun + len(others)
    print(f"{number + 1} rounds, {total} blocks written, {begun} times not acknowledged")


def read_log(path):
    """blklogwrites: for each write and flush its flags, first byte and length."""
    log = path.read_bytes()
    _, version, entries, sector = struct.unpack_from("<QQQL", log)
    assert version == 1
    at = sector
    for _ in range(entries):
        where, count, flags, _ = struct.unpack_from("<QQQQ", log, at)
        yield flags, where * sector, count * sector
        at += sector + (0 if flags & 4 else count * sector)


FLUSH = 1


@pytest.mark.parametrize("smp", [1, 2])
def test_flush_is_behind_its_writes(boot, smp):
    disk, log = boot.file("disk.img"), boot.file("log.img", size=0)
    machine = boot(smp=smp, drive=json.dumps({
        "driver": "blklogwrites", "node-name": "disk", "log-sector-size": 512,
        "file": {"driver": "file", "filename": str(disk)},
        "log": {"driver": "file", "filename": str(log)}}))
    machine.good(writer(0, 12), timeout=60)
    machine.good("dd if=/dev/zero of=/dev/nvme0n1 bs=64K count=3 seek=1000 conv=fsync status=none")
    machine.poweroff()
    written, flushed = set(), 0
    for flags, start, length in read_log(log):
        if length:
            assert not flags & FLUSH
            written.update(range(start, start + length, 512))
        elif flags & FLUSH and flushed < 12:
            assert written >= set(range(flushed * MIB, (flushed + 1) * MIB, 512)), flushed
            flushed += 1
        else:
            flushed += 1
    assert flushed >= 13, "each flush has arrived"
    assert written >= set(range(1000 * 65536, 1003 * 65536, 512))
