"""Our commands beside the host's: the same command line, in a directory with the
same files, once through sh and the host's tools and once through our shell
(build/unit/host-shell). Output, messages, exit status and the files that are
left must be the same. dd's times and rates are masked, and so are the lines
that tell how a command is used.

Where ours are different on purpose, no case is made of it:

- numbers may have more than two factors (2x3x4); seq knows whole numbers only;
- hexdump -s works on a pipe;
- hexdump, xxd and cksum fail on a directory and name it; the host's cksum says 0;
- xxd -r passes over what is no dump, where xxd makes something of it; its options
  have no long names but -ps;
- sha256sum does not escape newlines and backslashes in names;
- grep has no back-references and no context; with -w it tries only the longest
  match at a place;
- grep -E says nothing of operators with nothing in front of them, as in *a;
- wc -m counts bytes, as in the C locale, and -L is as wide as that has it;
- date reads no dates but @SECONDS, and sets none;
- ls -l shows the size of a device where Linux has its numbers, and no total;
- dd's direct is refused where blocks are not whole, as on Linux, but a RAM file
  takes it as tmpfs does.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gnu_cases import FILES, cases

ROOT = Path(__file__).resolve().parents[2]
SHELL = ROOT / "build/unit/host-shell"
PACKAGES = {"xxd": "xxd", "hexdump": "bsdextrautils", "cmp": "diffutils"}


def normal(text):
    """What both may be expected to say alike; the sanitizer's remark on huge sizes left out."""
    text = re.sub(rb"copied, .*", b"copied, TIME, RATE", text)
    lines = text.split(b"\n")
    return b"\n".join(line for line in lines
                      if not re.match(rb"(.*: )?Try '.* --help' for|usage: |"
                                      rb"==\d+==WARNING: AddressSanitizer failed", line))


def tree(directory):
    return {str(path.relative_to(directory)): path.read_bytes() if path.is_file() else None
            for path in sorted(directory.rglob("*"))}


def run(argv, directory, locale):
    environment = {"PATH": os.environ["PATH"], "LC_ALL": locale,
                   "ASAN_OPTIONS": "allocator_may_return_null=1"}
    return subprocess.run(argv, cwd=directory, env=environment, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=60)


@pytest.fixture(scope="session", autouse=True)
def shell():
    if not SHELL.exists():
        pytest.fail(f"{SHELL} is not built: make build/unit/host-shell")


@pytest.mark.parametrize("line", cases())
def test_same_as_the_host(line, tmp_path):
    tool = line.split()[0]
    if not shutil.which(tool):
        pytest.skip(f"{tool} is not installed; Debian's package is {PACKAGES.get(tool, tool)}")
    theirs, before, ours = tmp_path / "theirs", tmp_path / "before", tmp_path / "ours"
    for directory in (theirs, before):
        directory.mkdir()
        for name, content in FILES.items():
            (directory / name).write_bytes(content)
    script = tmp_path / "script"
    script.write_text(line + "\n")

    # In the C locale GNU's cmp says "char" for "byte", and only there its dd quotes in ASCII.
    expected = run(["sh", "-c", line], theirs, "C.UTF-8" if "cmp" in line else "C")
    got = run([SHELL, "--import", before, "--export", ours, script], tmp_path, "C")

    assert got.stdout == expected.stdout
    assert normal(got.stderr) == normal(expected.stderr)
    assert got.returncode == expected.returncode
    assert tree(ours) == tree(theirs)
