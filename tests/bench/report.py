"""The table: medians and spread of what was measured, and ratios against what is asked for."""
import json
import statistics
from collections import namedtuple

from jobs import BUSY, GROUPS, MANY, ONE, reads

Row = namedtuple("Row", "label job statistic variants required")

QD1, QD32, QD128 = (reads(depth).name for depth in (1, 32, 128))
TMPFS, WRITE, SEQ, SEQ_TMPFS = (GROUPS[name][0].name
                                for name in ("qd32-tmpfs", "write", "seq", "seq-tmpfs"))

# What is asked for: ours over the best of some of Linux's variants; of a latency, at most.
ROWS = [
    Row("4K randread QD1 / Linux's best", QD1, "iops", ONE, 2.3),
    Row("4K randread QD32 / polled", QD32, "iops", ("polled",), 6),
    Row("4K randread QD32 / very best", QD32, "iops", ("best",), 4),
    Row("4K randread QD128 / polled", QD128, "iops", ("polled",), 7),
    Row("4K randread QD32, tmpfs / best", TMPFS, "iops", MANY, 3),
    Row("4K randwrite QD32 / polled", WRITE, "iops", ("polled",), 6),
    Row("128K read QD32, zeroes / best", SEQ, "iops", MANY, 1.7),
    Row("128K read QD32, tmpfs / best", SEQ_TMPFS, "iops", MANY, 1.2),
    Row("p99 latency QD1 / lowest", QD1, "p99", ONE, 0.5),
    Row("p99 latency QD32 / lowest", QD32, "p99", MANY, 0.5),
    Row("4K randread QD32, busy elsewhere / best", BUSY.name, "iops", BUSY.variants, None),
    Row("4K randread QD32, 16 namespaces / best", GROUPS["namespaces"][0].name, "iops",
        GROUPS["namespaces"][0].variants, None),
]
LEAST_WINS = "p99", "seconds"
RAM_MOST = 8  # MiB

# From counts.json: depth, figure, at most.
COUNTS = [("qd32", "instructions", 120), ("qd1", "instructions", 250),
          ("qd32", "driver_instructions", 60), ("qd32", "sq_doorbells", 0.0625),
          ("qd32", "cq_doorbells", 0.01)]
CEILINGS = [(32, 0.3), (128, 0.35)]


def side(fio):
    """The direction that the job went."""
    return max((fio["read"], fio["write"]), key=lambda one: one["iops"])


def percentile(fio, which):
    return side(fio)["clat_ns"]["percentile"][f"{which:.6f}"]


STATISTICS = {
    "iops": lambda record: record.get("iops") or side(record["fio"])["iops"],
    "bytes": lambda record: side(record["fio"])["bw_bytes"],
    "p99": lambda record: percentile(record["fio"], 99),
    "seconds": lambda record: record["seconds"],
}


class Results:
    """Records of one run, by job, system and variant."""

    def __init__(self, records):
        self.records = records

    def of(self, job, system, variant=""):
        return [r for r in self.records
                if (r["job"], r["system"], r["variant"]) == (job, system, variant)]

    def values(self, job, statistic, system, variant=""):
        """By round."""
        return {r["round"]: STATISTICS[statistic](r) for r in self.of(job, system, variant)
                if "stalled" not in r and "failed" not in r}

    def median(self, job, statistic, system, variant=""):
        values = self.values(job, statistic, system, variant)
        return statistics.median(values.values()) if values else None

    def lost(self, job, system, variant=""):
        return sum("stalled" in r or "failed" in r for r in self.of(job, system, variant))

    def best(self, job, statistic, variants):
        """The variant of Linux with the best median."""
        medians = {v: self.median(job, statistic, "linux", v) for v in variants}
        medians = {v: m for v, m in medians.items() if m is not None}
        if not medians:
            return None
        return (min if statistic in LEAST_WINS else max)(medians, key=medians.get)


def number(value, statistic):
    if statistic == "p99":
        return f"{value / 1000:.0f} us"
    if statistic == "seconds":
        return f"{value:.2f} s"
    return f"{value / 1000:.1f}k"


def spread(values, statistic):
    if not values:
        return "no result"
    low, high = min(values.values()), max(values.values())
    return (f"{number(statistics.median(values.values()), statistic)} "
            f"({number(low, statistic)}-{number(high, statistic)})")


def verdict(ratio, required, at_most):
    if required is None:
        return ""
    good = ratio <= required if at_most else ratio >= required
    return f"{'at most' if at_most else 'at least'} {required:g}: {'yes' if good else 'NO'}"


def compare(results, row):
    """A line of the table: ours against Linux's best variant, round by round."""
    ours = results.values(row.job, row.statistic, "nvmetal")
    variant = results.best(row.job, row.statistic, row.variants)
    theirs = results.values(row.job, row.statistic, "linux", variant)
    ratios = [ours[n] / theirs[n] for n in ours if n in theirs]
    stalls = f"{results.lost(row.job, 'nvmetal')} + " \
             f"{sum(results.lost(row.job, 'linux', v) for v in row.variants)}"
    ratio = f"{statistics.median(ratios):.2f}" if ratios else "-"
    judged = verdict(statistics.median(ratios), row.required,
                     row.statistic in LEAST_WINS) if ratios else "not measured"
    return [row.label, spread(ours, row.statistic),
            f"{spread(theirs, row.statistic)} {variant or ''}".strip(), ratio, judged, stalls]


def scaling(results):
    """Ours with more processors, against ours with one."""
    jobs = {job.place.cpus: job.name for job in GROUPS["cpus"]}
    one = results.values(jobs[1], "iops", "nvmetal")
    for cpus, job in list(jobs.items())[1:]:
        ours = results.values(job, "iops", "nvmetal")
        ratios = [ours[n] / one[n] for n in ours if n in one]
        if ratios:
            ratio = statistics.median(ratios)
            yield [f"{cpus} CPUs, {cpus} queues / 1 CPU", spread(ours, "iops"),
                   spread(one, "iops") + " 1 CPU", f"{ratio:.2f}",
                   verdict(ratio, 1 if cpus == 2 else None, False),
                   f"{results.lost(job, 'nvmetal')}"]


def ceilings(results):
    """Ours as a share of what the device does without a block layer behind it."""
    for depth, required in CEILINGS:
        top = results.values(f"ceiling-qd{depth}", "iops", "ceiling")
        ours = results.values(reads(depth).name, "iops", "nvmetal")
        shares = [ours[n] / top[n] for n in ours if n in top]
        if shares:
            share = statistics.median(shares)
            yield [f"share of the device's ceiling QD{depth}", spread(ours, "iops"),
                   spread(top, "iops"), f"{share:.2f}", verdict(share, required, False), ""]


def boots(results):
    """From power-on to the first read: Linux's time over ours."""
    ours = results.values("boot", "seconds", "nvmetal")
    for firmware, required in (("ovmf", 2.5), ("seabios", None)):
        theirs = results.values("boot", "seconds", "linux", firmware)
        ratios = [theirs[n] / ours[n] for n in ours if n in theirs]
        if ratios:
            ratio = statistics.median(ratios)
            yield [f"power-on to first read, Linux ({firmware}) / ours", spread(ours, "seconds"),
                   spread(theirs, "seconds"), f"{ratio:.2f}", verdict(ratio, required, False), ""]


def counted(counts):
    for depth, name, most in COUNTS:
        if depth in counts:
            value = counts[depth][name]
            yield [f"{name.replace('_', ' ')} per read {depth.upper()}", f"{value:g}", "", "",
                   verdict(value, most, True), ""]


def starts(results):
    """Memory and time at the prompt; asked for with one processor and one namespace."""
    for record in (r for r in results.records if r["job"] == "start"):
        cpus, namespaces, used = record["cpus"], record["namespaces"], record["used"] / (1 << 20)
        yield [f"at the prompt, {cpus} CPUs, {namespaces} namespaces",
               f"{used:.2f} MiB, {record['boot_us'] / 1000:.1f} ms", "", "",
               verdict(used, RAM_MOST if (cpus, namespaces) == (1, 1) else None, True), ""]


def shown(record):
    """One result in a few words."""
    if "fio" in record:
        return f"{number(STATISTICS['iops'](record), 'iops'):>8} IOPS  p99 " \
               f"{number(STATISTICS['p99'](record), 'p99')}"
    for name in ("seconds", "iops"):
        if name in record:
            return number(record[name], name)
    return record.get("stalled") or record.get("failed") or f"{record['used']} bytes"


def table(results, counts):
    """All lines for which there is something."""
    lines = [["", "nvmetal: median (spread)", "Linux", "ratio", "asked for",
              "stalls: ours + Linux"]]
    lines += [compare(results, row) for row in ROWS
              if any(record["job"] == row.job for record in results.records)]
    for part in (scaling(results), ceilings(results), boots(results), counted(counts),
                 starts(results)):
        lines += part
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
                     for line in lines)


def without_result(results, how):
    """Every run that "stalled" or "failed", in words."""
    return [f"{how}: round {r['round'] + 1}, {r['job']}, {r['system']} {r['variant']}: {r[how]}"
            for r in results.records if how in r]


def load(path):
    return json.loads(path.read_text()) if path.exists() else {}
