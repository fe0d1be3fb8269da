"""What the device reports by itself is in dmesg within a second, also at a prompt where nobody
types, and sizes and nodes follow."""
import time

import pytest

SIZE = 16 << 20
SECOND = 1.0


@pytest.fixture(scope="module")
def machine(boot_shared):
    """Two controllers of one subsystem, a namespace for both and one for neither."""
    drives = []
    for number in (1, 2):
        drives += ["-drive", f"file={boot_shared.file(f'{number}.img', SIZE)},if=none,"
                             f"id=d{number},format=raw"]
    return boot_shared(controllers=2, devices=[
        "-device", "nvme-subsys,id=s0,nqn=two", *drives,
        "-device", "nvme,id=n0,serial=twins,subsys=s0",
        "-device", "nvme,id=n1,serial=twins,subsys=s0",
        "-device", "nvme-ns,drive=d1,nsid=1,shared=on",
        "-device", "nvme-ns,drive=d2,nsid=2,detached=on"])


def said_alone(machine, text, start):
    """At the prompt, by itself, within a second of `start`."""
    machine.expect(text, timeout=5)
    assert time.monotonic() - start < SECOND
    machine.send("\r")
    machine.wait_for_prompt()


@pytest.mark.parametrize("bits, text", [
    (1, "available spare capacity is below its threshold"),
    (2, "temperature is outside its thresholds"), (4, "reliability is degraded"),
    (8, "all media is read-only"), (16, "the volatile memory's backup has failed")])
def test_critical_warning(machine, qmp, bits, text):
    time.sleep(0.3)  # two rounds of events are a fifth of a second apart
    start = time.monotonic()
    qmp(machine, "qom-set", path="/machine/peripheral/n0", property="smart_critical_warning",
        value=bits)
    said_alone(machine, f"nvme0: critical warning: {text}", start)
    qmp(machine, "qom-set", path="/machine/peripheral/n0", property="smart_critical_warning",
        value=0)


def test_temperature(machine):
    """The threshold is set below what the device says that it has."""
    machine.good("sleep 0.3")
    machine.type("nvme set-feature /dev/nvme0 -f 4 --value=300")
    start = time.monotonic()
    machine.expect("event of type 1: temperature", timeout=5)
    assert time.monotonic() - start < SECOND
    machine.wait_for_prompt()
    assert "nvme0: temperature 323 K" in machine.good("dmesg | tail -n 4")
    machine.good("nvme set-feature /dev/nvme0 -f 4 --value=343")


def attach(machine, detach):
    """By the first controller, to the second or from it."""
    machine.good(r"echo -ne '\x01\x00\x01\x00' | dd bs=4096 conv=sync of=list status=none")
    machine.good(f"nvme admin-passthru /dev/nvme0 -o 0x15 -n 2 --cdw10={detach} -l 4096 -w -i list")


def test_attached_and_detached(machine):
    for _ in range(3):
        attach(machine, 0)
        machine.good("sleep 0.5")
        assert "nvme1n2 " in machine.good("lsblk")
        machine.good("echo here | dd of=/dev/nvme1n2 status=none")
        assert machine.good("head -c 4 /dev/nvme1n2") == "here"
        attach(machine, 1)
        machine.good("sleep 0.5")
        assert "nvme1n2" not in machine.good("ls /dev") + machine.good("lsblk")
    log = machine.good("dmesg")
    assert log.count("nvme1n2: is gone") == 3
    assert log.count("nvme1: event of type 2: a namespace has changed") >= 3


def test_detached_while_open(machine):
    """Whoever has it open gets an error, and no other device's blocks."""
    attach(machine, 0)
    machine.good("sleep 0.5")
    machine.good("for x in 1; do dd bs=512 count=1 of=/dev/null status=none; "
                 "nvme admin-passthru /dev/nvme0 -o 0x15 -n 2 --cdw10=1 -l 4096 -w -i list; "
                 "sleep 0.5; nvme id-ctrl /dev/nvme0 > /dev/null; "
                 "dd bs=512 count=1 of=/dev/null 2> said; done < /dev/nvme1n2; true")
    assert "No such device" in machine.good("cat said")


def test_formatted(machine):
    """By the other controller of the subsystem: 4096 bytes a block, then 512 again."""
    for size, number in ((4096, 4), (512, 0)):
        machine.good(f"nvme format /dev/nvme1n1 --force -l {number}")
        machine.good("sleep 0.3")
        for name in ("nvme0n1", "nvme1n1"):
            rows = [line.split() for line in machine.good("lsblk").splitlines()]
            assert [row[:3] for row in rows if row[0] == name] == [[name, "16M", str(size)]]
        machine.good("echo by the one | dd of=/dev/nvme0n1 status=none")
        assert machine.good("head -n 1 /dev/nvme1n1") == "by the one\n"
        assert f"nvme0n1: {SIZE // size} blocks of {size} bytes" in machine.good("dmesg | tail")
    output, status = machine.run(f"dd if=/dev/zero of=/dev/nvme0n1 bs=1M seek={SIZE >> 20}")
    assert status == 1 and "No space left on device" in output
