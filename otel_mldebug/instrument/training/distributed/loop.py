"""The loop that the steps are made in: noted at the first step of each optimizer, recognised later from a stack."""

import sys
import threading
from types import CodeType, FrameType

from otel_mldebug.instrument.training.distributed.threads import Stack
from otel_mldebug.rules.detectors.ranks.loops import loop_around
from otel_mldebug.rules.origin import package_of

_NOT_LOOPS = ("torch", "otel_mldebug")
"""Packages whose own loops are none of training: an optimizer goes through its parameters."""
_MOST_FRAMES = 80
_MOST_NOTES = 16


class StepLoop:
    """Knows the thread that trains and the loops around its steps.

    Attributes:
        thread: Identity of the thread that has made the first step of the latest optimizer; the main thread before.
    """

    def __init__(self) -> None:
        self.thread = threading.main_thread().ident or 0
        self._notes: list[list[tuple[CodeType, int]]] = []
        self._loops: list[tuple[CodeType, int, int]] | None = None

    def note(self) -> None:
        """Note the calling thread and where it is: to be called from within a step."""
        self.thread = threading.get_ident()
        if len(self._notes) >= _MOST_NOTES:
            return
        frame: FrameType | None = sys._getframe(1)
        places: list[tuple[CodeType, int]] = []
        while frame is not None and len(places) < _MOST_FRAMES:
            if package_of(frame.f_code.co_filename) not in _NOT_LOOPS:
                places.append((frame.f_code, frame.f_lasti))
            frame = frame.f_back
        self._notes.append(places)
        self._loops = None

    def around(self, stack: Stack) -> bool:
        """Return whether a stack is inside of a loop of steps: in a function that has one, within its bounds."""
        if self._loops is None:
            self._loops = [loop for places in list(self._notes) if (loop := _innermost(places)) is not None]
        return any(
            code is looping and first <= offset <= last
            for looping, first, last in self._loops
            for code, offset, _ in stack
        )


def _innermost(places: list[tuple[CodeType, int]]) -> tuple[CodeType, int, int] | None:
    """Return the innermost loop around a place; functions that were called from inside of it count as inside."""
    for code, offset in places:
        if (loop := loop_around(code, offset)) is not None:
            return code, *loop
    return None
