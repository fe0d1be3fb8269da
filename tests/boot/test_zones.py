"""Zoned namespaces: zones are written in order, by whatever is in flight, and what the device
refuses is said in words."""
import pytest

KIB, MIB = 1 << 10, 1 << 20
ZONE = 2048  # blocks of 512 bytes, of which 1536 can be written
ZONES = 16

DISK = "/dev/nvme0n1"


def devices(path, more="", zone="1M", capacity="768K"):
    return ["-drive", f"file={path},if=none,id=disk,format=raw",
            "-device", "nvme,id=n0,serial=zones,mdts=5",
            "-device", "nvme-ns,drive=disk,bus=n0,nsid=1,zoned=on,"
                       f"zoned.zone_size={zone},zoned.zone_capacity={capacity}{more}"]


@pytest.fixture(name="path")
def image(boot):
    return boot.file("zones.img", ZONES * MIB)


def zones(machine):
    """What report-zones says: {number: (state, blocks below the write pointer)}."""
    lines = machine.good(f"nvme zns report-zones {DISK}").splitlines()
    assert lines[0] == f"nr_zones: {ZONES}"
    rows = [dict(zip(row[::2], row[1::2])) for row in (line.split() for line in lines[1:])]
    return {index: (int(row["State:"], 0) >> 4, int(row["WP:"], 0) - int(row["SLBA:"], 0))
            for index, row in enumerate(rows)}


def test_a_zone_from_start_to_end(boot, path):
    """In order it is taken, whatever the size of the records, and out of order it is not."""
    machine = boot(devices=devices(path))
    assert "nvme0n1: 32768 blocks of 512 bytes, zoned" in machine.dmesg
    assert machine.good("lsblk -no NAME,ZONED") == "nvme0n1 host-managed\n"
    machine.good("seq 150000 > numbers; dd if=numbers of=data bs=64k count=8")
    machine.good(f"dd if=data of={DISK} bs=4k")
    machine.good(f"dd if=data of={DISK} bs=512 seek=1024 count=512")
    assert zones(machine)[0] == (0xe, 0xffffffffffffffff)
    machine.good(f"cmp -n {512 * KIB} data {DISK}")
    machine.good(f"dd if={DISK} of=half bs=1k skip=512 count=256; cmp -n {256 * KIB} data half")

    machine.provokes += ["pci_nvme_err_zone_is_full", "pci_nvme_err_write_not_at_wp",
                         "pci_nvme_err_zone_boundary", "pci_nvme_err_req_status"]
    output, status = machine.run(f"dd if=/dev/zero of={DISK} bs=64k count=1")
    assert status == 1 and "Zone Is Full (SCT 1h, SC b9h)" in output
    assert f"dd: error writing '{DISK}': Input/output error" in output
    output, status = machine.run(f"dd if=/dev/zero of={DISK} bs=64k count=1 seek=17")
    assert status == 1 and "Zone Invalid Write (SCT 1h, SC bch)" in output
    assert zones(machine)[1] == (1, 0)

    machine.good(f"nvme zns reset-zone {DISK} -s 0")
    assert zones(machine)[0] == (1, 0)
    machine.good(f"cmp -n {512 * KIB} {DISK} /dev/zero")
    # Of records that went together all are there that fit, whichever command was too long.
    output, status = machine.run(f"dd if=numbers of={DISK} bs=20k")
    assert status == 1 and "Zone Boundary Error" in output and "38+0 records out" in output
    machine.good(f"cmp -n {38 * 20 * KIB} numbers {DISK}")
    assert zones(machine)[0] == (2, 38 * 40)


def test_across_zones(boot, path):
    """Reads and writes that are larger than a zone are cut where it ends, also by dd's ring."""
    machine = boot(devices=devices(path, zone="96K", capacity="96K"))
    machine.good("seq 400000 > numbers; dd if=numbers of=data bs=64k count=40", 60)
    for record in ("64k", "1M", "100k", "2k"):
        machine.good(f"nvme zns reset-zone {DISK} -a")
        machine.good(f"dd if=data of={DISK} bs={record}")
        machine.good(f"cmp -n {40 * 64 * KIB} data {DISK}")
    size = ZONES * MIB // (96 * KIB) * 96 * KIB
    assert machine.good(f"dd if={DISK} bs=1M | wc -c").splitlines()[-1] == str(size)


@pytest.mark.parametrize("more,cmdline", (
    ("", ""),
    ("--numjobs=2 --offset_increment=1M --size=768k", ""),
    ("--numjobs=2 --offset_increment=1M --size=768k", "nvme.queues=1 nvme.poll_queues=0"),
), ids=("one", "two", "shared"))
def test_many_in_flight(boot, path, more, cmdline):
    """fio writes with a queue that is deep, and from two processors, each with a queue of its own or
    both with one: each zone in its order."""
    machine = boot(devices=devices(path), smp=2, cmdline=cmdline)
    job = f"fio --name=w --filename={DISK} --rw=write --iodepth=32 --offset=2M --size=768k"
    output = machine.good(f"{job} --bs=4k --verify=crc32c {more}", 60)
    assert "err= 0" in output
    machine.good(f"nvme zns reset-zone {DISK} -a")
    machine.good(f"{job} --bs=16k {more}", 60)
    state = zones(machine)
    assert state[2][0] == 0xe and state[4] == (1, 0)
    assert (state[3][0] == 0xe) == bool(more)


def test_limits_and_states(boot, path):
    """Two may be open and three active; the device's reasons come in words."""
    machine = boot(devices=devices(path, ",zoned.max_open=2,zoned.max_active=3"))
    for zone in range(3):
        machine.good(f"dd if=/dev/zero of={DISK} bs=512 count=1 seek={zone * ZONE}")
    assert [zones(machine)[zone][0] for zone in range(4)] == [4, 2, 2, 1]
    machine.provokes += ["pci_nvme_err_insuff_active_res", "pci_nvme_err_insuff_open_res",
                         "pci_nvme_err_invalid_zone_state_transition", "pci_nvme_err_req_status"]
    output, status = machine.run(f"dd if=/dev/zero of={DISK} bs=512 count=1 seek={3 * ZONE}")
    assert status == 1 and "Too Many Active Zones" in output
    for zone in (0, 1):
        assert machine.good(f"nvme zns open-zone {DISK} -s {zone * ZONE}") == \
            f"zns-open-zone: Success zone slba:{zone * ZONE:x} nsid:1\n"
    assert machine.run(f"nvme zns open-zone {DISK} -s {2 * ZONE}") == \
        ("NVMe status: Too Many Open Zones(0x41be)\n", 1)
    assert machine.run(f"nvme zns close-zone {DISK} -s {3 * ZONE}") == \
        ("NVMe status: Invalid Zone State Transition(0x41bf)\n", 1)
    assert machine.good(f"nvme zns finish-zone {DISK} -s 0") == \
        "zns-finish-zone: Success, action:2 zone:0 all:0 zcapc:0 nsid:1\n"
    machine.good(f"nvme zns close-zone {DISK} --select-all")
    machine.good("dd if=/dev/zero of=one bs=512 count=1")
    for lba in range(2):
        assert machine.good(f"nvme zns zone-append {DISK} -s {5 * ZONE} -z 512 -d one") == \
            f"Success appended data to LBA {5 * ZONE + lba:x}\n"
    machine.good(f"nvme zns reset-zone {DISK} -a")
    assert set(zones(machine).values()) == {(1, 0)}


def test_what_is_not_zoned(boot):
    machine = boot()
    assert machine.run(f"nvme zns report-zones {DISK}") == \
        (f"nvme zns report-zones: namespace 1 of {DISK} is not zoned\n", 1)
    assert len(machine.good("nvme zns list").splitlines()) == 2
    assert machine.run("nvme zns nonsense")[1] == 1
    assert "report-zones" in machine.good("nvme zns help")
