"""GPUs: the registry's names and units; what a card cannot tell is absent; nothing is ever set."""

import sys

import pytest

from otel_mldebug import _guard
from otel_mldebug.instrument.resources import gpu
from tests.instrument.resources import nvml_recorded as recorded


def read(nvml) -> dict[tuple[str, ...], float]:
    return {
        (reading.metric.name, *(reading.attributes[key] for key in sorted(reading.attributes))): reading.value
        for reading in gpu.probe(nvml).read()
    }


def test_each_gpu_reports_what_it_can_in_the_units_of_the_registry():
    h100 = (recorded.DATA_CENTRE, "NVIDIA H100 80GB HBM3")
    laptop = (recorded.LAPTOP, "NVIDIA GeForce RTX 3050 Laptop GPU")

    assert read(recorded.NVML()) == {
        ("hw.gpu.memory.usage", *h100): 65466793984,
        ("hw.gpu.memory.limit", *h100): 85520809984,
        ("hw.gpu.memory.utilization", *h100): 65466793984 / 85520809984,
        ("hw.gpu.utilization", *h100): 0.87,
        ("hw.temperature", *h100, "gpu"): 54,
        ("hw.power", *h100, "gpu"): 412.345,
        ("hw.energy", *h100, "gpu"): 987654.321,
        ("hw.errors", "uncorrected", *h100, "gpu"): 2.0,
        ("hw.gpu.memory.usage", *laptop): 429496730,
        ("hw.gpu.memory.limit", *laptop): 4294967296,
        ("hw.gpu.memory.utilization", *laptop): 429496730 / 4294967296,
        ("hw.gpu.utilization", *laptop): 0.03,
        ("hw.temperature", *laptop, "gpu"): 46,
    }


def test_every_attribute_of_a_reading_is_in_the_registry():
    for reading in gpu.probe(recorded.NVML()).read():
        assert set(reading.attributes) == set(reading.metric.attributes), reading.metric.name


def test_nvml_is_started_once_and_shut_down_once_and_nothing_is_set():
    nvml = recorded.NVML()
    probe = gpu.probe(nvml)
    list(probe.read())
    probe.close()

    assert nvml.calls == ["nvmlInit", "nvmlShutdown"]
    assert [name for name in dir(nvml) if "Set" in name] == []


def test_without_the_library_there_is_no_probe_and_no_warning(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "pynvml", None)

    assert (gpu.probe(), caplog.records) == (None, [])


def test_without_a_driver_there_is_no_probe_and_no_warning(monkeypatch, caplog):
    nvml = recorded.NVML()

    def fail():
        raise recorded.NVMLError_DriverNotLoaded

    monkeypatch.setattr(nvml, "nvmlInit", fail)

    assert (gpu.probe(nvml), caplog.records) == (None, [])


def test_with_a_driver_and_no_gpu_there_is_no_probe_and_nothing_stays_open():
    nvml = recorded.NVML(())

    assert (gpu.probe(nvml), nvml.calls) == (None, ["nvmlInit", "nvmlShutdown"])


def test_a_recording_that_is_installed_is_found(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    recorded.install()

    assert len({reading.attributes["hw.id"] for reading in gpu.probe().read()}) == 2


def test_a_gpu_that_is_lost_takes_nothing_from_the_others_and_is_logged_once(monkeypatch, caplog):
    monkeypatch.setattr(_guard, "strict", False)
    h100, laptop = recorded.RECORDED
    lost = recorded.NVMLError_GpuIsLost()
    broken = {
        **h100,
        "utilization": lost,
        "memory": lost,
        "temperature": lost,
        "power": lost,
        "energy": lost,
        "ecc": lost,
    }
    probe = gpu.probe(recorded.NVML((broken, laptop)))

    first, second = list(probe.read()), list(probe.read())

    assert {reading.attributes["hw.id"] for reading in first} == {recorded.LAPTOP}
    assert len(first) == len(second) == 5
    assert sum(_guard.faults().values()) == 12
    assert len(caplog.records) == 6


def test_a_gpu_that_cannot_be_named_is_left_out(monkeypatch):
    monkeypatch.setattr(_guard, "strict", False)
    h100, laptop = recorded.RECORDED
    probe = gpu.probe(recorded.NVML(({**h100, "uuid": recorded.NVMLError_GpuIsLost()}, laptop)))

    assert {reading.attributes["hw.id"] for reading in probe.read()} == {recorded.LAPTOP}


@pytest.mark.parametrize("name", [b"Tesla T4", "Tesla T4"])
def test_names_may_come_as_bytes(name):
    nvml = recorded.NVML(({**recorded.RECORDED[1], "name": name},))

    assert {reading.attributes["hw.name"] for reading in gpu.probe(nvml).read()} == {"Tesla T4"}
