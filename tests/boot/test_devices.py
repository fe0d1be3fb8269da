"""What the machine has, and how it is shown: PCI functions, controllers, namespaces, nodes."""
import re

import pytest


def disk(boot, number, mib):
    path = boot.file(f"{number}.img", size=mib << 20, content=f"this is disk {number}\n".encode())
    return ["-drive", f"file={path},if=none,id=d{number},format=raw"]


def first_line(machine, node):
    return machine.good(f"head -n 1 /dev/{node}")


def test_lspci_of_the_default_pc(boot):
    machine = boot(machine="pc")
    assert machine.good("lspci") == """\
00:00.0 Host bridge: 8086:1237 (rev 02)
00:01.0 ISA bridge: 8086:7000
00:01.1 IDE interface: 8086:7010
00:01.3 Bridge: 8086:7113 (rev 03)
00:02.0 VGA compatible controller: 1234:1111 (rev 02)
00:03.0 Ethernet controller: 8086:100e (rev 03)
00:04.0 Non-Volatile memory controller: 1b36:0010 (rev 02)
"""
    details = machine.good("lspci -v -s 4")
    assert re.search(r"\tBAR0: Memory at [0-9a-f]+ \(64-bit, non-prefetchable\) \[size=16K\]\n",
                     details)
    capabilities = re.findall(r"Capabilities: \[..\] (.*)\n", details)
    assert sorted(capabilities) == ["Express", "MSI-X", "Power Management"]
    assert "memory+ bus-master+" in details
    assert machine.good("lspci -n -d 1b36:") == "00:04.0 0108: 1b36:0010 (rev 02)\n"
    assert machine.good("lspci -nn -s 0000:00:01.1") == "00:01.1 IDE interface [0101]: [8086:7010]\n"
    rows = machine.good("lspci -xxx -s .3").splitlines()
    assert rows[0] == "00:01.3 Bridge: 8086:7113 (rev 03)" and len(rows) == 18
    assert rows[1].startswith("00: 86 80 13 71 ") and rows[16].startswith("f0: ")
    for wrong in ("-s 20", "-s 1.8", "-s 0:0:0:0", "-d 1b36", "-s x"):
        assert machine.run(f"lspci {wrong}").status == 1


def test_two_controllers_and_namespaces_with_gaps(boot):
    machine = boot(controllers=2, devices=[
        *disk(boot, 0, 16), *disk(boot, 1, 24), *disk(boot, 2, 32),
        "-device", "nvme,id=n0,serial=first,addr=3.0,multifunction=on",
        "-device", "nvme-ns,bus=n0,drive=d0,nsid=3", "-device",
        "nvme-ns,bus=n0,drive=d1,nsid=200,logical_block_size=4096,physical_block_size=4096",
        "-device", "nvme,serial=second,drive=d2,addr=3.5"])
    assert machine.good("ls /dev | cat").split() == [
        "console", "full", "my_nvme0n1", "null", "nvme0", "nvme0n200", "nvme0n3", "nvme1",
        "nvme1n1", "random", "urandom", "zero"]
    rows = [line.split(maxsplit=5) for line in machine.good("lsblk").splitlines()]
    assert rows == [["NAME", "SIZE", "LOG-SEC", "RO", "TYPE", "MODEL"],
                    ["nvme0n3", "16M", "512", "0", "disk", "QEMU NVMe Ctrl"],
                    ["nvme0n200", "24M", "4096", "0", "disk", "QEMU NVMe Ctrl"],
                    ["nvme1n1", "32M", "512", "0", "disk", "QEMU NVMe Ctrl"]]
    for node, number in (("nvme0n3", 0), ("my_nvme0n1", 0), ("nvme0n200", 1), ("nvme1n1", 2)):
        assert first_line(machine, node) == f"this is disk {number}\n"
    machine.good("dd if=/dev/nvme0n200 of=/dev/nvme1n1 bs=1M count=24 status=none")
    assert first_line(machine, "nvme1n1") == "this is disk 1\n"
    assert first_line(machine, "nvme0n3") == "this is disk 0\n"
    assert "serial first" in machine.dmesg and "serial second" in machine.dmesg


def test_controller_without_a_namespace(boot):
    machine = boot(devices=["-device", "nvme,serial=empty"])
    assert machine.good("lsblk").count("\n") == 1
    assert "nvme0n1" not in machine.good("ls /dev")


def test_behind_a_bridge_without_ecam(boot):
    machine = boot(machine="pc", devices=[
        *disk(boot, 0, 16), "-device", "pci-bridge,id=bridge,chassis_nr=1,addr=5",
        "-device", "nvme,serial=deep,drive=d0,bus=bridge,addr=1"])
    assert "01:01.0 Non-Volatile memory controller: 1b36:0010 (rev 02)\n" in machine.good("lspci")
    assert first_line(machine, "nvme0n1") == "this is disk 0\n"
    machine.good("sh test3.sh")


def test_read_only_disk(boot):
    drive = f"file={boot.file('ro.img')},if=none,id=d,format=raw,readonly=on"
    machine = boot(
        devices=["-drive", drive, "-device", "nvme,serial=ro,drive=d"],
        provokes=["pci_nvme_err_aio .*Operation not permitted", "pci_nvme_err_req_status"])
    output, status = machine.run("dd if=/dev/zero of=/dev/nvme0n1 count=1")
    assert status == 1 and "dd: " in output
    assert machine.good("dd if=/dev/nvme0n1 of=/dev/null count=1 status=none") == ""


def test_behind_a_root_port(boot):
    """And a bridge behind that: the bus numbers are the firmware's."""
    machine = boot(controllers=2, devices=[
        *disk(boot, 0, 16), *disk(boot, 1, 16),
        "-device", "pcie-root-port,id=left,chassis=1,slot=1,addr=4",
        "-device", "nvme,serial=deep,drive=d0,bus=left",
        "-device", "pcie-root-port,id=right,chassis=2,slot=2,addr=5",
        "-device", "x3130-upstream,id=switch,bus=right",
        "-device", "xio3130-downstream,id=down,bus=switch,chassis=3,slot=3",
        "-device", "nvme,serial=deeper,drive=d1,bus=down"])
    functions = machine.good("lspci -n")
    assert re.search(r"^01:00\.0 0108: 1b36:0010 ", functions, re.M)
    assert re.search(r"^04:00\.0 0108: 1b36:0010 ", functions, re.M)
    assert functions.count(" 0604: ") == 4
    for number in range(2):
        assert first_line(machine, f"nvme{number}n1") == f"this is disk {number}\n"
    machine.good("sh test3.sh")


def test_one_vector_and_controller_memory(boot):
    """One MSI-X vector for two queues, and a BAR that is memory."""
    machine = boot(nvme="msix_qsize=1,cmb_size_mb=1")
    machine.good("sh test3.sh")


def test_intel_numbers_and_another_bar(boot):
    """The vendor's quirks are not asked for, and the table in BAR4 works."""
    machine = boot(nvme="msix-exclusive-bar=on,use-intel-id=on", trace=["pci_nvme_irq_msix"])
    assert " Non-Volatile memory controller: 8086:5845 " in machine.good("lspci")
    assert re.search(r"BAR4: Memory at [0-9a-f]+ ", machine.good("lspci -v"))
    assert "vid       : 0x8086\n" in machine.good("nvme id-ctrl nvme0")
    before = len(machine.traced("pci_nvme_irq_msix"))
    machine.good("nvme flush /dev/nvme0n1; sh test3.sh")
    interrupts = machine.traced("pci_nvme_irq_msix")[before:]
    assert "vector 1" in interrupts[0] and len(interrupts) > 4


@pytest.mark.parametrize("vectors", [1, 2])
def test_one_queue_pair(boot, vectors):
    """Admin and I/O queue share an interrupt vector, or have one each. OVMF creates two queues
    whatever it is granted, and is told off for it; the kernel must not."""
    firmware = ["pci_nvme_err_invalid_create_cq_cqid .*cqid=2$",
                "pci_nvme_err_req_status cid 2 nsid 0 status 0x4101 opc 0x5"]
    machine = boot(nvme=f"max_ioqpairs=1,msix_qsize={vectors}", provokes=firmware,
                   trace=["pci_nvme_irq_msix"])
    machine.good("sh test3.sh")
    assert f"vector {vectors - 1}" in machine.traced("pci_nvme_irq_msix")[-1], "the I/O queue's"
    machine.good("nvme reset /dev/nvme0; sh test1.sh")
    assert len(machine.complaints()) == len(firmware)


def test_behind_another_root(boot):
    """No bridge of bus 0 leads there: machines of several sockets are like that."""
    machine = boot(devices=[*disk(boot, 0, 16),
                            "-device", "pxb-pcie,id=far,bus_nr=128",
                            "-device", "pcie-root-port,id=rootport,bus=far,chassis=1",
                            "-device", "nvme,serial=far,drive=d0,bus=rootport"])
    assert re.search(r"^81:00\.0 0108: 1b36:0010 ", machine.good("lspci -n"), re.M)
    assert first_line(machine, "nvme0n1") == "this is disk 0\n"
