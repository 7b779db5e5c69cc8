"""A long series of numbers in a bounded number of bins."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite

POINTS = 128
"""Bins of a curve, at most; an even number."""


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

    def add(self, other: "Bin") -> None:
        """Take in what is in another bin."""
        self.total, self.finite, self.bad = self.total + other.total, self.finite + other.finite, self.bad + other.bad


@dataclass(slots=True)
class Curve:
    """Values by step, in bins that double their width when there are too many.

    Attributes:
        start: The first step that may come.
        width: Steps in one bin.
        bins: From `start` on.
        first: The first value of all with its step; may be non-finite.
        last: The last value of all with its step; may be non-finite.
        lowest: The lowest finite value, with the first step that had it.
        highest: The highest finite value, with the first step that had it.
        first_bad: The first step whose value was not finite.
    """

    start: int = 0
    width: int = 1
    bins: list[Bin] = field(default_factory=list)
    first: tuple[int, float] | None = None
    last: tuple[int, float] | None = None
    lowest: tuple[float, int] | None = None
    highest: tuple[float, int] | None = None
    first_bad: int | None = None

    def __bool__(self) -> bool:
        return self.first is not None

    def add(self, steps: Sequence[int], values: Sequence[float | None]) -> None:
        """Add the values of steps in rising order, none before the start; None is no value."""
        place = 0
        while place < len(steps):
            number = self._bin(steps[place])
            end = bisect_left(steps, self.start + (number + 1) * self.width, place)
            pairs = zip(steps[place:end], values[place:end], strict=True)
            if known := [(step, value) for step, value in pairs if value is not None]:
                self._add(self.bins[number], known)
            place = end

    def _add(self, target: Bin, known: Sequence[tuple[int, float]]) -> None:
        if self.first is None or known[0][0] < self.first[0]:
            self.first = known[0]
        if self.last is None or known[-1][0] >= self.last[0]:
            self.last = known[-1]
        finite = [value for _, value in known if isfinite(value)]
        if len(finite) < len(known):
            bad = next(step for step, value in known if not isfinite(value))
            self.first_bad = bad if self.first_bad is None else min(bad, self.first_bad)
        target.add(Bin(sum(finite), len(finite), len(known) - len(finite)))
        if finite:
            low, high = min(finite), max(finite)
            if self.lowest is None or low < self.lowest[0]:
                self.lowest = (low, next(step for step, value in known if value == low))
            if self.highest is None or high > self.highest[0]:
                self.highest = (high, next(step for step, value in known if value == high))

    def _bin(self, step: int) -> int:
        while (place := (step - self.start) // self.width) >= POINTS:
            for left, right in zip(self.bins[::2], self.bins[1::2], strict=False):
                left.add(right)
            self.bins = self.bins[::2]
            self.width *= 2
        while len(self.bins) <= place:
            self.bins.append(Bin())
        return place
