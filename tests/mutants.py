#!/usr/bin/python3
"""Breaks the driver one line at a time: a test has to notice each time.

    mutants.py BUILD_DIRECTORY [NAME...]
    mutants.py --check      only whether each still has something to break

tests/mutants.txt holds what to break. Only the broken file is compiled anew, and
linked with what the unit tests are made of; the test that is named must fail.
"""
import os
import re
import subprocess
import sys

TABLE = "tests/mutants.txt"
SECONDS = 60  # a test that does not end has noticed as well


def read_table():
    """Blocks of `name:`, `file:`, `-` and `+` lines, `test:`; # begins a comment line."""
    with open(TABLE) as table:
        text = "".join(line for line in table if not line.startswith("#"))
    for block in re.split(r"\n\s*\n", text.strip()):
        mutant = {"-": [], "+": []}
        for line in block.splitlines():
            if line[0] in "-+":
                mutant[line[0]].append(line[1:])
            else:
                key, value = line.split(":", 1)
                mutant[key] = value.strip()
        yield mutant


def change(mutant):
    """The file's text with the change in it. How the lines are broken and indented does not count."""
    words = " ".join(mutant["-"]).split()
    with open(mutant["file"]) as source:
        text = source.read()
    found = list(re.finditer(r"\s+".join(map(re.escape, words)), text))
    if len(found) != 1:
        sys.exit(f"{TABLE}: {mutant['name']}: the text is in {mutant['file']} {len(found)} times")
    start, end = found[0].span()
    return text[:start] + "\n".join(mutant["+"]) + text[end:]


def make(build, *arguments):
    return subprocess.run(["make", "--no-print-directory", "-s", "-f", "tests/unit/solo.mk",
                           f"BUILD={build}", *arguments], capture_output=True, text=True)


def build_mutant(build, mutant):
    """The path of the test program with the broken file in it."""
    program = mutant["test"].split()[0]
    folder = os.path.join(build, "mutants", re.sub(r"\W+", "-", mutant["name"]))
    source = os.path.join(folder, mutant["file"])
    os.makedirs(os.path.dirname(source), exist_ok=True)
    with open(source, "w") as file:
        file.write(change(mutant))
    run = make(build, "mutant", f"MUTANT={folder}", f"MUTANT_FILE={mutant['file']}",
               f"MUTANT_TEST={program}")
    if run.returncode:
        sys.exit(f"{mutant['name']}: {run.stdout}{run.stderr}")
    return os.path.join(folder, program)


def failing(program):
    """The tests that fail, the one that it crashed or hung in included."""
    try:
        run = subprocess.run([program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, errors="replace", timeout=SECONDS)
        text, ended = run.stdout, run.returncode >= 0
    except subprocess.TimeoutExpired as expired:
        text, ended = (expired.stdout or b"").decode(errors="replace"), False
    begun = re.findall(r"^\[ RUN      \] (\w+)", text, re.M)
    passed = re.findall(r"^\[       OK \] (\w+)", text, re.M)
    failed = [name for name in begun if name not in passed]
    return failed, ended and "test(s) run" in text


def main():
    build, *names = sys.argv[1:]
    survivors = 0
    mutants = [mutant for mutant in read_table() if not names or mutant["name"] in names]
    for mutant in mutants:
        change(mutant)  # one that has nothing to break any more is seen before the first is built
    if build == "--check":
        return
    programs = sorted({mutant["test"].split()[0] for mutant in mutants})
    run = make(build, *(f"{build}/unit/{program}" for program in programs))
    if run.returncode:
        sys.exit(run.stdout + run.stderr)
    for program in programs:
        failed, ended = failing(f"{build}/unit/{program}")
        if failed or not ended:
            sys.exit(f"{program} fails as it is: {' '.join(failed)}")
    for mutant in mutants:
        program, test = mutant["test"].split()
        failed, ended = failing(build_mutant(build, mutant))
        caught = test in failed
        survivors += not caught
        how = "caught" if caught else "SURVIVES"
        others = [name for name in failed if name != test]
        more = (" and stops" if not ended else f" and {len(others)} more" if caught and others
                else f"; there fails {' '.join(others)}" if others else "")
        print(f"{mutant['name']:38}{mutant['file']:29}{how:10}{test}{more}", flush=True)
    print(f"{len(mutants) - survivors} of {len(mutants)} mutants caught")
    sys.exit(1 if survivors else 0)


main()
