"""The user's three tests, typed line by line and run as scripts, on machines that
differ in everything a driver could stumble over. The rows are chosen so that any
two settings meet at least once where it matters: each machine, each way to boot,
each block size and each limit with each of the others."""
import re

import pytest

from machine import ROOT

GUEST = ROOT / "tests" / "guest"

MACHINES = [
    dict(machine="q35", boot="iso", lba=512, smp=1, memory="512M", cpu="max"),
    dict(machine="q35", boot="kernel", lba=4096, nvme="mdts=1", smp=2, memory="128M", cpu="qemu64"),
    dict(machine="pc", boot="iso", lba=4096, nvme="mdts=1", smp=4, memory="512M", cpu="max"),
    dict(machine="pc", boot="kernel", lba=512, smp=2, memory="5G", cpu="qemu64"),
    dict(machine="q35", boot="iso", lba=512, nvme="mdts=1", smp=4, memory="5G", cpu="qemu64"),
    dict(machine="pc", boot="iso", lba=512, nvme="mdts=0", smp=1, memory="128M", cpu="qemu64"),
    dict(machine="q35", boot="iso", lba=4096, smp=2, memory="512M", cpu="max"),
    dict(machine="pc", boot="kernel", lba=4096, nvme="mdts=0", smp=4, memory="128M", cpu="max"),
]

COPIED = re.compile(r"(\d+)\+(\d+) records in\n(\d+)\+(\d+) records out\n"
                    r"(\d+) bytes?(?: \(.*\))? copied, [\d.e-]+ s, [\d.]+ [kMG]?B/s\n")


def records(output):
    """The numbers of dd's closing lines, of which there may be several; nothing else is said."""
    found = COPIED.findall(output)
    assert COPIED.sub("", output) == "", f"more than dd's closing lines: {output}"
    return [tuple(int(number) for number in one) for one in found]


ONE_4K = [(1, 0, 1, 0, 4096)]
ONE_1M = [(1, 0, 1, 0, 1 << 20)]
# What each line of a test has to say: dd's numbers, or a text.
EXPECTED = {
    "test1.sh": [ONE_4K, ONE_4K, ONE_4K, ""],
    "test2.sh": ["", "", [(0, 1, 0, 1, 18)], [(18, 0, 18, 0, 18)], "", "[WRITE SOMETHING]\n"],
    "test3.sh": [ONE_1M, [(2048, 0, 2048, 0, 1 << 20)], ONE_1M, ""],
}


def check_line(output, expected):
    assert (output if isinstance(expected, str) else records(output)) == expected


def type_test(machine, name):
    expected = iter(EXPECTED[name])
    for line in (GUEST / name).read_text().splitlines():
        output, status = machine.run(line)
        assert status == 0, f"{line}: {output}"
        check_line(output, "" if not line or line.startswith("#") else next(expected))
    assert next(expected, None) is None, "the test has fewer lines than it should"


def run_test(machine, name):
    output = machine.good(f"sh {name}")
    numbers = [one for line in EXPECTED[name] if isinstance(line, list) for one in line]
    texts = [line for line in EXPECTED[name] if isinstance(line, str)]
    text = COPIED.sub("", output)
    assert text == "".join(texts)
    assert records(output[:len(output) - len(text)] if text else output) == numbers


@pytest.mark.parametrize("settings", MACHINES, ids=lambda s: "-".join(str(v) for v in s.values()))
def test_acceptance(boot, settings):
    machine = boot(**settings)
    for name in EXPECTED:
        type_test(machine, name)
        run_test(machine, name)
    # The tests have written into the disk on the host, and nothing but what they should.
    readback = bytes.fromhex(machine.good("xxd -p readback_4k.bin").replace("\n", ""))
    assert len(readback) == 4096
    machine.good("dd if=readback_4k.bin of=/dev/my_nvme0n1 bs=4K seek=300; sync")
    image = machine.disk.read_bytes()
    assert image[300 * 4096:301 * 4096] == readback
    assert image[1 << 20:300 * 4096].strip(b"\0") == b""
    # They can fail: a byte that was changed behind their back is seen.
    machine.good("echo -n X | dd of=/dev/my_nvme0n1 bs=1 seek=70000 status=none")
    machine.good("dd if=/dev/my_nvme0n1 of=again.bin bs=1M count=1")
    output, status = machine.run("cmp origin.bin again.bin")
    assert (status, output.split(",")[0]) == (1, "origin.bin again.bin differ: byte 70001")
