#!/usr/bin/python3
"""The race between nvmetal and Linux on the same device: see README.md.

    bench.py [--only GROUP,...] [--rounds N] [--seconds N]
    bench.py --report

Writes build/bench/results.json as it goes, then prints the table and draws the
plots; --report does only that, of the results that are there.
"""
import argparse
import json
import os
import re
import sys
import time

sys.dont_write_bytecode = True

import count
import plots
import report
from guest import BENCH, OVMF, QEMU, Ceiling, Linux, Nvmetal
from jobs import GROUPS, chosen
from race import qemu_version, race, write_jobs

RESULTS = BENCH / "results.json"
INSTRUCTIONS = BENCH / "instructions.json"
FIRST_READ = "dd if=/dev/nvme0n1 of=/dev/null bs=4096 count=1"
BOOT_SECONDS = 120
STARTS = [(cpus, 1) for cpus in (1, 2, 4, 8)] + [(1, count) for count in (16, 64, 200)]


def first_read(guest):
    """Seconds from power-on until a 4 KiB read is done, as the serial port tells it."""
    with guest:
        before = time.monotonic()
        guest.power_on()
        guest.wait_for("1.0 records out", BOOT_SECONDS)
        return time.monotonic() - before


def boot(number, keep):
    """Linux with our firmware, and with the one that QEMU would give it; without fio's files."""
    words = "first_read quiet"
    for system, variant, guest in (
            ("nvmetal", "", Nvmetal(cmdline=f'run="{FIRST_READ}"')),
            ("linux", "ovmf", Linux(programs=(), words=words, extra=["-bios", OVMF])),
            ("linux", "seabios", Linux(programs=(), words=words))):
        keep({"round": number, "job": "boot", "system": system, "variant": variant,
              "seconds": first_read(guest)})


def ceiling(number, keep):
    """What the device does when nothing is behind it and no system before it."""
    with Ceiling() as guest:
        guest.power_on()
        text = guest.wait_for("(?s)^(.*)ceiling: end", BOOT_SECONDS)[1]
    for depth, iops in re.findall(r"depth (\d+): (\d+) reads", text):
        keep({"round": number, "job": f"ceiling-qd{depth}", "system": "ceiling", "variant": "",
              "iops": int(iops)})


def start(keep):
    """What processors and namespaces cost ours, in time and memory."""
    for cpus, namespaces in STARTS:
        with Nvmetal(cpus=cpus, namespaces=namespaces) as guest:
            guest.start()
            used = re.search(r"^Mem:\s+\d+\s+(\d+)", guest.run("free -b", 30), re.M)
            us = re.search(r"boot: (\d+) us", guest.run("dmesg", 30))
        keep({"round": 0, "job": "start", "system": "nvmetal", "variant": "", "cpus": cpus,
              "namespaces": namespaces, "used": int(used[1]), "boot_us": int(us[1])})


class Keeper:
    """Every result goes to the file at once: a run may be cut short."""

    def __init__(self, rounds, seconds):
        self.run = {"qemu": qemu_version(QEMU), "rounds": rounds, "seconds": seconds,
                    "cpus": os.cpu_count(), "records": []}

    def __call__(self, record):
        self.run["records"].append({**record, "load": os.getloadavg()[0]})
        RESULTS.write_text(json.dumps(self.run))
        shown = report.shown(record)
        print(f"round {record['round'] + 1}  {record['job']:32} {record['system']:8} "
              f"{record['variant']:9} {shown}", flush=True)


def run(names, rounds, seconds):
    keep = Keeper(rounds, seconds)
    jobs = chosen(name for name in names if name in GROUPS)
    folders = write_jobs(jobs, seconds)
    for number in range(rounds):
        for name, part in (("boot", boot), ("ceiling", ceiling)):
            if name in names:
                part(number, keep)
        race(number, jobs, folders, seconds, keep)
    if "start" in names:
        start(keep)
    if "count" in names:
        figures, _ = count.count(count.JOBS)
        rows = [{"line": ["nvmetal", ""], "depth": int(job.removeprefix("qd")),
                 "instructions": round(values["instructions"])} for job, values in figures.items()]
        INSTRUCTIONS.write_text(json.dumps(rows + count.measure_linux()))


def main():
    groups = [*GROUPS, "boot", "ceiling", "start", "count"]
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="", help="groups with commas: " + ",".join(groups))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3, help="run time of a job")
    parser.add_argument("--report", action="store_true", help="only show what was measured")
    options = parser.parse_args()
    names = [name for name in options.only.split(",") if name] or groups
    for name in set(names) - set(groups):
        parser.error(f"no group {name}; there are {', '.join(groups)}")
    if not options.report:
        run(names, options.rounds, options.seconds)
    results = report.Results(report.load(RESULTS)["records"])
    counts = report.load(BENCH / "counts.json")
    text = report.table(results, counts)
    (BENCH / "table.txt").write_text(text + "\n")
    print(text)
    failed = report.without_result(results, "failed")
    print("\n".join(report.without_result(results, "stalled") + failed))
    plots.draw(results, report.load(INSTRUCTIONS) or [])
    sys.exit(bool(failed))


main()
