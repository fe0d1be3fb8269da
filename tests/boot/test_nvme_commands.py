"""`nvme`'s commands that change something: blocks by name and not by opcode, and which namespaces
a controller has. What they have done is looked up in the image on the host."""
import json
import re

import pytest

from machine import ROOT
from test_nvme import block, fields, pattern

MIB = 1 << 20
SIZE = 16 * MIB
NODE = "/dev/nvme0n1"


@pytest.fixture(name="disk", scope="module")
def machine_and_image(boot_shared):
    """For tests that begin with what the one before has left."""
    path = boot_shared.file("disk.img", SIZE, pattern(0, SIZE))
    machine = boot_shared(
        devices=[*block("d0", path), "-device", "nvme,id=n0,serial=nvmetal",
                 "-device", "nvme-ns,drive=d0,nsid=1,bus=n0,logical_block_size=4096,"
                            "physical_block_size=4096"],
        trace=["pci_nvme_read", "pci_nvme_write", "pci_nvme_copy", "pci_nvme_dsm"])
    return machine, path


def test_read_write_compare(disk):
    machine, path = disk
    image = bytearray(path.read_bytes())
    # Three blocks from 5, into a file that was longer, and to the output.
    machine.good("head -c 20000 /dev/zero > piece")
    said = machine.good(f"nvme read {NODE} -s 5 -c 2 -z 12288 -d piece")
    assert said == "read: Success\n"
    machine.good(f"dd if={NODE} of=same bs=4096 skip=5 count=3 status=none; cmp piece same")
    assert machine.good(f"nvme read {NODE} -s 5 -z 4096 | head -c 16") \
        .endswith(pattern(5 * 4096, 16).decode())
    # To block 100 and following.
    assert machine.good(f"nvme write {NODE} --start-block=100 --block-count=2 --data-size=12288 "
                        "--data=piece -f") == "write: Success\n"
    image[100 * 4096:103 * 4096] = pattern(5 * 4096, 12288)
    machine.good("sync")
    assert path.read_bytes() == image
    assert machine.good(f"nvme compare {NODE} -s 100 -c 2 -z 12288 -d piece") == \
        "compare: Success\n"
    machine.provokes.append("^pci_nvme_err_req_status .* status 0x285 opc 0x5$")
    assert machine.run(f"nvme compare {NODE} -s 101 -c 2 -z 12288 -d piece") == \
        ("NVMe status: Compare Failure(0x285)\n", 1)
    # Less data than blocks: filled up with zeros.
    said = machine.good(f"head -c 10 piece | nvme write {NODE} -s 7 -z 10")
    assert said == "Rounding data size to fit block count (4096 bytes)\nwrite: Success\n"
    image[7 * 4096:8 * 4096] = pattern(5 * 4096, 10) + bytes(4086)
    machine.good("sync")
    assert path.read_bytes() == image


def test_shown_instead_of_sent(disk):
    machine, _ = disk
    before = len(machine.traced("pci_nvme_(read|write)"))
    said = fields(machine.good(f"nvme write {NODE} -s 0x123456789 -c 6 -c 1 -z 8192 -d /dev/zero -w "
                               "-f -l -p 9 -r 7 -a 0x11 -m 0xff -T 1 -S 2 -D 3"))
    expected = dict(opcode="01", nsid="01", control="e410", nblocks="0001", slba="123456789",
                    dsmgmt="00020003", reftag="7", apptag="0011", appmask="00ff")
    assert {name: said[name] for name in expected} == expected
    assert len(machine.traced("pci_nvme_(read|write)")) == before
    said = machine.good(f"nvme read {NODE} -z 4096 -v -t -d piece")
    assert "opcode       : 02\n" in said and re.search(r"^ latency: read: \d+ us$", said, re.M)
    assert len(machine.traced("pci_nvme_(read|write)")) == before + 1


def test_zeroes_dsm_and_copy(disk):
    machine, path = disk
    image = bytearray(path.read_bytes())

    def good(command, said):
        assert machine.good(f"nvme {command}") == f"{said}\n"
        assert path.read_bytes() == image

    image[200 * 4096:208 * 4096] = bytes(8 * 4096)
    good(f"write-zeroes {NODE} -s 200 -c 7", "NVME Write Zeroes Success")
    image[300 * 4096:301 * 4096] = bytes(4096)
    good("write-zeroes /dev/nvme0 -n 1 -s 300 --deac", "NVME Write Zeroes Success")
    # Two ranges and a third with neither length nor place of its own.
    image[400 * 4096:410 * 4096] = bytes(10 * 4096)
    image[500 * 4096:501 * 4096] = bytes(4096)
    good(f"dsm {NODE} -d -s 400,500,600 -b 10,1", "NVMe DSM: success")
    assert "nr 3 " in machine.traced("pci_nvme_dsm")[-1]
    # A hint changes nothing.
    good(f"dsm {NODE} --cdw11=2 -s 700 -b 10", "NVMe DSM: success")
    image[800 * 4096:802 * 4096] = image[5 * 4096:7 * 4096]
    image[802 * 4096:803 * 4096] = image[50 * 4096:51 * 4096]
    good(f"copy {NODE} --sdlba=800 --slbs=5,50 --blocks=1,0", "NVMe Copy: success")


def counters(machine):
    """By name: what the driver has counted, of the admin queue and of the first of the others."""
    rows = machine.good("nvme counters /dev/nvme0").splitlines()
    assert rows[0].split()[:3] == ["admin", "queue", "01"]
    return {row[:16].rstrip(): tuple(map(int, row[16:].split()[:2])) for row in rows[1:]}


def test_counters(disk):
    machine, _ = disk
    machine.provokes += ["^pci_nvme_err_invalid_(admin_opc|lba_range) ",
                         "^pci_nvme_err_req_status .* status 0x40(01|80) opc 0x(c0|2)$"]
    before = counters(machine)
    machine.good(f"dd if={NODE} of=/dev/null bs=4K count=7 iflag=direct status=none")
    assert machine.run("nvme admin-passthru /dev/nvme0 --opcode=0xc0").status
    assert machine.run(f"nvme read {NODE} -s 0x123456789 -z 4096").status
    after = counters(machine)
    grown = {name: tuple(b - a for a, b in zip(before[name], after[name])) for name in after}
    assert grown["completed"][1] == grown["submitted"][1] >= 2
    assert grown["errors"] == (1, 1)
    assert grown["interrupts"][1] + grown["polls"][1] >= 2 and grown["SQ doorbells"][1] >= 2
    for name in ("retries", "timeouts", "lost interrupts", "aborts", "resets", "bad completions"):
        assert grown[name] == (0, 0), name
    machine.good("nvme reset /dev/nvme0")
    reset = counters(machine)
    assert reset["resets"] == tuple(count + 1 for count in after["resets"])
    assert reset["errors"] == after["errors"]


def test_raw_binary_wins(disk):
    machine, _ = disk
    assert machine.good("nvme id-ctrl /dev/nvme0 -b -o json | wc -c").strip() == "4096"


def test_long_log_in_one_command(disk):
    """Where it fits into one: not every page has offsets."""
    machine, _ = disk
    assert machine.good("nvme get-log /dev/nvme0 -i 5 -l 8192 -b | wc -c").strip() == "8192"


def test_help_and_version(disk):
    """Help has every command of the README's table that is marked, and no other."""
    machine, _ = disk
    text = machine.good("nvme help")
    assert machine.good("nvme") == machine.good("nvme --help") == text
    listed = re.findall(r"^  ((?:zns )?[a-z-]+) +[A-Z]", text, re.M)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert sorted(listed) == sorted(re.findall(r"✓ `([a-z -]+)`", readme))
    for command in listed:
        if command not in ("help", "version", "list"):
            assert f"usage: nvme {command} " in machine.good(f"nvme help {command}")
    assert machine.good("nvme version") == machine.good("nvme --version")
    assert machine.good("nvme version").startswith("nvme version 2.")
    assert machine.good("nvme flush --help") == machine.good("nvme help flush")


# ---- Namespaces ---------------------------------------------------------------------------------

@pytest.fixture(name="two", scope="module")
def two_controllers(boot_shared):
    """Of one subsystem, with a namespace for both and one for neither; and one of another."""
    return boot_shared(controllers=3, devices=[
        "-device", "nvme-subsys,id=s0,nqn=two", *block("d1", boot_shared.file("1.img", SIZE)),
        *block("d2", boot_shared.file("2.img", SIZE, b"attached\n")),
        *block("d3", boot_shared.file("3.img", SIZE)),
        "-device", "nvme,id=n0,serial=twins,subsys=s0,addr=5",
        "-device", "nvme,id=n1,serial=twins,subsys=s0,addr=6",
        "-device", "nvme-ns,drive=d1,nsid=1,shared=on,bus=n0",
        "-device", "nvme-ns,drive=d2,nsid=2,detached=on,bus=n0",
        "-device", "nvme,id=n2,serial=other,drive=d3,addr=7"])


def test_list_subsys(two):
    assert two.good("nvme list-subsys") == (
        "nvme-subsys0 - NQN=nqn.2019-08.org.qemu:two\n\\\n"
        " +- nvme0 pcie 0000:00:05.0 live\n +- nvme1 pcie 0000:00:06.0 live\n"
        "nvme-subsys2 - NQN=nqn.2019-08.org.qemu:other\n\\\n +- nvme2 pcie 0000:00:07.0 live\n")
    assert two.good("nvme list-subsys /dev/nvme2n1").startswith("nvme-subsys2 ")
    said = json.loads(two.good("nvme list-subsys /dev/nvme1 -o json"))
    assert [path["Name"] for subsystem in said[0]["Subsystems"] for path in subsystem["Paths"]] == \
        ["nvme0", "nvme1"]


def test_attach_and_detach(two):
    """The node comes and goes with the command, and by itself at the other controller."""
    assert two.good("nvme list-ns /dev/nvme0") == "[   0]:0x1\n"
    assert two.good("nvme list-ns /dev/nvme0 --all") == "[   0]:0x1\n[   1]:0x2\n"
    detached = "nvme id-ns /dev/nvme0 -n 2"
    assert fields(two.good(detached))["nsze"] == "0"
    assert fields(two.good(f"{detached} --force"))["nsze"] == f"{SIZE // 512:#x}"
    assert two.good("nvme attach-ns /dev/nvme0 -n 2 -c 0,1").startswith(
        "attach-ns: Success, nsid:2\n")
    assert two.good("head -n 1 /dev/nvme0n2") == "attached\n"
    two.good("nvme ns-rescan /dev/nvme1")
    assert two.good("head -n 1 /dev/nvme1n2") == "attached\n"
    listed = json.loads(two.good("nvme list -o json"))["Devices"]
    assert [row["DevicePath"] for row in listed] == \
        [f"/dev/{name}" for name in ("nvme0n1", "nvme0n2", "nvme1n1", "nvme1n2", "nvme2n1")]
    assert two.good("lsblk -n -o PATH").split() == [row["DevicePath"] for row in listed]
    two.provokes.append("^pci_nvme_err_req_status .* status 0x41(18|1c) opc 0x15$")
    output, status = two.run("nvme attach-ns /dev/nvme0 -n 2 -c 0")
    assert (status, "NVMe status: Namespace Already Attached(0x4118)\n" in output) == (1, True)
    output, status = two.run("nvme detach-ns /dev/nvme0 -n 2")
    assert status == 1 and output.startswith("warning: empty controller-id list will result in no")
    assert "detach-ns: Success, nsid:2\n" in two.good("nvme detach-ns /dev/nvme1 -n 2 -c 0x0,1")
    assert two.run("ls /dev/nvme1n2").status != 0
    two.good("nvme ns-rescan /dev/nvme0")
    assert two.run("ls /dev/nvme0n2").status != 0


def test_changed_namespaces_are_named(two):
    """Log page 04h, of which the driver may have been the first reader: it reads it, and so empties
    it, when it hears of a change. QEMU 7.2 tells of it whatever feature 0Bh says."""
    two.good("nvme attach-ns /dev/nvme0 -n 2 -c 0,1")
    assert two.good("nvme changed-ns-list-log /dev/nvme1") in ("", "[   0]:0x2\n")
    two.good("nvme detach-ns /dev/nvme0 -n 2 -c 0,1")
    said = json.loads(two.good("nvme changed-ns-list-log /dev/nvme1 -o json"))
    assert said["Changed Namespace List Log"] == "nvme1"
    assert said.get("nvme1", {}) in ({}, {"[   1]": "0x2"})
    assert two.good("nvme changed-ns-list-log /dev/nvme1") == ""
