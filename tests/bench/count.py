#!/usr/bin/python3
"""What one 4K read costs nvmetal: instructions, by function; doorbells; interrupts.

    count.py [--update] [--top N] [--job COMMAND]

The guest runs with -icount, so that its time is the number of instructions that it
has executed, under a plugin that counts them by address (count.c) and with the
device's trace switched on. Each job runs in two lengths: the difference, divided by
the difference of the numbers of reads, is what a read costs, with nothing of the
start and the end of a job in it. The figures are compared with counts.json, below
which they may fall, and which they may exceed by 3 %.
Another command, with {ios} where it is told how many reads to do, is only shown.
"""
import argparse
import bisect
import collections
import json
import os
import re
import socket
import subprocess
import sys

sys.dont_write_bytecode = True

from guest import BENCH, BUILD, ROOT, Linux, Nvmetal
from jobs import VARIANTS

COUNTS = ROOT / "tests/bench/counts.json"
GROWTH = 1.03  # what is more than this times the figure kept is a failure;
SLACK = 0.0005  # a doorbell for many reads may fall into one run or the next
SHORT, LONG = 2000, 18000  # reads
REPEATS = 5  # the one in the middle counts
# On one processor of the host, and as a batch job, which does not push others aside when it wakes
# up, QEMU's threads take turns: the device works when the guest sleeps. So counts repeat.
IN_TURNS = "chrt", "--batch", "0", "taskset", "-c", str(max(os.sched_getaffinity(0)))
SECONDS = 60
SHIFT = 3  # an instruction is 2^3 ns: about as long as without -icount
FIO = ("fio --name=count --filename=/dev/nvme0n1 --rw=randread --bs=4k --iodepth={depth} "
       "--number_ios={{ios}} --output-format=terse > /dev/null")
JOBS = {f"qd{depth}": FIO.format(depth=depth) for depth in (1, 32)}
EVENTS = {"sq_doorbells": "pci_nvme_mmio_doorbell_sq", "cq_doorbells": "pci_nvme_mmio_doorbell_cq",
          "interrupts": "pci_nvme_irq_msix"}
LINUX = (1, "psync"), (1, "io_uring"), (32, "io_uring")
# How long a processor looks again and again before it sleeps is a matter of how fast the host
# is: waiting, not work. It sleeps at once; its interrupts are part of the cost.
CMDLINE = "nvme.wait=interrupt"
DRIVER = "drivers/nvme/"

Function = collections.namedtuple("Function", "file name")


class Symbols:
    """The kernel's functions by address, and the source file of each: functions of one file may
    have another's names."""

    def __init__(self):
        kernel = BUILD / "kernel.elf"
        text = subprocess.run(["nm", "--defined-only", "-n", kernel], capture_output=True,
                              text=True, check=True).stdout
        rows = [line.split() for line in text.splitlines()]
        functions = [(address, name) for address, kind, name in rows if kind in "tT"]
        # For each address its line, and where that is inlined, what is around it: the last one.
        places = subprocess.run(
            ["addr2line", "-a", "-i", "-e", kernel], capture_output=True, text=True, check=True,
            input="".join(f"{address}\n" for address, _ in functions)).stdout
        files = [os.path.relpath(place.splitlines()[-1].split(":")[0], ROOT)
                 for place in re.split(r"^0x[0-9a-f]+\n", places, flags=re.M)[1:]]
        self.addresses = [int(address, 16) for address, _ in functions]
        self.functions = [Function(file, name) for file, (_, name) in zip(files, functions)]

    def function(self, address):
        index = bisect.bisect_right(self.addresses, address) - 1
        return self.functions[index] if index >= 0 else Function("", "firmware")


class Counter:
    """A guest under the plugin and the trace. `make` makes it, from more arguments of Guest."""

    def __init__(self, make, before=()):
        self.ours, theirs = socket.socketpair()
        self.table = BENCH / "count.table"
        self.trace = BENCH / "count.trace"
        self.trace.unlink(missing_ok=True)
        traces = [word for event in EVENTS.values() for word in ("-trace", event)]
        self.guest = make(
            keep=[theirs.fileno()],
            extra=["-D", str(self.trace), *traces, "-plugin",
                   f"{BENCH}/count.so,fd={theirs.fileno()},out={self.table}"])
        self.guest.arguments[:0] = before
        self.guest.start()
        theirs.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.guest.close()
        self.ours.close()

    def totals(self):
        """Instructions by address of their block, and events by name, since power-on."""
        self.ours.sendall(b"!")
        assert self.ours.recv(1) == b"!", "the plugin does not answer"
        totals = collections.Counter()
        for line in self.table.read_text().splitlines():
            address, count = line.split()
            totals[int(address, 16)] += int(count, 16)
        events = collections.Counter(re.findall(r"^\w+", self.trace.read_text(), re.M))
        return totals, events

    def cost(self, command):
        """What running a command adds to the totals."""
        before = self.totals()
        self.guest.run(command, SECONDS)
        after = self.totals()
        return after[0] - before[0], after[1] - before[1]

    def cost_of_one(self, job):
        """Of one read: instructions by address, events by name."""
        short = self.cost(job.format(ios=SHORT))
        long = self.cost(job.format(ios=LONG))
        for more, less in zip(long, short):
            more.subtract(less)
        return [{key: count / (LONG - SHORT) for key, count in costs.items()} for costs in long]

    def median(self, job):
        costs = [self.cost_of_one(job) for _ in range(REPEATS)]
        return sorted(costs, key=lambda cost: sum(cost[0].values()))[REPEATS // 2]


def ours(extra, keep):
    return Nvmetal(cmdline=CMDLINE, accel="tcg", keep=keep,
                   extra=["-icount", f"shift={SHIFT}", *extra])


def linux(extra, keep):
    """In its own time: with -icount it takes minutes to boot."""
    return Linux(keep=keep, extra=extra)


def measure_linux():
    """Instructions for a read, by variant and depth, where it waits by interrupt as ours does."""
    results = []
    with Counter(linux) as counter:
        for depth, variant in LINUX:
            options = " ".join(f"--{line}" for line in VARIANTS[variant].splitlines())
            job = FIO.format(depth=depth).replace("fio ", f"fio --direct=1 {options} ")
            instructions, _ = counter.cost_of_one(job)
            results.append({"line": ["linux", variant], "depth": depth,
                            "instructions": round(sum(instructions.values()))})
    return results


def measure(jobs):
    """By name of the job: figures, and instructions by function."""
    symbols = Symbols()
    results = {}
    with Counter(ours, IN_TURNS) as counter:
        for name, job in jobs.items():
            instructions, events = counter.median(job)
            profile = collections.Counter()
            for address, count in instructions.items():
                profile[symbols.function(address)] += count
            figures = {"instructions": sum(profile.values()),
                       "driver_instructions": sum(count for function, count in profile.items()
                                                  if function.file.startswith(DRIVER)),
                       **{event: events.get(traced, 0) for event, traced in EVENTS.items()}}
            results[name] = {key: round(figure, 5) for key, figure in figures.items()}, profile
    return results


def grown(kept, figures):
    """What has grown by more than is allowed, in words."""
    return [f"{job} {name}: {figure} instead of {kept[job][name]}"
            for job, values in figures.items() for name, figure in values.items()
            if figure > kept[job][name] * GROWTH + SLACK]


def show(results, top):
    for job, (figures, profile) in results.items():
        print(f"{job}: a read costs")
        for name, figure in figures.items():
            print(f"  {figure:11.5f} {name.replace('_', ' ')}")
        for function, count in profile.most_common(top):
            print(f"  {count:8.2f}    {function.name:24} {function.file}")


def count(jobs):
    """The figures of the jobs that are kept, and into the build folder."""
    results = measure(jobs)
    figures = {job: figures for job, (figures, _) in results.items()}
    if jobs is JOBS:
        (BENCH / "counts.json").write_text(json.dumps(figures, indent=2) + "\n")
    return figures, results


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--update", action="store_true", help="keep the figures in counts.json")
    parser.add_argument("--top", type=int, default=40, help="how many functions to show")
    parser.add_argument("--job", help="a command instead of the jobs that are kept")
    options = parser.parse_args()
    figures, results = count({"job": options.job} if options.job else JOBS)
    show(results, options.top)
    if options.update:
        COUNTS.write_text(json.dumps(figures, indent=2) + "\n")
    elif not options.job:
        sys.exit("\n".join(grown(json.loads(COUNTS.read_text()), figures)) or 0)


if __name__ == "__main__":
    main()
