"""Fixtures: `boot` starts machines for one test, `boot_shared` for those of a module."""
import fcntl
import re
import shutil
import statistics
import tempfile
from pathlib import Path

import pytest

from machine import BUILD, LOGS, OVMF, QEMU, Failure, Machine

BOOT_REPORT = re.compile(r"boot: (\d+) us since boot services: memory \d+, clock \d+, files \d+, "
                         r"cpus \d+, pci \d+, nvme \d+")


@pytest.fixture(scope="session", autouse=True)
def boot_times():
    """Nothing is skipped for want of a tool. Keeps the kernel's own account of each boot."""
    assert shutil.which(QEMU), f"{QEMU} is not installed (Debian: qemu-system-x86)"
    for file in (OVMF, BUILD / "nvmetal.iso", BUILD / "BOOTX64.EFI"):
        assert Path(file).exists(), f"{file} is missing (Debian: ovmf; `make iso`)"
    LOGS.mkdir(parents=True, exist_ok=True)
    times = {}
    yield times
    write_times(times)


def write_times(times):
    """Into one file with what others, which may run at the same time, have put there."""
    with open(LOGS / "boot-times.txt", "a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        lines = [line.split(": ", 1) for line in file.read().splitlines()]
        times = {**{name: text for name, text in lines if BOOT_REPORT.match(text)}, **times}
        file.truncate(0)
        for name, text in sorted(times.items()):
            print(f"{name}: {text}", file=file)
        if times:
            median = statistics.median(int(BOOT_REPORT.match(text)[1]) for text in times.values())
            print(f"median of {len(times)} boots: {median:.0f} us", file=file)


class Boots:
    """Call it to boot a machine. Two machines one after the other share directory and disk."""

    def __init__(self, name, times):
        self.name = re.sub(r"[^\w.-]+", "-", name).strip("-")
        self.times = times
        self.machines = []
        (LOGS / f"{self.name}.log").unlink(missing_ok=True)
        self.directory = Path(tempfile.mkdtemp(prefix="boot-", dir=BUILD))

    def create(self, **settings):
        self.machines.append(Machine(self.directory, self.name, **settings))
        return self.machines[-1]

    def __call__(self, **settings):
        machine = self.create(**settings).boot()
        report = BOOT_REPORT.search(machine.dmesg)
        assert report, "dmesg has no account of the boot"
        self.times[f"{self.name}-{len(self.machines)}"] = report[0]
        return machine

    def file(self, name, size=64 << 20, content=b""):
        """A file for a disk: `content`, and a hole up to `size`."""
        path = self.directory / name
        with open(path, "wb") as file:
            file.write(content)
            file.truncate(size)
        return path

    def close(self):
        failures = []
        for machine in self.machines:
            try:
                machine.close()
            except Failure as failure:
                failures.append(str(failure))
        shutil.rmtree(self.directory)
        if failures:
            pytest.fail("\n".join(failures), pytrace=False)


@pytest.fixture
def boot(request, boot_times):
    boots = Boots(f"{request.module.__name__}-{request.node.name}", boot_times)
    yield boots
    boots.close()


@pytest.fixture(scope="module")
def boot_shared(request, boot_times):
    boots = Boots(request.module.__name__, boot_times)
    yield boots
    boots.close()
