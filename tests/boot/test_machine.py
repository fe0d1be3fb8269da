"""The tests' own eyes: what must fail a run does."""
import pytest

from machine import Failure


def test_a_missing_controller_is_a_failure(boot):
    with pytest.raises(Failure, match="lspci shows 0 controllers instead of 1"):
        boot.create(devices=[]).boot()


def test_a_missing_prompt_is_a_failure_that_shows_the_log(boot):
    machine = boot(cmdline='run="echo last words"')
    machine.send("sleep 100\r")
    with pytest.raises(Failure, match="last words"):
        machine.wait_for_prompt(timeout=1)


def test_an_ended_qemu_is_a_failure(boot):
    with pytest.raises(Failure, match="no-such-device"):
        boot.create(devices=["-device", "no-such-device"]).boot()


@pytest.mark.parametrize("line", [
    "pci_nvme_ub_db_wr_invalid_cq completion queue doorbell write for nonexistent queue, cqid=7",
    "pci_nvme_err_req_status cid 1 nsid 1 status 0x4002 opc 0x2",
    "Invalid write at addr 0xFED50000, size 4, region '(null)', reason: rejected"])
def test_complaints_are_failures(boot, line):
    machine = boot.create()
    firmware = "Invalid read at addr 0xFED40000, size 1, region '(null)', reason: rejected"
    machine.log.write_text(f"{firmware}\n{line}\n")
    with pytest.raises(Failure, match="QEMU complains"):
        machine.check_complaints()
    machine.provokes = [line.split(",")[0]]
    machine.check_complaints()
    machine.log.write_text("")
    with pytest.raises(Failure, match="should have complained"):
        machine.check_complaints()
