"""The reports of our fio beside those of Debian's: one parser reads both, and they say the same of
the same job. And each verifies what the other has written."""
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from fio_report import JOB, parse_json, parse_normal, parse_terse  # noqa: E402

SHELL = ROOT / "build/unit/host-shell"

JOBS = ["--rw=read --size=1m", "--rw=randread --bs=8k --size=1m", "--rw=write --bs=1m --size=4m",
        "--rw=randrw --rwmixread=70 --size=2m", "--rw=randwrite --size=256k --fsync=8",
        "--rw=read --bs=3k --size=100k --percentile_list=50:99.9 --iodepth=1",
        "--rw=read --size=64k --rate_iops=20",
        "--rw=read --size=1m --numjobs=2 --group_reporting", "--rw=write --size=64k --verify=md5"]


def theirs(line, directory):
    return subprocess.run(["fio", *line.split(), "--thread", "--ioengine=psync"], cwd=directory,
                          capture_output=True, text=True, timeout=60)


def ours(line, directory):
    script = directory.parent / "script"
    script.write_text(f"fio {line}\n")
    return subprocess.run([SHELL, "--import", directory, "--export", directory, script],
                          capture_output=True, text=True, timeout=60)


@pytest.fixture
def both(tmp_path):
    directories = tmp_path / "theirs", tmp_path / "ours"
    for directory in directories:
        directory.mkdir()

    def run(line):
        results = theirs(line, directories[0]), ours(line, directories[1])
        assert [result.returncode for result in results] == [0, 0], results
        return [result.stdout for result in results]
    return run


def paths(value, path=()):
    """The names of everything in a JSON report; options, disks and percentiles of flushes aside."""
    if path[-1:] in (("job options",), ("disk_util",)):
        return {path}
    if path[-3:] == ("sync", "lat_ns", "percentile"):
        return set()
    if isinstance(value, dict):
        return set().union(*(paths(item, (*path, name)) for name, item in value.items()))
    if isinstance(value, list):
        return set().union(*(paths(item, path) for item in value))
    return {(*path, type(value).__name__ if isinstance(value, str) else "number")}


@pytest.mark.parametrize("job", JOBS)
def test_json(both, job):
    texts = both(f"--name=a --filename=file {job} --output-format=json")
    expected, got = map(parse_json, texts)
    assert paths(got) == paths(expected)
    assert len(got["jobs"]) == len(expected["jobs"])
    for one, other in zip(expected["jobs"], got["jobs"]):
        assert other["jobname"] == "a"
        if "randrw" not in job:
            for direction in ("read", "write", "trim"):
                for name in ("io_bytes", "total_ios"):
                    assert other[direction][name] == one[direction][name]
        if "fsync" not in job:
            assert other["iodepth_level"] == one["iodepth_level"]
        assert other["iodepth_submit"] == one["iodepth_submit"]


@pytest.mark.parametrize("job", JOBS)
def test_terse(both, job):
    texts = both(f"--name=a --filename=file {job} --output-format=terse")
    expected, got = (list(map(parse_terse, text.splitlines())) for text in texts)
    assert len(got) == len(expected)
    for one, other in zip(expected, got):
        assert other["depths"] == one["depths"] or "fsync" in job
        assert list(other["read"]["percentile"]) == list(one["read"]["percentile"])
        if "randrw" not in job:
            assert other["read"]["io_kbytes"] == one["read"]["io_kbytes"]
            assert other["write"]["io_kbytes"] == one["write"]["io_kbytes"]


@pytest.mark.parametrize("job", JOBS)
def test_normal(both, job):
    texts = both(f"--name=a --filename=file {job} --eta=never")
    expected, got = map(parse_normal, texts)
    assert [sorted(job) for job in got] == [sorted(job) for job in expected]
    for one, other in zip(expected, got):
        if "read" in one and "randrw" not in job:
            assert other["read"]["bytes"] == one["read"]["bytes"]
    assert opening(texts[1]) == opening(texts[0])


def opening(text):
    """What comes before the first job, but for what has to differ: where the file is made, which
    engine it is, whether jobs are threads."""
    head = text[:JOB.search(text).start()]
    head = re.sub(r".*Laying out IO file.*\n", "", head)
    head = re.sub(r"ioengine=\w+", "ioengine=ANY", head)
    return re.sub(r"(thread|process)(es|s)?\n", "JOBS\n", head)


@pytest.mark.parametrize("bs", ["512", "4k", "64k"])
def test_verifies_the_other_way_round(tmp_path, bs):
    directory = tmp_path / "files"
    directory.mkdir()
    job = f"--name=a --filename=file --bs={bs} --size=256k --verify=crc32c --minimal"
    for write, read in ((theirs, ours), (ours, theirs)):
        assert write(f"{job} --rw=randwrite --do_verify=0", directory).returncode == 0
        assert read(f"{job} --rw=read", directory).returncode == 0
        content = bytearray((directory / "file").read_bytes())
        content[100000] ^= 1
        (directory / "file").write_bytes(content)
        result = read(f"{job} --rw=read", directory)
        assert result.returncode == 1
        assert "crc32c: verify failed at file file offset " in result.stderr
