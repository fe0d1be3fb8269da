"""A bridge that has its window where RAM is: what comes behind it is not used, and nothing else is
disturbed. Functions that lie about themselves are in tests/unit/test_pci.c."""
import json
import re

from injection import ECAM, hmp

WINDOW = 0x20  # of a bridge: base and limit, each 16 bits, in MiB << 4
SLOT = ["-device", "pcie-root-port,id=rp,chassis=1,slot=1",
        "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"]


def test_registers_in_ram(boot, qtest):
    drives = []
    for name in ("stays", "comes"):
        drives += ["-blockdev", json.dumps({"driver": "file", "node-name": name,
                                            "filename": str(boot.file(name))})]
    machine = boot(smp=2, extra=qtest.arguments, devices=[
        *drives, "-device", "nvme,id=n0,serial=stays,drive=stays", *SLOT])
    device, = re.findall(r"Bus +0, device +(\d+), function 0:\s+PCI bridge", hmp(machine, "info pci"))
    port = ECAM + (int(device) << 15)
    qtest.write(port + WINDOW, 0x01100100)
    machine.qmp.execute("device_add", driver="nvme", id="n1", serial="comes", drive="comes",
                        bus="rp")
    machine.expect("pci: 01:00.0: BAR 0 is where no device can be")
    machine.send("\r")
    machine.wait_for_prompt()
    assert machine.run("ls /dev/nvme1").status != 0
    assert machine.good("lspci -n").count(" 0108: ") == 2
    machine.good("sh test1.sh; dd if=/dev/nvme0n1 of=/dev/null bs=1M count=64 status=none")
