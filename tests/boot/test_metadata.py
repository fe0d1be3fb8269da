"""Namespaces whose blocks have more than data: metadata, and protection information in it."""
import hashlib
import struct
from collections import namedtuple
from pathlib import Path

import pytest

SIZE = 8 << 20

# What nvme-ns is told. `metadata`: bytes per block; `guarded`: of them before the guard, or None
# without protection information; `tags`: the reference tag is the LBA.
Format = namedtuple("Format", "options metadata guarded tags block", defaults=(None, False, 512))
FORMATS = [
    Format("ms=8,pi=1", 8, 0, True),
    Format("ms=8,pi=1,pil=1,mset=1", 8, 0, True),
    Format("ms=8,pi=2", 8, 0, True),
    Format("ms=8,pi=3,mset=1", 8, 0),
    Format("ms=8", 8),
    Format("ms=16,logical_block_size=4096,physical_block_size=4096", 16, block=4096),
    Format("ms=64,pi=1", 64, 56, True),
    Format("ms=16,pi=3,pil=1", 16, 0),
]
UNUSABLE = {
    "ms=8,mset=1": "metadata behind the data of each block",
    "ms=64,pi=1,mset=1": "metadata behind the data of each block",
    "ms=16,pi=1,pif=2": "protection information of a kind that is not known here",
}


def namespaces(boot, formats):
    devices, paths = ["-device", "nvme,id=n0,serial=meta"], []
    for number, options in enumerate(formats, 1):
        paths.append(Path(boot.file(f"{number}.img", size=SIZE)))
        devices += ["-drive", f"file={paths[-1]},if=none,id=d{number},format=raw",
                    "-device", f"nvme-ns,bus=n0,drive=d{number},{options}"]
    return devices, paths


def crc(data):
    """CRC-16 T10-DIF: NVM 5.2.1.1."""
    value = 0
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ (0x8BB7 if value & 0x8000 else 0)) & 0xFFFF
    return value


def expected(form, lba, data):
    """The metadata of a block as the driver and the device have to leave it."""
    if form.guarded is None:
        return bytes(form.metadata)
    before = bytes(form.guarded)
    protection = struct.pack(">HHI", crc(data + before), 0, lba if form.tags else 0)
    return before + protection + bytes(form.metadata - form.guarded - 8)


def blocks_of(path, form):
    """What is on the medium: all data, and behind it all metadata."""
    medium = path.read_bytes()
    count = len(medium) // (form.block + form.metadata)
    beside = medium[count * form.block:]
    for lba in range(count):
        yield (lba, medium[lba * form.block:(lba + 1) * form.block],
               beside[lba * form.metadata:(lba + 1) * form.metadata])


@pytest.fixture(name="machine", scope="module")
def with_all_formats(boot_shared):
    devices, paths = namespaces(boot_shared, [form.options for form in FORMATS])
    machine = boot_shared(devices=devices)
    machine.paths = paths
    # QEMU takes what was never written for unprotected, but only in whole blocks of its file.
    for number in range(1, len(FORMATS) + 1):
        machine.good(f"blkdiscard -z /dev/nvme0n{number}")
    return machine


def test_disks(machine):
    """Data comes back; what is beside it is as it has to be, of zeroed blocks as well."""
    machine.good("head -c 3000000 /dev/random > random.bin")
    listed = machine.good("lsblk")
    for number, form in enumerate(FORMATS, 1):
        node = f"/dev/nvme0n{number}"
        count = SIZE // (form.block + form.metadata)
        words = ", with metadata" if form.guarded is None else ", with protection information"
        line = f"nvme0n{number}: {count} blocks of {form.block} bytes{words}\n"
        assert line in machine.good("dmesg") and f"nvme0n{number} " in listed
        machine.good(f"dd if=random.bin of={node} bs=1M conv=notrunc,fsync status=none; "
                     f"cmp -n 3000000 random.bin {node}; "
                     f"dd if=random.bin of={node} bs=1000 seek=4000 count=5 status=none; "
                     f"blkdiscard -z -o 4096 -l 8192 {node}; sync")
        output = machine.good(f"dd if={node} bs=1M status=none | md5sum")
        medium = machine.paths[number - 1].read_bytes()[:count * form.block]
        assert f"{hashlib.md5(medium).hexdigest()}  -\n" in output
        for lba, block, beside in blocks_of(machine.paths[number - 1], form):
            if lba < 40 or lba % 101 == 0:
                assert beside == expected(form, lba, block), (form, lba)


def test_fio(machine):
    """Requests that are prepared once, and sent for one block after the other."""
    for number, form in enumerate(FORMATS, 1):
        output = machine.good(
            f"fio --name=x --filename=/dev/nvme0n{number} --rw=randrw --bs=4k --size=4m "
            "--iodepth=8 --verify=crc32c --do_verify=1", timeout=60)
        assert "err= 0" in output


def test_wrong_protection(machine):
    """What somebody else has written wrongly is an error, in words; writing it again mends it."""
    machine.provokes += ["^pci_nvme_err_req_status .* status 0x28(2|4) opc 0x2$"]
    machine.good("printf '\\x12\\x34\\0\\0\\0\\0\\0\\x07' > guard; head -c 512 /dev/zero > data; "
                 "printf '\\0\\0\\0\\0\\0\\0\\0\\x08' > tag; cat data guard > both")
    for name, words in (("guard", "Guard"), ("tag", "Reference Tag")):
        machine.good(f"nvme write /dev/nvme0n1 -s 7 -z 512 -d data -y 8 -M {name}")
        output, status = machine.run("dd if=/dev/nvme0n1 bs=512 skip=7 count=1 of=back")
        assert status == 1 and "Input/output error" in output
        assert f"read of 1 blocks at LBA 7: End-to-end {words} Check Error (SCT 2h" in output
        machine.good("dd if=/dev/nvme0n1 bs=512 count=7 status=none of=back")
        machine.good("dd if=data of=/dev/nvme0n1 seek=7 count=1 status=none; "
                     "dd if=/dev/nvme0n1 bs=512 skip=7 count=1 status=none of=back; cmp back data")
    machine.good("nvme write /dev/nvme0n1 -s 7 -z 512 -d data -y 8 -M tag")
    machine.good("nvme write-zeroes /dev/nvme0n1 -s 7 -p 8 -r 7; nvme verify /dev/nvme0n1 -s 7 "
                 "-p 5 -r 7; dd if=/dev/nvme0n1 bs=512 skip=7 count=1 status=none of=back")
    machine.good("nvme write /dev/nvme0n2 -s 7 -z 520 -d both")
    assert machine.run("dd if=/dev/nvme0n2 bs=512 skip=7 count=1 of=back").status == 1


def test_compare(machine):
    """Metadata is compared too, and protection information checked if that is asked for."""
    machine.provokes += ["^pci_nvme_err_req_status .* status 0x4?285 opc 0x5$"]
    machine.good("head -c 512 /dev/random > some; dd if=some of=/dev/nvme0n1 seek=3 status=none; "
                 "dd if=some of=/dev/nvme0n5 seek=3 status=none; head -c 8 /dev/zero > zeros; "
                 "printf 1234567 > other; nvme read /dev/nvme0n1 -s 3 -z 512 -d back -y 8 -M tuple")
    compare = "nvme compare /dev/nvme0n{} -s 3 -z 512 -d {} -y 8 -M {}"
    for node, beside in ((1, "tuple -p 5 -r 3"), (5, "zeros")):
        machine.good(compare.format(node, "some", beside))
        output, status = machine.run(compare.format(node, "/dev/zero", beside))
        assert status == 1 and "Compare Failure" in output
    assert "Compare Failure" in machine.run(compare.format(5, "some", "other")).output


def test_left_out(boot):
    """A namespace that the kernel cannot use is named, and does not keep it from the others."""
    devices, _ = namespaces(boot, [*UNUSABLE, "mset=1"])
    machine = boot(devices=devices)
    for number, why in enumerate(UNUSABLE.values(), 1):
        assert f"nvme0n{number}: {why}: left out" in machine.transcript()
        assert machine.run(f"ls /dev/nvme0n{number}").status != 0
    assert machine.good("lsblk").count("\n") == 2
    machine.good("sh test3.sh")


def test_format(boot):
    """The disk follows the namespace from format to format."""
    devices, paths = namespaces(boot, ["ms=0"])
    machine = boot(devices=devices)
    machine.good("head -c 30000 /dev/random > random.bin")
    for options, form in (("-l 1 --pi=1", Format("", 8, 0, True)), ("-l 1", Format("", 8)),
                          ("-l 3 --pi=2 --pil=1", Format("", 64, 0, True)),
                          ("-l 5 --pi=3 --ms=1", Format("", 8, 0, False, 4096)),
                          ("-l 3 --pi=1 --ms=1", None), ("-l 1 --ms=1", None),
                          ("-l 0", Format("", 0))):
        machine.good(f"nvme format /dev/nvme0 -n 1 {options} --force", timeout=60)
        if not form:
            assert "behind the data of each block: left out" in machine.good("dmesg | tail -n 1")
            assert machine.run("ls /dev/nvme0n1").status != 0
            continue
        rows = machine.good("lsblk").splitlines()
        assert rows[1].split()[0:3:2] == ["nvme0n1", str(form.block)]
        machine.good("blkdiscard -z /dev/nvme0n1; "
                     "dd if=random.bin of=/dev/nvme0n1 bs=10000 status=none; sync; "
                     "cmp -n 30000 random.bin /dev/nvme0n1")
        for lba, block, beside in blocks_of(paths[0], form):
            assert lba > 60 or beside == expected(form, lba, block), (form, lba)
