"""The largest and the fullest: memory that runs out, many open files, much and little memory, a
disk of 4 TiB, a queue for each of 64 processors."""
import json
import re

import pytest


@pytest.fixture(scope="module")
def small(boot_shared):
    return boot_shared(memory="128M", smp=2)


def free(machine):
    """Bytes. A session that ends takes its history with it."""
    machine.send("\x04")
    machine.wait_for_prompt()
    return int(machine.good("free -b").split()[6])


def check_free(machine, before):
    """All is given back, but for a page table that a guard below a stack needed, and a page of the
    heap that happens to be full or not."""
    assert abs(before - free(machine)) <= 4 * 4096


def check_works(machine):
    """While nothing more goes into files."""
    assert machine.good("seq 1 9 | grep 7 | cat") == "7\n"
    assert machine.good("for i in 1 2; do echo $i$(echo x); done") == "1x\n2x\n"
    machine.good("dd if=/dev/nvme0n1 of=/dev/null bs=1M count=8 status=none")
    machine.good("fio --name=a --filename=/dev/nvme0n1 --rw=randwrite --size=1m --iodepth=32 "
                 "--numjobs=2 --offset_increment=1m --verify=crc32c > /dev/null")
    machine.good("nvme id-ctrl /dev/nvme0 | head -n 1; nvme reset /dev/nvme0")


@pytest.mark.parametrize("fill, says", [
    ("dd if=/dev/zero of=big bs=1M", "dd: error writing 'big': No space left on device\n1"),
    ("dd if=/dev/nvme0n1 of=big; dd if=/dev/nvme0n1 of=big2 bs=64K",
     "dd: error writing 'big2': No space left on device\n"),
    ("cat /dev/zero > big", "cat: write error: No space left on device\n"),
    ("dd if=/dev/zero of=big bs=1M count=98 status=none; i=0; "
     "while echo $i > small$i; do i=$((i + 1)); done",
     r"cannot open small\d{4}: No space left on device\n"),
])
def test_files_fill_memory(small, fill, says):
    """The file ends where memory does, and says so; what is left is enough to go on."""
    before = free(small)
    assert re.search(says, small.run(fill, 90).output)
    check_works(small)
    small.good("rm -f big* small*")
    check_free(small, before)


@pytest.mark.parametrize("command, says", [
    ("dd if=/dev/nvme0n1 of=/dev/null bs=256M",
     "dd: memory exhausted by input buffer of size 268435456 bytes (256 MiB)\n"),
    ("x=x; while x=$x$x; do :; done", "Cannot allocate memory\n"),
    ("seq 1 1000000 > s; x=$(cat s s s s s s s s s s s s s s s s s s)",
     "cat: write error: No space left on device\nsh: Cannot allocate memory\n"),
    ("seq 1 1000000 > s; for i in $(cat s s s s s s s s); do :; done", "sh: Cannot allocate memory\n"),
    ("cat /dev/zero | tail -n 1", "tail: error reading 'standard input': Cannot allocate memory\n"),
    ("fio --name=a --filename=/dev/nvme0n1 --bs=64m --iodepth=8", "error=Cannot allocate memory\n"),
    ("nvme read /dev/nvme0n1 -z 268435456 -c 65535", "nvme read: Cannot allocate memory\n"),
])
def test_commands_exhaust_memory(small, command, says):
    before = free(small)
    output, status = small.run(command, 90)
    assert status and output.endswith(says)
    small.good("x=; rm -f s")
    check_works(small)
    check_free(small, before)


def test_fifty_open_files(small):
    before = free(small)
    names = " ".join(f"file{number}" for number in range(50))
    small.good(f"echo all of them | tee {names}; for f in {names}; do cmp $f file0; done")
    assert small.good("cat file7" + " | cat" * 50) == "all of them\n"
    assert small.good("{ " * 20 + "echo deep" + "".join(f"; }} > file{n}" for n in range(20)) +
                      "; cat file0; wc -c < file19") == "deep\n0\n"
    small.good(f"rm {names}")
    check_free(small, before)


def test_8_gib(boot):
    machine = boot(memory="8G", smp=8)
    total, _, left = map(int, machine.good("free -m").split()[4:7])
    assert total > 8 * 1024 - 128 and left > total - 64
    machine.good("dd if=/dev/zero of=large bs=1M count=1 seek=6000 status=none; sh test3.sh")
    machine.good("dd if=/dev/nvme0n1 of=/dev/null bs=1G count=1 status=none")


def test_sparse_disk_of_4_tib(boot):
    """First and last block, and what lies where 32 bits of blocks or of KiB end."""
    size = 4 << 40
    path = boot.file("large.img", size)
    machine = boot(disk=path)
    offsets = [0, (2 << 40) - 512, 2 << 40, size - 512]
    for number, offset in enumerate(offsets):
        machine.good(f"echo block {number} | dd of=/dev/nvme0n1 seek={offset // 512} status=none")
    for number, offset in enumerate(offsets):
        assert machine.good(f"dd if=/dev/nvme0n1 skip={offset // 512} count=1 status=none | "
                            "head -n 1") == f"block {number}\n"
    assert "No space left" in machine.run(
        f"dd if=/dev/zero of=/dev/nvme0n1 seek={size // 512 - 1} count=2").output
    machine.good("sync")
    with open(path, "rb") as file:
        for number, offset in enumerate(offsets[:-1]):
            file.seek(offset)
            assert file.read(8) == f"block {number}\n".encode()


def test_64_queues(boot):
    """One for each processor, each of which writes and verifies."""
    machine = boot(smp=64, memory="1G", nvme="max_ioqpairs=64")
    assert "64 queues of" in machine.dmesg
    jobs = json.loads(machine.good(
        "fio --output-format=json --name=a --filename=/dev/nvme0n1 --numjobs=64 --size=64k "
        "--offset_increment=1m --rw=randwrite --iodepth=8 --verify=crc32c", 120))["jobs"]
    assert [(job["error"], job["read"]["io_bytes"]) for job in jobs] == [(0, 65536)] * 64
