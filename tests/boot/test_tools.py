"""Tools where they need the machine: its clock, its log, its screen, its disk's own commands."""
import hashlib
import time

import pytest

CTRL_C = "\x03"
PROGRESS = r"\r\d+ bytes? \(.*\) done, \d+ s, .*B/s"


@pytest.fixture(scope="module")
def machine(boot_shared):
    disk = boot_shared.file("disk.img", content=bytes(range(256)) * 4096)
    return boot_shared(disk=disk, trace=["pci_nvme_dsm*", "pci_nvme_write"])


def interrupt(machine):
    """Types Ctrl-C; what was said until then, and the exit status."""
    machine.send(CTRL_C)
    said = machine.wait_for_prompt()
    machine.type("echo $?")
    return said, int(machine.wait_for_prompt())


def test_time_of_day(machine):
    """The machine's clock is the host's, in UTC."""
    before = int(time.time())
    now = int(machine.good("date +%s"))
    assert before - 2 <= now <= time.time() + 2
    assert machine.good(f"date -d @{now} +%F") == time.strftime("%F\n", time.gmtime(now))
    assert time.strftime("%a %b", time.gmtime(now)) in machine.good("date")
    machine.good("echo x > /fresh")
    stamp = machine.good("ls -l /fresh").split()
    assert stamp[:7] == ["-rw-r--r--", "1", "root", "root", "2",
                         time.strftime("%b", time.gmtime()), str(time.gmtime().tm_mday)]
    up = time.strptime(machine.good("uptime -s").strip(), "%Y-%m-%d %H:%M:%S")
    assert tuple(up) <= tuple(time.gmtime())


def test_interrupted_output(machine):
    """Ctrl-C ends what prints without end, or much at once, and looks at nothing meanwhile."""
    machine.good("seq 200000 > /many; x=$(cat /many)")
    for command in ("cmp -l /dev/zero /dev/random", "hexdump -C /dev/random", 'echo "$x"', "set",
                    "nvme admin-passthru /dev/nvme0 -o 6 -l 400000 -r --cdw10=1"):
        machine.type(command)
        time.sleep(0.3)
        said, status = interrupt(machine)
        assert status == 130 and len(said) < 1 << 20, command
    machine.good("rm /many; x=")


def test_progress(machine):
    """On the console long work shows how far it is; redirected, it is silent."""
    machine.type("sha256sum /dev/zero")
    machine.expect(PROGRESS)
    said, status = interrupt(machine)
    assert status == 130 and said.rsplit("\r", 1)[-1].strip() == "^C"
    machine.type("cat /dev/zero > /dev/null")
    machine.expect(PROGRESS)
    assert interrupt(machine)[1] == 130
    machine.type("sha256sum /dev/zero 2> /messages")
    time.sleep(2)
    said, status = interrupt(machine)
    assert (said.replace("^C", "").strip(), status) == ("", 130)
    assert machine.good("wc -c < /messages") == "0\n"


def test_dd_progress_and_interrupt(machine):
    machine.type("dd if=/dev/zero of=/dev/null status=progress")
    machine.expect(r"\r\d+ bytes \(.*\) copied, 1 s, .*B/s")
    said, status = interrupt(machine)
    assert status == 130 and "+0 records in\n" in said and " copied, " in said


def test_digests(machine):
    content = bytes(range(256)) * 4096
    digest = hashlib.sha256(content).hexdigest()
    assert machine.good("dd if=/dev/nvme0n1 bs=64K count=16 status=none | sha256sum") == \
        f"{digest}  -\n"
    machine.good("dd if=/dev/nvme0n1 of=/copy bs=64K count=16 status=none; sha256sum /copy > /sums")
    assert machine.good("sha256sum -c /sums") == "/copy: OK\n"
    output, status = machine.run("echo >> /copy; sha256sum -c /sums")
    assert status == 1 and output == ("/copy: FAILED\nsha256sum: WARNING: 1 computed checksum "
                                      "did NOT match\n")


def test_log_as_it_grows(machine):
    """dmesg -w sleeps until something is logged, here of what the disk says of its health."""
    machine.type("dmesg -W")
    machine.qmp.execute("qom-set", path="/machine/peripheral/n0", property="smart_critical_warning",
                        value=1)
    machine.expect(r"\[ +\d+\.\d+\] nvme0: .*\r\n")
    assert interrupt(machine)[1] == 130
    machine.type("dmesg -w")
    machine.expect(r"boot: \d+ us since boot services")
    assert interrupt(machine)[1] == 130


def test_watch(machine):
    machine.type("watch -n 0.2 'cat /fresh; echo $((6*7))'")
    for _ in range(3):
        machine.expect(r"\x1b\[H\x1b\[2JEvery 0\.2s: cat /fresh; .*\r\n\r\nx\r\n42\r\n")
    assert interrupt(machine)[1] == 130
    assert machine.run("watch -t -e -n 1 false").status == 1


def test_what_the_disk_is(machine):
    assert machine.good("blockdev --getsize64 --getss --getro /dev/nvme0n1") == "67108864\n512\n0\n"
    assert machine.good("lsblk -bno name,size") == "nvme0n1 67108864\n"
    assert "QEMU NVMe Ctrl" in machine.good("lsblk -o NAME,MODEL /dev/nvme0n1")


def test_discard(machine):
    """By the device's commands: Dataset Management, and Write Zeroes for -z."""
    assert machine.good("blkdiscard -v -o 1M -l 2M /dev/nvme0n1") == \
        "/dev/nvme0n1: Discarded 2097152 bytes from the offset 1048576\n"
    assert machine.traced("pci_nvme_dsm*")
    zeroed = [line for line in machine.traced("pci_nvme_write") if "WRITE_ZEROES" in line]
    assert not zeroed
    machine.good("dd if=/dev/random of=/dev/nvme0n1 bs=1M count=3 status=none")
    machine.good("blkdiscard -z -o 1M -l 1M /dev/nvme0n1")
    zeroed = [line for line in machine.traced("pci_nvme_write") if "WRITE_ZEROES" in line]
    assert zeroed
    machine.good("cmp -n 1M -i 1M:0 /dev/nvme0n1 /dev/zero")
    assert machine.run("cmp -n 1M /dev/nvme0n1 /dev/zero").status == 1
    assert machine.run("cmp -n 1M -i 2M:0 /dev/nvme0n1 /dev/zero").status == 1


def test_direct(machine):
    output, status = machine.run("dd if=/dev/nvme0n1 of=/dev/null bs=100 iflag=direct")
    assert status == 1 and "dd: error reading '/dev/nvme0n1': Invalid argument\n" in output
    machine.good("dd if=/dev/zero of=/dev/nvme0n1 bs=4K count=2 oflag=direct status=none")
