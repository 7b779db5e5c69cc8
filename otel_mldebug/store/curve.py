"""A long series of numbers in a bounded number of bins."""

import math
from dataclasses import dataclass, field

POINTS = 128
"""Bins of a curve, at most; a power of two."""


@dataclass(slots=True)
class Bin:
    """Some neighbouring steps: sum and number of the finite values, and how many were not finite."""

    total: float = 0.0
    finite: int = 0
    bad: int = 0

    @property
    def mean(self) -> float | None:
        """Mean of the finite values; None without any."""
        return self.total / self.finite if self.finite else None


@dataclass(slots=True)
class Curve:
    """Values by step, in bins that double their width when there are too many.

    Attributes:
        start: The first step that may come.
        width: Steps in one bin.
        bins: From `start` on.
        first: Value of the lowest step that had one; may be non-finite.
        last: Value of the highest step that had one; may be non-finite.
        lowest: The lowest finite value.
        lowest_step: Where it was first.
        highest: The highest finite value.
        highest_step: Where it was first.
        first_bad: The first step whose value was not finite.
        num: Values.
    """

    start: int = 0
    width: int = 1
    bins: list[Bin] = field(default_factory=list)
    first: float | None = None
    last: float | None = None
    lowest: float | None = None
    lowest_step: int = 0
    highest: float | None = None
    highest_step: int = 0
    first_bad: int | None = None
    num: int = 0
    _first_step: int = 0
    _last_step: int = -1

    def add(self, step: int, value: float | None) -> None:
        """Add the value of a step; None and steps before the start are ignored."""
        if value is None or step < self.start:
            return
        self.num += 1
        if self.first is None or step < self._first_step:
            self.first, self._first_step = value, step
        if step >= self._last_step:
            self.last, self._last_step = value, step
        place = self._bin(step)
        if not math.isfinite(value):
            place.bad += 1
            self.first_bad = step if self.first_bad is None else min(self.first_bad, step)
            return
        place.total += value
        place.finite += 1
        if self.lowest is None or (value, step) < (self.lowest, self.lowest_step):
            self.lowest, self.lowest_step = value, step
        if self.highest is None or (-value, step) < (-self.highest, self.highest_step):
            self.highest, self.highest_step = value, step

    def _bin(self, step: int) -> Bin:
        while (place := (step - self.start) // self.width) >= POINTS:
            pairs = zip(self.bins[::2], [*self.bins[1::2], Bin()], strict=False)
            self.bins = [Bin(a.total + b.total, a.finite + b.finite, a.bad + b.bad) for a, b in pairs]
            self.width *= 2
        while len(self.bins) <= place:
            self.bins.append(Bin())
        return self.bins[place]
