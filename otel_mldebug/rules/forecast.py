"""When something that grows will pass a bound, and how sure that is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

MIN_POINTS = 8
_LARGEST = 1e60  # what is larger is no measurement, and its square may be no number; NaN is not smaller either
FAR = 100.0
"""A crossing later than this many times what has been seen is no forecast."""


class Point(NamedTuple):
    """A value and when it was measured, seconds."""

    time_s: float
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """When a bound is passed, as seconds from now.

    Attributes:
        in_s: The best guess.
        earliest_s: Not before that, with 95 % confidence.
        latest_s: Not after that, with 95 % confidence; None where it may also never come.
    """

    in_s: float
    earliest_s: float
    latest_s: float | None

    def in_words(self) -> str:
        """Return the guess and its range: `12 min (8 to 20 min)`."""
        latest = "or never" if self.latest_s is None else f"to {_span(self.latest_s)}"
        return f"{_span(self.in_s)} ({_span(self.earliest_s)} {latest})"

    def evidence(self) -> dict[str, float]:
        """Return it as evidence of a finding."""
        found = {"bound_in_s": self.in_s, "bound_earliest_s": self.earliest_s}
        if self.latest_s is not None:
            found["bound_latest_s"] = self.latest_s
        return {key: round(value, 1) for key, value in found.items()}


def crossing(points: Sequence[Point], bound: float, *, now_s: float, min_points: int = MIN_POINTS) -> Forecast | None:
    """Return when the straight line through `points` passes `bound`; None where nothing can be said.

    Nothing is said of fewer than `min_points`, of what does not surely grow (95 %, one-sided), of a bound that is
    passed already, and of one further away than a hundred times the time that was seen.

    Args:
        points: What was measured, at most some thousand.
        bound: The value to be passed, above the line's end.
        now_s: The present, on the points' clock.
        min_points: Points that are needed, at least 3.

    Source: Draper and Smith, "Applied Regression Analysis", section 3.2, inverse estimation (Fieller's interval).
    """
    known = [point for point in points if abs(point.time_s) < _LARGEST and abs(point.value) < _LARGEST]
    if len(known) < max(3, min_points) or not abs(bound) < _LARGEST:
        return None
    center = math.fsum(point.time_s for point in known) / len(known)
    mean = math.fsum(point.value for point in known) / len(known)
    width = math.fsum((point.time_s - center) ** 2 for point in known)
    if width < 1 / _LARGEST:
        return None
    slope = math.fsum((point.time_s - center) * (point.value - mean) for point in known) / width
    rest = math.fsum((point.value - mean - slope * (point.time_s - center)) ** 2 for point in known)
    free = len(known) - 2
    variance = rest / free
    if slope <= 0 or slope <= student(0.95, free) * math.sqrt(variance / width):
        return None
    now = mean + slope * (now_s - center)
    in_s = (bound - now) / slope
    seen_s = max(point.time_s for point in known) - min(point.time_s for point in known)
    if not 0 < in_s <= FAR * seen_s:
        return None
    low, high = _fieller(bound - mean, slope, variance, width, len(known), student(0.975, free))
    ahead = now_s - center
    if not math.isfinite(low) or not math.isfinite(high or 0.0):
        return None
    return Forecast(
        in_s=in_s,
        earliest_s=min(in_s, max(0.0, low - ahead)),
        latest_s=None if high is None else max(in_s, high - ahead),
    )


def _fieller(
    rise: float, slope: float, variance: float, width: float, number: int, t: float
) -> tuple[float, float | None]:
    """Return the interval for the time, from the points' center on, at which the line has risen by `rise`."""
    g = t * t * variance / (width * slope * slope)
    guess = rise / slope
    root = math.sqrt(max(0.0, guess * guess / width + (1 - g) / number))
    half = t * math.sqrt(variance) / slope * root
    if g >= 1:  # the slope itself may be 0: there is no latest time
        return guess - half, None
    return (guess - half) / (1 - g), (guess + half) / (1 - g)


def student(share: float, free: int) -> float:
    """Return the quantile of Student's t distribution for a share above 0.5, to 2 % from 3 degrees of freedom on.

    Source: Abramowitz and Stegun, 26.7.5, with the normal quantile of 26.2.23.
    """
    tail = math.sqrt(-2 * math.log(1 - share))
    z = tail - (2.515517 + 0.802853 * tail + 0.010328 * tail**2) / (
        1 + 1.432788 * tail + 0.189269 * tail**2 + 0.001308 * tail**3
    )
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + math.fsum(term / free ** (place + 1) for place, term in enumerate(terms))


def _span(seconds: float) -> str:
    for limit, unit, size in ((120.0, "s", 1.0), (7200.0, "min", 60.0), (172_800.0, "h", 3600.0)):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"
