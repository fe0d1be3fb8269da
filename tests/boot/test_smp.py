"""Several processors: all that the MADT names come, work, sleep, and end with the machine."""
import os
import re
import socket
import struct
import subprocess
import time

import pytest

from machine import BUILD, DEBUG_EXIT_PANIC, SHUTDOWN_EVENT

DEBUG_EXIT = ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
# An uncorrected error that is valid and enabled, in bank 9 of a processor.
MACHINE_CHECK = "9 0xbd00000000000000 0x5 0x1000 0x8c"


def monitor(machine, line):
    return machine.qmp.execute("human-monitor-command", **{"command-line": line})


def online(machine):
    """What lscpu says; that dmesg agrees; that nothing was left out."""
    said = machine.good("lscpu")
    count = int(re.search(r"^CPU\(s\): +(\d+)$", said, re.M)[1])
    numbers = "0" if count == 1 else f"0-{count - 1}"
    assert re.search(rf"^  On-line CPU\(s\) list: +{numbers}$", said, re.M)
    assert count == 1 or f"cpus: {count} of " in machine.dmesg
    return count


@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_all_come(boot, count):
    machine = boot(smp=count)
    assert online(machine) == count
    assert count == 1 or f"cpus: {count} of {count}, up and tried" in machine.dmesg
    assert "left out" not in machine.dmesg
    machine.good("sh test1.sh")


def test_64(boot):
    assert online(boot(smp=64, memory="1G")) == 64


def test_more_than_64(boot):
    machine = boot(smp=68, memory="1G")
    assert online(machine) == 64
    assert "cpus: more than 64: the others are left out" in machine.dmesg


@pytest.mark.parametrize("words, count", [("cpus=1", 1), ("cpus=3", 3), ("cpus=64", 4)])
def test_limit(boot, words, count):
    assert online(boot(smp=4, cmdline=words)) == count


def test_limit_that_is_none(boot):
    machine = boot(smp=2, cmdline="cpus=0")
    assert online(machine) == 2
    assert "cpus= wants a number from 1 to 64" in machine.dmesg


def test_sockets_and_gaps_in_the_ids(boot):
    """Three cores in a package leave an APIC ID out."""
    assert online(boot(smp="6,sockets=2,cores=3")) == 6


def registers(machine):
    """Of each processor, by their names in QEMU."""
    said = monitor(machine, "info registers -a")
    return [dict(re.findall(r"\b([A-Z][A-Z0-9]+) *= *([0-9a-f]+(?: +[0-9a-f]{16})?)", one))
            for one in said.split("CPU#")[1:]]


def test_each_has_its_own_and_the_same(boot):
    machine = boot(smp=4)
    cpus = registers(machine)
    assert len(cpus) == 4
    for name in ("CR0", "CR3", "CR4", "EFER", "IDT", "CS"):
        assert len({cpu[name] for cpu in cpus}) == 1, name
    for name in ("GDT", "TR", "GS", "RSP"):
        assert len({cpu[name] for cpu in cpus}) == 4, name
    assert int(cpus[0]["CR0"], 16) & 1 << 16, "write protection"
    assert int(cpus[0]["EFER"], 16) & 1 << 11, "no execution"


def test_idle(boot):
    """All in hlt: no time of the host is used, and none of it by a timer that beats."""
    machine = boot(smp=4)
    time.sleep(0.5)
    assert [cpu["HLT"] for cpu in registers(machine)] == ["1"] * 4
    stat = f"/proc/{machine._process.pid}/stat"

    def used():
        with open(stat, encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    before = used()
    time.sleep(4)
    assert used() - before < 0.12, "3 % of one processor of the host"


def test_low_memory_is_gone(boot):
    """Where the others came in nothing is mapped now; all have the same tables."""
    machine = boot(smp=2)
    ranges = monitor(machine, "info mem").split("\r\n")[:-1]
    assert ranges and all(one.startswith("ffff") for one in ranges)


def test_panic_on_another(boot):
    machine = boot(smp=4, extra=DEBUG_EXIT)
    monitor(machine, f"mce 2 {MACHINE_CHECK}")
    machine.expect(r"PANIC: machine check \(vector 18, error code 0\)\r\n")
    machine.expect(r"On processor 2 of 4\.\r\n")
    machine.expect(r"Backtrace:\r\n  [0-9a-f]{16} cpu_work\+0x[0-9a-f]+\r\n"
                   r"  [0-9a-f]{16} processor_main\+0x[0-9a-f]+\r\n")
    machine.wait_for_end(DEBUG_EXIT_PANIC)


def test_panic_on_all(boot):
    """One of them reports, the others are quiet."""
    machine = boot(smp=4, extra=DEBUG_EXIT)
    monitor(machine, f"mce -b 1 {MACHINE_CHECK}")
    machine.expect(r"PANIC: machine check")
    machine.wait_for_end(DEBUG_EXIT_PANIC)
    assert machine.transcript().count("PANIC") == 1


def test_panic_stops_the_others(boot):
    """Without a device that ends it, the machine stands still, and says so."""
    machine = boot(smp=4)
    monitor(machine, f"mce 3 {MACHINE_CHECK}")
    machine.expect(r"PANIC: machine check")
    machine.expect(r"On processor 3 of 4\.\r\n")
    machine.expect(r"The machine has stopped\.\r\n")
    time.sleep(0.2)
    for cpu in registers(machine):
        assert cpu["HLT"] == "1" and not int(cpu["RFL"], 16) & 1 << 9, "halted, and for good"
    machine.kill()


def test_reboot_and_poweroff(boot):
    machine = boot(smp=4)
    machine.type("reboot")
    machine.wait_for_prompt(90)
    machine.check_controllers()
    assert online(machine) == 4
    machine.poweroff()
    assert len(machine.traced(SHUTDOWN_EVENT)) == 2


def madt(*entries):
    """What is behind a table's header: the local APICs' address, flags, entries."""
    return struct.pack("<II", 0xfee00000, 1) + b"".join(entries)


def local_apic(identifier, flags=1):
    return struct.pack("<BBBBI", 0, 8, 0, identifier, flags)


def local_x2apic(identifier, flags=1):
    return struct.pack("<BBHIII", 9, 16, 0, identifier, flags, 0)


# As QEMU's own has them: without these nothing can be typed.
IO_APIC = struct.pack("<BBBBII", 1, 12, 0, 0, 0xfec00000, 0)


def boot_with_madt(boot, *entries, smp):
    """A kernel that looks for a table of another name, and finds ours."""
    image = boot.directory / "other.efi"
    kernel = (BUILD / "BOOTX64.EFI").read_bytes()
    assert b"APIC\0" in kernel
    image.write_bytes(kernel.replace(b"APIC\0", b"MINE\0"))
    table = boot.directory / "madt.bin"
    table.write_bytes(madt(IO_APIC, *entries))
    return boot(image=image, smp=smp, extra=["-acpitable", f"sig=MINE,rev=3,data={table}"])


def test_one_that_does_not_come(boot):
    """Named, but not there: reported, left out, and the numbers have no gap."""
    machine = boot_with_madt(boot, local_apic(0), local_apic(9), local_apic(1), smp=2)
    assert "cpus: the processor with APIC ID 9 does not start: left out" in machine.transcript()
    assert "cpus: 2 of 3, up and tried" in machine.dmesg
    assert online(machine) == 2


class Gdb:
    """As much of gdb's remote protocol as stops one processor and lets the other go on."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(60)
        self._socket.connect(str(path))
        self._stream = self._socket.makefile("rb")

    def send(self, text):
        self._socket.sendall(b"$%b#%02x" % (text.encode(), sum(text.encode()) % 256))
        assert self._stream.read(1) == b"+"

    def answer(self):
        text = b""
        while not (text := text + self._stream.read(1)).endswith(b"#"):
            pass
        self._stream.read(2)
        self._socket.sendall(b"+")
        return text.decode().strip("$#")

    def ask(self, text):
        self.send(text)
        return self.answer()

    def close(self):
        self._stream.close()
        self._socket.close()


def test_one_that_comes_too_late(boot):
    """Held up on its first instruction in the kernel: it is given up, and does no harm later."""
    symbols = subprocess.run(["nm", BUILD / "kernel.elf"], check=True, text=True,
                             capture_output=True).stdout
    entry = re.search(r"^ffffffff([0-9a-f]{8}) T processor_entry$", symbols, re.M)[1]
    path = boot.directory / "gdb.sock"
    machine = boot.create(smp=2, extra=[
        "-S", "-chardev", f"socket,id=gdb,path={path},server=on,wait=off", "-gdb", "chardev:gdb"])
    machine.start()
    gdb = Gdb(path)
    assert "vContSupported+" in gdb.ask("qSupported:multiprocess+;vContSupported+")
    assert gdb.ask(f"Z1,ffffffff{entry},1") == "OK"
    assert "thread:p01.02;" in gdb.ask("vCont;c")
    assert gdb.ask(f"z1,ffffffff{entry},1") == "OK"
    gdb.send("vCont;c:p1.1")
    machine.expect("cpus: the processor with APIC ID 1 does not start: left out")
    machine.wait_for_prompt()
    gdb._socket.sendall(b"\x03")
    assert gdb.answer().startswith("T02")
    assert gdb.ask("D;1") == "OK"
    gdb.close()

    machine.check_controllers()
    assert online(machine) == 1
    machine.good("sh test1.sh")
    late = registers(machine)[1]
    # By INIT; or, if a second start-up message was under way, by itself when it finds out.
    flags = late.get("RFL") or late["EFL"]  # as the mode is that it was left in
    assert late["HLT"] == "1" and not int(flags, 16) & 1 << 9, "halted, and for good"


def test_odd_entries(boot):
    """Both kinds, in any order, named twice, switched off, and out of devices' reach."""
    machine = boot_with_madt(boot, local_x2apic(2), local_apic(0), local_apic(2), local_apic(1, 0),
                             local_apic(3), local_x2apic(3), local_x2apic(4096), smp=4)
    assert "cpus: no device can reach APIC ID 4096: left out" in machine.transcript()
    assert "cpus: 3 of 3, up and tried" in machine.dmesg
    assert online(machine) == 3
    parked = registers(machine)[1]
    assert parked["HLT"] == "1" and not int(parked["CR0"], 16) & 1, "waits for a start, in real mode"


def test_no_madt_entries(boot):
    assert online(boot_with_madt(boot, smp=2)) == 1
