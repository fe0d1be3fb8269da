"""A controller in a slot is taken out and put in again, idle and under load: its nodes go and come,
who has them open is told, and nothing is left behind. HOTPLUG_ROUNDS says how often (100 by hand)."""
import json
import os
import re
import sys
import time

import pytest

from injection import ECAM, Qtest, throttle
from machine import ROOT

sys.path.insert(0, str(ROOT / "tests"))

from fio_report import parse_json  # noqa: E402

ROUNDS = int(os.environ.get("HOTPLUG_ROUNDS", 4))
NO_DEVICE = "No such device"
SLOT = ["-device", "pcie-root-port,id=rp,chassis=1,slot=1",
        "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"]


@pytest.fixture(scope="module")
def slot(boot_shared):
    """A controller at the root complex, which stays, and one in a slot."""
    devices = []
    for name in ("stays", "goes"):
        path = boot_shared.file(f"{name}.img", content=f"{name}\n".encode())
        devices += ["-blockdev", json.dumps({"driver": "file", "node-name": name,
                                             "filename": str(path)})]
    return boot_shared(smp=2, controllers=2, cmdline="nvme.timeout=5000", devices=[
        *devices, "-device", "nvme,id=n0,serial=stays,drive=stays", *SLOT,
        "-device", "nvme,id=n1,serial=goes,drive=goes,bus=rp"])


GONE = [r"Invalid (read|write) at addr 0x\w+, size 4, region '\(null\)', reason: rejected"]


def take_out(machine):
    machine.qmp.execute("device_del", id="n1")
    machine.qmp.wait_for("DEVICE_DELETED", device="n1")


def put_in(machine):
    machine.qmp.execute("device_add", driver="nvme", id="n1", serial="goes", drive="goes", bus="rp")


def wait_for_node(machine):
    for _ in range(20):
        if machine.run("ls /dev/nvme1n1").status == 0:
            return
        time.sleep(0.1)
    raise AssertionError("it has not come back")


def free(machine):
    """KiB, as free says."""
    return int(re.search(r"Mem: +\d+ +\d+ +(\d+)", machine.good("free")).group(1))


def test_idle(slot):
    """At a prompt where nobody types; memory is the same before and after."""
    before = []
    for number in range(ROUNDS):
        if number == 0:
            assert slot.good("head -n 1 /dev/nvme1n1") == "goes\n"
        take_out(slot)
        nodes = slot.good("ls /dev")
        assert "nvme1" not in nodes and "nvme0n1" in nodes and "my_nvme0n1" in nodes
        assert "nvme1" not in slot.good("nvme list") + slot.good("lsblk")
        assert slot.good("lspci -n").count(" 0108: ") == 1
        before.append(free(slot))
        put_in(slot)
        wait_for_node(slot)
        assert slot.good("lspci -n").count(" 0108: ") == 2
    assert abs(before[-1] - before[0]) <= 8
    slot.good("dd if=/dev/random of=/dev/nvme1n1 bs=1M count=4 status=none; sync")


@pytest.mark.parametrize("command, room, last", [
    ("lspci -xxxx -s 1:", 200, "ff0: 00"), ("lsblk -n -o NAME", 10, "nvme1n1"),
    ("blockdev --report", 90, "/dev/nvme1n1")])
def test_while_it_is_listed(slot, command, room, last):
    """The pipe has room for less than the list, and what the list is at goes."""
    slot.type(f"(head -c {65536 - room} /dev/zero; {command}) | (sleep 2; tail -n 2)")
    time.sleep(0.5)
    take_out(slot)
    output = slot.wait_for_prompt()
    put_in(slot)
    assert last in output
    wait_for_node(slot)


@pytest.mark.parametrize("command", [
    "dd if=/dev/nvme1n1 of=/dev/null bs=4K", "dd if=/dev/zero of=/dev/nvme1n1 bs=1M",
    "cat /dev/nvme1n1 > /dev/null",
    "fio --name=a --filename=/dev/nvme1n1 --rw=randrw --bs=4k --iodepth=16 --numjobs=2 "
    "--eta=never"])
def test_under_load(slot, command):
    """Four megabytes a second: most of these would take a quarter of a minute."""
    for _ in range(max(ROUNDS // 4, 1)):
        throttle(slot, 4 << 20, "n1")
        slot.type(command)
        time.sleep(0.3)
        take_out(slot)
        slot.expect(NO_DEVICE)
        slot.wait_for_prompt()
        assert slot.run("ls /dev/nvme1n1").status != 0
        assert slot.good("head -n 1 /dev/nvme0n1") == "stays\n"
        put_in(slot)
        wait_for_node(slot)


@pytest.mark.parametrize("rw", ["randrw", "randread"])
def test_under_full_load(slot, rw):
    """As fast as it goes, on both processors, and the other controller goes on; reads alone are
    requests that are submitted again as they were."""
    for _ in range(max(ROUNDS // 2, 1)):
        slot.type(f"fio --rw={rw} --bs=4k --iodepth=32 --time_based --runtime=2 --eta=never "
                  "--output-format=json --name=a --filename=/dev/nvme1n1 --numjobs=2 "
                  "--name=b --filename=/dev/nvme0n1")
        time.sleep(0.3)
        take_out(slot)
        output = slot.wait_for_prompt()
        jobs = parse_json("{" + output.split("{", 1)[1])["jobs"]
        assert [job["error"] for job in jobs] == [19, 19, 0]
        assert jobs[2]["read"]["runtime"] >= 2000
        put_in(slot)
        wait_for_node(slot)
    slot.good("sh test1.sh")


SLOT_CONTROL = ECAM + (1 << 15) + 0x54 + 0x18  # of the port at 00:01.0
POWER_OFF, POWER_ON = 0x0700, 0x0100  # and the light as well


def test_swapped(boot):
    """One is torn out and another put in before anybody has looked. Not under load: QEMU does not
    let go of a disk then."""
    qtest = Qtest(boot.directory / "qtest.sock")
    devices = []
    for name in ("one", "two"):
        path = boot.file(f"{name}.img", content=f"{name}\n".encode())
        devices += ["-blockdev", json.dumps({"driver": "file", "node-name": name,
                                             "filename": str(path)})]
    machine = boot(extra=qtest.arguments, tolerates=GONE, devices=[
        *devices, *SLOT, "-device", "nvme,id=n1,serial=one,drive=one,bus=rp"])
    assert machine.good("head -n 1 /dev/nvme0n1") == "one\n"
    qtest.write(SLOT_CONTROL, POWER_OFF, 2)
    machine.qmp.wait_for("DEVICE_DELETED", device="n1")
    machine.qmp.execute("device_add", driver="nvme", id="n2", serial="two", drive="two", bus="rp")
    qtest.write(SLOT_CONTROL, POWER_ON, 2)
    machine.expect("nvme0: is gone")
    time.sleep(1)
    machine.send("\r")
    machine.wait_for_prompt()
    assert "two" in machine.good("nvme list")
    assert machine.good("head -n 1 /dev/nvme0n1") == "two\n"
    qtest.close()


def test_switch(boot):
    """A card with a switch, and two controllers behind that, go at once."""
    devices = [*SLOT, "-device", "x3130-upstream,id=switch,bus=rp"]
    for number in (0, 1):
        path = boot.file(f"{number}.img")
        devices += ["-drive", f"file={path},if=none,id=d{number},format=raw", "-device",
                    f"xio3130-downstream,id=down{number},bus=switch,chassis={number + 2},"
                    f"slot={number + 2}",
                    "-device", f"nvme,serial=behind{number},drive=d{number},bus=down{number}"]
    machine = boot(devices=devices, controllers=2, tolerates=GONE)
    before = machine.good("lspci").splitlines()
    machine.qmp.execute("device_del", id="switch")
    machine.qmp.wait_for("DEVICE_DELETED", device="switch")
    assert "nvme" not in machine.good("ls /dev")
    assert len(machine.good("lspci").splitlines()) == len(before) - 5
    time.sleep(1)
    machine.good("lspci -v; nvme list")
