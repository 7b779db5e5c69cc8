"""Values that live on a GPU, read without ever waiting for it: copied into pinned memory, and looked at once there."""

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, Protocol

from otel_mldebug.instrument.training.devices.gpu import GpuTimer

SLOTS = 16
"""Copies of one width that can be under way; without a free one nothing is read."""


class Copy(Protocol):
    """One vector on its way to the host."""

    def ready(self) -> bool:
        """Return whether it has arrived. Never waits."""

    def values(self) -> list[float]:
        """Return it; afterwards its place is free again."""


class Copier(Protocol):
    """Copies vectors of one device."""

    def copy(self, vector: Any) -> Copy | None:
        """Start to copy a float32 vector; return None when that is not possible now."""


class PinnedCopy:
    """A copy into a pinned buffer, followed by an event.

    Args:
        buffer: On the host, at least as long as the vector.
        event: Recorded behind the copy.
        length: Of the vector.
        release: Called when the buffer is free again.
    """

    def __init__(self, buffer: Any, event: Any, length: int, release: Callable[[Any], None]) -> None:
        self._buffer, self._event, self._length, self._release = buffer, event, length, release

    def ready(self) -> bool:
        """Return whether the event has passed."""
        return bool(self._event.query())

    def values(self) -> list[float]:
        """Return the vector and give the buffer back."""
        values: list[float] = self._buffer[: self._length].tolist()
        self._release(self._buffer)
        return values


class CudaCopier:
    """Copies by the current stream of a CUDA device (ROCm calls itself CUDA, too).

    Args:
        torch: The module, or a stand-in with `empty`, `float32` and `cuda`.
    """

    def __init__(self, torch: Any) -> None:
        self._torch = torch
        self._free: dict[int, list[Any]] = {}
        self._made: dict[int, int] = {}

    def copy(self, vector: Any) -> Copy | None:
        """Start to copy; None while a graph is captured, or when all buffers are under way."""
        cuda = self._torch.cuda
        if cuda.is_current_stream_capturing():
            return None
        length = int(vector.numel())
        width = 1 << max(3, (length - 1).bit_length())
        free = self._free.setdefault(width, [])
        if free:
            buffer = free.pop()
        elif self._made.get(width, 0) < SLOTS:
            self._made[width] = self._made.get(width, 0) + 1
            buffer = self._torch.empty(width, dtype=self._torch.float32, pin_memory=True)
        else:
            return None
        buffer[:length].copy_(vector, non_blocking=True)
        event = cuda.Event()
        event.record()
        return PinnedCopy(buffer, event, length, free.append)


class Devices:
    """Knows how to read from which kind of device.

    Args:
        torch: The module.
        copiers: By type of device; those of PyTorch by default.
        timer: Makes what times steps; by events of CUDA by default.

    Attributes:
        direct: Returns whether a tensor can be read at once, without waiting for a device.
    """

    def __init__(
        self,
        torch: Any,
        *,
        copiers: dict[str, Copier] | None = None,
        direct: Callable[[Any], bool] = attrgetter("is_cpu"),
        timer: Callable[[Any], GpuTimer | None] = GpuTimer.of,
    ) -> None:
        self._torch = torch
        self._copiers: dict[str, Copier] = {"cuda": CudaCopier(torch)} if copiers is None else copiers
        self.direct = direct
        self._timer = timer

    def timer(self) -> GpuTimer | None:
        """Return what times the steps of a thread on the GPU; None where there is none in use."""
        return self._timer(self._torch)

    def watchable(self, tensor: Any) -> bool:
        """Return whether a tensor that is not direct can be read later, and kernels may be launched now."""
        kind = tensor.device.type
        return kind in self._copiers and not (kind == "cuda" and self._torch.cuda.is_current_stream_capturing())

    def send(self, scalars: Iterable[Any]) -> Copy | None:
        """Start to copy tensors without dimensions, all of one device; None when that is not possible now."""
        torch = self._torch
        parts = [scalar.detach().reshape(()).to(torch.float32) for scalar in scalars]
        if not parts or len({part.device for part in parts}) != 1:
            return None
        copier = self._copiers.get(parts[0].device.type)
        return None if copier is None else copier.copy(torch.stack(parts))

    def ship(self, vector: Any) -> Copy | None:
        """Start to copy a vector of float32; None when that is not possible now."""
        copier = self._copiers.get(vector.device.type)
        return None if copier is None else copier.copy(vector)
