"""Losses that fall below 0 without bound: what is minimised should have been maximised."""

import math
from collections.abc import Sequence
from statistics import median

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.history import history, norms, times
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

STEPS = 50
"""Steps, at least."""
FIRST, LATEST = 8, 16
"""Losses that tell the size in the beginning, and the level now."""
FACTOR = 100.0
"""How many times the size of the first losses the latest ones are below 0. A likelihood falls with the logarithm of
what is still wrong, and a reward with what there is to win."""
NORM_FACTOR = 10.0
"""How many times the gradients have grown: on the way to a minimum they do not."""
CLIPPED, CLIPPED_FACTOR = 0.005, 1000.0
"""Spread of the latest norms, as a share of them, where clipping makes them all the same: of those nothing can be told,
but on the way to a minimum they get smaller than that by and by. Then it takes a loss that is so many times as far
below 0 as the first ones are in size, and falls as fast as before."""
GROWING = 1.02
"""How much further below 0 each stretch of `LATEST` losses is than the one before, at least: it goes on."""


def unbounded_loss(window: Sequence[StepRecord]) -> Finding | None:
    """Fire when a loss is far below 0, falls on, and the gradients grow with it. Not where several optimizers step.

    Args:
        window: Steps of one optimizer, oldest first; of a `Course` its first steps are known, too.
    """
    course = Course.of(window)
    losses = course.losses
    if course.shared or course.steps < STEPS or len(losses) < 3 * LATEST or losses[-1][1] >= 0:
        return None
    early = [abs(r.loss) for r in course.early if r.loss is not None and math.isfinite(r.loss)][:FIRST]
    values = [loss for _, loss in losses]
    before, middle, now = (median(values[-n * LATEST :][:LATEST]) for n in (3, 2, 1))
    size = max(early, default=0.0)
    if not size or max(values[-LATEST:]) > -FACTOR * size or not (now < GROWING * middle and middle < GROWING * before):
        return None
    first_norms = [norm for _, norm in norms(course.early)][:FIRST]
    latest_norms = [norm for _, norm in norms(window)[-FIRST:]]
    if not first_norms or not latest_norms:
        return None
    grown = median(latest_norms) / max(first_norms) if max(first_norms) > 0 else math.inf
    clipped = len(latest_norms) == FIRST and max(latest_norms) - min(latest_norms) <= CLIPPED * max(latest_norms)
    if clipped and now <= -CLIPPED_FACTOR * size and _as_fast(losses):
        told = "clipping holds the gradients"
    elif grown >= NORM_FACTOR:
        told = f"the gradients have grown {times(grown)}"
    else:
        return None
    begun = next((step for step, loss in losses if loss < -2 * size), losses[0][0])
    return Finding(
        rule="loss.unbounded",
        category=Category.LOSS,
        severity=Severity.ERROR,
        summary=f"The loss falls without bound, to {now:.3g}, {times(-now / size)} the size of the first ones, and "
        f"{told}.",
        cause="What is minimised has no lower bound: the sign is the wrong way round (a likelihood or a score without "
        "the minus sign, an error with one), or a loss is given values that it is not made for.",
        solutions=(
            "Check the sign: minimise -log_prob.mean(), and errors as they are.",
            "Check what goes into the loss: NLLLoss wants log-probabilities, binary cross entropy targets from 0 to 1.",
            "Bound what has no bound: clamp a predicted variance from below, add a penalty to a critic.",
        ),
        prevention="Know the lowest value that a loss can have, and assert it.",
        confidence=0.85,
        basis="detector",
        evidence={"step": begun, "loss": now, "first_losses": size, **history(window)},
    )


def _as_fast(losses: Sequence[tuple[int, float]]) -> bool:
    """Return whether the loss falls by as much a step as it did before."""
    (a, before), (b, middle), (c, now) = (
        (median(step for step, _ in part), median(loss for _, loss in part))
        for part in (losses[-3 * LATEST : -2 * LATEST], losses[-2 * LATEST : -LATEST], losses[-LATEST:])
    )
    return (now - middle) / (c - b) <= (middle - before) / (b - a)
