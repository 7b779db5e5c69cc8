"""How long a GPU works for a step: by events on its own timeline, read when they have passed and never waited for."""

from collections.abc import Callable
from typing import Any

EVERY = 4
"""Steps for each one that is timed: an event costs a few microseconds."""
MOST_SEGMENTS = 64
"""Batches of one step that are timed; a step with more is not."""
POOL = 64
"""Events that are kept to be used again."""


class GpuTime:
    """One step's stretches on the GPU's timeline.

    Args:
        segments: Events at the beginning and at the end of each.
        release: Gets the events back.
    """

    def __init__(self, segments: list[tuple[Any, Any]], release: Callable[[Any], None]) -> None:
        self._segments, self._release = segments, release

    def seconds(self) -> float | None:
        """Return their sum; None as long as the GPU has not got there. To be called once."""
        if not all(end.query() for _, end in self._segments):
            return None
        milliseconds = sum(float(begin.elapsed_time(end)) for begin, end in self._segments)
        for pair in self._segments:
            for event in pair:
                self._release(event)
        return milliseconds / 1e3


class GpuTimer:
    """Times the steps of one thread, from the end of each fetch to the beginning of the next or the end of the step.

    What lies between is time in which the step has given the GPU nothing to do. Where the program is ahead of the GPU,
    it passes the events on both sides of a fetch at once, so a wait that is hidden does not count as one. Gaps
    between single kernels are not seen: what is measured is at least what the GPU has worked.

    Args:
        event: Makes an event that can be timed.
        capturing: Returns whether a CUDA graph is being captured, which an event would disturb.
    """

    def __init__(self, event: Callable[[], Any], capturing: Callable[[], bool]) -> None:
        self._event, self._capturing = event, capturing
        self._free: list[Any] = []
        self._segments: list[tuple[Any, Any]] = []
        self._begin: Any = None
        self._steps = 0
        self._usable = True

    @classmethod
    def of(cls, torch: Any) -> "GpuTimer | None":
        """Return one for the current stream; None as long as the program does not use CUDA."""
        cuda = torch.cuda
        if not cuda.is_initialized():
            return None
        return cls(lambda: cuda.Event(enable_timing=True), cuda.is_current_stream_capturing)

    def fetch_begins(self) -> None:
        """End what the GPU got so far."""
        if self._begin is not None:
            self._end()

    def fetch_ends(self) -> None:
        """Begin a stretch, in a step that is timed."""
        if self._steps % EVERY == 0 and self._usable and self._begin is None:
            self._begin = self._record()

    def step_ends(self) -> GpuTime | None:
        """End the step; return its stretches, None where it was not timed."""
        self._steps += 1
        if self._begin is not None:
            self._end()
        segments, usable = self._segments, self._usable
        self._segments, self._usable = [], True
        return GpuTime(segments, self._give_back) if segments and usable else None

    def _end(self) -> None:
        begin, self._begin = self._begin, None
        end = self._record()
        if end is not None and len(self._segments) < MOST_SEGMENTS:
            self._segments.append((begin, end))
        else:
            self._usable = False

    def _record(self) -> Any:
        if self._capturing():
            self._usable = False
            return None
        event = self._free.pop() if self._free else self._event()
        event.record()
        return event

    def _give_back(self, event: Any) -> None:
        if len(self._free) < POOL:
            self._free.append(event)
