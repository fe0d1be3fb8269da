"""Runs jobs on both systems, alternating, and keeps everything that was said.

Both guests of a place are booted once a round and sit idle, in hlt, while the
other one works. A guest that stalls is given up, its stall is kept as a result,
and a fresh one tries the job once more.
"""
import json
import os
import shutil
import subprocess
import time
from contextlib import nullcontext
from pathlib import Path

from guest import BENCH, DISK_BYTES, Linux, Nvmetal, Stalled
from jobs import text_for_linux, text_for_ours

ATTEMPTS = 2
START_SECONDS = 25  # what a job may take beyond its run time; Linux gives up a command after 8
OURS = "nvmetal"


class TmpfsFile:
    """A raw file of random data in memory: nothing of it is a hole."""

    def __init__(self):
        self.path = Path(f"/dev/shm/nvmetal-bench-{os.getpid()}.img")

    def __enter__(self):
        with open(self.path, "wb") as file:
            for _ in range(DISK_BYTES >> 20):
                file.write(os.urandom(1 << 20))
        return str(self.path)

    def __exit__(self, *error):
        self.path.unlink()


class Lane:
    """One system at one place: a guest that is there when it is needed."""

    def __init__(self, system, place, disk, files):
        self.system, self.place, self.disk, self.files = system, place, disk, files
        self.guest = None

    def _make(self):
        settings = {"cpus": self.place.cpus, "disk": self.disk, "files": self.files,
                    "namespaces": self.place.namespaces}
        if self.system == OURS:
            return Nvmetal(**settings)
        return Linux(poll_queues=self.place.cpus, **settings)

    def run(self, command, seconds):
        if not self.guest:
            self.guest = self._make()
            self.guest.start()
        return self.guest.run(command, seconds)

    def close(self):
        if self.guest:
            self.guest.close()
            self.guest = None


def attempt(lane, name, seconds):
    """A job's result as fio reports it, or what went wrong."""
    try:
        output = lane.run(f"fio --output-format=json /{name}.fio", seconds + START_SECONDS)
        report = json.loads(output[output.index("{"):output.rindex("}") + 1])
        return {"fio": report["jobs"][0]}
    except Stalled as stall:
        lane.close()
        return {"stalled": str(stall)}
    except (RuntimeError, ValueError) as error:
        lane.close()
        return {"failed": " ".join(str(error).split())}


def write_jobs(jobs, seconds):
    """All job files, as each guest finds them in /."""
    folders = {}
    for system in (OURS, "linux"):
        folders[system] = folder = BENCH / "jobs" / system
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    for job in jobs:
        (folders[OURS] / f"{job.name}.fio").write_text(text_for_ours(job, seconds))
        for variant in job.variants:
            (folders["linux"] / f"{job.name}-{variant}.fio").write_text(
                text_for_linux(job, variant, seconds))
    return folders


def run_job(number, job, lanes, seconds, keep):
    """A job in all variants, the two systems taking turns in who is first."""
    turns = [(OURS, "", job.name)]
    turns += [("linux", variant, f"{job.name}-{variant}") for variant in job.variants]
    if number % 2:
        turns.reverse()
    for system, variant, name in turns:
        for _ in range(ATTEMPTS):
            result = attempt(lanes[system], name, seconds)
            keep({"round": number, "job": job.name, "system": system, "variant": variant,
                  "place": job.place._asdict(), "at": time.time(), **result})
            if "stalled" not in result:
                break


def race(number, jobs, folders, seconds, keep):
    """One round: calls keep() with each result as it comes."""
    tmpfs = TmpfsFile() if any(job.place.disk == "tmpfs" for job in jobs) else nullcontext()
    with tmpfs as path:
        for place in dict.fromkeys(job.place for job in jobs):
            disk = path if place.disk == "tmpfs" else place.disk
            lanes = {system: Lane(system, place, disk, folders[system])
                     for system in (OURS, "linux")}
            try:
                for job in (job for job in jobs if job.place == place):
                    run_job(number, job, lanes, seconds, keep)
            finally:
                for lane in lanes.values():
                    lane.close()


def qemu_version(program):
    run = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return run.stdout.splitlines()[0]
