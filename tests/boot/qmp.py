"""QEMU's machine protocol: JSON lines over a socket, one command at a time."""
import json


class QmpError(Exception):
    """QEMU refused a command."""


class Qmp:
    def __init__(self, sock, timeout):
        sock.settimeout(timeout)
        self._stream = sock.makefile("rw", encoding="utf-8", newline="\n")
        self._events = []
        self._read()  # the greeting
        self.execute("qmp_capabilities")

    def _read(self):
        line = self._stream.readline()
        if not line:
            raise QmpError("QEMU has closed its monitor")
        return json.loads(line)

    def wait_for(self, event, **data):
        """Returns when an event has come whose data has all of this in it."""
        while True:
            for number, seen in enumerate(self._events):
                if seen["event"] == event and data.items() <= seen.get("data", {}).items():
                    del self._events[number]
                    return
            answer = self._read()
            if "event" in answer:
                self._events.append(answer)

    def execute(self, command, **arguments):
        """Returns what the command returns. Events that arrive meanwhile are kept."""
        self._stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self._stream.flush()
        while True:
            answer = self._read()
            if "error" in answer:
                raise QmpError(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
            self._events.append(answer)

    def close(self):
        self._stream.close()
