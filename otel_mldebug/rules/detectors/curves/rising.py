"""A learning rate that never stops rising, until it undoes what was learned."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.history import history, order, times
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

LEAST_STEPS, LEAST_KNOWN = 200, 8
"""Steps of the run, and stretches of them whose rate and loss are known, at least."""
LEARNED, WORSE, LATEST = 0.5, 2.5, 8
"""Lowest mean loss over the first one, at most; how many times that the median of so many latest losses is, or more."""
RISEN = 1.2
"""How many times the rate at the lowest loss the latest one is, at least."""
HALF_WAY = 0.25
"""Rate at half of the steps over the latest one, at least: 0.5 where a warm-up goes on and on, and far less in a search
for a rate, which multiplies it until the loss explodes, on purpose. Source: Smith, "Cyclical learning rates", 2017."""
ORDER = 0.5
"""How far the loss has risen all along since it was lowest (Kendall)."""


def endless_warm_up(window: Sequence[StepRecord]) -> Finding | None:
    """Fire when the learning rate has risen in every step so far, and a loss that had come down climbs up again.

    Args:
        window: Steps of one optimizer, oldest first; of a `Course` all of them are judged.
    """
    course = Course.of(window)
    if course.shared or course.steps < LEAST_STEPS:
        return None
    first, latest = course.first_loss, [loss for _, loss in course.losses[-LATEST:]]
    known = [(s.first, s.rate, s.loss) for s in course.stretches if s.rate is not None and s.loss is not None]
    if first is None or len(known) < LEAST_KNOWN or len(latest) < LATEST:
        return None
    rates, means = [rate for _, rate, _ in known], [loss for _, _, loss in known]
    if any(not b > a for a, b in pairwise(rates)) or not 0 < min(means) <= LEARNED * first:
        return None
    low = means.index(min(means))
    begin, end = known[0][0], course[-1].index
    middle = max((rate for step, rate, _ in known if 2 * (step - begin) <= end - begin), default=0.0)
    if rates[-1] < RISEN * rates[low] or middle < HALF_WAY * rates[-1]:
        return None
    if median(latest) < WORSE * means[low] or low == len(means) - 1 or order(means[low:]) < ORDER:
        return None
    since = next((step for step, _, loss in known[low:] if loss >= 2 * means[low]), known[-1][0])
    return Finding(
        rule="loss.explosion",
        category=Category.LOSS,
        severity=Severity.ERROR,
        summary=f"The loss had come down to {means[low]:.3g} and has grown {times(latest[-1] / means[low])} since, to "
        f"{latest[-1]:.3g}, while the learning rate rises from step to step: from {rates[0]:.2g} to {rates[-1]:.2g}.",
        cause=f"The schedule never stops raising the learning rate. At {rates[low]:.2g} the model still learned; what "
        "came after that was too much for it.",
        solutions=(
            "Cap the factor of the warm-up: min(1, (step + 1) / warmup).",
            "Follow it with a schedule that lowers the rate: cosine or linear decay to the end of training.",
            f"Go on from the best checkpoint, at a rate of {rates[low]:.1g} at most.",
        ),
        prevention="Plot the learning rate of a whole run before it is started.",
        confidence=0.85,
        basis="detector",
        evidence={
            "step": since,
            "lowest_loss": means[low],
            "lowest_at_step": known[low][0],
            "first_learning_rate": rates[0],
            **history(window),
            "learning_rate": rates[-1],
        },
    )
