"""What NVML answers for two GPUs: a data-centre card, and a laptop card that cannot report power, energy and ECC.

`NVML()` stands for the module `pynvml`: pass it to `gpu.probe`, or call `install()` before anything is sampled, in a
program of its own (`sys.modules` is all it changes).
"""

import sys
from types import SimpleNamespace
from typing import Any

DATA_CENTRE = "GPU-5b3c2a77-0c6e-6a4d-9f0e-1c6de0a1b2c3"
LAPTOP = "GPU-0f9e8d7c-6b5a-4938-2716-05f4e3d2c1b0"


class NVMLError(Exception):
    """As in pynvml: the base of all its errors."""

    value = 999  # NVML_ERROR_UNKNOWN

    def __str__(self) -> str:
        return {3: "Not Supported", 9: "Driver Not Loaded", 15: "GPU is lost"}.get(self.value, "Unknown Error")


class NVMLError_NotSupported(NVMLError):  # noqa: N801, N818  (pynvml's names)
    value = 3


class NVMLError_DriverNotLoaded(NVMLError):  # noqa: N801, N818
    value = 9


class NVMLError_GpuIsLost(NVMLError):  # noqa: N801, N818
    value = 15


RECORDED: tuple[dict[str, Any], ...] = (
    {
        "uuid": DATA_CENTRE,
        "name": "NVIDIA H100 80GB HBM3",
        "utilization": SimpleNamespace(gpu=87, memory=41),  # percent
        "memory": SimpleNamespace(total=85520809984, free=20054016000, used=65466793984),
        "temperature": 54,
        "power": 412_345,  # milliwatt
        "energy": 987_654_321,  # millijoule
        "ecc": 2,
    },
    {
        "uuid": LAPTOP,
        "name": "NVIDIA GeForce RTX 3050 Laptop GPU",
        "utilization": SimpleNamespace(gpu=3, memory=0),
        "memory": SimpleNamespace(total=4294967296, free=3865470566, used=429496730),
        "temperature": 46,
    },
)


class NVML:
    """The part of pynvml that is asked; `calls` holds the names of all functions that were called, in order."""

    NVMLError = NVMLError
    NVMLError_NotSupported = NVMLError_NotSupported
    NVMLError_DriverNotLoaded = NVMLError_DriverNotLoaded
    NVMLError_GpuIsLost = NVMLError_GpuIsLost
    NVML_TEMPERATURE_GPU = 0
    NVML_MEMORY_ERROR_TYPE_UNCORRECTED = 1
    NVML_VOLATILE_ECC = 0

    def __init__(self, gpus: tuple[dict[str, Any], ...] = RECORDED) -> None:
        self._gpus = gpus
        self.calls: list[str] = []

    def nvmlInit(self) -> None:  # noqa: N802
        self.calls.append("nvmlInit")

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.calls.append("nvmlShutdown")

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(self._gpus)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> dict[str, Any]:  # noqa: N802
        return self._gpus[index]

    def nvmlDeviceGetUUID(self, handle: dict[str, Any]) -> str:  # noqa: N802
        return self._answer(handle, "uuid")

    def nvmlDeviceGetName(self, handle: dict[str, Any]) -> str:  # noqa: N802
        return self._answer(handle, "name")

    def nvmlDeviceGetUtilizationRates(self, handle: dict[str, Any]) -> Any:  # noqa: N802
        return self._answer(handle, "utilization")

    def nvmlDeviceGetMemoryInfo(self, handle: dict[str, Any]) -> Any:  # noqa: N802
        return self._answer(handle, "memory")

    def nvmlDeviceGetTemperature(self, handle: dict[str, Any], sensor: int) -> int:  # noqa: N802
        return self._answer(handle, "temperature")

    def nvmlDeviceGetPowerUsage(self, handle: dict[str, Any]) -> int:  # noqa: N802
        return self._answer(handle, "power")

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: dict[str, Any]) -> int:  # noqa: N802
        return self._answer(handle, "energy")

    def nvmlDeviceGetTotalEccErrors(self, handle: dict[str, Any], kind: int, counter: int) -> int:  # noqa: N802
        return self._answer(handle, "ecc")

    def _answer(self, handle: dict[str, Any], what: str) -> Any:
        answer = handle.get(what, NVMLError_NotSupported())
        if isinstance(answer, NVMLError):
            raise answer
        return answer


def install() -> NVML:
    """Make every later `import pynvml` of this process find the recording."""
    recorded = NVML()
    sys.modules["pynvml"] = recorded  # type: ignore[assignment]
    return recorded
