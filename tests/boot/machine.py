"""A virtual machine that runs nvmetal, and somebody who types at its serial port.

A Machine is one QEMU process with a socket for the serial port and one for QMP.
Everything it is waited for has a deadline, and whatever goes wrong is a Failure
that shows the end of what the serial port said. When it ends, what QEMU's device
and machine complained of must be nothing but what the test said it would provoke.
"""
import math
import os
import re
import select
import shlex
import socket
import struct
import subprocess
import tempfile
import time
from collections import namedtuple
from pathlib import Path

import pexpect
import pexpect.fdpexpect

from qmp import Qmp

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("NVMETAL_BUILD", "build")
LOGS = BUILD / "boot-logs"
QEMU = os.environ.get("QEMU") or "qemu-system-x86_64"
OVMF = Path(os.environ.get("OVMF") or "/usr/share/ovmf/OVMF.fd")

BOOT_TIMEOUT = 90  # seconds; a quiet machine needs three
TIMEOUT = 30
TAIL = 3000  # characters of the serial log that a failure shows

PROMPT = re.compile(r"nvmetal:(/[^\r\n]*)# ")
PANIC = re.compile(r"PANIC: [^\r\n]*\r\n")
DEBUG_EXIT_PANIC = 0x42 << 1 | 1  # what isa-debug-exit makes of the kernel's 42h

# What guest_errors has to say of the firmware, before there is a kernel: OVMF's
# drivers for a TPM poll the place where one would be, and there is none.
FIRMWARE = re.compile(r"Invalid (read|write) at addr 0xFED400[0-9A-F]{2}, size \d, "
                      r"region '\(null\)', reason: rejected")

# The device's complaints, which no test wants, and what a shutdown leaves behind.
ERROR_EVENTS = ("pci_nvme_err*", "pci_nvme_ub*")
SHUTDOWN_EVENT = "pci_nvme_mmio_shutdown_set"

Result = namedtuple("Result", "output status")


class Failure(AssertionError):
    """The machine did not do what it was waited for."""


def boot_arguments(boot, efi, directory):
    """How the firmware gets at the image; each is a way that the README names."""
    iso = BUILD / "nvmetal.iso"
    if boot == "kernel":
        return ["-kernel", str(efi)]
    if boot == "iso":
        return ["-drive", f"file={iso},media=cdrom,if=none,id=boot,readonly=on,format=raw",
                "-device", "ide-cd,drive=boot,bootindex=0"]
    if boot == "usb":
        stick = write_stick(directory / "stick.img")
        return ["-drive", f"file={stick},if=none,id=boot,format=raw",
                "-device", "qemu-xhci", "-device", "usb-storage,drive=boot,bootindex=0"]
    if boot == "fat":
        volume = directory / "volume" / "EFI" / "BOOT"
        volume.mkdir(parents=True)
        (volume / "BOOTX64.EFI").write_bytes(efi.read_bytes())
        return ["-drive", f"file=fat:rw:{directory / 'volume'},if=none,id=boot,format=raw",
                "-device", "ide-hd,drive=boot,bootindex=0"]
    if boot == "nvme":  # the disk under test holds the image: see write_stick()
        return []
    raise ValueError(boot)


def write_stick(path, size=64 << 20):
    """What `dd if=nvmetal.iso` makes of a larger stick or disk."""
    path.write_bytes((BUILD / "nvmetal.iso").read_bytes())
    os.truncate(path, size)
    return path


def is_pattern(text, pattern):
    return re.fullmatch(pattern.replace("*", ".*"), text) is not None


class Machine:
    """Settings, all by name:

    machine   q35 (no default devices) or pc (all of them; the controller in slot 4)
    boot      kernel, iso, usb, fat or nvme
    image     another BOOTX64.EFI, for kernel and fat
    cpu, smp, memory
    disk      the raw file behind the controller; made, 64 MiB of zeros, if it is not there
    drive     instead of a file: options of -blockdev, node name "disk"
    lba       bytes in a block of it
    nvme      more properties of the controller, "mdts=1,..."
    devices   instead of one controller with one disk: a list of arguments
    controllers  how many controllers the kernel has to find
    cmdline, append  words for fw_cfg and for the UEFI load options
    extra     more arguments
    trace     QEMU's trace events to record; see traced()
    provokes  patterns of complaints that the test is going to cause: each has to come
    tolerates  ... that QEMU may have, by an error of its own
    """

    def __init__(self, directory, name, *, machine="q35", boot="kernel", image=None, cpu="max",
                 smp=1, memory="512M", disk=None, drive=None, lba=512, nvme="", devices=None,
                 controllers=1, cmdline="", append="", extra=(), trace=(), provokes=(),
                 tolerates=()):
        self.name, self.controllers = name, controllers
        self.directory = Path(tempfile.mkdtemp(dir=directory))
        self.provokes, self.tolerates = list(provokes), list(tolerates)
        self.trace = [SHUTDOWN_EVENT, *trace]
        self.disk = disk or directory / "disk.img"
        self.log = self.directory / "qemu.log"
        self.status = None  # of QEMU, once it has ended
        self.dmesg = ""
        self._broken = False
        self.arguments = [
            QEMU, "-machine", machine, "-accel", "tcg", "-cpu", cpu, "-smp", str(smp),
            "-m", memory, "-bios", str(OVMF), "-display", "none", "-monitor", "none",
            *(["-vga", "none", "-nic", "none"] if machine == "q35" else []),
            "-d", "guest_errors", "-D", str(self.log),
            *boot_arguments(boot, image or BUILD / "BOOTX64.EFI", self.directory)]
        for event in (*ERROR_EVENTS, *self.trace):
            self.arguments += ["-trace", event]
        if cmdline:
            (self.directory / "cmdline").write_bytes(
                cmdline.encode() if isinstance(cmdline, str) else cmdline)
            self.arguments += ["-fw_cfg", f"name=opt/nvmetal/cmdline,file={self.directory}/cmdline"]
        if append:
            self.arguments += ["-append", append]
        if devices is None and controllers:
            devices = self._one_controller(machine, boot, drive, lba, nvme)
        self.arguments += [*(devices or []), *extra]

    def _one_controller(self, machine, boot, drive, lba, nvme):
        properties = ["nvme", "id=n0", "serial=nvmetal", "drive=disk", f"logical_block_size={lba}",
                      f"physical_block_size={lba}"]
        if machine == "pc":
            properties.append("addr=4")
        if boot == "nvme":
            properties.append("bootindex=0")
        if nvme:
            properties.append(nvme)
        if drive:
            backend = ["-blockdev", drive]
        else:
            if not self.disk.exists():
                self.disk.touch()
                os.truncate(self.disk, 64 << 20)
            backend = ["-drive", f"file={self.disk},if=none,id=disk,format=raw"]
        return [*backend, "-device", ",".join(properties)]

    # ---- Starting and ending ----------------------------------------------------------------

    def start(self):
        """Starts QEMU, and returns before the firmware has done anything."""
        serial, their_serial = socket.socketpair()
        monitor, their_monitor = socket.socketpair()
        # A guest that takes nothing must not hold up whoever types for ever.
        serial.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", TIMEOUT, 0))
        descriptors = (their_serial.fileno(), their_monitor.fileno())
        self.arguments += [
            "-chardev", f"socket,id=serial,fd={descriptors[0]}", "-serial", "chardev:serial",
            "-chardev", f"socket,id=qmp,fd={descriptors[1]}", "-mon", "chardev=qmp,mode=control"]
        LOGS.mkdir(parents=True, exist_ok=True)
        self._transcript = open(LOGS / f"{self.name}.log", "a", encoding="utf-8")
        self._transcript.write(f"\n=== {shlex.join(self.arguments)}\n")
        self._errors = open(self.directory / "stderr", "w+", encoding="utf-8")
        self._process = subprocess.Popen(
            self.arguments, pass_fds=descriptors, cwd=self.directory, stdin=subprocess.DEVNULL,
            stdout=self._errors, stderr=self._errors)
        their_serial.close()
        their_monitor.close()
        self._socket = serial
        self._said = ""
        self.serial = pexpect.fdpexpect.fdspawn(serial, encoding="utf-8", codec_errors="replace")
        self.serial.logfile_read = self
        try:
            self.qmp = Qmp(monitor, TIMEOUT)
        except Exception as error:
            self._fail(f"no QMP: {error}")
        monitor.close()
        return self

    def boot(self):
        """Starts QEMU, waits for the prompt, and checks that the controllers are there."""
        self.start()
        self.wait_for_prompt(BOOT_TIMEOUT)
        self.check_controllers()
        return self

    def check_controllers(self):
        found = self.run("lspci -n").output.count(" 0108: ")
        if found != self.controllers:
            self._fail(f"lspci shows {found} controllers instead of {self.controllers}")
        self.dmesg = self.run("dmesg").output
        for number in range(self.controllers):
            if self.run(f"ls /dev/nvme{number}").status:
                self._fail(f"controller {number} does not work")

    def poweroff(self):
        """Types poweroff; QEMU has to end by itself and with status 0."""
        self.send("poweroff\r")
        self.wait_for_end(0)
        if self.controllers and not self.traced(SHUTDOWN_EVENT):
            raise Failure("poweroff has not shut the controller down (CC.SHN)")

    def wait_for_end(self, status, timeout=TIMEOUT):
        self.expect(pexpect.EOF, timeout=timeout)
        try:
            self.status = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._fail("QEMU does not end")
        if self.status != status:
            self._fail(f"QEMU ended with status {self.status} instead of {status}")

    def kill(self):
        if self._process.poll() is None:
            self._process.kill()
        self.status = self._process.wait(TIMEOUT)

    def close(self):
        """Ends the machine in the orderly way if it is running, and looks at the complaints."""
        if not hasattr(self, "_process"):
            return
        try:
            if self.status is None and not self._broken:
                self.poweroff()
            if not self._broken:
                self.check_complaints()
        finally:
            self.kill()
            for stream in (self._socket, self._transcript, self._errors):
                stream.close()
            if hasattr(self, "qmp"):
                self.qmp.close()
            del self._process

    def _log_lines(self):
        if not self.log.exists():
            return []
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines()

    def traced(self, event):
        """The lines that a trace event has left."""
        return [line for line in self._log_lines() if is_pattern(line.split(" ")[0], event)]

    def complaints(self):
        """What the log holds besides the firmware's doings and the events that were asked for."""
        return [line for line in self._log_lines() if not FIRMWARE.fullmatch(line)
                and not any(is_pattern(line.split(" ")[0], event) for event in self.trace)]

    def check_complaints(self):
        lines = self.complaints()
        unexpected = [line for line in lines if not any(
            re.search(p, line) for p in (*self.provokes, *self.tolerates))]
        if unexpected:
            raise Failure("QEMU complains:\n" + "\n".join(unexpected[:40]))
        for pattern in self.provokes:
            if not any(re.search(pattern, line) for line in lines):
                raise Failure(f"QEMU should have complained of {pattern}")

    # ---- Talking to it ----------------------------------------------------------------------

    def write(self, text):
        """Takes what pexpect has read from the serial port."""
        self._said += text
        self._transcript.write(text)

    def flush(self):
        self._transcript.flush()

    def transcript(self):
        """All that the serial port has said so far."""
        return self._said

    def _fail(self, message):
        self._broken = True
        self.kill()
        self._errors.seek(0)
        raise Failure(f"{self.name}: {message}\n"
                      f"--- QEMU: {self._errors.read().strip() or 'nothing'}\n"
                      f"--- complaints: {self.complaints()[:10]}\n"
                      f"--- serial (all of it in {LOGS / self.name}.log):\n{self._said[-TAIL:]}")

    def send(self, text):
        if self._broken:
            raise Failure(f"{self.name} has failed before")
        try:
            os.write(self._socket.fileno(), text.encode() if isinstance(text, str) else text)
        except OSError as error:
            self._fail(f"typing {text[:40]!r}: {error}")

    def expect(self, pattern, timeout=TIMEOUT):
        """Waits for a regular expression, or for pexpect.EOF. Returns the match."""
        if self._broken:
            raise Failure(f"{self.name} has failed before")
        try:
            number = self.serial.expect([pattern, PANIC], timeout=timeout)
        except pexpect.TIMEOUT:
            self._fail(f"{pattern} did not come in {timeout} s")
        except (pexpect.EOF, ConnectionResetError):
            self._fail(f"QEMU ended instead of {pattern}")
        if number:
            self._fail("the kernel has panicked")
        return self.serial.match

    def feed(self, data, patience=math.inf):
        """Types bytes as fast as they are taken, and reads until nothing more comes, or until
        `patience` has passed. What comes is only looked at for a panic: it may be a lot."""
        said, end, stalled = b"", time.monotonic() + patience, time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            readable, writable, _ = select.select([self._socket], [self._socket] * bool(data), [], 0.2)
            if not readable and not data:
                return
            if readable:
                chunk = self._socket.recv(1 << 16)
                said = said[-1000:] + chunk
                if not chunk or PANIC.search(said.decode(errors="replace")):
                    self._fail(f"QEMU has ended or the kernel panicked: {said}")
            if writable:
                data = data[self._socket.send(data[:256], socket.MSG_DONTWAIT):]
                stalled = time.monotonic() + TIMEOUT
            if data and time.monotonic() > stalled:
                self._fail("nobody takes what is typed")

    def wait_for_prompt(self, timeout=TIMEOUT):
        """Returns what came before it, with plain newlines."""
        self.expect(PROMPT, timeout=timeout)
        return self.serial.before.replace("\r\n", "\n")

    def type(self, line):
        """Types a line and waits for its echo, as it is: we do not say how wide our terminal is."""
        self.send(line + "\r")
        self.expect(re.escape(line) + "\r\n")

    def run(self, command, timeout=TIMEOUT):
        """Runs a command at the prompt: its output and its exit status."""
        self.type(command)
        output = self.wait_for_prompt(timeout)
        self.type("echo $?")
        return Result(output, int(self.wait_for_prompt()))

    def good(self, command, timeout=TIMEOUT):
        """The output of a command that has to succeed."""
        output, status = self.run(command, timeout)
        assert status == 0, f"`{command}` gave status {status}: {output}"
        return output

    def keys(self, text, timeout=TIMEOUT):
        """Presses keys, then Enter. What the last line printed; the echo is not looked at."""
        self.send(text + "\r")
        self.expect("\r\n")
        return self.wait_for_prompt(timeout)
