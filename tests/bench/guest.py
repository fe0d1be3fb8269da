"""The two guests of a race: nvmetal and Linux, each in a QEMU of its own, alike in all else.

A guest is asked for one command at a time over its serial port and answers before
a deadline, or is declared stalled, which is a result and not an accident.
"""
import codecs
import os
import re
import select
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("NVMETAL_BUILD", "build")
BENCH = BUILD / "bench"
QEMU = os.environ.get("QEMU") or "qemu-system-x86_64"
OVMF = os.environ.get("OVMF") or "/usr/share/ovmf/OVMF.fd"

BOOT_SECONDS = 120
DISK_BYTES = 1 << 30
NAMESPACE_BYTES = 64 << 20  # of each, when there are many


class Stalled(Exception):
    """No answer in time, or the guest itself says that a command of its driver was lost."""


def backend(kind, node, size):
    """-blockdev options: null-co as QEMU has it, with zeroes that are really written, or a file."""
    if kind == "null":
        return f"driver=null-co,node-name={node},size={size}"
    if kind == "zeroes":
        return f"driver=null-co,node-name={node},size={size},read-zeroes=on"
    return f"driver=file,node-name={node},filename={kind},locking=off"


def device(kind, namespaces):
    """The controller, with QEMU's defaults for all that is not named."""
    if namespaces == 1:
        return ["-blockdev", backend(kind, "disk", DISK_BYTES),
                "-device", "nvme,id=n0,serial=bench,drive=disk"]
    arguments = ["-device", "nvme,id=n0,serial=bench"]
    for number in range(1, namespaces + 1):
        arguments += ["-blockdev", backend(kind, f"disk{number}", NAMESPACE_BYTES),
                      "-device", f"nvme-ns,drive=disk{number},bus=n0,nsid={number}"]
    return arguments


class Guest:
    """Settings, by name:

    cpus        of the guest
    disk        null, zeroes, or the path of a raw file
    namespaces  of the one controller
    devices     instead of one controller with such disks: a list of arguments
    accel       options of -accel
    files       a folder whose files the guest finds in /
    extra       more arguments; keep: descriptors that QEMU inherits
    """

    def __init__(self, *, cpus=1, disk="null", namespaces=1, devices=None,
                 accel="tcg,thread=multi", files=None, extra=(), keep=()):
        BENCH.mkdir(parents=True, exist_ok=True)
        self.directory = Path(tempfile.mkdtemp(prefix="guest-", dir=BENCH))
        self.files, self.keep = files, keep
        self.text = ""  # all that the serial port has said
        self.decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self.arguments = [
            QEMU, "-machine", "q35", "-accel", accel, "-cpu", "max", "-smp", str(cpus), "-m", "1G",
            "-nodefaults", "-display", "none", "-no-reboot", *self.boot(),
            *(devices or device(disk, namespaces)), *extra]

    def boot(self):
        """How the firmware gets at the system."""
        raise NotImplementedError

    def archive(self):
        """The files as a cpio archive."""
        names = "".join(f"{path.name}\n" for path in sorted(Path(self.files).iterdir()))
        run = subprocess.run(["cpio", "-o", "-H", "newc", "--quiet", "-R", "0:0"], cwd=self.files,
                             input=names.encode(), stdout=subprocess.PIPE, check=True)
        return run.stdout

    def power_on(self):
        ours, theirs = socket.socketpair()
        self.arguments += ["-chardev", f"socket,id=serial,fd={theirs.fileno()}",
                           "-serial", "chardev:serial"]
        self.log = open(self.directory / "stderr", "w+", encoding="utf-8")
        self.process = subprocess.Popen(self.arguments, stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log, pass_fds=[theirs.fileno(), *self.keep])
        theirs.close()
        self.serial = ours
        return self

    def start(self):
        self.power_on()
        self.wait_for(self.ready, BOOT_SECONDS)
        return self

    def wait_for(self, pattern, seconds):
        """Returns the match, and forgets all that came up to its end."""
        deadline = time.monotonic() + seconds
        while True:
            match = re.search(pattern, self.text)
            if match:
                self.text = self.text[match.end():]
                return match
            lost = re.search(r"[^\r\n]*(timeout, (aborting|reset)|PANIC: )[^\r\n]*[\r\n]", self.text)
            if lost:
                raise Stalled(lost[0].strip())
            readable, _, _ = select.select([self.serial], [], [],
                                           max(0, deadline - time.monotonic()))
            if not readable:
                raise Stalled(f"nothing in {seconds} s")
            data = self.serial.recv(65536)
            if not data:
                self.log.seek(0)
                raise Stalled(f"QEMU has ended: {self.log.read().strip()} {self.text[-400:]}")
            self.text += self.decode(data).replace("\r", "")

    def run(self, command, seconds):
        """The output of a command that has to succeed."""
        self.text = ""
        self.serial.sendall(f"{command}; echo ={self.mark}$?=\r".encode())
        match = self.wait_for(rf"(?s)^(.*)={self.mark}(\d+)=\n", seconds)
        if match[2] != "0":
            raise RuntimeError(f"{command}: status {match[2]}: {match[1][-1000:]}")
        return match[1]

    mark = "status"
    ready = ""

    def close(self):
        if hasattr(self, "process"):
            self.process.kill()
            self.process.wait()
            self.serial.close()
            self.log.close()
        shutil.rmtree(self.directory)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


class Nvmetal(Guest):
    """The image as `make` leaves it, with other files in it."""
    ready = r"nvmetal:/# "

    def __init__(self, cmdline="", **settings):
        self.cmdline = cmdline
        super().__init__(**settings)

    def boot(self):
        image = BUILD / "BOOTX64.EFI"
        if self.files:
            image = self.directory / "BOOTX64.EFI"
            archive = self.directory / "files.cpio"
            archive.write_bytes(self.archive())
            subprocess.run(["sh", ROOT / "boot/pack.sh", image, BUILD / "loader.efi",
                            BUILD / "kernel.bin", archive, BUILD / "cmdline"], check=True)
        arguments = ["-bios", OVMF, "-kernel", str(image)]
        if self.cmdline:
            (self.directory / "cmdline").write_text(self.cmdline)
            arguments += ["-fw_cfg", f"name=opt/nvmetal/cmdline,file={self.directory}/cmdline"]
        return arguments


class Linux(Guest):
    """Debian's kernel for virtual machines with busybox and some programs: see linux.sh and init."""
    ready = r"bench ready\n"

    # What the kernel offers to whoever wants it fast, and warnings on the console: a lost command
    # is one, and is said after 8 seconds and not 30. nokaslr lets addresses be looked up.
    cmdline = ("console=ttyS0 loglevel=5 panic=-1 tsc=reliable clocksource=tsc mitigations=off "
               "nokaslr nowatchdog nvme_core.io_timeout=8")

    def __init__(self, poll_queues=0, words="", programs=("fio",), **settings):
        self.words, self.programs = f"nvme.poll_queues={poll_queues} {words}", programs
        super().__init__(**settings)

    def boot(self):
        initrd = self.directory / "initrd"
        with open(initrd, "wb") as out:
            for name in ("base", *self.programs):
                out.write((BENCH / f"linux/{name}.cpio").read_bytes())
            if self.files:
                out.write(self.archive())
        return ["-kernel", str(BENCH / "linux/vmlinuz"), "-initrd", str(initrd),
                "-append", f"{self.cmdline} {self.words}"]


class Ceiling(Guest):
    """No system at all: see ceiling.c."""

    def boot(self):
        return ["-bios", OVMF, "-kernel", str(BENCH / "CEILING.EFI")]
