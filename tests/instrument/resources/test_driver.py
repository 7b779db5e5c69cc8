"""The driver: callbacks read a cache; slow, raising and hanging probes harm nobody; helpers sample nothing."""

import os
import threading
import time

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from otel_mldebug import _guard
from otel_mldebug.config import Config
from otel_mldebug.instrument import resources
from otel_mldebug.instrument.resources import driver as module
from otel_mldebug.instrument.resources.driver import Driver, Sampler
from otel_mldebug.instrument.resources.reading import Probe, Reading, late
from otel_mldebug.semconv import names

BUSY, POWER, ENERGY = names.HW_GPU_UTILIZATION, names.HW_POWER, names.HW_ENERGY
INTERVAL_S = 5.0
DEADLINE_S = 10.0


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Machine:
    """A driver whose probes are read only when told to, on a clock of its own."""

    def __init__(self, *reads) -> None:
        self.clock = Clock()
        self.closed: list[int] = []
        self.samplers = [
            Sampler(Probe(f"probe {n}", (BUSY, POWER), read, lambda n=n: self.closed.append(n)), INTERVAL_S, self.clock)
            for n, read in enumerate(reads)
        ]
        self.reader = InMemoryMetricReader()
        meter = MeterProvider([self.reader], shutdown_on_exit=False).get_meter("test")
        self.driver = Driver(meter, self.samplers)

    def sample(self) -> None:
        for sampler in self.samplers:
            sampler.sample()

    def points(self) -> dict[tuple[str, str], float]:
        data = self.reader.get_metrics_data()
        return {
            (metric.name, point.attributes["hw.id"]): point.value
            for resource in (data.resource_metrics if data else [])
            for scope in resource.scope_metrics
            for metric in scope.metrics
            for point in metric.data.data_points
        }


def eventually(condition) -> bool:
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition() and time.monotonic() < deadline_s:
        threading.Event().wait(0.01)
    return bool(condition())


def test_instruments_show_what_was_read_and_nothing_before():
    machine = Machine(
        lambda: [Reading(BUSY, 0.5, {"hw.id": "a"}), Reading(BUSY, 0.7, {"hw.id": "b"})],
        lambda: [Reading(BUSY, 0.9, {"hw.id": "c"})],
    )
    before = machine.points()
    machine.sample()

    assert before == {}
    assert machine.points() == {(BUSY.name, "a"): 0.5, (BUSY.name, "b"): 0.7, (BUSY.name, "c"): 0.9}


def test_collecting_reads_no_probe():
    reads = []
    machine = Machine(lambda: reads.append(1) or [Reading(BUSY, 0.5, {"hw.id": "a"})])
    machine.sample()
    for _ in range(5):
        machine.points()

    assert reads == [1]


def test_instruments_have_name_unit_and_kind_of_the_registry():
    reader = InMemoryMetricReader()
    probe = Probe("x", (BUSY, ENERGY), lambda: [Reading(BUSY, 0.5, {}), Reading(ENERGY, 5, {})])
    sampler = Sampler(probe, INTERVAL_S)
    Driver(MeterProvider([reader], shutdown_on_exit=False).get_meter("test"), [sampler])
    sampler.sample()

    made = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    assert [(m.name, m.unit, m.description, type(m.data).__name__) for m in made] == [
        (BUSY.name, BUSY.unit, BUSY.brief, "Gauge"),
        (ENERGY.name, ENERGY.unit, ENERGY.brief, "Sum"),
    ]


def test_a_probe_that_raises_is_counted_logged_once_and_shows_nothing(monkeypatch, caplog):
    monkeypatch.setattr(_guard, "strict", False)
    answers = [True, False, False]

    def read():
        yield Reading(BUSY, 0.5, {"hw.id": "a"})
        if not answers.pop(0):
            raise OSError("driver")

    machine = Machine(read, lambda: [Reading(POWER, 100, {"hw.id": "b"})])
    machine.sample()
    fine = machine.points()
    machine.sample()
    machine.sample()

    assert fine == {(BUSY.name, "a"): 0.5, (POWER.name, "b"): 100}
    assert machine.points() == {(POWER.name, "b"): 100}
    assert _guard.faults() == {"read probe 0": 2}
    assert len(caplog.records) == 1


def test_what_is_too_old_is_absent():
    machine = Machine(lambda: [Reading(BUSY, 0.5, {"hw.id": "a"})])
    machine.sample()
    machine.clock.now_s += module.STALE_INTERVALS * INTERVAL_S
    at_the_limit = machine.points()
    machine.clock.now_s += 0.1

    assert (at_the_limit, machine.points()) == ({(BUSY.name, "a"): 0.5}, {})


def test_a_slow_probe_is_read_so_rarely_that_it_keeps_its_share():
    machine = Machine()

    def slow():
        machine.clock.now_s += 2.0
        return [Reading(BUSY, 0.5, {"hw.id": "a"})]

    sampler = Sampler(Probe("slow", (BUSY,), slow), INTERVAL_S, machine.clock)
    sampler.sample()

    assert sampler._wait_s == 2.0 / module.MAX_SHARE
    machine.clock.now_s += sampler._wait_s
    assert sampler.readings(BUSY) != []


def test_another_process_than_the_one_that_read_shows_nothing(monkeypatch):
    machine = Machine(lambda: [Reading(BUSY, 0.5, {"hw.id": "a"})])
    machine.sample()
    monkeypatch.setattr(module.os, "getpid", lambda: os.getppid())

    assert machine.points() == {}


def test_samplers_read_at_once_and_stop_for_good():
    machine = Machine(lambda: [Reading(BUSY, 0.5, {"hw.id": "a"})])
    machine.driver.start()
    assert eventually(machine.points)
    machine.driver.stop()

    assert (machine.points(), machine.closed) == ({(BUSY.name, "a"): 0.5}, [0])
    machine.clock.now_s += 4 * INTERVAL_S
    assert machine.points() == {}
    assert [t for t in threading.enumerate() if t.name.startswith("otel-mldebug probe")] == []


def test_a_probe_that_hangs_holds_up_neither_the_others_nor_the_end(monkeypatch):
    monkeypatch.setattr(module, "_STOP_TIMEOUT_S", 0.01)
    hanging, release = threading.Event(), threading.Event()

    def hang():
        hanging.set()
        release.wait(DEADLINE_S)
        return []

    machine = Machine(hang, lambda: [Reading(BUSY, 0.5, {"hw.id": "a"})])
    machine.driver.start()
    try:
        assert hanging.wait(DEADLINE_S)
        assert eventually(lambda: machine.points() == {(BUSY.name, "a"): 0.5})
        machine.driver.stop()
        assert machine.closed == [1]
    finally:
        release.set()


@pytest.mark.parametrize(
    ("forked", "child", "environ", "expected"),
    [
        pytest.param(False, False, {}, False, id="a program"),
        pytest.param(False, True, {}, True, id="a DataLoader worker"),
        pytest.param(False, True, {"RANK": "1"}, False, id="a rank that multiprocessing started"),
        pytest.param(True, False, {}, True, id="a forked child"),
    ],
)
def test_who_only_helps_samples_nothing(monkeypatch, forked, child, environ, expected):
    monkeypatch.setattr(resources, "_IMPORTED_BY", -1 if forked else os.getpid())
    monkeypatch.setattr(resources.multiprocessing, "parent_process", lambda: object() if child else None)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    threads = threading.active_count()
    meter = MeterProvider(shutdown_on_exit=False).get_meter("test")
    started = resources.start(meter, Config(resources_interval_s=3600.0))
    try:
        assert (threading.active_count() == threads) == expected
    finally:
        started.stop()


@pytest.mark.parametrize(("rank", "expected"), [(None, True), ("0", True), ("3", False)])
def test_only_the_first_rank_of_a_host_reads_the_host(monkeypatch, rank, expected):
    if rank is not None:
        monkeypatch.setenv("LOCAL_RANK", rank)
    found = [probe.name for probe in resources.probes()]

    assert ("the host" in found) == expected
    assert "the process" in found


def test_what_reading_costs_is_known(monkeypatch):
    monkeypatch.setattr(module, "_spent_ns", {})
    machine = Machine(lambda: [Reading(BUSY, sum(range(10_000)) * 0.0, {"hw.id": "a"})])
    machine.sample()
    once_ns = module.spent_ns()
    machine.sample()

    assert 0 < once_ns < module.spent_ns()


def test_what_takes_long_to_find_is_looked_for_in_the_thread_of_its_sampler_and_once():
    found_by, closed = [], []

    def make():
        found_by.append(threading.current_thread())
        return Probe("x", (BUSY,), lambda: [Reading(BUSY, 0.5, {"hw.id": "a"})], lambda: closed.append(1))

    sampler = Sampler(late("the GPUs", (BUSY,), make), INTERVAL_S)
    sampler.start()
    assert eventually(lambda: sampler.readings(BUSY))
    sampler.sample()
    sampler.stop()

    assert (len(found_by), closed) == (1, [1])
    assert found_by[0] is not threading.current_thread()


def test_the_thread_of_what_is_not_there_ends():
    sampler = Sampler(late("the GPUs", (BUSY,), lambda: None), INTERVAL_S)
    sampler.start()

    assert eventually(lambda: not sampler._thread.is_alive())
    sampler.stop()
    assert sampler.readings(BUSY) == []
