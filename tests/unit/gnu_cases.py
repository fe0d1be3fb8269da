"""The command lines that test_gnu.py compares, and the files that they find: those
of gnu_cases.txt, and more generated from a fixed seed for the tools
whose options are mostly numbers.
"""

import random
from pathlib import Path

SEED = 20240229


def sample_files():
    """The files that every case finds."""
    chance = random.Random(SEED)
    noise = chance.randbytes(3000)
    big = chance.randbytes(200_000)
    changed = bytearray(big)
    for place in (0, 70_000, 131_071, 199_999):
        changed[place] ^= 0x55
    words = " ".join(chance.choice(["disk", "a", "queue\n", "\tx", "", "\n"]) for _ in range(4000))
    return {
        "empty": b"",
        "five": b"hello",
        "a": b"a\nbb\nccc\n",
        "a2": b"a\nbb\nccc\n",
        "b": b"a\nbb\nccd\nx",
        "c": b"a\nbb",
        "d": b"a\nbb\n",
        "newlines": b"\n" * 100,
        "letters": "".join(chance.choice("aaabbbccd01xX  \n") for _ in range(600)).encode() + b"\n",
        "lines": b"".join(b"line %d\n" % i for i in range(1, 21)),
        "long": b"".join(b"%d " % i + b"x" * 997 + b"\n" for i in range(150)),
        "open": b"".join(b"%d\n" % i for i in range(30000)) + b"the end",
        "noise": noise,
        "big": big,
        "big2": bytes(changed),
        "zeros": bytes(100),
        "mixed": bytes(100) + noise[:100] + bytes(200),
        "odd": bytes([0x80, 1, 0xFF, 97, 98]),
        "odd2": bytes([0xC0, 9, 0x7F, 97, 66]),
        "words": words.encode(),
    }


FILES = sample_files()


def dd_generated(chance):
    operands = [chance.choice(["if=big", "if=long", "if=mixed"]), "of=" + chance.choice(["o", "a", "noise"])]
    if chance.random() < 0.5:
        operands.append(f"bs={chance.choice([1, 3, 17, 512, 1000, 4096, 65536])}")
    else:
        operands.append(f"ibs={chance.choice([7, 100, 512, 5000])}")
        operands.append(f"obs={chance.choice([11, 512, 700, 70000])}")
    # Small blocks of a large file take long, and tell nothing new.
    operands.append(f"count={chance.randint(0, 300)}")
    if chance.random() < 0.6:
        operands.append(f"skip={chance.randint(0, 60)}")
    if chance.random() < 0.6:
        operands.append(f"seek={chance.randint(0, 60)}")
    conversions = chance.sample(["notrunc", "sync", "noerror", "fsync", "swab", "sparse", "ucase"], chance.randint(0, 2))
    if conversions:
        operands.append("conv=" + ",".join(conversions))
    if chance.random() < 0.2:
        operands.append("iflag=" + chance.choice(["skip_bytes", "count_bytes", "fullblock"]))
    return " ".join(operands)


def cmp_generated(chance):
    options = chance.choice(["", "-l", "-b", "-s", "-lb"])
    if chance.random() < 0.5:
        options += f" -i {chance.randint(0, 12)}"
        if chance.random() < 0.5:
            options += f":{chance.randint(0, 12)}"
    if chance.random() < 0.3:
        options += f" -n {chance.randint(0, 20)}"
    names = ["a", "b", "c", "d", "odd", "odd2", "empty", "lines", "newlines"]
    return f"{options} {chance.choice(names)} {chance.choice(names)}"


def ends_generated(chance):
    kind = chance.choice(["-n", "-c"])
    sign = chance.choice(["", "-", "+"])
    name = chance.choice(["lines", "open", "big", "newlines", "long", "b"])
    return f"{kind} {sign}{chance.choice([0, 1, 2, 9, 10, 21, 99, 149, 65536, 70001])} {name}"


def dump_generated(chance):
    return (f"-s {chance.randint(0, 3100)} -{chance.choice('nl')} {chance.randint(0, 200)} "
            f"{chance.choice(['noise', 'mixed', 'lines'])}")


def pattern(chance, depth=0):
    """An extended regular expression over a few characters."""
    text = ""
    for _ in range(chance.randint(1, 4)):
        kind = chance.random()
        if kind < 0.2 and depth < 3:
            text += f"({pattern(chance, depth + 1)})"
        elif kind < 0.3 and depth < 3:
            text += f"({pattern(chance, depth + 1)}|{pattern(chance, depth + 1)})"
        else:
            text += chance.choice(["a", "b", "c", ".", "[ab]", "[^a]", "[b-d]", "x", "1", "0"])
        text += chance.choice(["", "", "", "*", "+", "?", "{2}", "{0,2}", "{1,}"])
    return text


def grep_generated(chance):
    expression = pattern(chance)
    if chance.random() < 0.3:
        expression = "^" + expression
    if chance.random() < 0.3:
        expression += "$"
    options = chance.choice(["-E", "-Ec", "-Eo", "-Ev", "-Ex", "-Ei", "-En"])
    return f"grep {options} '{expression}' letters"


def cases():
    chance = random.Random(SEED)
    found = (Path(__file__).parent / "gnu_cases.txt").read_text().splitlines()
    found += ["dd " + dd_generated(chance) for _ in range(60)]
    found += ["cmp " + cmp_generated(chance) for _ in range(60)]
    found += ["head " + ends_generated(chance) for _ in range(20)]
    found += ["tail " + ends_generated(chance) for _ in range(20)]
    for _ in range(15):
        found.append("xxd " + dump_generated(chance).replace("-n", "-l"))
        found.append("hexdump -C " + dump_generated(chance).replace("-l", "-n"))
    for _ in range(25):
        form = chance.choice(["", "-a", "-b", "-e", "-d", "-u"])
        found.append(f"xxd {form} -g {chance.choice([1, 2, 4])} -o {chance.randint(0, 999)} " +
                     dump_generated(chance).replace("-n", "-l"))
        columns = chance.randint(1, 40)
        found.append(f"xxd -c {columns} -g {chance.randint(0, 9)} noise | xxd -r -c {columns}")
    found += [grep_generated(chance) for _ in range(80)]
    # Every length of a last block, read from any place.
    for _ in range(25):
        source = f"dd if=big bs=1 skip={chance.randint(0, 999)} count={chance.randint(0, 300)}"
        tool = chance.choice(["cksum", "sha256sum", "md5sum"])
        found.append(f"{tool} big | {tool}; {source} status=none | {tool}")
    for _ in range(20):
        found.append(f"date -u -d @{chance.randint(-6 * 10**10, 2 * 10**11)} '+%c %j %u %s'")
    return list(dict.fromkeys(found))
