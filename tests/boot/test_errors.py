"""What is wrong is said, has a status, and leaves the prompt usable."""
import pytest

NO_SPACE = "dd: error writing '/dev/nvme0n1': No space left on device\n"


@pytest.fixture(scope="module")
def machine(boot_shared):
    return boot_shared()


def test_no_controller(boot):
    machine = boot(controllers=0)
    assert "nvme: no controller found" in machine.transcript()  # not only in the log
    assert "nvme" not in machine.good("ls /dev")
    output, status = machine.run("sh test1.sh")
    assert status == 2, "that of cmp, which has nothing to compare"
    assert "dd: failed to open '/dev/my_nvme0n1': " in output
    assert machine.good("echo still here") == "still here\n"


def test_full_disk(machine):
    output, status = machine.run("dd if=/dev/zero of=/dev/nvme0n1 bs=1M", timeout=90)
    assert status == 1
    assert output.startswith(NO_SPACE + "65+0 records in\n64+0 records out\n")
    output, status = machine.run("echo over > /dev/full")
    assert (output, status) == ("echo: write error: No space left on device\n", 1)


def test_write_past_the_end(machine):
    output, status = machine.run("dd if=/dev/zero of=/dev/nvme0n1 bs=1M seek=64 count=1")
    assert status == 1
    assert output.startswith(NO_SPACE + "1+0 records in\n0+0 records out\n")
    output, status = machine.run("dd if=/dev/zero of=/dev/nvme0n1 bs=1M seek=65 count=1")
    assert status == 1 and "dd: /dev/nvme0n1: cannot seek: Invalid argument\n" in output


def test_last_block_cut_short(machine):
    output, status = machine.run("dd if=/dev/zero of=/dev/nvme0n1 bs=3M seek=21 count=1")
    assert status == 1
    assert output.startswith(NO_SPACE + "1+0 records in\n0+0 records out\n1048576 bytes")


def test_read_past_the_end(machine):
    assert machine.good("dd if=/dev/nvme0n1 bs=1M skip=64 count=1 | wc -c").endswith("0\n")
    output, status = machine.run("dd if=/dev/nvme0n1 bs=1M skip=65 count=1")
    assert status == 1 and "dd: /dev/nvme0n1: cannot skip: Invalid argument\n" in output
    assert "0+1 records in" in machine.good("dd if=/dev/nvme0n1 of=/dev/null bs=3M skip=21 count=9")


@pytest.mark.parametrize("command, status, says", [
    ("nosuchcommand", 127, "nosuchcommand: not found"),
    ("dd if=nosuchfile", 1, "dd: failed to open 'nosuchfile': No such file or directory"),
    ("dd bs=0", 1, "dd: invalid number: '0'"),
    ("dd bs=12Q", 1, "dd: invalid number: '12Q'"),
    ("dd if=/dev/zero nonsense=1", 1, "dd: unrecognized operand 'nonsense=1'"),
    ("dd conv=backwards", 1, "dd: invalid conversion: 'backwards'"),
    ("dd bs=9999G if=/dev/zero of=/dev/null count=1", 1, "dd: memory exhausted by input buffer"),
    ("cmp", 2, "cmp: missing operand"),
    ("cmp test1.sh nosuchfile", 2, "cmp: nosuchfile: No such file or directory"),
    ("cmp -X test1.sh test2.sh", 2, "cmp: invalid option -- 'X'"),
    ("cat nosuchfile", 1, "cat: nosuchfile: No such file or directory"),
    ("cat --nosuchoption", 1, "cat: unrecognized option '--nosuchoption'"),
    ("ls -Z", 2, "ls: invalid option -- 'Z'"),
    ("ls nosuchfile", 2, "ls: cannot access 'nosuchfile': No such file or directory"),
    ("lspci -Z", 1, "lspci: invalid option -- 'Z'"),
    ("sleep", 1, "sleep: missing operand"),
    ("head -n x test1.sh", 1, "head: invalid number of lines: 'x'"),
    ("poweroff now", 2, "usage: poweroff"),
    ("sh nosuchfile", 127, "nosuchfile"),
    ("echo )", 2, "syntax error"),
])
def test_wrong_usage(machine, command, status, says):
    output, got = machine.run(command)
    assert says.lower() in output.lower()
    assert got == status
    assert machine.good("echo usable") == "usable\n"


COMMANDS = ("blkdiscard blockdev cat cksum clear cmp cp date dd dmesg echo free grep head hexdump help ls "
            "lsblk lscpu lspci md5sum mv nvme poweroff reboot rm sh sha256sum sleep sync tail time "
            "uptime watch wc xxd")
LITERAL = {"echo", "nvme", "time"}  # what --help is for them is their own affair


@pytest.mark.parametrize("command", COMMANDS.split())
def test_help(machine, command):
    assert f"usage: {command}" in machine.good(f"help {command}")
    assert f"\n{command} " in "\n" + machine.good("help")
    if command not in LITERAL:
        assert machine.good(f"{command} --help") == machine.good(f"help {command}")
