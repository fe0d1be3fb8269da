"""`make run` itself, as a person calls it: a terminal, QEMU's keys, its exit status."""
import subprocess

import pexpect
import pytest

from machine import BOOT_TIMEOUT, BUILD, ROOT


@pytest.fixture
def terminal(tmp_path):
    """Runs tests/run-qemu.sh with the Makefile's defaults and a disk of its own."""
    disk = tmp_path / "a disk, with a comma.img"
    disk.write_bytes(b"hello\n".ljust(1 << 20, b"\0"))
    process = pexpect.spawn("make", ["run", f"BUILD={BUILD}", f"DISK={disk}"], cwd=str(ROOT),
                            timeout=BOOT_TIMEOUT, encoding="utf-8", dimensions=(24, 80))
    process.expect_exact("nvmetal:/# ")
    yield process
    process.close(force=True)


def test_words_for_the_kernel_as_typed():
    words = 'run="echo $? $(date) $$ #"'
    shown = subprocess.run(["make", "-s", "--eval", 'shown: ; @printf %s "$$CMDLINE"', "shown",
                            f"CMDLINE={words}"], cwd=ROOT, capture_output=True, check=True)
    assert shown.stdout.decode() == words


def test_poweroff_ends_it_well(terminal):
    terminal.send("head -n 1 /dev/nvme0n1\r")
    terminal.expect(r"nvme0n1\r+\nhello\r+\n")
    terminal.send("poweroff\r")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0


def test_leaving_by_key(terminal):
    terminal.send("\x01x")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0


def test_a_panic_ends_it_badly(terminal):
    terminal.send("\x01c")
    terminal.expect_exact("(qemu) ")
    terminal.send("nmi\r")
    terminal.expect("PANIC: non-maskable interrupt")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus != 0
