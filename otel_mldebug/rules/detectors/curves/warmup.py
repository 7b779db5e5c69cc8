"""A warm-up that goes on to the end of training, whose rates were too low to change anything."""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, median

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.curves.speed import ADAPTIVE
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

LEAST_STEPS, LEAST_KNOWN = 100, 8
"""Steps of the run, and stretches of them whose rate is known, at least."""
RISEN = 1.05
"""How much the rate has risen in the last quarter of the run, at least: else the warm-up is over."""
LEFT = 0.9
"""Share of the first loss that must be left."""
HIGHEST = 1e-5
"""Highest rate that was reached by optimizers whose steps are about as large as the rate (Adam). Fine-tuning uses
2e-5 to 5e-5, and searches for a rate go far beyond. Source: Devlin et al., "BERT", 2019, appendix A.3."""
PROGRESS = 5e-4
"""Share of the loss that one step of gradient descent with momentum takes away to first order at the highest rate."""


def unfinished_warm_up(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when the learning rate has risen to the end of training, was low even there, and the loss has not fallen.

    Only the end tells, since the rate may have risen to what it should be a few hundred steps later.

    Args:
        looks: Not looked at.
        window: Steps of one optimizer, oldest first; of a `Course` all of them are judged.
    """
    del looks
    course = Course.of(window)
    known = [(s.last, s.rate) for s in course.stretches if s.rate is not None and math.isfinite(s.rate)]
    if course.shared or course.steps < LEAST_STEPS or len(known) < LEAST_KNOWN:
        return None
    begin, rates = course.early[0].index, [rate for _, rate in known]
    highest = rates[-1]
    three_quarters = [rate for step, rate in known if step <= begin + 0.75 * course.steps]
    if not three_quarters or any(b < a for a, b in pairwise(rates)) or highest < 2 * rates[0]:
        return None
    if not highest > 0 or highest < RISEN * three_quarters[-1] or not _low(course, highest):
        return None
    early = [r.loss for r in course.early if r.loss is not None and math.isfinite(r.loss)]
    late = [loss for _, loss in course.losses[-len(early) :]]
    if not early or not late or min(*early, *late) <= 0 or fmean(late) < LEFT * fmean(early):
        return None
    return Finding(
        rule="learning_rate.warmup",
        category=Category.OPTIMIZATION,
        severity=Severity.WARNING,
        summary=f"The learning rate was still warming up when training ended: it rose to {highest:g} in "
        f"{course.steps} steps, which was too low to move the loss from {fmean(early):.3g}.",
        cause="The warm-up is longer than training: its length was copied from a longer run, or it is counted in steps "
        "while the scheduler is advanced once an epoch.",
        solutions=(
            "Make the warm-up 1 to 10 % of the steps of this run.",
            "Check in which unit the schedule counts: call scheduler.step() after each optimizer.step() if it counts "
            "steps.",
        ),
        prevention="Plot the learning rate of a whole run before it is started.",
        confidence=0.85,
        basis="detector",
        evidence={
            "step": begin,
            "steps": course.steps,
            "first_learning_rate": rates[0],
            "learning_rate": highest,
            "first_loss": fmean(early),
            "loss": fmean(late),
        },
    )


def _low(course: Course, rate: float) -> bool:
    """Return whether steps at the highest rate change nearly nothing."""
    optimizer = course[-1].optimizer
    if optimizer.startswith(ADAPTIVE):
        return rate <= HIGHEST
    norms = [r.gradient_norm for r in course if r.gradient_norm is not None and math.isfinite(r.gradient_norm)]
    level = course.first_loss
    if not optimizer.startswith("SGD") or not norms or level is None or level <= 0:
        return False
    return 10 * rate * median(norms) ** 2 / level < PROGRESS
