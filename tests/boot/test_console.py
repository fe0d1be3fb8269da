"""The serial line as a person uses it: editing, history, completion, Ctrl-C, pasting."""
import random
import re
import string
import time

import pytest

UP, DOWN, RIGHT, LEFT = (f"\033[{letter}" for letter in "ABCD")
HOME, END, DELETE, BACKSPACE = "\033[H", "\033[F", "\033[3~", "\177"


@pytest.fixture(scope="module")
def machine(boot_shared):
    return boot_shared()


def ctrl(letter):
    return chr(ord(letter) & 31)


@pytest.mark.parametrize("keys, printed", [
    ("cho one" + ctrl("A") + "e", "one\n"),
    ("cho two" + HOME + "e" + END + "!", "two!\n"),
    ("ech one" + LEFT * 4 + "o" + ctrl("E") + "s", "ones\n"),
    ("echo abcd" + LEFT * 2 + BACKSPACE, "acd\n"),
    ("echo abcd" + LEFT * 2 + DELETE, "abd\n"),
    ("echo abcd" + LEFT * 3 + RIGHT + "-", "ab-cd\n"),
    ("echo kept lost" + LEFT * 5 + ctrl("K"), "kept\n"),
    ("nonsense" + ctrl("U") + "echo new", "new\n"),
    ("echo one two  " + ctrl("W") + "three", "one three\n"),
    ("echo " + "long " * 40 + ctrl("A") + RIGHT * 5 + "very ", "very " + "long " * 39 + "long\n"),
    ("echo gr\u00fc\u00dfe" + BACKSPACE * 2 + "ss", "gr\u00fcss\n"),
])
def test_editing(machine, keys, printed):
    assert machine.keys(keys) == printed


def test_ctrl_c_drops_the_line(machine):
    machine.send("half a command")
    machine.expect("half a command")
    machine.send(ctrl("C"))
    assert machine.wait_for_prompt() == "^C\n"
    assert machine.good("echo whole") == "whole\n"


def test_ctrl_c_within_a_word(machine):
    """The command whose word was cut short does not run."""
    machine.good("echo treasure > precious; rm -f /lost*")
    machine.type("mv precious lost$(cat /dev/zero)")
    time.sleep(1)
    machine.send(ctrl("C"))
    machine.wait_for_prompt()
    assert machine.run("ls /lost*")[1] != 0
    assert machine.good("cat precious; rm precious") == "treasure\n"


def test_two_read_the_console(machine):
    """The second one waits for what the first has left."""
    machine.type("dd if=/dev/console bs=1 count=1 status=none > /one | head -n 1 /dev/console")
    machine.send("abc\r")
    assert machine.wait_for_prompt().endswith("bc\n")
    assert machine.good("cat /one; rm /one") == "a"


def test_a_slow_terminal_loses_nothing(machine):
    machine.send("seq 1 30000; echo end $?\r")
    time.sleep(2)
    machine.expect(r"\r\nend 0\r\n", timeout=60)
    lines = machine.serial.before.split("\r\n")
    assert lines[-30000:] == [str(n) for n in range(1, 30001)]
    machine.wait_for_prompt()


def test_history(machine):
    machine.good("echo first")
    machine.good("echo second")
    machine.send(UP * 4 + "\r")  # over the two `echo $?` of good()
    machine.expect(r"echo first\r\nfirst\r\n")
    machine.wait_for_prompt()
    machine.send(UP * 3 + DOWN * 3 + "echo third\r")
    machine.expect(r"echo third\r\nthird\r\n")
    machine.wait_for_prompt()
    machine.send(ctrl("R") + "o sec" + "\r")
    machine.expect(r"\r\nsecond\r\n")
    machine.wait_for_prompt()


def test_completion(machine):
    machine.send("lsp\t")
    machine.expect("lspci ")
    machine.send("\r")
    assert "Non-Volatile memory controller" in machine.wait_for_prompt()
    machine.good("echo unique content > lonely_file")
    machine.send("cat lone\t")
    machine.expect("lonely_file ")
    machine.send("\r")
    machine.expect("unique content\r\n")
    machine.wait_for_prompt()
    machine.send("cat /dev/nvme0\t\t")  # nvme0 and nvme0n1: listed
    machine.expect(r"\r\nnvme0 +nvme0n1 *\r\n")
    machine.wait_for_prompt()
    machine.expect("cat /dev/nvme0")
    machine.send(ctrl("C"))
    machine.wait_for_prompt()
    machine.send("dd ib\t7 if=/dev/nvm\tn\tcount=1 | wc -c\r")
    machine.expect("dd ibs=7 if=/dev/nvme0n1 count=1")
    assert re.search(r"^7\r?$", machine.wait_for_prompt(), re.M)
    machine.send("nvme help form\t\r")
    assert "usage: nvme format" in machine.wait_for_prompt()
    machine.send("help lsp\t\r")
    assert "usage: lspci" in machine.wait_for_prompt()


def test_ctrl_c_ends_dd(machine):
    machine.type("dd if=/dev/zero of=/dev/null")
    time.sleep(0.5)  # it has no reason to say anything
    machine.send(ctrl("C"))
    numbers = machine.expect(r"(\d+)\+0 records in\r\n(\d+)\+0 records out\r\n"
                             r"\d+ bytes .*copied, .* s, .*B/s\r\n")
    assert int(numbers[1]) >= int(numbers[2]) > 0
    machine.wait_for_prompt()
    assert machine.keys("echo $?") == "130\n"


@pytest.mark.parametrize("command", [
    "sleep 1000", "cat", "cat /dev/zero > /dev/null", "while true; do true; done",
    "dd if=/dev/nvme0n1 of=/dev/null bs=1; dd if=/dev/zero of=/dev/null"])
def test_ctrl_c_ends_anything(machine, command):
    machine.type(command)
    time.sleep(0.2)
    machine.send(ctrl("C"))
    machine.wait_for_prompt()
    assert machine.good("echo usable") == "usable\n"


@pytest.mark.parametrize("command, printed", [
    ("dd if=/dev/nvme0n1 | xxd | head -n 2 | wc -l", "2"),
    ("cat /dev/zero | head -c 10 | wc -c", "10"),
    ("cat /dev/nvme0n1 /dev/zero | tail -c +67108864 | head -c 9 | wc -c", "9"),
    ("while true; do echo y; done | head -n 2 | tail -n 1", "y"),
])
def test_endless_pipes(machine, command, printed):
    assert machine.good(command).strip() == printed


def test_a_pipe_waits_for_nobody(machine):
    """What a stage has written comes out while it sleeps, or waits for keys."""
    machine.type("{ echo early; sleep 1000; } | cat")
    machine.expect("early\r\n")
    machine.send(ctrl("C"))
    machine.wait_for_prompt()
    machine.type("cat | head -n 1 | (cd /dev; cat); pwd")
    machine.send("typed\r")
    machine.expect("typed\r\ntyped\r\n")
    machine.send(ctrl("D"))
    assert machine.wait_for_prompt().endswith("/\n")


@pytest.mark.parametrize("command", [
    "cat /dev/zero | cat > /dev/null", "cat | cat | cat", "sleep 1000 | cat",
    "while true; do true; done | cat", "while true; do echo x; done | cat > /dev/null"])
def test_ctrl_c_ends_a_pipeline(machine, command):
    machine.type(command)
    time.sleep(0.3)
    machine.send(ctrl("C"))
    machine.wait_for_prompt()
    assert machine.good("echo usable") == "usable\n"


def test_typing_ahead(machine):
    machine.send("sleep 1\recho one\recho two\r")
    for word in ("one", "two"):
        machine.expect(rf"# echo {word}\r\n{word}\r\n")
    machine.wait_for_prompt()


def paste(machine, name, text):
    """Into a file through cat, as a terminal does it: all at once, lines ended by "\\r"."""
    machine.type(f"cat > {name}")
    machine.send(text.replace("\n", "\r") + ctrl("D"))
    machine.wait_for_prompt(60)


def test_pasting_a_text(machine):
    """32 KiB, faster than anything reads them. The disk shows the host what has arrived."""
    letters = string.ascii_letters + string.digits + string.punctuation + " "
    choose = random.Random(1)
    text = ""
    while len(text) < 32768:
        text += "".join(choose.choices(letters, k=choose.randrange(0, 200))) + "\n"
    paste(machine, "pasted", text)
    assert machine.good("wc -c < pasted").strip() == str(len(text))
    machine.good("dd if=pasted of=/dev/nvme0n1 bs=1M conv=fsync status=none")
    with open(machine.disk, "rb") as disk:
        assert disk.read(len(text)) == text.encode()
    paste(machine, "again", text)
    assert machine.good("cmp pasted again") == ""


def test_pasting_commands(machine):
    """The three tests at once, without waiting for a prompt: what is typed ahead is not lost."""
    lines = [f"echo line {number} > file{number % 7}" for number in range(400)]
    machine.send("\r".join(lines) + "\recho all done; cat file?\r")
    machine.expect(r"\r\nall done\r\n", timeout=90)
    last = [max(range(file, len(lines), 7)) for file in range(7)]
    assert machine.wait_for_prompt() == "".join(f"line {number}\n" for number in last)
