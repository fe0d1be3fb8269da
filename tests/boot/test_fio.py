"""fio in the machine: each mode on the controller's disk, several processors, job files, reports
that the readers of Debian's fio understand, Ctrl-C, and what is on the disk afterwards."""
import random
import sys

import pytest

from machine import ROOT

sys.path.insert(0, str(ROOT / "tests"))

from fio_report import parse_json, parse_normal, parse_terse  # noqa: E402

MIB = 1 << 20
DISK = "--filename=/dev/nvme0n1"


@pytest.fixture(scope="module")
def machine(boot_shared):
    return boot_shared(disk=boot_shared.file("fio.img"), smp=2)


def fio(machine, arguments):
    return parse_json(machine.good(f"fio {DISK} --output-format=json {arguments}", timeout=90))


@pytest.mark.parametrize("mode, direction", [
    ("read", "read"), ("randread", "read"), ("write", "write"), ("randwrite", "write"),
    ("trim", "trim"), ("randtrim", "trim")])
def test_modes(machine, mode, direction):
    report = fio(machine, f"--name=a --rw={mode} --bs=4k --iodepth=16 --size=4m")
    (job,) = report["jobs"]
    assert job["error"] == 0
    for name in ("read", "write", "trim"):
        assert job[name]["io_bytes"] == (4 * MIB if name == direction else 0)
    assert job[direction]["total_ios"] == 1024
    assert job["iodepth_level"]["16"] > 50


@pytest.mark.parametrize("mode", ["rw", "randrw"])
def test_mixes(machine, mode):
    (job,) = fio(machine, f"--name=a --rw={mode} --rwmixread=75 --bs=4k --iodepth=8 --size=8m")["jobs"]
    assert job["read"]["total_ios"] + job["write"]["total_ios"] == 2048
    assert 0.7 < job["read"]["total_ios"] / 2048 < 0.8


@pytest.mark.parametrize("job", [
    "--rw=read --bs=4m --iodepth=4 --size=32m", "--rw=randread --bs=512 --iodepth=64 --size=1m",
    "--rw=randread --bs=4k --hipri --iodepth=8 --size=4m",
    "--rw=randwrite --bssplit=4k/50:64k/50 --size=8m --iodepth=4",
    "--rw=randread --random_distribution=zipf:1.2 --size=16m --number_ios=2000",
    "--rw=write --size=1m --fsync=16", "--rw=randread --runtime=1 --time_based --iodepth=32",
    "--rw=read --rate_iops=200 --runtime=1 --thinktime=100"])
def test_jobs_of_all_kinds(machine, job):
    parse_normal(machine.good(f"fio --name=a {DISK} {job}", timeout=90))


def test_processors(machine):
    report = fio(machine, "--name=a --rw=randread --bs=4k --iodepth=8 --size=4m --numjobs=3")
    assert [job["read"]["total_ios"] for job in report["jobs"]] == [1024] * 3
    report = fio(machine, "--name=a --rw=randread --bs=4k --iodepth=8 --size=4m --numjobs=4 "
                          "--group_reporting")
    assert [job["read"]["total_ios"] for job in report["jobs"]] == [4096]


@pytest.mark.parametrize("method", ["crc32c", "md5", "sha256", "pattern --verify_pattern=0xdeadbeef"])
def test_verify(machine, method):
    job = f"fio --name=a {DISK} --bs=4k --iodepth=8 --size=2m --verify={method} --minimal"
    found = parse_terse(machine.good(f"{job} --rw=randwrite", timeout=90))
    assert found["write"]["io_kbytes"] == found["read"]["io_kbytes"] == 2048
    machine.good("echo -n wrong > wrong")
    machine.good("dd if=wrong of=/dev/nvme0n1 bs=1 seek=1050000 status=none")
    output, status = machine.run(f"{job} --rw=randread")
    assert status == 1
    assert "verify failed at file /dev/nvme0n1 offset 1048576, length 4096" in output
    assert parse_terse(output.splitlines()[-1])["error"] == 84


def test_job_file(machine):
    lines = ["[global]", "filename=/dev/nvme0n1", "size=1m", "; a comment", "[one]", "rw=write",
             "[two]", "stonewall", "rw=randread", "bs=8k"]
    machine.good("rm -f job")
    for line in lines:
        machine.good(f"echo '{line}' >> job")
    report = parse_json(machine.good("fio --output-format=json job"))
    assert [(job["jobname"], job["groupid"]) for job in report["jobs"]] == [("one", 0), ("two", 1)]
    assert report["jobs"][1]["read"]["total_ios"] == 128


def test_files(machine):
    (job,) = parse_normal(machine.good("fio --name=a --filename=file --rw=randwrite --size=1m "
                                       "--verify=crc32c"))
    assert job["write"]["bytes"] == job["read"]["bytes"] == MIB
    assert machine.good("wc -c < file").strip() == str(MIB)
    machine.good("rm file")


def test_ctrl_c_and_progress(machine):
    machine.type(f"fio --name=a {DISK} --rw=randread --iodepth=8 --time_based --runtime=1000")
    machine.expect(r"Jobs: 1 \(f=1\): \[r\(1\)\]\[\d+\.\d%\]\[r=\S+B/s\]\[r=\S+ IOPS\]\[eta ")
    machine.send("\x03")
    machine.expect("fio: terminating on signal 2")
    (job,) = parse_normal("\n" + machine.wait_for_prompt())
    assert job["read"]["iops"] > 0
    assert machine.good("echo $?").strip() == "128"
    assert "a: (groupid=0, jobs=1): err= 0" in machine.good(f"fio --name=a {DISK} --size=1m")


def test_interim_reports(machine):
    output = machine.good(f"fio --name=a {DISK} --rw=read --time_based --runtime=3 --minimal "
                          "--status-interval=1")
    runtimes = [parse_terse(line)["read"]["runtime"] for line in output.splitlines()]
    assert len(runtimes) >= 3 and runtimes == sorted(runtimes)


def test_errors(machine):
    output, status = machine.run("fio --name=a --filename=/dev/nvme9n1 --rw=read")
    assert status == 1 and "fio: open(/dev/nvme9n1) failed: No such file or directory" in output
    output, status = machine.run(f"fio --name=a {DISK} --rw=read --bs=1000")
    assert status == 1 and "Invalid argument: read offset=0, buflen=1000" in output
    output, status = machine.run("fio --nonsense")
    assert (output, status) == ("fio: unrecognized option '--nonsense'\n", 1)


def test_the_disk_holds_what_was_written(boot):
    """And nothing else: a region is filled, its neighbours stay."""
    content = random.Random(5).randbytes(16 * MIB)
    disk = boot.file("noise.img", size=16 * MIB, content=content)
    machine = boot(disk=disk)
    machine.good(f"fio --name=a {DISK} --rw=randwrite --bs=8k --iodepth=16 --offset=1m --size=3m "
                 "--buffer_pattern=0x4142 --fsync=1000")
    machine.good("sync")
    assert disk.read_bytes() == content[:MIB] + b"AB" * (3 * MIB // 2) + content[4 * MIB:]
    used = []
    for _ in range(4):
        machine.good(f"fio --name=a {DISK} --rw=randread --iodepth=64 --size=1m --numjobs=2")
        used.append(machine.good("free -b"))
    assert len(set(used)) == 1

