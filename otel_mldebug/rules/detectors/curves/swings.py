"""A loss that swings up and down without getting anywhere."""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import correlation, fmean, pstdev, quantiles

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.curves.overshoot import reach
from otel_mldebug.rules.detectors.history import history
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

LEAST_STEPS = 100
AMPLITUDE = 0.4
"""Distance of the tenth from the ninetieth percentile, as a share of the mean."""
LEVEL = (0.5, 5.0)
"""The mean, as times the first loss: below, training has got somewhere; above, it is thrown up and does not swing."""
PROGRESS = 0.8
"""Mean of the second half as a share of that of the first, at least: below it, training gets somewhere."""
SWINGS = 8
"""Ways from below the lower quartile to above the upper one, and back: a loss that rises by and by has one."""
NOISE_TURNS, DEVIATIONS = 2 / 3, 5.0
"""Of noise, two thirds of all values are larger or smaller than both their neighbours, and their number varies little:
a loss that is that many standard deviations off is driven by what the step before did. Source: Kendall and Stuart, "The
advanced theory of statistics", volume 3, section 45.18 (turning points): the variance is (16 n - 29) / 90."""
SETTLING = 0.6
"""What is left of the swings in the last third of the steps, as a share of those in the first, at most, when a loss
that rings comes to rest by itself."""
ORDER = 0.7
"""Correlation of losses with those of the pass over the data before, from which on their order makes the swings."""
LEAST_PASS = 8
"""Steps of a pass, at least: shorter than that, a swing may happen to last as long."""
REACH, LEAST_REACH = 0.125, 0.3
"""What steps of gradient descent have to reach for (see `reach`), as a share of the 4 * (1 - cos(angle)) times the loss
that they would reach for if all of it swung with that angle a step, and at least: seasons in the data, and tasks or
kinds of batches that take turns, swing as well. Source: Polyak, "Introduction to optimization", section 3.2 (heavy
ball): the curvature times the rate is 1 + momentum - 2 * sqrt(momentum) * cos(angle)."""
RATE = 0.01
"""Rate from which on optimizers of another kind may do it."""
LONG, RISES = 5, 0.3
"""Period from which on, and share of the steps up to which, a loss that rises is a saw tooth: it jumps with each new
task or rollout, and is learned down. What overshoots takes as long upwards as downwards."""
SLOW, SLOW_RISES = 20, 0.44
"""The same from such a period on: short tasks of which some are harder than others make long waves of saw teeth, with
noise between the teeth."""
STEADY_RATE = 1.5
"""How much the learning rate may change meanwhile: schedules that swing make losses that swing."""


def oscillation(window: Sequence[StepRecord]) -> Finding | None:
    """Fire when the loss swings in a rhythm about a level that is no better than at the beginning.

    Args:
        window: Steps of one optimizer, oldest first.
    """
    course = Course.of(window)
    first, known = course.first_loss, course.losses
    if course.shared or first is None or first <= 0 or len(known) < LEAST_STEPS:
        return None
    steps = [step for step, _ in known]
    if steps[-1] - steps[0] > 1.5 * len(steps):  # thinned: its rhythm cannot be seen
        return None
    values = [loss for _, loss in known]
    mean, half = fmean(values), len(values) // 2
    if min(values) <= 0 or not LEVEL[0] * first <= mean <= LEVEL[1] * first:
        return None
    tenths = quantiles(values, n=10)
    if tenths[-1] - tenths[0] < AMPLITUDE * mean or fmean(values[half:]) < PROGRESS * fmean(values[:half]):
        return None
    rates = [r.learning_rate for r in course if r.learning_rate]
    if rates and max(rates) > STEADY_RATE * min(rates):
        return None
    period = _period(values)
    if period is None or _settles(values) or _ordered(course) or _saw_tooth(values, period):
        return None
    if not reach(course, share=max(LEAST_REACH, REACH * 4 * (1 - math.cos(2 * math.pi / period))), rate=RATE):
        return None
    rate = rates[-1] if rates else None
    return Finding(
        rule="loss.oscillation",
        category=Category.LOSS,
        severity=Severity.WARNING,
        summary=f"The loss oscillates between {tenths[0]:.3g} and {tenths[-1]:.3g} with a period of about {period} "
        f"steps and does not improve on {first:.3g}, the first one.",
        cause="Updates overshoot the minimum again and again: the learning rate"
        + (f" ({rate:g})" if rate is not None else "")
        + " is too high, or momentum is too high for it.",
        solutions=(
            "Lower the learning rate by a factor of 3 to 10.",
            "Lower the momentum (0.9 is usual; 0.99 and above needs a learning rate as many times lower).",
            "Let a schedule lower the learning rate over time.",
        ),
        prevention="Find the largest stable learning rate with a short range test before a long run.",
        confidence=0.85,
        basis="detector",
        evidence={
            "step": steps[0],
            "period": period,
            "low": tenths[0],
            "high": tenths[-1],
            "mean": mean,
            "first_loss": first,
            **history(window),
        },
    )


def _settles(values: Sequence[float]) -> bool:
    """Return whether swings get smaller and smaller."""
    third = len(values) // 3
    early, late = quantiles(values[:third], n=10), quantiles(values[-third:], n=10)
    return late[-1] - late[0] <= SETTLING * (early[-1] - early[0])


def _saw_tooth(values: Sequence[float], period: int) -> bool:
    """Return whether the loss jumps up, and falls step by step."""
    rises = sum(b > a for a, b in pairwise(values))
    most = SLOW_RISES if period >= SLOW else RISES
    return period >= LONG and rises <= most * (len(values) - 1)


def _ordered(course: Course) -> bool:
    """Return whether the loss goes the same way in each pass over the data: batches differ, and are not shuffled."""
    begins = [b.index for a, b in pairwise(course) if a.epoch is not None and b.epoch not in (None, a.epoch)]
    if len(begins) < 2 or (length := begins[1] - begins[0]) < LEAST_PASS:
        return False
    known = dict(course.losses)
    pairs = [(known[step - length], loss) for step, loss in known.items() if step - length in known]
    before, after = [a for a, _ in pairs], [b for _, b in pairs]
    if len(pairs) < length or min(map(pstdev, (before, after))) == 0:
        return False
    return correlation(before, after) >= ORDER


def _period(values: Sequence[float]) -> int | None:
    """Return the steps that one swing takes, there and back; None where values do not swing, or are noise."""
    triples = zip(values, values[1:], values[2:], strict=False)
    turns = sum((b > a and b > c) or (b < a and b < c) for a, b, c in triples)
    n = len(values)
    if abs(turns - NOISE_TURNS * (n - 2)) < DEVIATIONS * math.sqrt((16 * n - 29) / 90):
        return None
    low, _, high = quantiles(values, n=4)
    sides = [value >= high for value in values if value >= high or value <= low]
    swings = sum(a != b for a, b in pairwise(sides))
    return max(2, round(2 * n / swings)) if swings >= SWINGS else None
