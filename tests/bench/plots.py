"""The plots, as PNG and SVG, of whatever has been measured."""
import statistics

import matplotlib

matplotlib.use("Agg")
matplotlib.rcParams["svg.hashsalt"] = "nvmetal"  # the same numbers, the same file
matplotlib.rcParams["svg.fonttype"] = "none"

import matplotlib.pyplot as pyplot

from guest import BENCH
from jobs import DEPTHS, GROUPS, MANY, SIZES, SIZES_DEPTH, reads, size_name
from report import percentile

PLOTS = BENCH / "plots"
INCHES = 6.4, 3.8
# By system and variant: what it is called, and its colour; the same in every plot.
LINES = {
    ("nvmetal", ""): ("nvmetal", "#c1272d"),
    ("linux", "psync"): ("Linux, psync", "#8c8c8c"),
    ("linux", "io_uring"): ("Linux, io_uring", "#6baed6"),
    ("linux", "polled"): ("Linux, io_uring polled", "#2171b5"),
    ("linux", "best"): ("Linux, polled, fixed buffers, batches", "#08306b"),
}
PERCENTILES = 1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99, 99.5, 99.9


def figure(title, across, up):
    picture, axes = pyplot.subplots(figsize=INCHES, layout="constrained")
    picture.suptitle(title, fontsize=11)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(True, which="major", color="#e0e0e0", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return picture, axes


def save(picture, axes, name, empty):
    """A plot without a line in it is not kept."""
    if not empty:
        if axes.get_legend_handles_labels()[1]:
            axes.legend(fontsize=8, frameon=False)
        PLOTS.mkdir(parents=True, exist_ok=True)
        for kind in ("png", "svg"):
            picture.savefig(PLOTS / f"{name}.{kind}", dpi=150,
                            metadata={"Date": None} if kind == "svg" else None)
    pyplot.close(picture)


def line(axes, results, key, points, scale):
    """Medians, with the spread behind them. `points`: where, which job, which statistic."""
    xs, ys, lows, highs = [], [], [], []
    for x, job, statistic in points:
        values = [value / scale for value in results.values(job, statistic, *key).values()]
        if values:
            xs.append(x)
            ys.append(statistics.median(values))
            lows.append(min(values))
            highs.append(max(values))
    if xs:
        label, colour = LINES[key]
        axes.plot(xs, ys, marker="o", markersize=3.5, label=label, color=colour)
        axes.fill_between(xs, lows, highs, color=colour, alpha=0.15, linewidth=0)
    return bool(xs)


def over_depth(results):
    picture, axes = figure("4 KiB random reads, null device", "queue depth", "thousand IOPS")
    any_line = [line(axes, results, key, [(depth, reads(depth).name, "iops") for depth in DEPTHS],
                     1000) for key in LINES if key != ("linux", "psync")]
    axes.set_xscale("log", base=2)
    axes.set_ylim(bottom=0)
    axes.set_xticks(DEPTHS, map(str, DEPTHS))
    save(picture, axes, "depth", not any(any_line))


def over_size(results):
    picture, axes = figure(f"Sequential reads, depth {SIZES_DEPTH}, device of zeroes",
                           "block size", "GB/s")
    jobs = {job.name: size for job, size in zip(GROUPS["sizes"], SIZES)}
    any_line = [line(axes, results, key, [(size, job, "bytes") for job, size in jobs.items()], 1e9)
                for key in LINES if key[1] in ("", *MANY)]
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(SIZES, [size_name(size) for size in SIZES])
    save(picture, axes, "size", not any(any_line))


def latency(results, depth):
    """Each system's round in the middle: percentiles of different runs do not mix."""
    picture, axes = figure(f"Completion latency, 4 KiB random reads, depth {depth}", "percentile",
                           "microseconds")
    drawn = False
    for key, (label, colour) in LINES.items():
        runs = [r["fio"] for r in results.of(reads(depth).name, *key) if "fio" in r]
        if runs:
            run = sorted(runs, key=lambda fio: percentile(fio, 99))[len(runs) // 2]
            axes.plot(range(len(PERCENTILES)), [percentile(run, p) / 1000 for p in PERCENTILES],
                      marker="o", markersize=3.5, label=label, color=colour)
            drawn = True
    axes.set_yscale("log")
    axes.set_xticks(range(len(PERCENTILES)), [f"{p:g}" for p in PERCENTILES], fontsize=8)
    save(picture, axes, f"latency-qd{depth}", not drawn)


def bars(name, title, unit, values):
    """`values`: label, number, colour."""
    picture, axes = figure(title, unit, "")
    places = range(len(values))
    drawn = axes.barh(places, [value for _, value, _ in values],
                      color=[colour for _, _, colour in values])
    axes.bar_label(drawn, [f"{value:.3g}" if value < 100 else f"{value:.0f}"
                           for _, value, _ in values], padding=3, fontsize=8)
    axes.set_yticks(places, [label for label, _, _ in values], fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    save(picture, axes, name, not values)


def instructions(counts):
    values = [(f"{LINES[tuple(row['line'])][0]}, QD{row['depth']}", row["instructions"],
               LINES[tuple(row["line"])][1]) for row in counts]
    bars("instructions", "Instructions per 4 KiB read, fio and system, waiting by interrupt",
         "instructions", values)


def boots(results):
    values = []
    for label, key, colour in (("nvmetal (OVMF)", ("nvmetal", ""), "#c1272d"),
                               ("Linux (OVMF)", ("linux", "ovmf"), "#2171b5"),
                               ("Linux (SeaBIOS)", ("linux", "seabios"), "#6baed6")):
        median = results.median("boot", "seconds", *key)
        if median is not None:
            values.append((label, median, colour))
    bars("boot", "Power-on to the first 4 KiB read done", "seconds", values)


def draw(results, counts):
    over_depth(results)
    over_size(results)
    for depth in (1, 32):
        latency(results, depth)
    instructions(counts)
    boots(results)
