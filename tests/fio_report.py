"""Reads what fio reports, whichever fio it is: the same functions for Debian's and for ours.

Each reader returns a list of jobs in one form, and fails on anything that does not fit together.
"""
import json
import re

DIRECTIONS = ("read", "write", "trim")
UNITS = {"nsec": 1, "usec": 1000, "msec": 1000000}
PREFIXES = {"": 0, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4}


def close(a, b, share, slack=0):
    return abs(a - b) <= share * max(abs(a), abs(b)) + slack


def check_direction(data):
    """A direction of a job in JSON: its figures have to agree with each other."""
    assert data["io_kbytes"] == data["io_bytes"] >> 10
    assert data["bw"] == data["bw_bytes"] >> 10
    if not data["total_ios"]:
        return
    assert close(data["bw_bytes"], data["io_bytes"] * 1000 / data["runtime"], 0.001, 1)
    assert close(data["iops"], data["total_ios"] * 1000 / data["runtime"], 0.001, 1e-5)
    for name in ("slat_ns", "clat_ns", "lat_ns"):
        times = data[name]
        assert times["min"] <= times["mean"] <= times["max"] or not times["N"]
        assert times["stddev"] <= times["max"] or times["N"] < 3
    percentiles = list(data["clat_ns"]["percentile"].items())
    assert [float(name) for name, _ in percentiles] == sorted(float(name) for name, _ in percentiles)
    values = [value for _, value in percentiles]
    assert values == sorted(values)
    assert values[0] >= data["clat_ns"]["min"] * 0.99
    assert values[-1] <= data["clat_ns"]["max"] * 1.01


def parse_json(text):
    report = json.loads(text)
    assert report["fio version"].startswith("fio-3.")
    for job in report["jobs"]:
        for name in DIRECTIONS:
            check_direction(job[name])
        total = sum(job[name]["total_ios"] for name in DIRECTIONS)
        spans = sum(sum(job[name].values()) for name in ("latency_ns", "latency_us", "latency_ms"))
        assert close(spans, 100 if total else 0, 0, 0.5)
        if not job["sync"]["total_ios"]:  # which fio 3.33 counts here, but not in the whole
            assert close(sum(job["iodepth_level"].values()), 100 if total else 0, 0, 0.5)
        # The run is in whole milliseconds: of a short one the share may seem to be more than all.
        assert 0 <= job["usr_cpu"] + job["sys_cpu"] <= 101 + 200 / max(job["job_runtime"], 1)
    return report


def parse_terse(line):
    """Version 3, in which there are no trims."""
    fields = line.strip().split(";")
    assert fields[0] == "3" and fields[1].startswith("fio-3.")
    job = {"name": fields[2], "group": int(fields[3]), "error": int(fields[4])}
    for number, direction in enumerate(("read", "write")):
        at = 5 + number * 41
        part = fields[at:at + 41]
        total, bandwidth, iops, runtime = map(int, part[:4])
        percentiles = dict(pair.split("%=") for pair in part[12:32])
        job[direction] = {"io_kbytes": total, "bw": bandwidth, "iops": iops, "runtime": runtime,
                          "clat": [float(n) for n in part[8:12]],
                          "lat": [float(n) for n in part[32:36]],
                          "percentile": {float(k): int(v) for k, v in percentiles.items()}}
        assert part[38].endswith("%")
    tail = fields[87:]
    assert tail[0].endswith("%") and tail[1].endswith("%")
    shares = [float(share.removesuffix("%")) for share in tail[5:34]]
    job["depths"], job["latencies"] = shares[:7], shares[7:]
    assert len(job["latencies"]) == 22
    return job


def number(text):
    """"13.5k", "8596.3k"."""
    match = re.fullmatch(r"([\d.]+)([kKMGT]?)(i?)", text)
    assert match, text
    return float(match[1]) * (1024 if match[3] else 1000) ** PREFIXES[match[2]]


JOB = re.compile(r"^(.+): \(groupid=(\d+), jobs=(\d+)\): err=\s*(\d+)(?: \(.*\))?: pid=\d+: .*$", re.M)
RATE = re.compile(r"^  (read|write|trim): IOPS=(\S+), BW=(\S+)B/s \((\S+)B/s\)\((\S+)B/(\d+)msec\)"
                  r"(?:; 0 zone resets)?$")
TIME = re.compile(r"^    ( lat|clat|slat|sync) \((.sec)\): min=\s*(\S+), max=\s*(\S+), avg=\s*(\S+), "
                  r"stdev=\s*(\S+)$")
SAMPLES = re.compile(r"^   (bw \(  .iB/s\)|iops        ): min=\s*\d+, max=\s*\d+, (per=\s*[\d.]+%, )?"
                     r"avg=\s*[\d.]+, stdev=\s*[\d.]+, samples=\d+$")
SHARES = re.compile(r"^  (?:lat \(.sec\)|   submit|   complete|IO depths)\s*: "
                    r"((?:(?:>=)?\d+=[\d.]+%(?:, )?)+)$")
PERCENTILES = re.compile(r"^     \|(\s*[\d.]+th=\[\s*\d+\],?)+$")
OTHERS = re.compile(r"^    (?:clat|sync) percentiles \(.sec\):$|^  cpu          : usr=[\d.]+%, sys=[\d.]+%, "
                    r"ctx=\d+, majf=\d+, minf=\d+$|^     issued rwts: total=\d+,\d+,\d+,\d+ "
                    r"short=0,0,0,0 dropped=0,0,0,0$|^     latency   : target=0, window=0, "
                    r"percentile=100.00%, depth=\d+$|^  fsync/fdatasync/sync_file_range:$|^$")
GROUP = re.compile(r"^ *(READ|WRITE|TRIM): bw=(\S+)B/s \(\S+B/s\), \S+B/s-\S+B/s \(\S+B/s-\S+B/s\), "
                   r"io=(\S+)B \(\S+B\), run=\d+-\d+msec$", re.M)


def parse_normal(text):
    """Every line of each job has to be one that is known."""
    body, _, groups = text.partition("\nRun status group 0")
    assert groups
    heads = list(JOB.finditer(body))
    jobs = []
    for head, following in zip(heads, heads[1:] + [None]):
        job = {"name": head[1], "group": int(head[2]), "jobs": int(head[3]), "error": int(head[4])}
        current = None
        for line in body[head.end():following.start() if following else len(body)].splitlines():
            if match := RATE.match(line):
                current = job[match[1]] = {"iops": number(match[2]), "bw": number(match[3]),
                                           "bytes": number(match[5]), "runtime": int(match[6])}
                assert close(current["bw"], number(match[4]), 0.02)
            elif match := TIME.match(line):
                if current is not None:
                    current[match[1].strip()] = [
                        number(value) * UNITS[match[2]] for value in match.groups()[2:]]
            elif match := PERCENTILES.match(line):
                values = [int(value) for value in re.findall(r"\[\s*(\d+)\]", line)]
                assert values == sorted(values)
            else:
                assert SAMPLES.match(line) or SHARES.match(line) or OTHERS.match(line), line
        jobs.append(job)
    assert GROUP.search(groups)
    return jobs
