"""From power-on to the prompt and to the end: media, command lines, memory, panic."""
import re

import pytest

from machine import BUILD, DEBUG_EXIT_PANIC, PROMPT, write_stick


@pytest.mark.parametrize("medium", ["usb", "fat"])
def test_media(boot, medium):
    """The image written to a stick; the file on a FAT volume. ISO and -kernel: test_acceptance."""
    machine = boot(boot=medium)
    assert machine.good("sh test1.sh").count("records out") == 3


def test_boot_from_the_controller(boot):
    """The image on the very disk. Firmware has used the controller and leaves it running."""
    disk = write_stick(boot.directory / "disk.img")
    machine = boot(boot="nvme", disk=disk)
    machine.good("dd if=/dev/nvme0n1 of=first bs=1M count=1 status=none")
    machine.good("dd if=first of=/dev/nvme0n1 bs=1M seek=40 status=none; sync")
    image = disk.read_bytes()
    assert image[40 << 20:41 << 20] == (BUILD / "nvmetal.iso").read_bytes()[:1 << 20]


@pytest.mark.parametrize("cpu, damage, says", [
    ("qemu64,-nx", (b"", b""), "this processor cannot forbid execution (NX)"),
    ("max", (b"\x7fELF", b"\x7fFLE"), "the kernel is no ELF file"),
    ("max", (b".initrd", b".tirdin"), "the loader carries no kernel, files or command line"),
], ids=["nx", "elf", "section"])
def test_loader_says_what_is_wrong(boot, cpu, damage, says):
    image = boot.directory / "damaged.efi"
    image.write_bytes((BUILD / "BOOTX64.EFI").read_bytes().replace(*damage, 1))
    machine = boot.create(cpu=cpu, image=image).start()
    machine.expect("nvmetal: " + re.escape(says), timeout=90)
    machine.kill()


def test_command_line_runs_and_powers_off(boot):
    machine = boot.create(cmdline='run="echo begin; sh test2.sh; echo $? end" poweroff').start()
    machine.expect(r"begin\r\n", timeout=90)
    machine.expect(r"\[WRITE SOMETHING\]\r\n")
    machine.expect(r"0 end\r\n")
    machine.wait_for_end(0)
    assert not PROMPT.search(machine.serial.before)


def test_later_command_lines_win(boot):
    """The image's own, then fw_cfg, then UEFI load options."""
    machine = boot(cmdline='run="echo from fw_cfg"', append='run="echo from options" verbose')
    said = machine.transcript()
    assert "from options\r\n" in said and "from fw_cfg\r\n" not in said
    assert re.search(r"\] nvme0n1: 131072 blocks of 512 bytes\r\n", said), "verbose shows the log"


def test_memory_above_4_gib(boot):
    """Controller and data beyond what 32 bits reach: so large a buffer finds no place below."""
    machine = boot(memory="5G", smp=2, cmdline="nvme.data=prp",
                   extra=["-machine", "max-ram-below-4g=512M"],
                   trace=["pci_nvme_map_prp"])
    total = int(machine.good("free -m").split("Mem:")[1].split()[0])
    assert 5120 - 128 < total <= 5120
    bar = re.search(r"BAR0: Memory at ([0-9a-f]+) \(64-bit, non-prefetchable\) \[size=16K\]",
                    machine.good("lspci -v"))
    assert int(bar[1], 16) >= 1 << 32
    machine.good("sh test3.sh")
    machine.good("dd if=/dev/nvme0n1 of=/dev/null bs=512M count=1 status=none")
    commands = "".join(machine.traced("pci_nvme_map_prp"))
    assert max(int(one, 16) for one in re.findall(r"prp1 (0x[0-9a-f]+)", commands)) >= 1 << 32


READ_LBA_5 = "dd if=/dev/nvme0n1 skip=5 count=1 bs=512 status=none | head -c 19"


def test_reboot(boot):
    """What was written is there after `reboot`, after poweroff, and in the file on the host."""
    machine = boot()
    machine.good("echo -n one over the reboot | dd of=/dev/nvme0n1 seek=5 status=none")
    random = machine.good("head -c 32 /dev/random | xxd -p")
    machine.type("reboot")
    machine.wait_for_prompt(90)
    machine.check_controllers()
    assert len(machine.traced("pci_nvme_mmio_shutdown_set")) == 1
    assert len({random, machine.good("head -c 32 /dev/random | xxd -p")}) == 2
    assert machine.good(READ_LBA_5) == "one over the reboot"
    machine.good("echo -n two | dd of=/dev/nvme0n1 seek=6 status=none")
    machine.poweroff()
    blocks = b"one over the reboot".ljust(512, b"\0") + b"two".ljust(512, b"\0")
    assert machine.disk.read_bytes()[5 * 512:7 * 512] == blocks

    machine = boot()
    assert machine.good(READ_LBA_5) == "one over the reboot"
    assert machine.good("dd if=/dev/nvme0n1 skip=6 count=1 bs=512 status=none | head -c 3") == "two"


def test_panic(boot):
    """An NMI is nothing the kernel knows: registers, names on the stack, a failing exit status."""
    machine = boot(extra=["-device", "isa-debug-exit,iobase=0xf4,iosize=4"])
    machine.qmp.execute("inject-nmi")
    machine.expect(r"PANIC: non-maskable interrupt")
    machine.expect(r"RIP [0-9a-f]{16}")
    machine.expect(r"Backtrace:\r\n")
    machine.expect(r"  [0-9a-f]{16} kernel_main\+0x[0-9a-f]+\r\n")
    machine.wait_for_end(DEBUG_EXIT_PANIC)


def test_unclean_end(boot):
    """QEMU killed behind a sync: what was flushed is there, and the next boot is like any other."""
    machine = boot()
    machine.good("sh test1.sh; dd if=origin_4k.bin of=/dev/nvme0n1 seek=1 bs=4K conv=fsync")
    machine.kill()
    image = machine.disk.read_bytes()
    assert image[:4096] == image[4096:8192] != bytes(4096)
    machine = boot()
    assert machine.good("cmp -i 0:4096 -n 4096 /dev/nvme0n1 /dev/nvme0n1") == ""
