"""A few samples whose losses are out of all others, in every pass over the data: they outweigh all else."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, median

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.history import history, times
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

FACTOR, ABOVE_FIRST = 100.0, 30.0
"""How many times the usual loss around it each of them is, and how many times the usual loss of the first steps: hard
negatives and wrong labels cost a model that is sure of itself about ten times what they cost one that knows nothing,
and a loss that has come near 0 may jump a thousand times and still be near 0."""
GAP = 10.0
"""How many times all other losses the least of them is: tails, however heavy, have values of every size."""
SPIKES, PASSES = 6, 3
"""Of them, in so many passes over a loader's data, at least."""
SHARE = 0.2
"""Share of the batches that they are in, at most: beyond, two kinds of batches take turns."""
KNOWN = 8
"""Losses that are known of a pass, from which on one of them has to be in it."""
NEAR, EARLY = 12, 16
"""Steps on either side that tell what is usual, and losses of the first steps that tell what it was then."""


def outlying_samples(window: Sequence[StepRecord]) -> Finding | None:
    """Fire when several batches of each pass over the data have losses that nothing else comes near.

    Where they come at equal distances it is a term of the loss that is computed now and then, or one bad sample of data
    that is not shuffled, which another rule tells.

    Args:
        window: Steps of one optimizer, oldest first.
    """
    course = Course.of(window)
    known = course.losses
    early = [(r.index, r.loss) for r in course.early if r.loss is not None and math.isfinite(r.loss)]
    if course.shared or len(known) < 2 * NEAR + SPIKES or not early:
        return None
    at_first = median(loss for _, loss in early[:EARLY])
    values = [loss for _, loss in known]
    if at_first <= 0 or max(values) < ABOVE_FIRST * at_first or min(values) <= 0:
        return None
    ordered = sorted(values)
    first = len(ordered) - int(SHARE * len(ordered))
    cut = max(range(first, len(ordered) - SPIKES + 1), key=lambda i: ordered[i] / ordered[i - 1], default=0)
    if not cut or ordered[cut] < GAP * ordered[cut - 1]:
        return None
    least = ordered[cut]
    if least < ABOVE_FIRST * at_first:
        return None
    high = [i for i, (_, loss) in enumerate(known) if loss >= least]
    usual = [_usual(known, i, least) for i in high]
    if any(known[i][1] < FACTOR * level for i, level in zip(high, usual, strict=True)):
        return None
    steps = [known[i][0] for i in high]
    counts = _by_pass(course, known, steps)
    if len(counts) < PASSES or min(counts) < 1 or len({b - a for a, b in pairwise(steps)}) < PASSES:
        return None
    steps = [step for step, loss in early if loss >= least and step < known[0][0]] + steps
    top, level = median(known[i][1] for i in high), median(usual)
    least_count, most = min(counts), max(counts)
    often = f"{least_count}" if least_count == most else f"{least_count} to {most}"
    return Finding(
        rule="loss.spike",
        category=Category.LOSS,
        severity=Severity.WARNING,
        summary=f"The loss of {often} batches in each pass over the data (steps {', '.join(map(str, steps[:5]))}, …) "
        f"is about {top:.3g}, {times(top / level)} the usual {level:.3g}, at other places in each pass.",
        cause="A few outlying samples: targets or inputs that are corrupt, mislabelled, or in another scale or unit "
        "than all others. Whatever batch they are in, they outweigh all other samples, and its update fits them alone.",
        solutions=(
            "Look for them: sort the losses of single samples (reduction='none'), or compare the largest targets and "
            "inputs with the median.",
            "Repair or drop them when data is loaded (units, placeholders such as -9999), or clip targets.",
            "Use a loss that outliers weigh less in (Huber, L1), predict the logarithm of targets with heavy tails, "
            "and clip gradients.",
        ),
        prevention="Check the range of targets and inputs against their median before training.",
        confidence=0.85,
        basis="detector",
        evidence={
            "step": steps[0],
            "steps": tuple(steps[:16]),
            "loss": top,
            "usual_loss": level,
            "factor": top / level,
            "spikes": len(steps),
            "in_each_pass": fmean(counts),
            **history([r for r in window if r.index < steps[0]]),
        },
    )


def _usual(known: Sequence[tuple[int, float]], place: int, least: float) -> float:
    near = [loss for _, loss in known[max(0, place - NEAR) : place + NEAR + 1] if loss < least]
    return median(near) if near else least


def _by_pass(course: Course, known: Sequence[tuple[int, float]], steps: Sequence[int]) -> list[int]:
    """Return how many of `steps` are in each pass that is known well, and is not going on; none where there is none."""
    passes: dict[int, list[int]] = {}
    for record in course:
        if record.epoch is not None:
            passes.setdefault(record.epoch, []).append(record.index)
    found = []
    for epoch in sorted(passes)[:-1]:
        first, last = passes[epoch][0], passes[epoch][-1]
        seen = sum(first <= step <= last for step, _ in known)
        if first >= known[0][0] and seen >= KNOWN:
            found.append(bisect_right(steps, last) - bisect_left(steps, first))
    return found
