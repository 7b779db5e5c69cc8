"""Timing that survives a shared machine: processor time, variants in turn, medians."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

from benchmarks.figure import Figure

Times = dict[str, list[float]]
"""Processor seconds of each repeat, by variant; the repeats with the same place were run one after the other."""


def interleave(
    variants: Mapping[str, Callable[[], object]],
    *,
    repeats: int,
    warmup: int = 1,
    clock: Callable[[], float] = time.process_time,
) -> Times:
    """Run each variant `repeats` times, in turn, and return its processor seconds.

    Args:
        variants: What to run, by name. Every other round runs in the opposite order.
        repeats: Rounds that count, at least 1.
        warmup: Rounds that do not.
        clock: Seconds of processor time of the whole process, so that work in other threads counts too.
    """
    times: Times = {name: [] for name in variants}
    order = list(variants.items())
    for round_ in range(-warmup, repeats):
        for name, run in order if round_ % 2 else reversed(order):
            gc.collect()  # what the last variant left is not this one's cost; what this one leaves is
            started_s = clock()
            run()
            if round_ >= 0:
                times[name].append(clock() - started_s)
    return times


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def half_quartiles(values: Sequence[float]) -> float:
    """Return half the distance between the quartiles; 0 for fewer than two values."""
    if len(values) < 2:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return (high - low) / 2


def ratio(
    name: str, times: Sequence[float], base: Sequence[float], *, limit: float | None = None, note: str = ""
) -> Figure:
    """Return how many times `base` the `times` are: the median over the rounds, each compared with its neighbour."""
    ratios = [time_s / base_s for time_s, base_s in zip(times, base, strict=True) if base_s > 0]
    return Figure(name=name, value=median(ratios), unit="x", spread=half_quartiles(ratios), limit=limit, note=note)


def difference(
    name: str,
    times: Sequence[float],
    base: Sequence[float],
    *,
    calls: int,
    limit: float | None = None,
    note: str = "",
) -> Figure:
    """Return how many nanoseconds one of `calls` calls takes more than in `base`, as a median over the rounds."""
    extra = [(time_s - base_s) / calls * 1e9 for time_s, base_s in zip(times, base, strict=True)]
    return Figure(name=name, value=median(extra), unit="ns", spread=half_quartiles(extra), limit=limit, note=note)
