"""Host and process: the registry's states and modes; shares that add up; what is not offered is absent."""

import gc
from collections import namedtuple
from contextlib import nullcontext
from types import SimpleNamespace

import psutil
import pytest

from otel_mldebug.instrument.resources import host, process

Times = namedtuple("Times", "user nice system idle iowait irq softirq steal guest guest_nice")
GIB = 2**30


def rows(readings) -> dict[tuple[str, ...], float]:
    return {(reading.metric.name, *reading.attributes.values()): reading.value for reading in readings}


def test_processor_shares_are_those_of_the_time_since_the_last_reading_and_add_up():
    answers = [Times(10, 0, 5, 100, 1, 0, 0, 0, 3, 0), Times(13, 0, 6, 104, 1, 0.5, 1.5, 0, 4, 0)]
    processors = host.Processors(lambda: answers.pop(0))

    first, second = rows(processors.read()), rows(processors.read())

    assert set(first) == {("system.cpu.logical.count",)}
    shares = {key[1]: value for key, value in second.items() if key[0] == "system.cpu.utilization"}
    assert shares == {
        "user": 0.3,
        "nice": 0.0,
        "system": 0.1,
        "idle": 0.4,
        "iowait": 0.0,
        "interrupt": 0.2,
        "steal": 0.0,
    }


def test_counters_that_go_back_or_stand_still_make_no_negative_share():
    answers = [Times(1, 0, 0, 9, 5, 0, 0, 0, 0, 0), Times(2, 0, 0, 9, 4, 0, 0, 0, 0, 0)] * 2
    processors = host.Processors(lambda: answers.pop(0))
    list(processors.read())
    shares = [r.value for r in processors.read() if r.attributes]

    assert (min(shares), sum(shares)) == (0.0, 1.0)


def test_memory_states_add_up_to_the_limit_and_swap_is_absent_without_swap():
    ram = SimpleNamespace(total=16 * GIB, free=2 * GIB, cached=5 * GIB, buffers=1 * GIB, used=7 * GIB)
    found = rows(host.memory(ram, SimpleNamespace(total=0, used=0, free=0)))

    assert found == {
        ("system.memory.limit",): 16 * GIB,
        ("system.memory.usage", "free"): 2 * GIB,
        ("system.memory.usage", "cached"): 5 * GIB,
        ("system.memory.usage", "buffers"): 1 * GIB,
        ("system.memory.usage", "used"): 8 * GIB,
        ("system.memory.utilization", "free"): 0.125,
        ("system.memory.utilization", "cached"): 0.3125,
        ("system.memory.utilization", "buffers"): 0.0625,
        ("system.memory.utilization", "used"): 0.5,
    }


def test_a_system_that_knows_no_caches_reports_used_and_free():
    ram = SimpleNamespace(total=8 * GIB, free=2 * GIB)
    found = rows(host.memory(ram, SimpleNamespace(total=4 * GIB, used=1 * GIB, free=3 * GIB)))

    assert [key for key in found if key[0] == "system.memory.usage"] == [
        ("system.memory.usage", "free"),
        ("system.memory.usage", "used"),
    ]
    assert found[("system.paging.usage", "used")] == 1 * GIB


def test_whole_disks_are_shown_and_partitions_and_loops_are_not(tmp_path):
    (tmp_path / "sda").mkdir()
    (tmp_path / "cciss!c0d0").mkdir()
    (tmp_path / "loop0").mkdir()
    traffic = SimpleNamespace(read_bytes=10, write_bytes=20)
    found = rows(host.disks(dict.fromkeys(["sda", "sda1", "loop0", "cciss/c0d0"], traffic), tmp_path))

    assert found == {
        ("system.disk.io", "sda", "read"): 10,
        ("system.disk.io", "sda", "write"): 20,
        ("system.disk.io", "cciss/c0d0", "read"): 10,
        ("system.disk.io", "cciss/c0d0", "write"): 20,
    }


def test_where_disks_and_partitions_cannot_be_told_apart_all_are_shown(tmp_path):
    traffic = SimpleNamespace(read_bytes=1, write_bytes=1)

    assert len(list(host.disks(dict.fromkeys(["disk0", "disk1"], traffic), tmp_path / "none"))) == 4


def test_interfaces_that_only_pass_on_are_left_out_and_their_number_is_bounded():
    traffic = SimpleNamespace(bytes_recv=3, bytes_sent=4)
    names = ["lo", "eth0", "veth12ab", "docker0", *(f"ib{n}" for n in range(50))]
    found = rows(host.interfaces(dict.fromkeys(names, traffic)))

    shown = list(dict.fromkeys(key[1] for key in found))
    assert (shown[:2], len(shown)) == (["eth0", "ib0"], host.MAX_DEVICES)
    assert found[("system.network.io", "eth0", "transmit")] == 4


def test_space_by_state_and_what_is_gone_is_absent(monkeypatch):
    usage = SimpleNamespace(total=100, used=60, free=30)

    def disk_usage(mount):
        if mount == "/gone":
            raise FileNotFoundError(mount)
        return usage

    monkeypatch.setattr(host.psutil, "disk_usage", disk_usage)

    assert rows(host.space(["/gone", "/data"])) == {
        ("system.filesystem.usage", "/data", "used"): 60,
        ("system.filesystem.usage", "/data", "free"): 30,
        ("system.filesystem.usage", "/data", "reserved"): 10,
        ("system.filesystem.utilization", "/data", "used"): 60 / 90,
    }


def test_the_places_that_matter_are_mount_points_each_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = host.places()

    assert found == list(dict.fromkeys(found))
    assert found[0] == str(host.mount_point(tmp_path))
    assert host.mount_point(tmp_path / "not" / "there").is_mount()


@pytest.mark.parametrize("probe", [host.host, host.filesystems, process.process])
def test_a_real_machine_answers_within_the_registry(probe):
    made = probe()
    list(made.read())
    readings = list(made.read())

    assert readings
    assert {reading.metric for reading in readings} <= set(made.metrics)
    for reading in readings:
        assert set(reading.attributes) == set(reading.metric.attributes), reading.metric.name
        assert reading.value >= 0
        if reading.metric.unit == "1":
            assert reading.value <= 1.0


class Program:
    """A process as psutil shows it, on a system that tells little."""

    def __init__(self) -> None:
        self.user_s = 1.0

    def oneshot(self):
        return nullcontext()

    def cpu_times(self):
        self.user_s += 2.0
        return SimpleNamespace(user=self.user_s, system=1.0)

    def memory_info(self):
        return SimpleNamespace(rss=100, vms=500)

    def num_threads(self):
        return 7

    def create_time(self):
        return 1000.0


def test_a_process_reports_shares_of_all_processors_and_leaves_out_what_the_system_does_not_tell():
    now = [10.0]
    own = process.Own(Program(), clock=lambda: now[0], now=lambda: 1060.0, processors=4)
    first = rows(own.read())
    now[0] += 5.0
    second = rows(own.read())

    collected = {
        ("cpython.gc.collections", generation): value["collections"] for generation, value in enumerate(gc.get_stats())
    }
    assert set(second) - set(first) == {("process.cpu.utilization", "user"), ("process.cpu.utilization", "system")}
    assert {key: value for key, value in second.items() if key not in collected} == {
        ("process.cpu.time", "user"): 5.0,
        ("process.cpu.time", "system"): 1.0,
        ("process.cpu.utilization", "user"): 0.1,
        ("process.cpu.utilization", "system"): 0.0,
        ("process.memory.usage",): 100,
        ("process.memory.virtual",): 500,
        ("process.thread.count",): 7,
        ("process.uptime",): 60.0,
    }


def test_a_tick_that_is_longer_than_what_has_passed_is_no_more_than_the_whole():
    now = [10.0]
    own = process.Own(Program(), clock=lambda: now[0], now=lambda: 1060.0, processors=1)
    rows(own.read())
    now[0] += 0.001

    assert rows(own.read())["process.cpu.utilization", "user"] == 1.0


def test_what_only_the_owner_may_see_is_absent():
    class Foreign(Program):
        def num_fds(self):
            raise psutil.AccessDenied(1)

    found = rows(process.Own(Foreign()).read())

    assert ("process.unix.file_descriptor.count",) not in found
    assert ("process.thread.count",) in found
