#!/usr/bin/python3
"""How much of drivers/nvme the unit tests reach.

    coverage.py BUILD_DIRECTORY LINES BRANCHES [-v]

Runs the programs test_nvme_* of a build with --coverage and prints a table by
file; fails below the percentages. -v also lists what was not reached.
"""
import glob
import json
import os
import subprocess
import sys


def run_tests(build):
    for old in glob.glob(os.path.join(build, "**", "*.gcda"), recursive=True):
        os.remove(old)
    for program in sorted(glob.glob(os.path.join(build, "test_nvme_*"))):
        run = subprocess.run([program], capture_output=True, text=True, errors="replace")
        if run.returncode:
            sys.exit(f"{program} fails:\n{run.stdout[-4000:]}{run.stderr[-4000:]}")


def look(build, source):
    """Line numbers with how often each ran; (line, branch) with how often it was taken."""
    data = os.path.join(build, source.removesuffix(".c") + ".gcda")
    text = subprocess.run(["gcov", "--json-format", "--stdout", "--branch-probabilities", data],
                          capture_output=True, text=True, check=True).stdout
    lines, branches = {}, {}
    for file in json.loads(text)["files"]:
        if file["file"] != source:
            continue  # inline functions of headers
        for line in file["lines"]:
            number = line["line_number"]
            lines[number] = lines.get(number, 0) + line["count"]
            for index, branch in enumerate(line["branches"]):
                key = number, index
                branches[key] = branches.get(key, 0) + branch["count"]
    return lines, branches


def percent(part, whole):
    return 100 * part / whole if whole else 100.0


def row(name, lines, branches):
    print(f"{name:28}{lines[0]:5}/{lines[1]:<5}{percent(*lines):6.1f} %"
          f"{branches[0]:7}/{branches[1]:<5}{percent(*branches):6.1f} %")


def main():
    build, lines_least, branches_least, *verbose = sys.argv[1:]
    run_tests(build)
    totals = [0, 0, 0, 0]
    missed = []
    print(f"{'':28}{'lines':>11}{'branches':>23}")
    for source in sorted(glob.glob("drivers/nvme/*.c")):
        lines, branches = look(build, source)
        ran = [number for number, count in lines.items() if count]
        taken = [key for key, count in branches.items() if count]
        numbers = [len(ran), len(lines), len(taken), len(branches)]
        row(source, numbers[:2], numbers[2:])
        totals = [a + b for a, b in zip(totals, numbers)]
        missed += [f"{source}:{line}: not run" for line, count in sorted(lines.items()) if not count]
        missed += [f"{source}:{line}: branch {index} not taken"
                   for (line, index), count in sorted(branches.items())
                   if not count and lines.get(line)]
    row("all", totals[:2], totals[2:])
    if verbose:
        print("\n".join(missed))
    if percent(*totals[:2]) < float(lines_least) or percent(*totals[2:]) < float(branches_least):
        sys.exit(f"less than {lines_least} % of lines or {branches_least} % of branches")


main()
