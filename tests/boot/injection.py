"""Ways to make a running machine's device misbehave: what QEMU puts beneath it (blkdebug,
throttle), the human monitor, and the qtest socket, which gets at memory and registers of the
guest behind its back."""
import json
import re
import socket

from machine import TIMEOUT

LIMITS = ("bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr")
COMPLAINTS = ["pci_nvme_err_aio", "pci_nvme_err_req_status"]  # of QEMU, about a failed request

ECAM = 0xb0000000
COMMAND, MEMORY, BUS_MASTER = 0x04, 0x2, 0x4  # of configuration space
DEVICE_CONTROL, FLR = 0x88, 0x8000  # ... of it: QEMU's PCIe capability is at 80h
MSIX_TABLE, MSIX_ENTRY, MSIX_CONTROL = 0x2000, 16, 12  # in BAR0 of QEMU's controller; bit 0: masked


def throttle(machine, bytes_per_second, device="n0"):
    """At 1 the first request passes and the next ones hang, until a reset or until this is 0."""
    machine.qmp.execute("block_set_io_throttle", id=f"/machine/peripheral/{device}",
                        **{**{name: 0 for name in LIMITS}, "bps": bytes_per_second})


def blkdebug(path, *errors):
    """A -blockdev for Machine(drive=): each error says which accesses fail, with EIO."""
    return json.dumps({
        "driver": "blkdebug", "node-name": "disk", "discard": "unmap",
        "image": {"driver": "file", "filename": str(path), "discard": "unmap"},
        "inject-error": [{"event": "none", "errno": 5, **error} for error in errors]})


def hmp(machine, line):
    """A command of the human monitor, and what it prints."""
    return machine.qmp.execute("human-monitor-command", **{"command-line": line})


class Qtest:
    """QEMU's own test protocol, beside a guest that runs. A Machine gets `arguments`."""

    def __init__(self, path):
        self._path = path
        self._socket = None
        self.arguments = ["-qtest", f"unix:{path},server=on,wait=off"]

    def _ask(self, line):
        if not self._socket:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(TIMEOUT)
            self._socket.connect(str(self._path))
            self._stream = self._socket.makefile("rw", encoding="ascii", newline="\n")
        self._stream.write(line + "\n")
        self._stream.flush()
        answer = self._stream.readline().split()
        assert answer[:1] == ["OK"], f"qtest: {line}: {answer}"
        return answer[1:]

    def read(self, address, size=4):
        return int(self._ask(f"read{ {1: 'b', 2: 'w', 4: 'l', 8: 'q'}[size] } {address:#x}")[0], 16)

    def write(self, address, value, size=4):
        self._ask(f"write{ {1: 'b', 2: 'w', 4: 'l', 8: 'q'}[size] } {address:#x} {value:#x}")

    def read_bytes(self, address, length):
        return bytes.fromhex(self._ask(f"read {address:#x} {length:#x}")[0][2:])

    def close(self):
        if self._socket:
            self._stream.close()
            self._socket.close()


def controller_address(machine):
    """Of the first controller: its configuration space in ECAM, and BAR0."""
    text = hmp(machine, "info pci")
    where = re.search(r"Bus +(\d+), device +(\d+), function (\d+):\s+Class 0264", text)
    bus, device, function = map(int, where.groups())
    bar = re.search(r"BAR0: 64 bit memory at 0x([0-9a-f]+)", text[where.end():])
    return ECAM + (bus << 20 | device << 15 | function << 12), int(bar[1], 16)
