"""I/O from several processors at once: fio verifies what each has written, whatever queues and
vectors the device has to share out, and when commands hang, fail or are reset under it."""
import json
import re
import sys

import pytest

from machine import ROOT

sys.path.insert(0, str(ROOT / "tests"))

from fio_report import parse_json, parse_normal  # noqa: E402

from injection import throttle  # noqa: E402

MIB = 1 << 20
SPAN = 16  # MiB between two processors' regions
DISK = "--filename=/dev/nvme0n1"
FIRMWARE_WANTS_TWO = ["pci_nvme_err_invalid_create_cq_cqid .*cqid=2$",
                      "pci_nvme_err_req_status cid 2 nsid 0 status 0x4101 opc 0x5"]


def fio(machine, arguments, timeout=60):
    return parse_json(machine.good(f"fio --output-format=json {arguments}", timeout))["jobs"]


def verify(machine, jobs, size=1, where=DISK, extra=""):
    """Each job writes a region of its own and reads it back; then all read everywhere."""
    reports = fio(machine, f"--name=w {where} --numjobs={jobs} --rw=randwrite --bs=4k --iodepth=16 "
                           f"--size={size}m --offset_increment={SPAN}m --verify=crc32c {extra}")
    assert len(reports) == jobs
    for job in reports:
        assert job["error"] == 0
        assert job["write"]["io_bytes"] == job["read"]["io_bytes"] == size * MIB
    reports = fio(machine, f"--name=r {where} --numjobs={jobs} --rw=randread --bs=4k --iodepth=16 "
                           f"--size=2m {extra}")
    assert [job["read"]["total_ios"] for job in reports] == [512] * jobs


# ---- Queues and vectors ---------------------------------------------------------------------

@pytest.mark.parametrize("smp, wait", [(2, "hybrid"), (4, "hybrid"), (4, "interrupt"), (4, "poll")])
def test_own_queues(boot, smp, wait):
    machine = boot(smp=smp, cmdline=f"nvme.wait={wait}")
    assert f"{2 * smp} queues of" in machine.dmesg
    verify(machine, smp)
    verify(machine, smp, extra="--hipri")


@pytest.mark.parametrize("nvme, cmdline", [
    ("max_ioqpairs=1", "nvme.wait=interrupt"), ("max_ioqpairs=2", "nvme.queue_entries=2"),
    ("max_ioqpairs=3", "nvme.wait=interrupt"), ("msix_qsize=1", "nvme.wait=interrupt"),
    ("msix_qsize=2", "nvme.wait=interrupt"), ("", "nvme.queues=1 nvme.poll_queues=3")])
def test_shared(boot, nvme, cmdline):
    machine = boot(smp=4, nvme=nvme, cmdline=cmdline,
                   provokes=FIRMWARE_WANTS_TWO if nvme == "max_ioqpairs=1" else ())
    verify(machine, 4)
    verify(machine, 3, extra="--hipri")
    # One at a time, asleep: what an interrupt is for is found at once, also when the processor
    # that it comes to has nothing to do: the first jobs end with their first I/O.
    one = f"{DISK} --rw=randread --bs=4k --number_ios=1"
    for number in (1, 2, 3):
        jobs = "".join(f" --name={name} {one}" for name in "abc"[:number])
        last = fio(machine, f"{jobs} --name=z {DISK} --rw=randread --bs=4k --number_ios=100")[-1]
        assert last["read"]["total_ios"] == 100
        assert last["read"]["runtime"] < 2000, "not 50 ms for each"
    assert "no answer" not in machine.transcript()


def two_namespaces(boot, **settings):
    devices = ["-device", "nvme,id=n0,serial=nvmetal"]
    for number in (1, 2):
        disk = boot.file(f"{number}.img")
        devices += ["-drive", f"file={disk},if=none,id=d{number},format=raw",
                    "-device", f"nvme-ns,id=ns{number},drive=d{number},nsid={number}"]
    return boot(smp=4, devices=devices, **settings)


def test_two_namespaces(boot):
    machine = two_namespaces(boot)
    jobs = "".join(f" --name={name} --filename=/dev/nvme0n{number} --offset={offset}m" for
                   name, number, offset in (("a", 1, 0), ("b", 2, 0), ("c", 2, 8), ("d", 1, 8)))
    reports = fio(machine, "--rw=randwrite --bs=4k --iodepth=16 --size=1m --verify=crc32c" + jobs)
    assert [job["read"]["io_bytes"] for job in reports] == [MIB] * 4


def test_two_controllers(boot):
    """The boot processor is busy with one all the time, and yet looks after the other."""
    devices = []
    for number in (0, 1):
        disk = boot.file(f"{number}.img")
        devices += ["-drive", f"file={disk},if=none,id=d{number},format=raw",
                    "-device", f"nvme,id=n{number},serial=nvmetal{number},drive=d{number}"]
    machine = boot(smp=4, devices=devices, controllers=2, cmdline="nvme.timeout=500")
    jobs = "".join(f" --name={name} --filename=/dev/nvme{number}n1 --offset={offset}m" for
                   name, number, offset in (("a", 0, 0), ("b", 1, 0), ("c", 1, 8), ("d", 0, 8)))
    reports = fio(machine, "--rw=randwrite --bs=4k --iodepth=16 --size=1m --verify=crc32c" + jobs)
    assert [job["read"]["io_bytes"] for job in reports] == [MIB] * 4

    throttle(machine, 1)
    machine.type("fio --output-format=json --eta=never --rw=randread --bs=4k --iodepth=4 "
                 "--name=busy --filename=/dev/nvme1n1 --time_based --runtime=4 "
                 "--name=hangs --filename=/dev/nvme0n1 --number_ios=10")
    machine.expect("nvme0: the controller was reset")
    throttle(machine, 0)
    busy, hangs = parse_json("{" + machine.wait_for_prompt().split("{", 1)[1])["jobs"]
    assert busy["error"] == hangs["error"] == 0
    assert hangs["read"]["total_ios"] == 10
    assert hangs["read"]["runtime"] < 3000 < busy["read"]["runtime"]


# ---- What goes wrong ------------------------------------------------------------------------

def test_hung_command(boot):
    """Of one namespace, on another processor's queue: it ends with an error, and fio says so;
    a job on the other namespace goes on and loses nothing."""
    machine = two_namespaces(boot, cmdline="nvme.timeout=700 nvme.retries=0")
    throttle(machine, 1, "ns2")
    output, status = machine.run(
        "fio --output-format=json --rw=randread --bs=4k --name=busy --filename=/dev/nvme0n1 "
        "--iodepth=8 --time_based --runtime=3 "
        "--name=hangs --filename=/dev/nvme0n2 --number_ios=3")
    assert status == 1
    assert "fio: io_u error on file /dev/nvme0n2: Input/output error: read offset=" in output
    busy, hangs = parse_json("{" + output.split("{", 1)[1])["jobs"]
    assert (busy["error"], hangs["error"]) == (0, 5)
    assert busy["read"]["runtime"] >= 3000 > hangs["read"]["runtime"]
    log = machine.good("dmesg")
    assert "nvme0: queue 2: no answer to command" in log
    assert "opcode 02h, namespace 2, LBA" in log
    assert "nvme0n2: read of 8 blocks at LBA" in log
    assert "nvme0n1: read" not in log
    throttle(machine, 0, "ns2")
    verify(machine, 4, where="--filename=/dev/nvme0n2")


def test_reset_under_load(boot):
    """The commands of all processors hang; after the reset they are sent again, none is lost."""
    machine = boot(smp=4, cmdline="nvme.timeout=500")
    throttle(machine, 1)
    machine.type(f"fio --name=a {DISK} --numjobs=4 --rw=randwrite --bs=4k --iodepth=8 --size=1m "
                 f"--offset_increment={SPAN}m --verify=crc32c --output-format=json --eta=never")
    machine.expect("the controller was reset")
    throttle(machine, 0)
    reports = parse_json("{" + machine.wait_for_prompt(60).split("{", 1)[1])["jobs"]
    assert [(job["error"], job["read"]["io_bytes"]) for job in reports] == [(0, MIB)] * 4
    verify(machine, 4)


def test_media_error(boot):
    """On another processor: its job ends with the error, with words for it, and it alone."""
    drive = {"driver": "blkdebug", "node-name": "disk",
             "image": {"driver": "file", "filename": str(boot.file("bad.img"))},
             "inject-error": [{"event": "none", "errno": 5, "iotype": "read", "sector": 56}]}
    machine = boot(smp=4, drive=json.dumps(drive),
                   provokes=["pci_nvme_err_aio", "pci_nvme_err_req_status"])
    output, status = machine.run(
        f"fio --output-format=json --rw=read --bs=4k --size=128k {DISK} --iodepth=8 "
        "--name=a --offset=1m --name=b --offset=0 --name=c --offset=2m --name=d --offset=3m")
    assert status == 1
    assert ("fio: io_u error on file /dev/nvme0n1: Input/output error: read offset=28672, "
            "buflen=4096\n") in output
    reports = parse_json("{" + output.split("{", 1)[1])["jobs"]
    assert [job["error"] for job in reports] == [0, 5, 0, 0]
    assert [job["read"]["total_ios"] for job in reports if not job["error"]] == [32] * 3
    said = "nvme0n1: read of 8 blocks at LBA 56: Unrecovered Read Error (SCT 2h, SC 81h)"
    assert said in machine.good("dmesg")


def test_ctrl_c(boot):
    machine = boot(smp=4)
    machine.type(f"fio --name=a {DISK} --numjobs=4 --rw=randrw --iodepth=32 --time_based "
                 "--runtime=1000")
    machine.expect(r"Jobs: 4 \(f=4\): \[m\(4\)\]")
    machine.send("\x03")
    machine.expect("fio: terminating on signal 2")
    reports = parse_normal("\n" + machine.wait_for_prompt())
    assert len(reports) == 4 and all(job["read"]["iops"] > 0 for job in reports)
    assert machine.good("echo $?").strip() == "128"
    verify(machine, 4)
