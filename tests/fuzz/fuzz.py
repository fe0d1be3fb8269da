#!/usr/bin/python3
"""Runs fuzz targets, two at a time, and keeps what they find.

    fuzz.py long|minimise FUZZ_DIRECTORY SECONDS TARGET...

"long" goes on from all inputs that earlier runs have kept, and fails if a
target does. "minimise" leaves out what reaches nothing new, and writes a few of
the rest, of all sizes, to tests/fuzz/corpus.
"""
import ctypes
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

MOST_FILES = 48  # that the tree holds for each target
LIMITS = ["-max_len=2048", "-timeout=20", "-print_final_stats=1"]
ADDR_NO_RANDOMIZE = 0x40000


def tree(target):
    return os.path.join("tests/fuzz/corpus", target.removeprefix("fuzz_"))


def keep_addresses():
    """libFuzzer counts addresses as something reached. Where this is refused, a run does not
    repeat exactly; nothing else is lost."""
    ctypes.CDLL(None).personality(ADDR_NO_RANDOMIZE)


def libfuzzer(build, target, *arguments):
    """Its exit status, and what it said; inputs that crash it are kept in `build`."""
    artifacts = f"-artifact_prefix={build}/{target}-"
    start = time.monotonic()
    run = subprocess.run([os.path.join(build, target), artifacts, *LIMITS, *arguments], text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace",
                         preexec_fn=keep_addresses)
    runs = re.search(r"number_of_executed_units: (\d+)", run.stdout)
    runs = int(runs[1]) if runs else 0
    reached = re.findall(r"cov: (\d+) ft: (\d+)", run.stdout)
    summary = (f"{runs} executions, {runs / (time.monotonic() - start):.0f}/s, "
               f"{reached[-1][0] if reached else 0} edges")
    return run.returncode, summary, run.stdout


def short(build, target, runs):
    """From the tree's inputs alone, in one order: the same every time."""
    seeds = sorted(entry.path for entry in os.scandir(tree(target)))
    return libfuzzer(build, target, "-seed=1", f"-runs={runs}", f"-seed_inputs={','.join(seeds)}")


def long(build, target, seconds):
    """Goes on from the tree's inputs and those that were kept, where new ones are put."""
    corpus = os.path.join(build, "corpus", target)
    os.makedirs(corpus, exist_ok=True)
    status, summary, text = libfuzzer(build, target, f"-max_total_time={seconds}", corpus,
                                      tree(target))
    print(f"{target}: {summary}{'' if status == 0 else ', FAILED'}", flush=True)
    if status:
        print(text[-8000:], flush=True)
    return status == 0


def minimise(build, target, _seconds):
    """Merging takes the smallest files first and leaves out what adds nothing."""
    kept = os.path.join(build, "minimal", target)
    shutil.rmtree(kept, ignore_errors=True)
    os.makedirs(kept)
    status, _, text = libfuzzer(build, target, "-merge=1", kept,
                                os.path.join(build, "corpus", target), tree(target))
    files = [entry.path for entry in os.scandir(kept)]
    chosen = spread(files, MOST_FILES)
    shutil.rmtree(tree(target), ignore_errors=True)
    os.makedirs(tree(target))
    for number, path in enumerate(chosen):
        shutil.copyfile(path, os.path.join(tree(target), f"{number:02}"))
    print(f"{target}: {len(files)} inputs, {len(chosen)} of them kept", flush=True)
    if status:
        print(text[-8000:])
    return status == 0


def spread(files, count):
    """`count` of them, over all sizes."""
    files.sort(key=lambda path: (os.path.getsize(path), path))
    step = max(1, len(files) / count)
    return [files[int(i * step)] for i in range(min(count, len(files)))]


def main():
    action, build, seconds, *targets = sys.argv[1:]
    action = {"long": long, "minimise": minimise}[action]
    with ThreadPoolExecutor(max_workers=2) as pool:
        fine = list(pool.map(lambda target: action(build, target, int(seconds)), targets))
    sys.exit(0 if all(fine) else 1)


if __name__ == "__main__":
    main()
