"""Every case of shell_cases/ is run by dash and by our shell; output and status must agree.

A file there holds cases that begin with a line `### NAME`. More come out of shell_generator.py.
"""

import os
import pathlib
import subprocess

import pytest

import shell_generator

GENERATED = 200

HERE = pathlib.Path(__file__).parent
TREE = HERE.parent.parent
HOST_SHELL = pathlib.Path(os.environ.get("HOST_SHELL", TREE / "build/unit/host-shell"))


def cases():
    for path in sorted((HERE / "shell_cases").glob("*.sh")):
        for text in path.read_text().split("### ")[1:]:
            name, _, script = text.partition("\n")
            yield pytest.param(script, id=f"{path.stem}: {name}")
    for seed in range(GENERATED):
        yield pytest.param(shell_generator.script(seed), id=f"generated: {seed}")


def run(command, directory):
    return subprocess.run(
        command,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=20,
        text=True,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C", "ASAN_OPTIONS": "detect_leaks=1"},
    )


@pytest.mark.parametrize("script", cases())
def test_agrees_with_dash(script, tmp_path):
    path = tmp_path / "script"
    directory = tmp_path / "import" / "empty"
    directory.mkdir(parents=True)
    path.write_text("cd /empty\n" + script)
    ours = run([HOST_SHELL, "--import", directory.parent, path], tmp_path)
    path.write_text(script)
    expected = run(["dash", path], directory)
    assert (ours.stdout, ours.returncode) == (expected.stdout, expected.returncode), ours.stderr


def test_there_are_enough_cases():
    assert len(list(cases())) - GENERATED >= 150
