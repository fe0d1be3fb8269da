"""What is run: the jobs of the race, by group, and in which variants each system runs them.

A job's text is the same for both systems. Linux wants to be told by which of its
interfaces it is to be asked: those lines are its variants. Ours has none: what is
measured are its defaults.
"""
from collections import namedtuple

# Where a job runs: processors, what is behind the device (null, zeroes, tmpfs), namespaces.
Place = namedtuple("Place", "cpus disk namespaces", defaults=(1, "null", 1))
Job = namedtuple("Job", "name place text variants")

VARIANTS = {
    "psync": "ioengine=psync",
    "io_uring": "ioengine=io_uring",
    "polled": "ioengine=io_uring\nhipri=1",
    "best": "ioengine=io_uring\nhipri=1\nfixedbufs=1\nregisterfiles=1\nnonvectored=1\n"
            "iodepth_batch_submit=16\niodepth_batch_complete_min=1\n"
            "iodepth_batch_complete_max=32",
}
ONE, MANY = ("psync", "io_uring", "polled", "best"), ("io_uring", "polled", "best")
POLLED = ("polled", "best")

KIB = 1 << 10
DEPTHS = tuple(1 << n for n in range(11))
SIZES = (512, *(KIB << n for n in range(2, 13, 2)))  # 512, 4 KiB, 16 KiB ... 4 MiB
CPUS = 1, 2, 4, 8
SIZES_DEPTH = 8
TRANSFER_MOST = 512 * KIB  # of one command (MDTS): polling for more, Linux waits for ever
SCALING_DEPTH = 32


def file_name(namespaces):
    return ":".join(f"/dev/nvme0n{number}" for number in range(1, namespaces + 1))


def size_name(size):
    return f"{size >> 20}m" if size >= 1 << 20 else f"{size >> 10}k" if size >= KIB else str(size)


def make(rw, size, depth, variants, place=Place(), processes=1, more=""):
    name = f"{rw}-{size_name(size)}-qd{depth}"
    if place != Place():
        name += f"-{place.disk}-{place.cpus}cpu-{place.namespaces}ns"
    if more:
        name += "-busy"
    text = (f"[{name}]\nfilename={file_name(place.namespaces)}\nrw={rw}\nbs={size}\n"
            f"iodepth={depth}\n")
    if processes > 1:
        text += f"numjobs={processes}\ngroup_reporting=1\n"
    return Job(name, place, text + more, variants)


def reads(depth, place=Place(), processes=1):
    variants = ONE if depth == 1 else MANY if depth in (32, 128) else POLLED
    return make("randread", 4 * KIB, depth, variants, place, processes)


def sequential(disk):
    return make("read", 128 * KIB, 32, MANY, Place(disk=disk))


# Another process, on a processor of its own, that writes large blocks all the time: its figures
# are not looked at.
BUSY = make("randread", 4 * KIB, 32, POLLED, Place(cpus=2),
            more="\n[elsewhere]\nfilename=/dev/nvme0n1\nrw=write\nbs=128k\niodepth=8\n")

GROUPS = {
    "qd1": [reads(1)],
    "qd32": [reads(32)],
    "qd128": [reads(128)],
    "qd32-tmpfs": [reads(32, Place(disk="tmpfs"))],
    "write": [make("randwrite", 4 * KIB, 32, MANY)],
    "seq": [sequential("zeroes")],
    "seq-tmpfs": [sequential("tmpfs")],
    "depths": [reads(depth) for depth in DEPTHS],
    "sizes": [make("read", size, SIZES_DEPTH, MANY if size <= TRANSFER_MOST else ("io_uring",),
                   Place(disk="zeroes")) for size in SIZES],
    "cpus": [reads(SCALING_DEPTH, Place(cpus=cpus), cpus) for cpus in CPUS],
    "namespaces": [make("randread", 4 * KIB, 32, POLLED, Place(namespaces=16))],
    "busy": [BUSY],
}


def chosen(names):
    """The jobs of some groups, each once, in the order of where they run."""
    jobs = {}
    for name in names:
        for job in GROUPS[name]:
            jobs.setdefault(job.name, job)
    return sorted(jobs.values(), key=lambda job: job.place)


def text_for_ours(job, seconds):
    return f"[global]\nruntime={seconds}\ntime_based=1\n\n{job.text}"


def text_for_linux(job, variant, seconds):
    head, body = text_for_ours(job, seconds).split("\n\n", 1)
    return f"{head}\ndirect=1\n{VARIANTS[variant]}\n\n{body}"
