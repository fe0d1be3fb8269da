"""The prompt in a real terminal: tmux shows what QEMU's serial port says in a pane of its own,
and what the pane shows is looked at."""
import shlex
import subprocess
import time

import pytest

from machine import BOOT_TIMEOUT, TIMEOUT, SHUTDOWN_EVENT

COLUMNS, ROWS = 60, 20
PROMPT = "nvmetal:/# "


class Pane:
    """A tmux server of our own with one pane, in which a command runs."""

    def __init__(self, directory, arguments):
        self.socket = directory / "tmux.sock"
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS),
                  "-e", "LC_ALL=C.UTF-8", "exec " + shlex.join(arguments))

    def tmux(self, *arguments, text=None):
        return subprocess.run(["tmux", "-u", "-S", str(self.socket), *arguments], input=text,
                              check=True, capture_output=True, encoding="utf-8",
                              timeout=TIMEOUT).stdout

    def keys(self, *names):
        """Keys by tmux's names: "Left", "C-r", "Tab"; what is no name is typed as it is."""
        self.tmux("send-keys", *names)

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def paste(self, text):
        self.tmux("load-buffer", "-", text=text)
        self.tmux("paste-buffer")

    def screen(self):
        """The rows, and where the cursor is: (column, row)."""
        rows = self.tmux("capture-pane", "-p").split("\n")
        column, row = self.tmux("display", "-p", "#{cursor_x} #{cursor_y}").split()
        return [row.rstrip() for row in rows], (int(column), int(row))

    def wait(self, condition, timeout=TIMEOUT):
        """Until condition(rows, cursor) holds of the screen."""
        deadline = time.monotonic() + timeout
        while True:
            rows, cursor = self.screen()
            if condition(rows, cursor):
                return rows
            assert time.monotonic() < deadline, "\n".join(["the screen:", *rows, str(cursor)])
            time.sleep(0.05)

    def clear(self):
        """An empty screen with the prompt on top."""
        self.keys("C-u", "C-l")
        self.shows(PROMPT.rstrip(), cursor=(len(PROMPT), 0))

    def shows(self, *expected, cursor=None, timeout=TIMEOUT):
        """Waits until the screen has these rows and nothing below them."""
        def condition(rows, at):
            shown = list(rows)
            while shown and not shown[-1]:
                shown.pop()
            return shown == list(expected) and cursor in (None, at)
        self.wait(condition, timeout)

    def close(self):
        subprocess.run(["tmux", "-S", str(self.socket), "kill-server"], check=False,
                       capture_output=True, timeout=TIMEOUT)


@pytest.fixture(scope="module")
def machine(boot_shared):
    return boot_shared.create()


@pytest.fixture(scope="module")
def pane(machine):
    pane = Pane(machine.directory, [*machine.arguments, "-serial", "chardev:serial",
                                    "-chardev", "stdio,id=serial,signal=off"])
    try:
        pane.wait(lambda rows, cursor: cursor[0] == len(PROMPT) and PROMPT.rstrip() in rows,
                  BOOT_TIMEOUT)
        yield pane
        pane.keys("C-c", "poweroff", "Enter")
        deadline = time.monotonic() + TIMEOUT
        while not machine.traced(SHUTDOWN_EVENT) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert machine.traced(SHUTDOWN_EVENT)
        machine.check_complaints()
    finally:
        pane.close()


@pytest.fixture(autouse=True)
def clean(pane):
    pane.keys("C-c")
    pane.clear()


def test_a_long_line_wraps(pane):
    """The last column stays free; the cursor walks over the rows, and the line is one."""
    pane.type("echo " + "0123456789" * 12)
    text = PROMPT + "echo " + "0123456789" * 12
    width = COLUMNS - 1
    rows = [text[start:start + width] for start in range(0, len(text), width)]
    pane.shows(*rows, cursor=(len(text) % width, len(text) // width))
    pane.keys("C-a")
    pane.shows(*rows, cursor=(len(PROMPT), 0))
    pane.keys("Right", "Right", "Right", "Right", "Right")
    pane.type("X")
    text = text.replace("echo ", "echo X")
    rows = [text[start:start + width] for start in range(0, len(text), width)]
    pane.shows(*rows, cursor=(len(PROMPT) + 6, 0))
    pane.keys("C-k")
    pane.shows(PROMPT + "echo X", cursor=(len(PROMPT) + 6, 0))
    pane.keys("Enter")
    pane.shows(PROMPT + "echo X", "X", PROMPT.rstrip())


def test_utf8_is_edited_by_characters(pane):
    pane.type("echo größe – 5 €")
    pane.keys("Left", "Left", "Left", "BSpace", "BSpace")
    pane.shows(PROMPT + "echo größe 5 €", cursor=(len(PROMPT) + 11, 0))
    pane.keys("C-a", "M-x", "Delete")
    pane.type("e")
    pane.keys("Home", *["Right"] * 8, "Delete")
    pane.type("ß")
    pane.shows(PROMPT + "echo größe 5 €", cursor=(len(PROMPT) + 9, 0))
    pane.keys("Enter")
    pane.shows(PROMPT + "echo größe 5 €", "größe 5 €", PROMPT.rstrip())


def test_wide_characters_take_two_columns(pane):
    pane.type("echo 漢字 wide")
    pane.keys(*["Left"] * 6, "BSpace")
    pane.shows(PROMPT + "echo 字 wide", cursor=(len(PROMPT) + 5, 0))
    pane.type("漢" * 30)
    rows = [PROMPT + "echo " + "漢" * 21, "漢" * 9 + "字 wide"]
    pane.shows(*rows, cursor=(18, 1))
    pane.keys("C-a", "Right", "Right", "Right", "Right", "Right", "C-k")
    pane.shows(PROMPT + "echo", cursor=(len(PROMPT) + 5, 0))


def test_history_and_search(pane):
    for word in ("alpha", "beta", "gamma"):
        pane.type(f"echo {word} word")
        pane.keys("Enter")
        pane.wait(lambda rows, cursor, word=word: f"{word} word" in rows)
    pane.clear()
    pane.keys("Up", "Up")
    pane.shows(PROMPT + "echo beta word")
    pane.keys("Down", "Down")
    pane.shows(PROMPT.rstrip())
    pane.keys("C-r")
    pane.type("word")
    pane.shows("(search)`word': echo gamma word")
    pane.keys("C-r", "C-r")
    pane.shows("(search)`word': echo alpha word")
    pane.keys("C-e")
    pane.type("!")
    pane.shows(PROMPT + "echo alpha word!")
    pane.keys("Enter")
    pane.shows(PROMPT + "echo alpha word!", "alpha word!", PROMPT.rstrip())


def test_completion(pane):
    pane.type("lsp")
    pane.keys("Tab")
    pane.shows(PROMPT + "lspci", cursor=(len(PROMPT) + 6, 0))
    pane.keys("C-u")
    pane.type("nvme id-c")
    pane.keys("Tab")
    pane.type("/dev/nvme0n")
    pane.keys("Tab")
    pane.shows(PROMPT + "nvme id-ctrl /dev/nvme0n1", cursor=(len(PROMPT) + 26, 0))
    pane.keys("C-u")
    pane.type("nvme z")
    pane.keys("Tab")
    pane.type("rep")
    pane.keys("Tab")
    pane.type("/dev/nvme0n1 --star")
    pane.keys("Tab")
    pane.type("7")
    pane.shows(PROMPT + "nvme zns report-zones /dev/nvme0n1 --start-lba=7")
    pane.keys("C-u")
    pane.type("head --l")
    pane.keys("Tab")
    pane.shows(PROMPT + "head --lines=", cursor=(len(PROMPT) + 13, 0))
    pane.keys("C-u")
    pane.type("cat /dev/nvme0")
    pane.keys("Tab", "Tab")
    pane.shows(PROMPT + "cat /dev/nvme0", "nvme0     nvme0n1", PROMPT + "cat /dev/nvme0",
               cursor=(len(PROMPT) + 14, 2))


def test_ctrl_c_ends_a_loop(pane):
    pane.type("while true; do sleep 1; done")
    pane.keys("Enter")
    time.sleep(0.3)
    pane.keys("C-c")
    pane.shows(PROMPT + "while true; do sleep 1; done", "^C", PROMPT.rstrip())


def test_many_lines_scroll(pane):
    pane.type("seq 1000")
    pane.keys("Enter")
    pane.wait(lambda rows, cursor: rows[:ROWS] == [*map(str, range(982, 1001)), PROMPT.rstrip()])


def test_a_paste_of_64_kib_arrives_whole(pane, machine):
    """Into a file; the disk shows the host what has arrived."""
    lines = [f"{number:5} größer als 7 €, 'quoted' \\ $x `y` \"z\" #" for number in range(1400)]
    text = "\n".join(lines) + "\n"
    assert len(text.encode()) >= 65536
    pane.type("cat > pasted")
    pane.keys("Enter")
    pane.paste(text)
    pane.keys("C-d")
    pane.wait(lambda rows, cursor: rows[cursor[1]] == PROMPT.rstrip(), 120)
    pane.type("clear; dd if=pasted of=/dev/nvme0n1 bs=1M conv=fsync status=none; wc -c pasted")
    pane.keys("Enter")
    pane.wait(lambda rows, cursor: f"{len(text.encode())} pasted" in rows)
    with open(machine.disk, "rb") as disk:
        assert disk.read(len(text.encode())) == text.encode()
