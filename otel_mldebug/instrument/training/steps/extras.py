"""What a record says besides times and losses: tokens, shapes, memory, CPU time. Measured only for a record."""

import time
from collections.abc import Callable
from typing import Any

from otel_mldebug import _guard
from otel_mldebug.instrument.training.steps import batches
from otel_mldebug.instrument.training.steps.cells import Cell
from otel_mldebug.instrument.training.steps.collections import Collections
from otel_mldebug.instrument.training.steps.memory import Growth, usage
from otel_mldebug.instrument.training.steps.saves import Saves
from otel_mldebug.instrument.training.steps.track import Track

MEMORY_EVERY = 8
"""Records for each look at the memory, which costs about 10 us."""
DEVICE_EVERY = 16
"""The same for the memory of a GPU: about 100 us."""


class Extras:
    """Measures what is only worth measuring for a record.

    Args:
        torch: The module.
        insides: Returns what was seen inside of the forward pass of the step that ends.
        synced: Returns how long the backward pass waited for other ranks, given how long it took.
    """

    def __init__(
        self,
        torch: Any,
        insides: Callable[[Track], dict[str, float]],
        synced: Callable[[float | None], float | None],
    ) -> None:
        self._torch = torch
        self._insides, self._synced = insides, synced
        self._read = usage()
        self._growth: dict[str, Growth] = {}
        self._records = 0
        self._collections = Collections()
        self.saves = Saves()

    def __call__(self, track: Track, cell: Cell, index: int) -> dict[str, Any]:
        """Return fields of the record that is being made of the step that is ending; none if something goes wrong.

        Args:
            track: Of the calling thread.
            cell: The optimizer's.
            index: Number of the step.
        """
        try:
            return self._of(track, cell, index)
        except Exception as exc:  # noqa: BLE001
            _guard.fault("measure a step", exc)
            return {}

    def _of(self, track: Track, cell: Cell, index: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        parts = self._insides(track)
        if (seconds := self._synced(track.backward)) is not None:
            parts["sync_s"] = seconds
        if parts:
            track.parts = {**parts, **(track.parts or {})}
        tensors = batches.tensors(track.held[-1]) if track.held else []
        shape = " x ".join(map(str, tensors[0].shape)) if tensors else ""
        tokens = track.tokens + sum(map(batches.tokens, track.held))
        if shape:
            found["shape"] = shape
        if tokens:
            found["tokens"] = tokens
            cell.tokens += tokens * cell.stood_for
        if track.scale is not None:
            found["scale"] = track.scale
        now, before = time.thread_time(), track.cpu
        if before is not None and track.closed > before[1]:
            found["cpu_s"] = (now - before[0]) / (track.closed - before[1])
        track.cpu = now, track.closed
        found.update(self._collections.take())
        found.update(self.saves.take())
        self._records += 1
        if self._records % MEMORY_EVERY == 0 and self._read is not None:
            growth = self._growth.get(cell.name)
            if growth is None:
                growth = self._growth[cell.name] = Growth(self._torch.Tensor, self._read)
            found["memory_bytes"] = growth.sample(cell.window, index)
        if self._records % DEVICE_EVERY == 0:
            found.update(self._device())
        return found

    def _device(self) -> dict[str, int]:
        cuda = self._torch.cuda
        if not cuda.is_initialized():
            return {}
        stats = cuda.memory_stats()
        return {
            "device_bytes": stats.get("allocated_bytes.all.current", 0),
            "device_reserved_bytes": stats.get("reserved_bytes.all.current", 0),
            "device_peak_bytes": stats.get("allocated_bytes.all.peak", 0),
        }
