"""Everything at once: fio writes and verifies two namespaces on two processors, in jobs of random
kinds, while the device is reset, hung, cut off, robbed of its interrupts, and some blocks fail.
SOAK_SECONDS says how long (3600 by hand), SOAK_SEED repeats a run. Jobs may end in the errors of
those blocks, and in nothing else; what is left over must be nothing."""
import json
import os
import random
import re
import struct
import time
from collections import Counter

import pexpect

from injection import (BUS_MASTER, COMMAND, COMPLAINTS, DEVICE_CONTROL, FLR, MEMORY, MSIX_CONTROL,
                       MSIX_ENTRY, MSIX_TABLE, controller_address, throttle)
from machine import BUILD

SECONDS = int(os.environ.get("SOAK_SECONDS", 60))
SEED = int(os.environ.get("SOAK_SEED", random.randrange(1 << 32)))
CSTS = 0x1c  # register; 1: ready, and nothing else
DISK = 1 << 30
# Bytes of page tables that stay: of each 2 MiB with a guard in them, below a stack, and in a debug
# build behind each object.
TABLES = 1 << 20 if BUILD.name == "debug" else 4 * 4096
BAD_BLOCK_EVERY = 8 << 20  # bytes of a disk; each fails once
VECTORS = 3  # admin, and for each processor a queue; those that are polled have none
MEDIUM = re.compile(r"nvme0n\d: (?:read|write) of \d+ blocks at LBA \d+: "
                    r"(?:Unrecovered Read Error|Write Fault) ")
WRONG = re.compile(r"[^\n]*(?:which is not in flight|is dead|verify:|does not stop|no memory"
                   r"|blocks at LBA \d+: (?!Unrecovered Read Error|Write Fault))[^\n]*")


def pause(machine, seconds):
    """Reads meanwhile: who does not holds up a guest that has something to say."""
    machine.expect(pexpect.TIMEOUT, seconds)


class Faults:
    """What can be done to the device from outside. Each method leaves it as it was."""

    def __init__(self, machine, qtest, chance):
        self._machine, self._qtest, self._chance = machine, qtest, chance
        self._configuration, self._bar = controller_address(machine)
        self.done = Counter()

    def _clear(self, bit):
        command = self._qtest.read(self._configuration + COMMAND, 2)
        self._qtest.write(self._configuration + COMMAND, command & ~bit, 2)
        self._wait_until_mended()

    def _wait_until_mended(self):
        """Not for long: that Bus Master is gone shows only with the next command."""
        for _ in range(20):
            pause(self._machine, 0.1)
            command = self._qtest.read(self._configuration + COMMAND, 2)
            if command & MEMORY and command & BUS_MASTER and self._qtest.read(self._bar + CSTS) == 1:
                break
        pause(self._machine, 0.2)
    def function_level_reset(self):
        self._qtest.write(self._configuration + DEVICE_CONTROL, FLR, 2)
        self._wait_until_mended()

    def fatal_status(self):
        self._clear(BUS_MASTER)

    def registers_gone(self):
        self._clear(MEMORY)

    def lost_interrupts(self):
        control = (self._bar + MSIX_TABLE + MSIX_CONTROL +
                   MSIX_ENTRY * self._chance.randrange(VECTORS))
        self._qtest.write(control, 1)
        pause(self._machine, self._chance.uniform(0.05, 1))
        self._qtest.write(control, 0)

    def spurious_interrupts(self):
        for _ in range(20):
            entry = self._bar + MSIX_TABLE + MSIX_ENTRY * self._chance.randrange(VECTORS)
            address, data = struct.unpack("<QL", self._qtest.read_bytes(entry, 12))
            if address:
                self._qtest.write(address, data)

    def hang(self):
        self._throttle(1, 1.5)  # past the deadline

    def slow(self):
        self._throttle(1 << 20, 0.5)

    def _throttle(self, rate, seconds):
        namespace = self._chance.choice(("ns1", "ns2"))
        throttle(self._machine, rate, namespace)
        pause(self._machine, seconds)
        throttle(self._machine, 0, namespace)
        pause(self._machine, 0.3)

    KINDS = (function_level_reset, fatal_status, registers_gone, lost_interrupts,
             spurious_interrupts, hang, slow)

    def inject(self):
        kind = self._chance.choice(self.KINDS)
        kind(self)
        self.done[kind.__name__] += 1


def soak_machine(boot_shared, qtest, chance):
    devices = ["-device", "nvme,id=n0,serial=nvmetal"]
    for number in (1, 2):
        bad = [{"event": "none", "errno": 5, "once": True, "iotype": chance.choice(("read", "write")),
                "sector": chance.randrange(DISK // 512)} for _ in range(DISK // BAD_BLOCK_EVERY)]
        devices += ["-blockdev", json.dumps({
            "driver": "blkdebug", "node-name": f"d{number}", "inject-error": bad,
            "image": {"driver": "file", "filename": str(boot_shared.file(f"{number}.img", DISK))}}),
            "-device", f"nvme-ns,id=ns{number},drive=d{number},nsid={number}"]
    return boot_shared(
        smp=2, devices=devices, extra=qtest.arguments, cmdline="nvme.timeout=1000 nvme.retries=1000",
        tolerates=COMPLAINTS + [
            r"Invalid (read|write) at addr 0x\w+, size 4, region '\(null\)', reason: rejected",
            "pci_nvme_err_(addr|cfs)", "pci_nvme_ub_db_wr_invalid_[sc]q"])


def random_job(name, namespace, region, chance):
    """One that writes for some seconds and verifies it, in a region of its own. No two of its
    writes are under way to the same place: nobody could say which of them comes last."""
    rate = chance.choice((2, 8, 32))
    blocks = chance.choice(("bs=512", "bs=4k", "bs=64k", "bs=1m", "bsrange=512-128k",
                            "bssplit=4k/60:32k/30:512/10"))
    way = chance.choice(("randwrite", "write", "randrw"))
    overlaps = way.startswith("rand") and not blocks.startswith("bs=")
    return (f"--name={name} --filename=/dev/nvme0n{namespace} --{blocks} --verify=crc32c --rw={way} "
            f"--size={rate * chance.randint(1, 3)}m --rate={rate}m "
            f"--offset={(region * DISK // 4 >> 20) + chance.randrange(128)}m "
            f"--iodepth={1 if overlaps else chance.choice((1, 2, 8, 32, 128))} "
            f"--randseed={chance.randrange(1 << 32)} {chance.choice(('', '--hipri '))}")


def random_round(chance):
    """A job for each processor and sometimes one more, on both namespaces; and, beside them in the
    same pipeline, the guest's own resets. And how many of these."""
    jobs = "".join(random_job("abc"[i], 1 + (i + chance.randrange(2)) % 2, i, chance)
                   for i in range(chance.randint(2, 3)))
    resets = chance.choice((0, 0, 1, 3))
    line = f"fio --output-format=json --eta=never {jobs}"
    if resets:
        line += (f"> report | for i in $(seq {resets}); do sleep 0.3; nvme reset /dev/nvme0; done; "
                 "cat report")
    return line, resets


def free(machine):
    """Bytes. A session that ends takes its history with it."""
    machine.send("\x04")
    machine.wait_for_prompt()
    machine.good("rm -f report")
    return int(machine.good("free -b").split()[6])


def run_round(machine, faults, chance):
    """Operations and bytes that were verified."""
    line, resets = random_round(chance)
    machine.type(line)
    for _ in range(chance.randint(1, 4)):
        pause(machine, chance.uniform(0.05, 0.7))
        faults.inject()
    output = machine.wait_for_prompt(90)
    faults.done["nvme reset"] += resets
    errors = MEDIUM.findall(output)
    faults.done["media error"] += len(errors)
    jobs = json.loads(output[output.index("{\n"):])["jobs"]
    assert {job["error"] for job in jobs} <= {0, 5}, "84: not the data that were written"
    assert sum(job["error"] == 5 for job in jobs) <= len(errors), "an error that was no fault's"
    return (sum(job[way]["total_ios"] for job in jobs for way in ("read", "write")),
            sum(job["read"]["io_bytes"] for job in jobs))


def test_soak(boot_shared, qtest):
    print(f"SOAK_SEED={SEED}")
    chance = random.Random(SEED)
    machine = soak_machine(boot_shared, qtest, chance)
    faults = Faults(machine, qtest, chance)
    before, start = free(machine), time.monotonic()
    rounds = operations = verified = 0
    while time.monotonic() - start < SECONDS:
        done = run_round(machine, faults, chance)
        rounds, operations, verified = rounds + 1, operations + done[0], verified + done[1]
    machine.good("nvme reset /dev/nvme0")  # the last fault may not have been noticed
    print(f"{time.monotonic() - start:.0f} s, {rounds} rounds, {operations} operations, "
          f"{verified >> 20} MiB read; " +
          ", ".join(f"{kind} {count}" for kind, count in sorted(faults.done.items())))
    assert WRONG.findall(machine.transcript()) == []
    assert abs(before - free(machine)) <= TABLES
