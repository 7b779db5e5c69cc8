"""A cosine schedule that goes on past its end: the rate climbs up again, and down, and up."""

import math
from collections.abc import Sequence
from itertools import pairwise

from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

LOWS = 3
"""How often the rate has to be down at its end: once is the schedule, twice may be meant."""
DEEP = 0.1
"""Share of the highest rate that the lowest one may be."""
NEAR = 0.02
"""Share of the way from the lowest rate to the highest within which a rate counts as down, …"""
FIT = 0.03
"""… and from the cosine, as following it. A triangle of the same period is off by up to a tenth."""


def rate_swings(window: Sequence[StepRecord]) -> Finding | None:
    """Fire when the rate of each step follows a cosine up and down, `LOWS` times down to its end.

    PyTorch's `CosineAnnealingLR` does so when it is stepped more often than its `T_max`: stepped once a batch, while
    `T_max` counts epochs. Rates that are the same for several steps (stepped once an epoch), triangles (`CyclicLR`) and
    saw teeth (warm restarts) are meant.

    Args:
        window: Steps of one optimizer, oldest first.
    """
    known = [(r.index, r.learning_rate) for r in window if r.learning_rate is not None]
    if len(known) < 4 * LOWS:
        return None
    rates = [rate for _, rate in known]
    low, high = min(rates), max(rates)
    way = high - low
    if low < 0 or not 0 < high < math.inf or low > DEEP * high:
        return None
    lows = [
        step
        for (_, before), (step, rate), (_, after) in zip(known, known[1:], known[2:], strict=False)
        if rate < before and rate < after and rate <= low + NEAR * way
    ]
    if len(lows) < LOWS:
        return None
    gaps = [b - a for a, b in pairwise(lows)]
    if max(gaps) - min(gaps) > 1 or min(gaps) < 4:
        return None
    period = (lows[-1] - lows[0]) / len(gaps)
    between = [(step, rate) for step, rate in known if lows[0] <= step <= lows[-1]]
    turn = 2 * math.pi / period
    if any(abs(low + way * (1 - math.cos(turn * (step - lows[0]))) / 2 - rate) > FIT * way for step, rate in between):
        return None
    return Finding(
        rule="learning_rate.swings",
        category=Category.OPTIMIZATION,
        severity=Severity.WARNING,
        summary=f"The learning rate swings between {low:.3g} and {high:.3g} along a cosine, every {period:.0f} steps: "
        f"the schedule goes on past its end, which is at step {lows[0]}.",
        cause="CosineAnnealingLR climbs up again after T_max steps of its own. Most often scheduler.step() is called "
        "once a batch while T_max counts epochs.",
        solutions=(
            f"Set T_max to the number of calls of scheduler.step(): epochs times batches, and not {period / 2:.0f}.",
            "Or call scheduler.step() once an epoch, outside of the loop over batches.",
            "Where restarts are meant, use CosineAnnealingWarmRestarts, which begins anew at the highest rate.",
        ),
        prevention="Plot the rate over a whole run before a long one: it should be down only at the end.",
        confidence=0.85,
        basis="detector",
        evidence={"step": lows[0], "period_steps": period, "lowest_learning_rate": low, "highest_learning_rate": high},
    )
