"""`nvme` beside Debian's nvme-cli: the same commands, of the same device, in our system and in the
Linux guest of tests/bench. Their answers are taken apart into fields, each with its value, and have
to be the same ones in the same order but for DIFFERENCES.
"""
import json
import re
import sys
from collections import namedtuple

import pytest

from machine import ROOT

sys.path.insert(0, str(ROOT / "tests/bench"))
from guest import Linux  # noqa: E402

MIB = 1 << 20
SIZE = 16 * MIB  # of a namespace

Difference = namedtuple("Difference", "command field reason")

# Where our answer may be another: commands and fields by regular expression. A difference that is
# not there any more is an error as well.
DIFFERENCES = [Difference(*row) for row in (
    ("smart-log", "(?i)(data.units.read|host_read_commands)", "what a system has read to get up"),
    ("show-regs", r"(cc|aqa|asq|acq)( .*)?", "pages and queues are the driver's choice"),
    ("show-regs.*json", "exit status", "nvme-cli 2.3 ends with 1"),
    ("show-regs.* -H", "crto .*", "in milliseconds; nvme-cli's seconds ignore CRIMT"),
    ("show-regs.* -H", "cmb(loc|sz) .*|Controller Memory Buffer feature .*",
     "taken apart in any case; nvme-cli: only if there is a CMB"),
    ("show-regs.* -H", "pmrsts Not Ready .*", "0 is ready; nvme-cli says the opposite"),
    ("id-ctrl.* -H", r"[tu]nvmcap \[127:0\]|.* NVM Capacity .*", "the same number once more"),
    ("list -v", "nvme0 Namespaces", "the same ones; nvme-cli's are in no order"),
    ("list( -v)?$", ".* Generic", "there are no generic nodes /dev/ng0n1 here"),
    ("list.*json", ".*HostNQN", "there is no host NQN: nothing here speaks to fabrics"),
    ("get-feature.* -f 0xb", "value|.* Notices|SMART.*", "which events a driver wants"),
    ("get-feature.* -f 0xe -H", "The timestamp is", "the time"),
    ("get-feature.* -f 0x16", "data 0000", "which formats a driver can do with (LBAFEE)"),
    ("get-feature.* -f 0xe", "data 0000", "the time"),
    ("id-ns.* -H", r"fpi \[6:0\]", "shown in any case; nvme-cli: only if it is supported"),
    ("id-ns.* -v", "data 0e70", "begins at byte 384 (NVM figure 97); nvme-cli has it at 392"),
    ("0xc1|0x55|777|compare|error-log|-F 1|offline-zone|zns.*0x1801", "status text",
     "nvme-cli adds a sentence to the name"),
    ("zns id-ns.* -H", "zoc|ozcs|ozcs .*|m[ao]r|[rf]rl[1-3]?|zrwacap",
     "the numbers stay, and bits come from the highest on as everywhere"),
    ("zns report-zones.* -v", "Attrs", "spelled Valid"),
    ("zns report-zones.*json", "zone_list 6 attrs", "nvme-cli has lost bit 7"),
)]

FEATURES = (1, 2, 4, 6, 7, 8, 9, 0xa, 0xb, 0xe, 0x16, 0x19)
COMMANDS = [
    *(f"nvme {name}{options}" for name, forms in (
        ("id-ctrl /dev/nvme0", ("", " -H", " -o json", " -v", " -o binary | xxd -p")),
        ("id-ns /dev/nvme0n1", ("", " -H", " -o json", " -v", " -b | xxd -p")),
        ("id-ns /dev/nvme0 -n 2", ("", " -H", " -o json")),
        ("ns-descs /dev/nvme0n1", ("", " -o json", " -b | xxd -p")),
        ("ns-descs /dev/nvme0n2", ("", " -o json")),
        ("smart-log /dev/nvme0", ("", " -H", " -o json")),
        ("show-regs /dev/nvme0", ("", " -H", " -o json")),
        ("list", ("", " -o json", " -v", " --verbose --output-format=json")),
        ("list-subsys", ("", " -o json", " -v", " /dev/nvme0n1")),
        ("list-ns /dev/nvme0", ("", " -o json", " -n 2", " --csi=0", " -y 2")),
        ("list-ns /dev/nvme0 --all", ("", " -y 0")),
        ("error-log /dev/nvme0", ("", " -o json")),
        ("fw-log /dev/nvme0", ("", " -o json", " -b | xxd -p")),
        ("changed-ns-list-log /dev/nvme0", ("", " -o json")),
        ("effects-log /dev/nvme0", ("", " -H", " -o json")),
        ("effects-log /dev/nvme0 -c 0", ("", " -o json")),
        *((f"get-feature /dev/nvme0 -f {feature:#x}", ("", " -H")) for feature in FEATURES),
        ("get-feature /dev/nvme0 -f 4", (" -s 1", " -s 3 -H")),
        ("get-feature /dev/nvme0n1 -f 5", ("", " -H")),
    ) for options in forms),
    "nvme get-log /dev/nvme0 -i 3 -l 64",
    "nvme get-log /dev/nvme0 --aen=0x30000 -U 0",
    "nvme admin-passthru /dev/nvme0 -o 6 --cdw10=1 -l 4096 -r",
    "nvme io-passthru /dev/nvme0n1 -o 2 -n 1 -l 512 -r",
    "nvme read /dev/nvme0n1 -s 5 -c 1 -z 1024 -d two; xxd -p two",
    "nvme read /dev/nvme0n1 -c 0 -z 100 -d part; xxd -p part",
    "nvme write-zeroes /dev/nvme0n1 -s 8 -c 7",
    "nvme dsm /dev/nvme0n1 -d -s 100,200 -b 8",
    "nvme copy /dev/nvme0n1 -d 0 -s 8,16 -b 3,4",
    "nvme copy /dev/nvme0n1 -d 9 -s 8 -b 3 -R 1 -A 2 -M 3 -r 4 -a 5 -m 6 -f",
    "nvme copy /dev/nvme0n1 -d 9 -s 8 -b 3 -F 1",
    "nvme flush /dev/nvme0n1",
    *(f"nvme {command}" for command in (
        # Metadata beside the data, and behind the data of each block.
        "write /dev/nvme0n3 -s 3 -c 1 -z 1024 -y 16 -d two -M part",
        "read /dev/nvme0n3 -s 3 -c 1 -z 1024 -y 16 -d data -M meta; xxd -p data; xxd -p meta",
        "compare /dev/nvme0n3 -s 3 -c 1 -z 1024 -y 16 -d two -M part",
        "compare /dev/nvme0n3 -s 3 -c 1 -z 1024 -y 16 -d two -M two",
        "io-passthru /dev/nvme0n3 -o 2 -n 3 -4 3 -6 1 -l 1024 -m 16 -M meta -r; xxd -p meta",
        "write /dev/nvme0n4 -s 3 -c 1 -z 1040 -d two",
        "read /dev/nvme0n4 -s 3 -c 1 -z 1040 -d data; xxd -p data",
    )),
    *(f"nvme zns {command}" for command in (
        "id-ctrl /dev/nvme0", "id-ctrl /dev/nvme0 -o json",
        *(f"id-ns /dev/nvme0n5{form}" for form in ("", " -H", " -v", " -o json",
                                                  " -o binary | xxd -p")),
        "open-zone /dev/nvme0n5 -s 0x800",
        "open-zone /dev/nvme0n5 -s 0x1000",
        "close-zone /dev/nvme0n5 -s 0x1000",
        "finish-zone /dev/nvme0n5 --start-lba=0x1800 --timeout=5000",
        "zone-append /dev/nvme0n5 -s 0x2000 -z 1024 -d two",
        "zone-append /dev/nvme0n5 --zslba=0x2000 --data-size=512 --data=two -f",
        "set-zone-desc /dev/nvme0n5 -s 0x3000 -d part",
        "report-zones /dev/nvme0n5 -d 7 -e -o json",
        "report-zones /dev/nvme0n5 -d 7 -e",
        *(f"report-zones /dev/nvme0n5{form}" for form in (
            "", " -v", " -o json", " -s 0x1000 -d 3", " --state=1 -p -d 2", " -S 5 -e",
            " -S 2 -o json", " -d 0")),
        "zone-mgmt-send /dev/nvme0n5 -s 0x2000 --zsa=2",
        "reset-zone /dev/nvme0n5 -s 0x1801",
        "reset-zone /dev/nvme0n5 -s 0x1800",
        "offline-zone /dev/nvme0n5",
        "reset-zone /dev/nvme0n5 --select-all",
        "report-zones /dev/nvme0n5",
    )),
    "nvme set-feature /dev/nvme0 -f 4 -v 0x157",
    "nvme get-feature /dev/nvme0 -f 0xc1",
    "nvme id-ns /dev/nvme0 -n 777",
    # Numbers, abbreviations, and what is left to the device.
    "nvme admin-passthru /dev/nvme0 -o 6 --cdw10=1 -l 4096",
    "nvme read /dev/nvme0n1 -s 010 -z 0x200 -d eight; xxd -p eight",
    "nvme read /dev/nvme0n1 -s 1k -c 1 -z 1Ki -d kilo; xxd -p kilo",
    "nvme read /dev/nvme0n3 -z 520 -d rest; xxd -p rest",
    "nvme get-log /dev/nvme0 -log-id=3 -log-len 64",
    "nvme id-ns /dev/nvme0n1 -n 0 -vendor",
    "nvme get-feature /dev/nvme0 -f 4 -s 4",
    "nvme get-feature /dev/nvme0 -f 4 -s 8",
    "nvme set-feature /dev/nvme0 -f 4 -v 0x150",
    "nvme get-feature /dev/nvme0 -f 4 -s 8",
    "nvme get-feature /dev/nvme0 -f 0x55",
    "nvme set-feature /dev/nvme0 -f 0x55 -v 1",
    "echo | nvme compare /dev/nvme0n1 -z 512",
]


def devices(path):
    """One controller of a subsystem, two namespaces that differ in all that they can, two with
    metadata: beside the data, and behind the data of each block, and one with zones."""
    def disk(number):
        return json.dumps({"driver": "raw", "node-name": f"d{number}", "size": SIZE,
                           "offset": (number - 1) * SIZE, "discard": "unmap",
                           "file": {"driver": "file", "filename": str(path), "locking": "off",
                                    "discard": "unmap"}})
    return [*(word for number in range(1, 6) for word in ("-blockdev", disk(number))),
            "-device", "nvme-subsys,id=s0,nqn=face",
            "-device", "nvme,id=n0,serial=face,subsys=s0,mdts=5,zoned.zasl=4,addr=5",
            "-device", "nvme-ns,drive=d1,nsid=1,bus=n0,eui64=0x0011223344556677,"
                       "uuid=01234567-89ab-cdef-0123-456789abcdef",
            "-device", "nvme-ns,drive=d2,nsid=2,bus=n0,logical_block_size=4096,"
                       "physical_block_size=4096,shared=off,eui64-default=on,"
                       "uuid=11234567-89ab-cdef-0123-456789abcdef",
            "-device", "nvme-ns,drive=d3,nsid=3,bus=n0,ms=8",
            "-device", "nvme-ns,drive=d4,nsid=4,bus=n0,ms=8,mset=1",
            "-device", "nvme-ns,drive=d5,nsid=5,bus=n0,zoned=on,zoned.zone_size=1M,"
                       "zoned.zone_capacity=768K,zoned.max_open=4,zoned.max_active=6,"
                       "zoned.descr_ext_size=64,zoned.cross_read=on"]


# ---- Answers, taken apart: lists of (field, value) ----------------------------------------------

def flat(value, path=""):
    """JSON; devices by their names, since they come in any order."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from flat(member, f"{path} {key}")
    elif isinstance(value, list):
        for index, member in enumerate(value):
            names = member if isinstance(member, dict) else {}
            name = names.get("DevicePath") or names.get("NameSpace") or index
            yield from flat(member, f"{path} {name}")
    else:
        yield path.strip(), value


def rows(lines):
    """The tables of `nvme list`: below a title, dashes say how wide the columns are."""
    titles = [index - 1 for index, line in enumerate(lines) if re.fullmatch("[- ]+", line)]
    for begin, end in zip(titles, [*titles[1:], len(lines)]):
        places = [match.span() for match in re.finditer("-+", lines[begin + 1])]
        names = [lines[begin][left:right].strip() for left, right in places]
        places[-1] = (places[-1][0], None)
        for line in sorted(lines[begin + 2:end]):
            cells = [line[left:right].strip() for left, right in places]
            for name, cell in zip(names, cells):
                yield f"{cells[0]} {name}", cell


def fields(lines):
    """`name : value`, what belongs to a field behind its name, and all other lines as they are."""
    field = ""
    for line in lines:
        dump = re.fullmatch(r"([0-9a-f]{4,}):(( [0-9a-f]{2})+) .*", line)
        bits = re.fullmatch(r"\s*(\[\d+:\d+\])\s*:\s*(.*)", line)
        status = re.fullmatch(r"((?:NVMe status|status_field\s*): [^:(]*(?:\([^:(]*)?)(: .*?)?"
                              r"(\(0x\w+\)|\))", line)
        feature = re.fullmatch(r"(get-feature:.*value):(\w+)", line)
        pair = re.fullmatch(r"(\s*)(.+?)\s*:\s*(.*)", line)
        if dump:
            yield f"data {dump[1]}", dump[2]
        elif bits:
            yield f"{field} {bits[1]}", " ".join(bits[2].split())
        elif status:
            yield from (("status", status[1] + status[3]), ("status text", status[2]))
        elif feature:
            yield from (("feature", feature[1]), ("value", feature[2]))
        elif pair and pair[1] and not line.startswith("    "):
            yield f"{field} {pair[2]}".strip(), " ".join(pair[3].split())
        elif pair:
            field = "" if pair[1] or "get-feature" in line else pair[2]
            yield pair[2], " ".join(pair[3].split())
        else:
            yield " ".join(line.split()), ""


def taken_apart(command, answer, status):
    lines = [line.rstrip() for line in answer.splitlines() if line.strip()]
    if "json" in command:
        pairs = sorted(flat(json.loads(answer)), key=str)
    else:
        pairs = (rows if command in ("nvme list", "nvme list -v") else fields)(lines)
    return [("exit status", int(status)), *pairs]


# ---- The comparison -----------------------------------------------------------------------------

@pytest.fixture(name="answers", scope="module")
def both_answers(boot_shared):
    """All commands, in both systems, each with a disk of its own: {command: (ours, nvme-cli's)}."""
    content = b"".join(b"%015x\n" % number for number in range(5 * SIZE // 16))
    machine = boot_shared(devices=devices(boot_shared.file("ours.img", 5 * SIZE, content)))
    machine.provokes += ["^pci_nvme_err"]
    ours = [taken_apart(command, *machine.run(command)) for command in COMMANDS]
    # Or Linux keeps the registers from those who want to look at them, and has paths of its own.
    with Linux(programs=["nvme-cli"], words="iomem=relaxed nvme_core.multipath=N",
               devices=devices(boot_shared.file("theirs.img", 5 * SIZE, content))) as linux:
        linux.start()
        theirs = [re.fullmatch(r"(?s)(.*)status (\d+)\n",
                               linux.run(f"{command}; echo status $?", 30)).groups()
                  for command in COMMANDS]
    theirs = [taken_apart(command, *answer) for command, answer in zip(COMMANDS, theirs)]
    return dict(zip(COMMANDS, zip(ours, theirs)))


def explained(command, field):
    """The differences that allow for this one."""
    return {difference for difference in DIFFERENCES if re.search(difference.command, command)
            and re.fullmatch(difference.field, field)}


@pytest.mark.parametrize("command", COMMANDS)
def test_as_nvme_cli(answers, command):
    ours, theirs = answers[command]
    alone = [(field, value, "ours" if (field, value) in ours else "nvme-cli's")
             for field, value in set(ours) ^ set(theirs) if not explained(command, field)]
    assert not alone
    orders = [[field for field, _ in dict.fromkeys(answer) if not explained(command, field)]
              for answer in (ours, theirs)]
    assert orders[0] == orders[1]


def test_every_difference_is_there(answers):
    """The list above is no longer than it has to be."""
    seen = set()
    for command, (ours, theirs) in answers.items():
        for field, _ in set(ours) ^ set(theirs):
            seen |= explained(command, field)
    assert [difference for difference in DIFFERENCES if difference not in seen] == []
