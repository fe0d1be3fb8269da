"""Nobody types like this: random bytes and mutated scripts at the serial port, and command lines
that are none. The prompt comes back and works. INPUT_BYTES (10485760 by hand), INPUT_SCRIPTS and
INPUT_LINES say how much, INPUT_SEED repeats it. Whatever is done to the disk is meant to be; what
would end the machine is left out of the scripts, and too long to come about by chance."""
import os
import random
import re
import time

import pytest

from machine import ROOT

BYTES = int(os.environ.get("INPUT_BYTES", 100000))
SCRIPTS = int(os.environ.get("INPUT_SCRIPTS", 20))
LINES = int(os.environ.get("INPUT_LINES", 2))
SEED = int(os.environ.get("INPUT_SEED", random.randrange(1 << 32)))
CTRL_C = b"\x03"
CHUNK = 16384
ENDS = (b"poweroff", b"reboot")


@pytest.fixture
def chance():
    print(f"INPUT_SEED={SEED}")
    return random.Random(SEED)


def check_prompt(machine):
    machine.feed(CTRL_C)
    machine.send("\rset +x; echo alive$((6 * 7))\r")
    machine.expect("\nalive42\r\n")
    machine.wait_for_prompt()


def test_random_bytes(boot, chance):
    """Ctrl-C throws away what was typed ahead: every other chunk has none."""
    machine = boot(smp=2)
    start = time.monotonic()
    for number in range(BYTES // CHUNK + 1):
        chunk = chance.randbytes(CHUNK)
        machine.feed(chunk if number % 2 else chunk.replace(CTRL_C, b"\r"))
        check_prompt(machine)
    print(f"{BYTES} bytes in {time.monotonic() - start:.0f} s")
    machine.good("nvme id-ctrl /dev/nvme0")


def seeds():
    """Scripts of the other tests, those of several cases taken apart."""
    files = [*(ROOT / "tests/fuzz/corpus/shell").iterdir(), *(ROOT / "tests/guest").iterdir()]
    cases = [case for file in sorted((ROOT / "tests/unit/shell_cases").iterdir())
             for case in file.read_bytes().split(b"\n\n")]
    return [file.read_bytes() for file in sorted(files)] + cases


def mutate(script, scripts, chance):
    """Bytes changed, pieces left out, said twice, or taken from another script."""
    script = bytearray(script)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(script) + 1)
        end = at + chance.randint(0, 12)
        other = chance.choice(scripts)
        begin = chance.randrange(len(other) + 1)
        script[at:end] = chance.choice((
            b"", script[at:end] * 2, chance.randbytes(1), other[begin:begin + chance.randint(1, 30)],
            chance.choice((b"|", b"&&", b"$(", b"`", b"'", b'"', b"\\", b"<<", b">", b"{", b"$((",
                           b"/dev/nvme0n1", b"99999999999999999999", b"*", b"do", b";;"))))
    return bytes(script).replace(CTRL_C, b"")


def test_mutated_scripts(boot, chance):
    machine = boot(smp=2)
    scripts = seeds()
    for _ in range(SCRIPTS):
        script = mutate(chance.choice(scripts), scripts, chance)
        if not any(word in script for word in ENDS):
            machine.feed(script.replace(b"\n", b"\r") + b"\r", patience=2)
            check_prompt(machine)
    machine.good("nvme id-ctrl /dev/nvme0")


@pytest.mark.parametrize("line, says", [
    (b"verbos cpus=0 cpus=2x nvme.wait=nap x=\"a b\" =\"\" nvme.timeout= nvme.retries=-1",
     ["ignored, as nobody knows it: verbos x \r\n", "cpus= wants a number from 1 to 64: ignored",
      "nvme.wait=nap: not known", "nvme.timeout= wants", "nvme.retries= wants"]),
    (b"\0\0run=\"echo nothing\0else\"\0\xff\0cpus=1", ["\r\nnothing else\r\n"]),
    (b"run=\"echo never ends", ["\r\nnever ends"]),
    (b"word " * 819, [r"nobody knows it: word word (word )*[word ]*\.\.\.\r\n"]),
    (b"x" * 4096, [r"nobody knows it: x+\.\.\.\r\n", "cut off behind 4095 characters"]),
    (b"x" * 100000, ["opt/nvmetal/cmdline is too long: ignored"]),
], ids=["unknown", "nul", "quote", "many", "long", "longer"])
def test_odd_command_line(boot, line, says):
    machine = boot(cmdline=line)
    for text in says:
        assert re.search(text, machine.transcript()), text
    machine.good("sh test1.sh")


def test_random_command_lines(boot, chance):
    """One by fw_cfg and one as load options, where only text comes through."""
    for _ in range(LINES):
        words = [chance.choice((b"run=", b"cpus=", b"nvme.data=", b"verbose", b"nvme.queues=", b'"')) +
                 chance.randbytes(chance.randrange(40)) for _ in range(chance.randrange(60))]
        options = "".join(chance.choice("=\" \t'ax0,.") for _ in range(chance.randrange(2000)))
        machine = boot(smp=2, cmdline=b" ".join(words), append=options.replace(",", ",,"))
        machine.good("sh test1.sh")
        machine.poweroff()
