#!/usr/bin/python3
"""Runs every test and closes with one line, `N passed, N failed`.

    run.py unit|boot|fuzz|all|debug BUILD_DIRECTORY

debug is all boot tests of our kernel, of a build with DEBUG=1; some of them are in all.

A ring is a list of jobs; a job prints its failures and is counted by its own
framework's summary. One that ends without a summary counts as a failure.
"""
import glob
import os
import re
import subprocess
import sys
import xml.etree.ElementTree
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/fuzz")
import fuzz

# About ten seconds each. A seed and a number of runs repeat exactly, as seconds would not; what
# time finds is for `make fuzz`.
FUZZ_RUNS = {"fuzz_completions": 3000, "fuzz_cpio": 200000, "fuzz_numbers": 200000,
             "fuzz_operations": 3000, "fuzz_prp": 3000, "fuzz_registers": 2000,
             "fuzz_shell": 20000}
# Another system's answers; what is not shipped; and what compares `free` to the byte or fills memory:
# there each object has pages of its own.
NOT_FOR_DEBUG = ["--ignore=tests/boot/test_nvme_cli.py", "--ignore=tests/boot/test_pressure.py",
                 "--deselect=tests/boot/test_hardening.py::test_the_command_is_not_shipped",
                 "--deselect=tests/boot/test_data.py::test_memory_is_given_back",
                 "--deselect=tests/boot/test_fio.py::test_the_disk_holds_what_was_written",
                 "--deselect=tests/boot/faults/test_hotplug.py::test_idle"]
# Half a minute of boot tests that go through much of the kernel.
DEBUG_TESTS = ["tests/boot/test_nvme_commands.py", "tests/boot/faults/test_media.py"]
PYTHON = "/usr/bin/python3"  # Debian's, which has Debian's pytest and pexpect


def cmocka(program):
    """A unit test program: its summary lines say how many passed and failed."""
    run = subprocess.run([program], capture_output=True, text=True, errors="replace", timeout=600)
    text = run.stdout + run.stderr
    passed = sum(map(int, re.findall(r"^\[  PASSED  \] (\d+) test", text, re.M)))
    failed = sum(map(int, re.findall(r"^\[  FAILED  \] (?:tests: )?(\d+) test", text, re.M)))
    if run.returncode and not failed:
        failed = 1
    return os.path.basename(program), passed, failed, text if failed else ""


def pytest(path, build, *arguments):
    """A pytest file or folder: counted by its JUnit report."""
    name = path.removeprefix("tests/").replace("/", "-").removesuffix(".py")
    report = os.path.join(build, "reports", name + ".xml")
    os.makedirs(os.path.dirname(report), exist_ok=True)
    if os.path.exists(report):
        os.remove(report)
    run = subprocess.run(
        [PYTHON, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml", report, path, *arguments],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace",
        env={**os.environ, "NVMETAL_BUILD": build})
    try:
        suite = xml.etree.ElementTree.parse(report).getroot().find("testsuite")
        failed = int(suite.get("failures")) + int(suite.get("errors"))
        skipped = int(suite.get("skipped"))
        passed = int(suite.get("tests")) - failed - skipped
    except (OSError, AttributeError, xml.etree.ElementTree.ParseError):
        passed, failed, skipped = 0, 1, 0
    # What was skipped was not tested; there is no test here that may be.
    failed += skipped
    if run.returncode and not failed:
        failed = 1
    return f"{path} ({build})", passed, failed, run.stdout if failed else ""


def fuzzing(target, build):
    """A fuzz target, for a short while from the tree's inputs and always the same way: one test."""
    status, summary, text = fuzz.short(os.path.join(build, "fuzz"), target, FUZZ_RUNS[target])
    failed = int(status != 0)
    return f"{target} ({summary})", 1 - failed, failed, text[-8000:] if failed else ""


def jobs(ring, build):
    """The longest first: the machine of the boot tests is busy for minutes."""
    if ring in ("boot", "all"):
        yield lambda: pytest("tests/boot", build)
        yield lambda: pytest("tests/bench", build)
    if ring == "all":
        for path in DEBUG_TESTS:
            yield lambda path=path: pytest(path, os.path.join(build, "debug"))
    if ring == "debug":
        yield lambda: pytest("tests/boot", build, *NOT_FOR_DEBUG)
    if ring in ("unit", "all"):
        for program in sorted(glob.glob("tests/unit/test_*.c")):
            name = os.path.basename(program).removesuffix(".c")
            yield lambda path=os.path.join(build, "unit", name): cmocka(path)
        for path in sorted(glob.glob("tests/unit/test_*.py")):
            yield lambda path=path: pytest(path, build)
    if ring in ("fuzz", "all"):
        for path in sorted(glob.glob("tests/fuzz/fuzz_*.c")):
            name = os.path.basename(path).removesuffix(".c")
            yield lambda name=name: fuzzing(name, build)


def main():
    ring, build = sys.argv[1:]
    total_passed = total_failed = 0
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for future in [pool.submit(job) for job in jobs(ring, build)]:
            name, passed, failed, text = future.result()
            print(f"{name}: {passed} passed, {failed} failed", flush=True)
            if text:
                print(text, flush=True)
            total_passed += passed
            total_failed += failed
    print(f"{total_passed} passed, {total_failed} failed")
    sys.exit(1 if total_failed or not total_passed else 0)


main()
