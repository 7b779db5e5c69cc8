"""How long Python's collection of garbage takes, for the records of the steps that it delays."""

import gc
import time
import weakref
from collections.abc import Callable
from typing import Any

LEAST_S = 0.001
"""Seconds since the record before, below which nothing is said."""


class Collections:
    """Adds up the time that collections take. Its callback does no more than that: it runs amid anything."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._spent = spent = [0.0, 0.0]

        def note(phase: str, info: Any) -> None:
            if phase == "start":
                spent[1] = clock()
            else:
                spent[0] += clock() - spent[1]

        gc.callbacks.append(note)
        self.close = weakref.finalize(self, _remove, note)

    def take(self) -> dict[str, float]:
        """Return the seconds since the last call as a field of a record; nothing for next to nothing."""
        seconds, self._spent[0] = self._spent[0], 0.0
        return {"gc_s": seconds} if seconds >= LEAST_S else {}


def _remove(note: Any) -> None:
    if note in gc.callbacks:
        gc.callbacks.remove(note)
