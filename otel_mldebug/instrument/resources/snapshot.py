"""The state of the machine at the moment of an error, for its finding."""

import psutil

from otel_mldebug._guard import guard
from otel_mldebug.instrument.resources.driver import Driver
from otel_mldebug.instrument.resources.reading import Reading
from otel_mldebug.rules.facts import Value
from otel_mldebug.semconv import names
from otel_mldebug.semconv.metric import Metric

SHM = "/dev/shm"  # noqa: S108
_GPU = {
    "gpu_memory_used_bytes": names.HW_GPU_MEMORY_USAGE,
    "gpu_memory_total_bytes": names.HW_GPU_MEMORY_LIMIT,
    "gpu_busy_share": names.HW_GPU_UTILIZATION,
}
"""One value for each GPU, in NVML's order."""

_driver: Driver | None = None


def use(driver: Driver | None) -> None:
    """Say whose readings a snapshot may use."""
    global _driver
    _driver = driver


def snapshot() -> dict[str, Value]:
    """Return what is known now, under names that end in their unit. Never raises; takes well below 2 ms.

    Memory of the process and the host are read now. Disks, processors and GPUs are taken from the latest readings of
    the samplers, a few seconds old at most, because a dead mount or a driver in trouble can hang.
    """
    found: dict[str, Value] = {}
    for add in (_memory, _disk, _sampled):
        with guard("take a snapshot of the machine"):
            add(found)
    return found


def _memory(found: dict[str, Value]) -> None:
    found["process_memory_bytes"] = psutil.Process().memory_info().rss
    ram = psutil.virtual_memory()
    found["host_memory_available_bytes"] = ram.available
    found["host_memory_total_bytes"] = ram.total


def _disk(found: dict[str, Value]) -> None:
    # From the sampler too: the working directory may lie on a mount that does not answer.
    for reading in _readings(names.SYSTEM_FILESYSTEM_USAGE):
        if reading.attributes[names.SYSTEM_FILESYSTEM_STATE] == "free":
            key = "shared_memory_free_bytes" if reading.attributes[names.SYSTEM_FILESYSTEM_MOUNTPOINT] == SHM else ""
            found.setdefault(key or "disk_free_bytes", int(reading.value))  # the working directory's comes first


def _sampled(found: dict[str, Value]) -> None:
    idle = [r.value for r in _readings(names.SYSTEM_CPU_UTILIZATION) if r.attributes[names.CPU_MODE] == "idle"]
    if idle:
        found["host_processor_share"] = round(1 - idle[0], 3)
    for key, metric in _GPU.items():
        if values := [reading.value for reading in _readings(metric)]:
            found[key] = tuple(map(float, values)) if metric.unit == "1" else tuple(map(int, values))


def _readings(metric: Metric) -> list[Reading]:
    return [] if _driver is None else [r for sampler in _driver.samplers for r in sampler.readings(metric)]
