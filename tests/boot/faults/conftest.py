"""Fixtures: one for each way to get at QEMU while the guest runs."""
import pytest

import injection


@pytest.fixture
def qmp():
    """QEMU's machine protocol: qmp(machine, "command", argument=...)."""
    return lambda machine, command, **arguments: machine.qmp.execute(command, **arguments)


@pytest.fixture
def hmp():
    """The human monitor: hmp(machine, "line") returns what it prints."""
    return injection.hmp


@pytest.fixture(scope="module")
def qtest(boot_shared):
    """Memory, registers and configuration space, for a machine with extra=qtest.arguments."""
    probe = injection.Qtest(boot_shared.directory / "qtest.sock")
    yield probe
    probe.close()
