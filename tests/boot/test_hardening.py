"""What nobody may do is tried, in a debug build of the kernel: it ends in a panic that says what it was.

The last test looks at the page tables of the kernel that is shipped.
"""
import re
import subprocess

import pytest

from injection import hmp
from machine import BUILD, DEBUG_EXIT_PANIC

DEBUG_IMAGE = (BUILD if BUILD.name == "debug" else BUILD / "debug") / "BOOTX64.EFI"
EXIT = ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]


def page_fault(how, where, why):
    return (r"PANIC: page fault \(vector 14, error code [0-9a-f]+\)\r\n"
            rf"(?:On processor \d of 2.\r\n)?{how} address (?P<address>[0-9a-f]+) in "
            + re.escape(f"{where}, which is {why}") + r"\r\n")


PROTECTED, UNMAPPED = "protected against that", "not mapped"
STACK = page_fault("writing", "the guard below a stack (too much on it)", UNMAPPED)
HEAP = "PANIC: heap: address (?P<address>[0-9a-f]+), {}, was written to\r\n"

# By case of `crash`: what the panic says, and a function that its backtrace names.
CASES = {
    "text": (page_fault("writing", "the kernel's text", PROTECTED), "crash_text"),
    "constant": (page_fault("writing", "the kernel's constants", PROTECTED), "crash_constant"),
    "alias": (page_fault("writing", "the kernel's text", PROTECTED), "crash_alias"),
    "data": (page_fault("executing", "the kernel's data", PROTECTED), "command_run"),
    "ram": (page_fault("executing", "RAM", PROTECTED), "command_run"),
    "null": (page_fault("writing", "page 0 (a null pointer)", UNMAPPED), "crash_null"),
    "heap": (page_fault("writing", "the guard behind a heap object (an overrun)", UNMAPPED),
             "crash_heap"),
    "slack": (HEAP.format("behind the end of a heap object"), "kfree"),
    "freed": (page_fault("writing", "freed heap memory (a use after free)", UNMAPPED),
              "crash_freed"),
    "twice": (r"PANIC: heap: (?P<address>[0-9a-f]+) is freed and is no object, or none any more",
              "kfree"),
    "device": (HEAP.format("which was freed"), "give_back"),
    "stack": (STACK, "recurse"),
    "stack | cat": (STACK, "recurse"),
    "processor": (STACK, "recurse"),
    "canary": ("PANIC: a function has written beyond what is its own on the stack\r\n",
               "write_beyond"),
    "undefined": (r"PANIC: kernel/debug/crash.c:\d+:\d+: an addition overflows\r\n",
                  "crash_undefined"),
    "dma": (r"PANIC: nvme0: a device may not be given 4096 bytes at (?P<address>[0-9a-f]+) in the "
            r"kernel's text\r\n", "host_bus_address"),
}


@pytest.mark.parametrize("case", CASES)
def test_crash(boot, case):
    says, function = CASES[case]
    machine = boot(image=DEBUG_IMAGE, smp=2, extra=EXIT)
    machine.send(f"crash {case}\r")
    machine.expect("PANIC: [^\r]*\r\n")
    machine.expect(rf"  [0-9a-f]{{16}} {function}[.\w]*\+0x[0-9a-f]+\r\n")
    said = machine.transcript()
    found = re.search(says, said)
    assert found, said[-3000:]
    announced = re.search("crash: address ([0-9a-f]+)\r\n", said)
    if announced:
        assert found["address"] == announced[1]
    machine.wait_for_end(DEBUG_EXIT_PANIC)


def test_the_command_is_not_shipped(boot):
    assert boot().run("crash null").status == 127


def test_page_tables_and_control_registers(boot):
    """Of the kernel that is shipped, on each processor."""
    machine = boot(smp=2)
    text = hmp(machine, "info registers -a")
    for register, bits in {"CR0": 1 << 16,  # WP
                           "CR4": 1 << 11 | 1 << 20 | 1 << 21,  # UMIP, SMEP, SMAP
                           "EFER": 1 << 11}.items():  # NXE
        values = re.findall(rf"\b{register}=([0-9a-f]+)", text)
        assert len(values) == 2 and all(int(value, 16) & bits == bits for value in values), register
    # Flags, each a letter or a dash: NX, global, large, dirty, accessed, uncached, through, user,
    # writable.
    pages = re.findall(r"^([0-9a-f]{16}): [0-9a-f]{16} ([-XGPDACTUW]{9})", hmp(machine, "info tlb"),
                       re.M)
    assert len(pages) > 500
    executable = [int(address, 16) for address, flags in pages if flags[0] != "X"]
    for address, flags in pages:
        assert int(address, 16) >> 47 == 0x1ffff, "the lower half is empty"
        assert flags[7] == "-", f"{address} is a user's"
        assert flags[0] == "X" or flags[8] == "-", f"{address} can be written to and executed"
    symbols = {name: int(address, 16) for address, _, name in (
        line.split() for line in subprocess.run(["nm", BUILD / "kernel.elf"], check=True, text=True,
                                                capture_output=True).stdout.splitlines())}
    assert executable == list(range(symbols["kernel_start"], symbols["kernel_text_end"], 4096))
    mapped = {int(address, 16) for address, _ in pages}
    for stack in ("boot_stack", "boot_fault", "boot_nmi"):
        guard = symbols[stack] - (4096 if stack == "boot_stack" else 0)
        assert guard not in mapped and guard + 4096 in mapped and guard - 4096 in mapped, stack
