"""How long checkpoints take, for the records of the steps that they delay."""

import time
from collections.abc import Callable
from typing import Any

LEAST_S = 0.001
"""Seconds since the record before, below which nothing is said."""


class Saves:
    """Adds up the time that `torch.save` takes.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._spent = 0.0

    def saving(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return `torch.save` that is timed."""

        def save(*args: Any, **kwargs: Any) -> Any:
            began = self._clock()
            try:
                return original(*args, **kwargs)
            finally:
                self._spent += self._clock() - began

        return save

    def take(self) -> dict[str, float]:
        """Return the seconds since the last call as a field of a record; nothing for next to nothing."""
        seconds, self._spent = self._spent, 0.0
        return {"save_s": seconds} if seconds >= LEAST_S else {}
