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

from guest import BENCH, BUILD, ROOT, Nvmetal

COUNTS = ROOT / "tests/bench/counts.json"
GROWTH = 1.03  # what is more than this times the figure kept is a failure
SHORT, LONG = 2000, 10000  # reads
REPEATS = 3  # the cheapest counts: what the host's load adds is not the guest's
# On one processor of the host, and as a batch job, which does not push others aside when it wakes
# up, QEMU's threads take turns: the device works when the guest sleeps. So counts repeat.
IN_TURNS = "chrt", "--batch", "0", "taskset", "-c", str(max(os.sched_getaffinity(0)))
SECONDS = 60
SHIFT = 5  # an instruction is 2^5 ns: waiting in the firmware is cheap
FIO = ("fio --name=count --filename=/dev/nvme0n1 --rw=randread --bs=4k --iodepth={depth} "
       "--number_ios={{ios}} --output-format=terse")
JOBS = {f"qd{depth}": FIO.format(depth=depth) for depth in (1, 32)}
EVENTS = {"sq_doorbells": "pci_nvme_mmio_doorbell_sq", "cq_doorbells": "pci_nvme_mmio_doorbell_cq",
          "interrupts": "pci_nvme_irq_msix"}
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
    """A guest under the plugin and the trace."""

    def __init__(self):
        self.ours, theirs = socket.socketpair()
        self.table = BENCH / "count.table"
        self.trace = BENCH / "count.trace"
        self.trace.unlink(missing_ok=True)
        traces = [word for event in EVENTS.values() for word in ("-trace", event)]
        self.guest = Nvmetal(
            cmdline=CMDLINE, accel="tcg", keep=[theirs.fileno()],
            extra=["-icount", f"shift={SHIFT}", "-D", str(self.trace), *traces, "-plugin",
                   f"{BENCH}/count.so,fd={theirs.fileno()},out={self.table}"])
        self.guest.arguments[:0] = IN_TURNS
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

    def cheapest(self, job):
        return min((self.cost_of_one(job) for _ in range(REPEATS)),
                   key=lambda cost: sum(cost[0].values()))


def measure(jobs):
    """By name of the job: figures, and instructions by function."""
    symbols = Symbols()
    results = {}
    with Counter() as counter:
        for name, job in jobs.items():
            instructions, events = counter.cheapest(job)
            profile = collections.Counter()
            for address, count in instructions.items():
                profile[symbols.function(address)] += count
            figures = {"instructions": sum(profile.values()),
                       "driver_instructions": sum(count for function, count in profile.items()
                                                  if function.file.startswith(DRIVER)),
                       **{event: events.get(traced, 0) for event, traced in EVENTS.items()}}
            results[name] = {key: round(figure, 4) for key, figure in figures.items()}, profile
    return results


def grown(kept, figures):
    """What has grown by more than is allowed, in words."""
    return [f"{job} {name}: {figure} instead of {kept[job][name]}"
            for job, values in figures.items() for name, figure in values.items()
            if figure > kept[job][name] * GROWTH]


def show(results, top):
    for job, (figures, profile) in results.items():
        print(f"{job}: a read costs")
        for name, figure in figures.items():
            print(f"  {figure:10.4f} {name.replace('_', ' ')}")
        for function, count in profile.most_common(top):
            print(f"  {count:10.2f} {function.name:24} {function.file}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--update", action="store_true", help="keep the figures in counts.json")
    parser.add_argument("--top", type=int, default=40, help="how many functions to show")
    parser.add_argument("--job", help="a command instead of the jobs that are kept")
    options = parser.parse_args()
    results = measure({"job": options.job} if options.job else JOBS)
    show(results, options.top)
    if options.job:
        return
    figures = {job: figures for job, (figures, _) in results.items()}
    (BENCH / "counts.json").write_text(json.dumps(figures, indent=2) + "\n")
    if options.update:
        COUNTS.write_text(json.dumps(figures, indent=2) + "\n")
    else:
        sys.exit("\n".join(grown(json.loads(COUNTS.read_text()), figures)) or 0)


if __name__ == "__main__":
    main()
