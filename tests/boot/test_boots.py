"""Boot, work, power off, again and again, without one failure. BOOTS says how often (100 by hand); how
long it took goes into build/boot-logs/boots.txt, as histograms."""
import os
import re
import statistics
import time

from machine import BOOT_TIMEOUT, LOGS

BOOTS = int(os.environ.get("BOOTS", 3))
ROWS = 12


def histogram(title, milliseconds):
    """Rows of the same width in time, each with a mark for every boot."""
    low, high = min(milliseconds), max(milliseconds)
    width = max((high - low) / ROWS, 1)
    rows = [0] * (int((high - low) / width) + 1)
    for value in milliseconds:
        rows[int((value - low) / width)] += 1
    lines = [f"{low + width * row:7.0f} ms  {'#' * count}".rstrip() for row, count in enumerate(rows)]
    return "\n".join([f"{title}: median {statistics.median(milliseconds):.0f} ms", *lines, ""])


def test_boots(boot):
    whole, kernel = [], []
    for number in range(1, BOOTS + 1):
        began = time.monotonic()
        machine = boot.create(smp=2).start()
        machine.wait_for_prompt(BOOT_TIMEOUT)
        whole.append((time.monotonic() - began) * 1000)
        machine.check_controllers()
        kernel.append(int(re.search(r"boot: (\d+) us", machine.dmesg)[1]) / 1000)
        assert machine.good("dd if=/dev/nvme0n1 bs=4K count=1 status=none | wc -c") == "4096\n"
        machine.close()
        (LOGS / "boots.txt").write_text(
            f"{number} boots\n\n" + histogram("From power-on to the prompt", whole) + "\n" +
            histogram("Of that, since the firmware has let go", kernel), encoding="utf-8")
