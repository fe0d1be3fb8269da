"""The `nvme` command, and the shapes of controller that the driver has to cope with.

The device says of itself what was asked for on QEMU's command line, and what a
command has done is looked up in the image on the host."""
import json
import re
import struct

import pytest

MIB = 1 << 20
SIZE = 16 * MIB  # of a namespace, where it does not matter


def pattern(begin, length):
    """Bytes that say where they belong, from `begin` on."""
    first, last = begin // 16, (begin + length + 15) // 16
    text = b"".join(b"%015x\n" % number for number in range(first, last))
    return text[begin - first * 16:begin - first * 16 + length]


def fields(output):
    """`name : value` lines as a dictionary."""
    return dict(re.findall(r"^(\S.*?)\s*: (.*?)\s*$", output, re.M))


def dumped(output):
    """The bytes of a hex dump as nvme-cli prints it."""
    rows = re.findall(r'^[0-9a-f]{4,}:((?: [0-9a-f]{2}){1,16}) +"', output, re.M)
    return bytes.fromhex("".join(rows))


def put(machine, name, data):
    """A small file in the guest."""
    machine.good("echo -ne '" + "".join(f"\\x{byte:02x}" for byte in data) + f"' > {name}")


def block(node, path, offset=0, size=SIZE):
    """A piece of a file as a block device that keeps what it is told to forget apart."""
    return ["-blockdev", json.dumps({
        "driver": "raw", "node-name": node, "offset": offset, "size": size, "discard": "unmap",
        "file": {"driver": "file", "filename": str(path), "locking": "off", "discard": "unmap"}})]


# ---- Limits of the controller -----------------------------------------------------------------

@pytest.mark.parametrize("mdts, bytes_each", [(0, 1 << 20), (1, 8 << 10), (5, 128 << 10)])
def test_transfer_limit(boot, mdts, bytes_each):
    """Without a limit of its own the controller gets what was asked for in one piece."""
    disk = boot.file("disk.img", content=pattern(0, 2 * MIB))
    machine = boot(disk=disk, nvme=f"mdts={mdts}", trace=["pci_nvme_read", "pci_nvme_write"])
    assert fields(machine.good("nvme id-ctrl /dev/nvme0"))["mdts"] == str(mdts)
    before = len(machine.traced("pci_nvme_read"))
    machine.good("dd if=/dev/nvme0n1 of=megabyte bs=1M count=1 status=none")
    reads = machine.traced("pci_nvme_read")[before:]
    assert [int(re.search(r"count (\d+)", one)[1]) for one in reads] == \
        [bytes_each] * (MIB // bytes_each)
    machine.good("dd if=megabyte of=/dev/nvme0n1 bs=1M seek=8 status=none; sync")
    assert disk.read_bytes()[8 * MIB:9 * MIB] == pattern(0, MIB)
    if mdts:
        too_much = 2 * bytes_each
        output, status = machine.run(
            f"nvme io-passthru /dev/nvme0n1 -o 2 -n 1 -r -l {too_much} --cdw12={too_much // 512 - 1}")
        assert status == 1 and f"at most {bytes_each} are possible" in output


@pytest.mark.parametrize("words, page, prps, sgls", [
    ("nvme.data=prp nvme.page_size=4096", 0, 32, 0),
    ("nvme.data=prp", 4, 2, 0),
    ("nvme.data=sgl", 4, 0, 1),
    ("", 4, 0, 1),
    ("nvme.data=both", 4, 0, 1)], ids=lambda value: str(value).replace("nvme.", ""))
def test_data_pointers(boot, words, page, prps, sgls):
    """What is wished for is what a read of 128 KiB gets, beside CC.MPS."""
    machine = boot(cmdline=words, trace=["pci_nvme_map_prp", "pci_nvme_map_sgl"],
                   disk=boot.file("disk.img", content=pattern(0, 128 << 10)))
    assert int(fields(machine.good("nvme show-regs /dev/nvme0"))["cc"], 16) >> 7 & 15 == page
    before = [len(machine.traced(event)) for event in ("pci_nvme_map_prp", "pci_nvme_map_sgl")]
    machine.good("dd if=/dev/nvme0n1 of=piece bs=128K count=1 status=none")
    after = [machine.traced(event)[old:] for old, event in
             zip(before, ("pci_nvme_map_prp", "pci_nvme_map_sgl"))]
    assert [len(lines) for lines in after] == [prps > 0, sgls]
    if prps:
        assert int(re.search(r"num_prps (\d+)", after[0][0])[1]) in (prps, prps + 1)
    assert machine.good("tail -c 16 piece") == pattern((128 << 10) - 16, 16).decode()
    machine.good("sh test3.sh")
    said = "nvme.data=both: not known"
    assert (said in machine.dmesg) == (words == "nvme.data=both")


# ---- Namespaces -------------------------------------------------------------------------------

GAPS = {1: [7], 3: [1, 100, 256],
        200: [nsid for nsid in range(1, 257) if nsid % 5 != 3][-200:]}


@pytest.mark.parametrize("count", GAPS)
def test_namespaces_with_gaps(boot, count):
    """Each is a MiB of one file, and every one is found, by its number."""
    nsids = GAPS[count]
    assert len(nsids) == count
    path = boot.file("all.img", size=count * MIB, content=pattern(0, count * MIB))
    devices = ["-device", "nvme-subsys,id=s0,nqn=gaps",
               "-device", "nvme,id=n0,serial=gaps,subsys=s0"]
    for index, nsid in enumerate(nsids):
        lba = 4096 if index % 3 == 1 else 512
        devices += [*block(f"d{nsid}", path, index * MIB, MIB), "-device",
                    f"nvme-ns,drive=d{nsid},nsid={nsid},bus=n0,shared=off,"
                    f"logical_block_size={lba},physical_block_size={lba}"]
    machine = boot(devices=devices)
    listed = machine.good("nvme list-ns /dev/nvme0")
    assert listed == "".join(f"[{i:4}]:{nsid:#x}\n" for i, nsid in enumerate(nsids))
    rows = [line.split() for line in machine.good("nvme list").splitlines()[2:]]
    assert [row[0] for row in rows] == [f"/dev/nvme0n{nsid}" for nsid in nsids]
    assert [row[-6] for row in rows[:2]] == ["512", "4"][:count]
    wanted = {0, count // 2, count - 1}
    for index in wanted:
        node = f"/dev/nvme0n{nsids[index]}"
        begin = pattern(index * MIB, 16).decode()
        assert machine.good(f"head -c 16 {node}") == begin
        machine.good(f"echo -n {nsids[index]:07} | dd of={node} bs=7 seek=1000 status=none")
    machine.good("sync")
    image = bytearray(pattern(0, count * MIB))
    for index in wanted:
        image[index * MIB + 7000:index * MIB + 7007] = b"%07d" % nsids[index]
    assert path.read_bytes() == image


@pytest.fixture(name="shared", scope="module")
def shared_subsystem(boot_shared):
    """Two controllers of one subsystem, with a namespace for both and one for neither."""
    return boot_shared(controllers=2, devices=[
        "-device", "nvme-subsys,id=s0,nqn=two", *block("d1", boot_shared.file("1.img", SIZE)),
        *block("d2", boot_shared.file("2.img", SIZE, b"attached\n")),
        "-device", "nvme,id=n0,serial=twins,subsys=s0",
        "-device", "pcie-root-port,id=rp,chassis=1,slot=1",
        "-device", "nvme,id=n1,serial=twins,subsys=s0,bus=rp",
        "-device", "nvme-ns,drive=d1,nsid=1,shared=on",
        "-device", "nvme-ns,drive=d2,nsid=2,detached=on"])


def test_two_controllers_of_a_subsystem(shared):
    """One of them behind a root port; what the one writes the other reads, also after a reset."""
    for number in range(2):
        said = fields(shared.good(f"nvme id-ctrl /dev/nvme{number}"))
        assert (said["sn"], said["cntlid"], said["cmic"]) == ("twins", ["0", "0x1"][number], "0x2")
        assert said["subnqn"] == "nqn.2019-08.org.qemu:two"
        assert shared.good(f"nvme list-ns /dev/nvme{number}") == "[   0]:0x1\n"
    shared.good("echo by the first | dd of=/dev/nvme0n1 status=none")
    assert shared.good("head -n 1 /dev/nvme1n1") == "by the first\n"
    shared.good("nvme reset /dev/nvme1")
    assert "nvme1: the controller was reset" in shared.good("dmesg")
    shared.good("echo by the other | dd of=/dev/nvme1n1 status=none")
    assert shared.good("head -n 1 /dev/nvme0n1") == "by the other\n"


def test_namespace_comes_and_goes(shared):
    """Attached by the one controller to the other, whose event brings the node; log page 04h,
    which names what has changed, is then empty: the driver has read it."""
    put(shared, "list", struct.pack("<HH", 1, 1))
    shared.good("nvme admin-passthru /dev/nvme0 -o 0x15 -n 2 -l 4096 -w -i list")
    assert shared.good("nvme list-ns /dev/nvme1") == "[   0]:0x1\n[   1]:0x2\n"
    assert shared.good("head -n 1 /dev/nvme1n2") == "attached\n"
    log = "nvme get-log /dev/nvme1 --log-id=4 --log-len=4096"
    assert dumped(shared.good(log)) == bytes(4096)
    shared.good("nvme admin-passthru /dev/nvme0 -o 0x15 -n 2 --cdw10=1 -l 4096 -w -i list")
    shared.good("sleep 1")  # a fifth of a second lies between two rounds of events
    said = shared.good("nvme list-ns /dev/nvme1")
    assert said.endswith("[   0]:0x1\n") and "nvme1n2: is gone" in shared.good("dmesg")
    assert shared.run("ls /dev/nvme1n2").status != 0
    assert shared.good("lsblk").count("\n") == 3


# ---- What the controller says -------------------------------------------------------------------

@pytest.fixture(name="machine", scope="module")
def one_machine(boot_shared):
    """One for all tests that only look, and a namespace with all that nvme-ns can do."""
    path = boot_shared.file("all.img", SIZE, pattern(0, SIZE))
    machine = boot_shared(
        devices=[*block("d0", path), "-device", "nvme,id=n0,serial=nvmetal",
                 "-device", "nvme-ns,drive=d0,nsid=1,bus=n0,eui64=0x0011223344556677"])
    machine.image = path
    return machine


def test_id_ctrl(machine):
    text = machine.good("nvme id-ctrl /dev/nvme0")
    assert text.startswith("NVME Identify Controller:\nvid       : 0x1b36\nssvid     : 0x1af4\n"
                           "sn        : nvmetal             \nmn        : QEMU NVMe Ctrl  ")
    said = fields(text)
    expected = dict(ieee="525400", mdts="7", ver="0x10400", oacs="0x10a", acl="3", aerl="3",
                    frmw="0x3", lpa="0x7", sqes="0x66", cqes="0x44", nn="256", oncs="0x15d",
                    vwc="0x7", ocfs="0x3", sgls="0x1", rtd3e="0")
    assert {name: said[name] for name in expected} == expected
    assert "ps      0 : mp:25.00W operational enlat:16 exlat:4 rrt:0 rrl:0\n" in text
    raw = bytes.fromhex(machine.good("nvme id-ctrl -b /dev/nvme0 | xxd -p").replace("\n", ""))
    assert len(raw) == 4096
    assert (raw[4:11], raw[77], struct.unpack_from("<I", raw, 516)) == (b"nvmetal", 7, (256,))
    by_hand = machine.good("nvme admin-passthru /dev/nvme0 --opcode=6 --cdw10=1 --data-len=4096 -r")
    assert by_hand.startswith("Admin Command Identify is Success and result: 0x00000000\n")
    assert dumped(by_hand) == raw


def test_id_ns(machine):
    text = machine.good("nvme id-ns /dev/my_nvme0n1")
    said = fields(text)
    assert said["nsze"] == said["ncap"] == f"{SIZE // 512:#x}"
    assert said["eui64"] == "0011223344556677"
    assert (said["nsfeat"], said["dlfeat"], said["mssrl"]) == ("0x14", "1", "128")
    formats = re.findall(r"^lbaf +(\d+) : ms:(\d+) +lbads:(\d+) +rp:0 (.*)$", text, re.M)
    assert formats == [(str(i), str([0, 8, 16, 64][i % 4]), "9" if i < 4 else "12",
                        "" if i else "(in use)") for i in range(8)]
    assert machine.good("nvme id-ns /dev/nvme0 -n 1") == text


def test_show_regs(machine):
    said = fields(machine.good("nvme show-regs /dev/nvme0"))
    assert (said["cap"], said["version"], said["csts"], said["intms"]) == \
        ("4018200f0107ff", "10400", "1", "0")
    assert int(said["cc"], 16) & 0xff0001 == 0x460001, "enabled, entries of 64 and 16 bytes"
    assert int(said["asq"], 16) and int(said["acq"], 16) % 4096 == 0


def log(machine, lid, length, options=""):
    output = machine.good(f"nvme get-log /dev/nvme0 --log-id={lid} --log-len={length} {options}")
    assert output.startswith(f"Device:nvme0 log-id:{lid} namespace-id:0xffffffff\n")
    data = dumped(output)
    assert len(data) == length
    return data


def test_error_log(machine):
    assert log(machine, 1, 64) == bytes(64)
    assert "Error Log Entries for device:nvme0 entries:1\n" in machine.good("nvme error-log nvme0")


def test_smart_log(machine):
    """It counts: reads as large as a command can be, which no two become one, and a write."""
    before = log(machine, 2, 512)
    machine.good("dd if=/dev/nvme0n1 of=/dev/null bs=512K count=20 status=none")
    machine.good("dd if=/dev/nvme0n1 of=block bs=4K count=1 status=none")
    machine.good("dd if=block of=/dev/nvme0n1 bs=4K status=none")
    after = log(machine, 2, 512)
    def count(data, offset):
        return int.from_bytes(data[offset:offset + 16], "little")
    assert count(after, 64) - count(before, 64) == 21, "host reads"
    assert count(after, 80) - count(before, 80) == 1, "host writes"
    assert after[1:3] == struct.pack("<H", 323)
    text = machine.good("nvme smart-log /dev/nvme0")
    assert text.startswith("Smart Log for NVME device:nvme0 namespace-id:ffffffff\n")
    assert "\ntemperature\t\t\t\t: 50°C (323 Kelvin)\n" in text
    said = fields(text)
    assert said["host_read_commands"] == str(count(after, 64))
    units = count(after, 32)
    assert re.fullmatch(rf"{units} \({units * 0.512:.2f} MB\)", said["Data Units Read"])


def test_firmware_log(machine):
    data = log(machine, 3, 512)
    assert data[0] == 1 and data[8:16].strip(b" \0") == b"1.0"
    assert machine.good("nvme fw-log /dev/nvme0") == \
        "Firmware Log for device:nvme0\nafi  : 0x1\nfrs1 : 0x2020202020302e31 (1.0.....)\n"
    assert log(machine, 3, 8, "--lpo=8") == data[8:16], "with an offset"
    assert log(machine, 3, 5) == data[:5], "no multiple of four"


def test_effects_log(machine):
    """Log page 05h is what the device does: the same opcodes as in reference and specification."""
    words = struct.unpack("<1024I", log(machine, 5, 4096))
    admin, nvm = words[:256], words[256:512]
    assert {opcode for opcode, word in enumerate(admin) if word & 1} == \
        {0x00, 0x01, 0x02, 0x04, 0x05, 0x06, 0x08, 0x09, 0x0a, 0x0c, 0x15, 0x1c, 0x7c, 0x80}
    assert {opcode for opcode, word in enumerate(nvm) if word & 1} == \
        {0x00, 0x01, 0x02, 0x05, 0x08, 0x09, 0x0c, 0x19}


def test_features(machine):
    get, set_ = "nvme get-feature /dev/nvme0", "nvme set-feature /dev/nvme0"
    assert machine.good(f"{get} -f 7") == \
        "get-feature:0x07 (Number of Queues), Current value:0x003f003f\n"
    assert machine.good(f"{get} --feature-id=6") == \
        "get-feature:0x06 (Volatile Write Cache), Current value:0x00000001\n"
    assert machine.good(f"{set_} -f 6 -v 0") == \
        "set-feature:0x06 (Volatile Write Cache), value:00000000, cdw12:00000000, save:0\n"
    assert "Current value:00000000\n" in machine.good(f"{get} -f 6")
    assert "Supported capabilities value:0x" in machine.good(f"{get} -f 6 --sel=3")
    machine.good(f"{set_} -f 6 -v 1")
    machine.good(f"{set_} -f 4 -v 0x160")
    assert "Current value:0x00000160\n" in machine.good(f"{get} -f 4")
    assert "Default value:0x00000157\n" in machine.good(f"{get} -f 4 -s 1")
    machine.good(f"{set_} -f 0xe -v 1700000000000")
    stamp = int.from_bytes(dumped(machine.good(f"{get} -f 0xe"))[:6], "little")
    assert 1700000000000 <= stamp < 1700000060000, "and the device's clock runs on"
    machine.provokes.append("^pci_nvme_err_req_status .* status 0x40(02|0b) opc 0xa$")
    ids = re.findall(r"get-feature:(0x\w\w) ", machine.good(get))
    assert ids == [f"{i:#04x}" for i in (1, 2, 4, 6, 7, 8, 9, 0xa, 0xb, 0xe, 0x16, 0x19)]


USAGE = [
    ("id-ctrl", "nvme id-ctrl: missing device\nusage: nvme id-ctrl [-o FMT] [-b] [-H] [-v] DEVICE\n"),
    ("id-ctrl /dev/nvme7", "nvme id-ctrl: /dev/nvme7: No such file or directory\n"),
    ("id-ctrl /dev/null", "nvme id-ctrl: /dev/null: not an NVMe device\n"),
    ("id-ctrl /dev/nvme0 /dev/nvme0", "extra operand '/dev/nvme0'"),
    ("id-ns /dev/nvme0", "say which namespace by --namespace-id\n"),
    ("id-ns /dev/nvme0 -n 1x", "nvme id-ns: invalid namespace-id: '1x'\n"),
    ("flush /dev/nvme0", "say which namespace by --namespace-id\n"),
    ("reset /dev/nvme0n1", "nvme reset: /dev/nvme0n1: not a controller\n"),
    ("bogus", "ERROR: Invalid sub-command 'bogus'\n"),
    ("get-log /dev/nvme0 -i 2", "non-zero log-len is required param\n"),
    ("get-feature /dev/nvme0 -f 256", "invalid feature-id: '256'\n"),
    ("get-feature /dev/nvme0 -f 1 -s 9", "invalid select: '9'\n"),
    ("read /dev/nvme0n1 -s 08 -z 512", "invalid start-block: '08'\n"),
    ("read /dev/nvme0n1 -s 16e -z 512", "invalid start-block: '16e'\n"),
    ("read /dev/nvme0n1 -c 1k -z 512", "invalid block-count: '1k'\n"),
    ("get-feature /dev/nvme0 -f 0x10", "does not offer this: hctma is 0, without 0x1\n"),
    ("set-feature /dev/nvme0 -v 1", "feature-id required param\n"),
    ("id-ctrl /dev/nvme0 -o xml", "invalid output format: 'xml'\n"),
    ("get-property /dev/nvme0", "offset required param\n"),
    ("get-property /dev/nvme0 -o 4", "there is no property at 0x4\n"),
    ("subsystem-reset /dev/nvme0", "NVM Subsystem Reset not supported.\n"),
    ("attach-ns /dev/nvme0 -c 0", "namespace-id parameter required\n"),
    ("attach-ns /dev/nvme0 -n 1 -c 0,x", "invalid controllers: '0,x'\n"),
    ("read /dev/nvme0n1 -c 1", "data size not provided\n"),
    ("read /dev/nvme0 -n 9 -z 512", "/dev/nvme0 has no namespace 9\n"),
    ("read /dev/nvme0n1 -c 65536 -z 512", "invalid block-count: '65536'\n"),
    ("write /dev/nvme0n1 -z 512 -d nosuchfile", "nosuchfile: No such file"),
    ("write-uncor /dev/nvme0n1", "does not offer this: oncs is 0x15d, without 0x2\n"),
    ("verify /dev/nvme0n1", "does not offer this: oncs is 0x15d, without 0x80\n"),
    ("dsm /dev/nvme0n1 -d", "No range definition provided\n"),
    ("dsm /dev/nvme0n1 -s 1,2:3", "invalid slbs: '1,2:3'\n"),
    ("copy /dev/nvme0n1 -d 5", "invalid range\n"),
    ("format /dev/nvme0", "Invalid namespace ID, specify a namespace to format"),
    ("format /dev/nvme0n1 -l 4 -b 4096 --force", "please specify only one\n"),
    ("format /dev/nvme0n1 -b 5000 --force", "(5000), must be a power of two\n"),
    ("format /dev/nvme0n1 -b 8192 --force", "given block size 8192 not found\n"),
    ("io-passthru /dev/nvme0n1", "opcode required param\n"),
    ("io-passthru /dev/nvme0n1 -o 1 -n 1 -l 512 -r", "data of opcode 0x1 goes to the device: --write\n"),
    ("io-passthru /dev/nvme0n1 -o 2 -n 1 -l 512 -w", "data of opcode 0x2 comes from the device"),
    ("io-passthru /dev/nvme0n1 -o 0 -n 1 -w", "data of opcode 0 is none"),
    ("io-passthru /dev/nvme0n1 -o 2 -n 2", "/dev/nvme0n1 is namespace 1, not 2\n"),
    ("io-passthru /dev/nvme0 -o 1 -l 512 -w -i nosuchfile", "nosuchfile: No such file"),
]

# Command, what is said of the status, what QEMU notes.
REFUSED = [
    ("io-passthru /dev/nvme0n1 -n 1 -o 0x99", "Invalid Command Opcode(0x4001)", "opc 0x99"),
    ("admin-passthru /dev/nvme0 -o 0x98", "Invalid Command Opcode(0x4001)", "opc 0x98"),
    ("get-log /dev/nvme0 -i 0x77 -l 16", "Invalid Field in Command(0x4002)", "opc 0x2"),
    ("get-feature /dev/nvme0 -f 0xc1", "Invalid Field in Command(0x4002)", "opc 0xa"),
    ("id-ns /dev/nvme0 -n 1000", "Invalid Namespace or Format(0x400b)", "opc 0x6"),
    ("io-passthru /dev/nvme0n1 -n 1 -o 2 -l 512 -r --cdw11=1", "LBA Out of Range(0x4080)",
     "opc 0x2"),
]


@pytest.mark.parametrize("arguments, says", USAGE, ids=[row[0] for row in USAGE])
def test_what_is_wrong_is_said(machine, arguments, says):
    output, status = machine.run(f"nvme {arguments}")
    assert (status, says in output) == (1, True), output
    assert machine.image.read_bytes() == pattern(0, SIZE)


@pytest.mark.parametrize("arguments, says, noted", REFUSED, ids=[row[0] for row in REFUSED])
def test_a_status_is_said_in_words(machine, arguments, says, noted):
    status = re.search(r"\(0x(\w+)\)", says)[1]
    machine.provokes += [f"^pci_nvme_err_req_status .* status 0x{status} {noted}$",
                         "^pci_nvme_err_(invalid|ns_nsid)"]
    output, got = machine.run(f"nvme {arguments}")
    assert (output, got) == (f"NVMe status: {says}\n", 1)


def test_format_can_be_called_off(machine):
    """Ctrl-C in the ten seconds that there are."""
    machine.type("nvme format /dev/nvme0n1 --lbaf=4")
    machine.expect("WARNING: Format may irrevocably delete this device's data.\r\n")
    machine.expect("10 seconds to press Ctrl-C")
    machine.send("\x03")
    machine.wait_for_prompt()
    assert machine.run("echo").status == 0
    assert "(in use)" in machine.good("nvme id-ns /dev/nvme0n1").split("lbaf  1")[0]
    assert machine.image.read_bytes() == pattern(0, SIZE)


# ---- What commands do to the disk -----------------------------------------------------------------

@pytest.fixture(name="media", scope="module")
def machine_and_image(boot_shared):
    """For tests that begin with what the one before has left."""
    path = boot_shared.file("media.img", SIZE, pattern(0, SIZE))
    machine = boot_shared(devices=[*block("d0", path), "-device", "nvme,id=n0,serial=nvmetal",
                                   "-device", "nvme-ns,drive=d0,nsid=1,bus=n0"],
                          trace=["pci_nvme_flush_ns", "pci_nvme_verify"])
    return machine, path


def test_every_io_command(media):
    machine, path = media
    image = bytearray(pattern(0, SIZE))

    def io(opcode, options, status=0):
        output, got = machine.run(f"nvme io-passthru /dev/nvme0n1 -n 1 --opcode={opcode} {options}")
        assert got == status, output
        if not status:
            assert "IO Command " in output and " is Success and result: 0x00000000\n" in output
        assert path.read_bytes() == image
        return output

    # Read 02h, to the screen and into a file: blocks 100 to 107.
    where = "--cdw10=100 --cdw12=7 --data-len=4096"
    assert dumped(io(2, f"{where} --read")) == pattern(51200, 4096)
    io(2, f"{where} --read --input-file=piece")
    # Write 01h.
    image[8192:12288] = pattern(51200, 4096)
    io(1, "--cdw10=16 --cdw12=7 --data-len=4096 --write --input-file=piece")
    # Compare 05h: the same here, another there.
    io(5, "--cdw10=16 --cdw12=7 --data-len=4096 --write --input-file=piece")
    machine.provokes.append("^pci_nvme_err_req_status .* status 0x285 opc 0x5$")
    assert "NVMe status: Compare Failure(0x285)\n" in \
        io(5, "--cdw10=17 --cdw12=7 --data-len=4096 --write --input-file=piece", status=1)
    # Write Zeroes 08h: eleven blocks from 500.
    image[500 * 512:511 * 512] = bytes(11 * 512)
    io(8, "--cdw10=500 --cdw12=10")
    # Dataset Management 09h: deallocate two ranges, which then read as zeros (DLFEAT 1).
    ranges = struct.pack("<IIQ", 0, 128, 2048) + struct.pack("<IIQ", 0, 8, 4096)
    put(machine, "ranges", ranges)
    image[2048 * 512:2176 * 512] = bytes(128 * 512)
    image[4096 * 512:4104 * 512] = bytes(8 * 512)
    io(9, "--cdw10=1 --cdw11=4 --data-len=32 --write --input-file=ranges")
    # Copy 19h: blocks 100 to 107 and 300 to 303, one behind the other, to 9000.
    ranges = b"".join(struct.pack("<8xQH14x", lba, blocks - 1) for lba, blocks in ((100, 8), (300, 4)))
    put(machine, "ranges", ranges)
    image[9000 * 512:9008 * 512] = pattern(100 * 512, 4096)
    image[9008 * 512:9012 * 512] = pattern(300 * 512, 2048)
    io(0x19, "--cdw10=9000 --cdw12=1 --data-len=64 --write --input-file=ranges")
    # Verify 0Ch and Flush 00h leave no trace but the device's.
    io(0x0c, "--cdw10=9000 --cdw12=99")
    assert "nlb 100" in machine.traced("pci_nvme_verify")[-1]
    before = len(machine.traced("pci_nvme_flush_ns"))
    io(0, "")
    assert machine.good("nvme flush /dev/nvme0n1") == "NVMe Flush: success\n"
    assert len(machine.traced("pci_nvme_flush_ns")) == before + 2
    machine.good("sh test3.sh")


def test_format_to_4096_and_back(media):
    """Node, block device and driver follow the namespace; the disk is empty each time."""
    machine, path = media
    machine.good("sh test3.sh")
    for wrong in (8, 15):
        output, status = machine.run(f"nvme format /dev/nvme0n1 -l {wrong} --force")
        assert (status, "there is no LBA format" in output) == (1, True)
    for lbaf, size, how in ((4, 4096, "--lbaf=4"), (0, 512, "--block-size=512 --reset")):
        machine.good("dd if=/dev/random of=/dev/nvme0n1 bs=64K count=4 status=none; sync")
        assert path.read_bytes()[:65536].strip(b"\0")
        output = machine.good(f"nvme format /dev/nvme0n1 {how} --force", timeout=60)
        assert "Success formatting namespace:1\n" in output
        assert path.read_bytes() == bytes(SIZE)
        assert re.search(rf"^lbaf +{lbaf} .*\(in use\)$", machine.good("nvme id-ns /dev/nvme0n1"),
                         re.M)
        assert machine.good("lsblk").splitlines()[1].split()[:3] == ["nvme0n1", "16M", str(size)]
        output = machine.good("nvme io-passthru /dev/nvme0n1 -n 1 -o 2 -l 4096 -r "
                              f"--cdw12={4096 // size - 1}")
        assert dumped(output) == bytes(4096)
        machine.good("sh test3.sh")
        machine.good("head -c 5000 origin.bin | dd of=/dev/my_nvme0n1 bs=1000 seek=9 "
                     "status=none; dd if=/dev/nvme0n1 of=back bs=1 skip=9000 count=5000 status=none")
        assert machine.good("cmp -n 5000 back origin.bin") == ""
        output, status = machine.run(f"dd if=/dev/zero of=/dev/nvme0n1 bs={size} seek={SIZE // size}")
        assert status == 1 and "No space left on device" in output


def test_format_without_a_disk_and_back(media):
    """A format that blocks cannot be had of: the node goes, and comes back."""
    machine, _ = media
    output, status = machine.run("{ nvme format /dev/nvme0n1 -l 1 -m 1 --force; cat; } "
                                 "< /dev/nvme0n1")
    assert output.endswith("No such device\n") and status == 1, "a file that was open"
    assert "metadata behind the data of each block: left out" in machine.good("dmesg")
    assert machine.run("ls /dev/nvme0n1 /dev/my_nvme0n1").status != 0
    assert machine.good("lsblk").count("\n") == 1
    assert "512   B +  8 B" in machine.good("nvme list")
    machine.good("nvme format /dev/nvme0 -n 1 -l 0 --force", timeout=60)
    machine.good("sh test3.sh")
