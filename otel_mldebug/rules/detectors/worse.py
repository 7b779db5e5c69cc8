"""Losses that have become far worse than what knowing nothing would give."""

import math
from collections.abc import Sequence
from statistics import median

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.history import blame_rate, history, times
from otel_mldebug.rules.detectors.statics.compared import target_of
from otel_mldebug.rules.detectors.statics.graph import CLASS_LOSSES
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

LATEST = 48
"""Latest losses that all have to be high: unlucky batches and a rough start pass."""
FIRST = 4
"""First losses, which show where training began: the lowest of them counts."""
NEAR = 2.0
"""How many times that of a guess the loss was in the beginning, at most: weights drawn too large start high."""
WORSE, LEAST = 5.0, 3.0
"""How many times that of a guess the median of the latest losses is, and all of them but a tenth."""


def worse_than_guessing(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when a loss that began near that of a guess stays several times above it: training has thrown it off.

    Guessing costs the logarithm of the number of classes; in a regression whose errors are squared, answering 0 costs
    the mean square of the targets. No way of training that works ends up far above that for long.

    Args:
        looks: Into steps of one optimizer: they tell what the loss is.
        window: Steps of the same, oldest first; of a `Course` its first steps are known.
    """
    course = Course.of(window)
    values = [loss for _, loss in course.losses[-LATEST:]]
    early = [r.loss for r in course.early if r.loss is not None and math.isfinite(r.loss)][:FIRST]
    if course.shared or len(values) < LATEST or not early or course.steps < 2 * LATEST:
        return None
    level = median(values)
    if level < WORSE * min(early) or sorted(values)[LATEST // 10] < LEAST * min(early):
        return None
    guess = _guess(looks)
    if guess is None or min(early) > NEAR * guess or level < WORSE * guess:
        return None
    if sorted(values)[LATEST // 10] < LEAST * guess:
        return None
    begun = next((r.index for r in course.early if r.loss is not None and r.loss > LEAST * guess), None)
    step = begun if begun is not None else next((step for step, loss in course.losses if loss > LEAST * guess))
    cause, solutions = blame_rate(
        window,
        "Updates overshoot: the learning rate is too high. Each step moves the weights further than the gradient says "
        "anything about, and what was learned is thrown away.",
        (
            "Lower the learning rate by a factor of 10 to 100.",
            "Warm it up over the first few hundred steps, and clip gradients.",
            "Check that inputs are about 1 in size, and that the loss is what should be minimised.",
        ),
    )
    return Finding(
        rule="loss.explosion",
        category=Category.LOSS,
        severity=Severity.ERROR,
        summary=f"The loss has grown from {min(early):.3g} to {level:.3g} and stays there, {times(level / guess)} what "
        f"guessing would give ({guess:.3g}): training diverges.",
        cause=cause,
        solutions=solutions,
        prevention="Find the largest stable learning rate with a short range test before a long run; clip gradients.",
        confidence=0.85,
        basis="detector",
        evidence={"step": step, "loss": level, "guess": guess, "first_loss": min(early), **history(window)},
    )


def _guess(looks: Sequence[Look]) -> float | None:
    """Return the loss of an answer that knows nothing; None where that is not known, or not the same throughout."""
    found: list[float] = []
    for look in looks:
        operation = look.operations[-1] if look.operations else None
        if operation is None or not look.complete:
            continue
        if operation.kind in CLASS_LOSSES:
            scores = next((look.operations[i] for i in operation.inputs if 0 <= i < len(look.operations)), None)
            classes = scores.shape[1] if scores is not None and len(scores.shape) >= 2 else 0
            if scores is None or not scores.kind.startswith("LogSoftmax") or classes < 2:
                return None
            found.append(math.log(classes))
        elif operation.kind == "MseLoss":
            target = target_of(look, operation)
            if target is None or target.stats is None or not target.stats.size:
                return None
            found.append(target.stats.norm**2 / target.stats.size)
        else:
            return None
    if not found or not 0 < max(found) < math.inf:
        return None
    return max(found)
