"""GPUs, through NVML. Observes only: no mode is ever set."""

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from otel_mldebug._guard import fault
from otel_mldebug.instrument.resources.reading import Probe, Reading
from otel_mldebug.semconv import names
from otel_mldebug.semconv.metric import Metric

Read = Callable[[Any, Any], float]
"""Takes the NVML module and a handle, returns a value in the unit of its metric."""


def _ecc(nvml: Any, handle: Any) -> float:
    return float(
        nvml.nvmlDeviceGetTotalEccErrors(handle, nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, nvml.NVML_VOLATILE_ECC)
    )


# NVML's units become the registry's here and nowhere else. Memory comes from one call, see `_memory`.
# Source: NVML API reference, nvmlDeviceGetUtilizationRates (percent), nvmlDeviceGetTemperature (degrees Celsius),
# nvmlDeviceGetPowerUsage (milliwatt), nvmlDeviceGetTotalEnergyConsumption (millijoule since the driver was loaded).
_READS: tuple[tuple[Metric, Read], ...] = (
    (names.HW_GPU_UTILIZATION, lambda nvml, gpu: nvml.nvmlDeviceGetUtilizationRates(gpu).gpu / 100),
    (names.HW_TEMPERATURE, lambda nvml, gpu: nvml.nvmlDeviceGetTemperature(gpu, nvml.NVML_TEMPERATURE_GPU)),
    (names.HW_POWER, lambda nvml, gpu: nvml.nvmlDeviceGetPowerUsage(gpu) / 1000),
    (names.HW_ENERGY, lambda nvml, gpu: nvml.nvmlDeviceGetTotalEnergyConsumption(gpu) / 1000),
    (names.HW_ERRORS, _ecc),
)
_MEMORY = (names.HW_GPU_MEMORY_USAGE, names.HW_GPU_MEMORY_LIMIT, names.HW_GPU_MEMORY_UTILIZATION)
METRICS = (*_MEMORY, *(metric for metric, _ in _READS))
_ABSENT = ("NVMLError_NotSupported", "NVMLError_NoPermission", "NVMLError_FunctionNotFound")
"""What NVML answers when a card, a driver or the user's rights do not offer a value."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU: its NVML handle, and the attributes of its readings."""

    handle: Any
    attributes: dict[str, str]


def probe(nvml: Any = None) -> Probe | None:
    """Return the probe of all GPUs; None without NVML, without its driver, or without a GPU.

    Args:
        nvml: The module `pynvml`, or one like it; imported by default.
    """
    try:
        nvml = nvml or importlib.import_module("pynvml")
    except ImportError:
        return None
    try:
        nvml.nvmlInit()
    except nvml.NVMLError:
        return None  # no driver, no GPU: nothing to say
    gpus = find(nvml)
    if not gpus:
        nvml.nvmlShutdown()
        return None
    return Probe("the GPUs", METRICS, lambda: read(nvml, gpus), nvml.nvmlShutdown)


def find(nvml: Any) -> list[Gpu]:
    """Return the GPUs that NVML shows. One that cannot be named, such as one that fell off the bus, is left out."""
    found = [_identified(nvml, index) for index in range(nvml.nvmlDeviceGetCount())]
    return [gpu for gpu in found if gpu is not None]


def _identified(nvml: Any, index: int) -> Gpu | None:
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        attributes = {
            names.HW_ID: _text(nvml.nvmlDeviceGetUUID(handle)),
            names.HW_NAME: _text(nvml.nvmlDeviceGetName(handle)),
        }
        return Gpu(handle, attributes)
    except nvml.NVMLError as exc:
        fault("identify a GPU", exc)
        return None


def read(nvml: Any, gpus: list[Gpu]) -> Iterator[Reading]:
    """Yield what each GPU reports; what one of them does not is absent for that one only."""
    absent = tuple(getattr(nvml, name) for name in _ABSENT if hasattr(nvml, name))
    for gpu in gpus:
        for take in (_memory, _others):
            yield from take(nvml, gpu, absent)


def memory(nvml: Any, gpu: Gpu) -> tuple[int, int]:
    """Return the used and the whole memory of a GPU, bytes."""
    info = nvml.nvmlDeviceGetMemoryInfo(gpu.handle)
    return int(info.used), int(info.total)


def _memory(nvml: Any, gpu: Gpu, absent: tuple[type[Exception], ...]) -> Iterator[Reading]:
    try:
        used, total = memory(nvml, gpu)
    except absent:
        return
    except nvml.NVMLError as exc:
        fault("read the memory of a GPU", exc)
        return
    yield Reading(names.HW_GPU_MEMORY_USAGE, used, gpu.attributes)
    yield Reading(names.HW_GPU_MEMORY_LIMIT, total, gpu.attributes)
    if total:
        yield Reading(names.HW_GPU_MEMORY_UTILIZATION, used / total, gpu.attributes)


def _others(nvml: Any, gpu: Gpu, absent: tuple[type[Exception], ...]) -> Iterator[Reading]:
    for metric, take in _READS:
        attributes = dict(gpu.attributes)
        if names.HW_TYPE in metric.attributes:
            attributes[names.HW_TYPE] = "gpu"
        if metric is names.HW_ERRORS:
            attributes[names.ERROR_TYPE] = "uncorrected"
        try:
            yield Reading(metric, take(nvml, gpu.handle), attributes)
        except absent:
            continue
        except nvml.NVMLError as exc:
            fault(f"read {metric.name} of a GPU", exc)


def _text(value: str | bytes) -> str:
    """Return a name as text; older versions of the module return bytes."""
    return value.decode() if isinstance(value, bytes) else value
