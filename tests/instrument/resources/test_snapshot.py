"""The snapshot for a finding: cheap, safe, and complete only as far as something is known."""

import time

import pytest
from opentelemetry.sdk.metrics import MeterProvider

from otel_mldebug import _guard
from otel_mldebug.instrument.resources import gpu, host
from otel_mldebug.instrument.resources import snapshot as module
from otel_mldebug.instrument.resources.driver import Driver, Sampler
from otel_mldebug.instrument.resources.snapshot import snapshot
from tests.instrument.resources import nvml_recorded

NOW = {"process_memory_bytes", "host_memory_available_bytes", "host_memory_total_bytes"}


@pytest.fixture(autouse=True)
def _nothing_sampled():
    module.use(None)
    yield
    module.use(None)


def sampled(*probes) -> None:
    driver = Driver(MeterProvider(shutdown_on_exit=False).get_meter("test"), [Sampler(p, 5.0) for p in probes])
    for _ in range(2):
        for sampler in driver.samplers:
            sampler.sample()
    module.use(driver)


def test_without_a_sampler_memory_is_known_and_nothing_else():
    found = snapshot()

    assert set(found) == NOW
    assert 0 < found["process_memory_bytes"] < found["host_memory_total_bytes"]


def test_gpus_and_disks_come_from_the_latest_readings():
    sampled(gpu.probe(nvml_recorded.NVML()), host.filesystems())
    found = snapshot()

    assert {key: value for key, value in found.items() if key.startswith("gpu")} == {
        "gpu_memory_used_bytes": (65466793984, 429496730),
        "gpu_memory_total_bytes": (85520809984, 4294967296),
        "gpu_busy_share": (0.87, 0.03),
    }
    assert found["disk_free_bytes"] > 0


def test_what_cannot_be_read_is_absent_and_nothing_is_raised(monkeypatch):
    monkeypatch.setattr(_guard, "strict", False)

    def fail():
        raise OSError("no /proc")

    monkeypatch.setattr(module.psutil, "virtual_memory", fail)

    assert set(snapshot()) == {"process_memory_bytes"}


def test_it_is_cheap():
    sampled(gpu.probe(nvml_recorded.NVML()), host.host(), host.filesystems())
    costs_s = []
    for _ in range(20):
        began_s = time.thread_time()
        snapshot()
        costs_s.append(time.thread_time() - began_s)

    assert sorted(costs_s)[len(costs_s) // 2] < 0.002
