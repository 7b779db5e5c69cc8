"""Training loss that falls while the evaluation loss rises."""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from otel_mldebug.rules.course import Course, Evaluation
from otel_mldebug.rules.detectors.history import order
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

LEAST = 5
"""Evaluations of one kind that are needed."""
RISE = 0.4
"""How much the latest evaluation losses have to be above the best one, as a share of it. Prechelt's criterion of
generalisation loss stops training at 5 %, which noise reaches; much more is usual where little data is labelled, and
accuracy goes on rising then.
Source: Prechelt, "Early stopping, but when?", 1998."""
SINCE = 3
"""Evaluations since the best one, at least, all of them above it by a third of `RISE`."""
POOR = 0.5
"""What the best evaluation loss is of the training loss at the beginning, at least, where a small rise tells as much: a
model that is good, if a little too sure of itself, has far less left."""
STEADY, STEADY_RISE, STEADY_POOR_RISE, STEADY_ORDER, GAP = 12, 0.25, 0.1, 0.7, 0.25
"""A smaller rise tells as much if it goes on: evaluations since the best one; the rise, as a share of it, and where the
best one is poor; the share by which pairs of them in order exceed pairs out of order (Kendall's tau against time); and
the most that the training loss may then be of the evaluation loss."""
HEART, HEART_RISE, HEART_GAP = 8, 0.15, 0.1
"""What is known by heart and no more: evaluations since the best one, which is poor; their rise; and what the training
loss may be of the evaluation loss."""
NOTHING = 0.97
"""Best evaluation loss over the training loss at the beginning, from which nothing was learned that holds elsewhere."""
FALL = 0.7
"""What is left of the training loss since the best evaluation, at most."""
_APART = (
    "Nothing of what is learned holds for the evaluation data. Labels that do not belong to their inputs are the most "
    "likely cause: one of the two was shuffled or sorted without the other, or the two sets of data number their "
    "classes or scale their inputs differently. "
)
_CHECK = (
    "Look at a few samples of both sets of data with their labels, after all shuffling and sorting, and compare range "
    "and scale of their inputs."
)


def overfitting(window: Sequence[StepRecord]) -> Finding | None:
    """Fire when the loss of an evaluation has risen since its best while the training loss went on falling.

    Args:
        window: Steps of one optimizer, oldest first: a `Course`, which knows the evaluations.
    """
    course = Course.of(window)
    if course.shared or len(course.evaluations) < LEAST:
        return None
    streams: dict[str, list[tuple[Evaluation, float]]] = {}
    for evaluation in course.evaluations:
        if evaluation.loss is not None and evaluation.loss > 0 and not evaluation.trained_on:
            streams.setdefault(evaluation.stream, []).append((evaluation, evaluation.loss))
    for passes in streams.values():
        if (finding := _judge(course, passes)) is not None:
            return finding
    return None


def _judge(course: Course, passes: list[tuple[Evaluation, float]]) -> Finding | None:
    losses = [loss for _, loss in passes]
    best = min(range(len(losses)), key=losses.__getitem__)
    since = losses[best + 1 :]
    if len(losses) < LEAST or len(since) < SINCE:
        return None
    latest = median(since[-3:])
    steady = len(since) >= STEADY and order(since) >= STEADY_ORDER
    poor = losses[best] >= POOR * (course.first_loss or math.inf)
    rise = RISE
    if steady:
        rise = STEADY_POOR_RISE if poor else STEADY_RISE
    elif poor and len(since) >= HEART:
        rise = HEART_RISE
    if latest < (1 + rise) * losses[best] or min(since[-SINCE:]) < (1 + rise / 3) * losses[best]:
        return None
    jumps = [abs(b - a) for a, b in pairwise(losses)]
    if latest - losses[best] < 2 * median(jumps):  # no trend: as large as from one evaluation to the next
        return None
    step, now = passes[best][0].step, passes[-1][0].step
    before, after = _training_loss(course, step), _training_loss(course, now)
    if before is None or after is None or not 0 <= after <= FALL * before:
        return None
    if latest < (1 + RISE) * losses[best] and after > (GAP if steady else HEART_GAP) * latest:
        return None
    first = course.first_loss
    nothing = first is not None and losses[best] >= NOTHING * first
    return Finding(
        rule="training.overfitting",
        category=Category.TRAINING,
        severity=Severity.WARNING,
        summary=f"Overfitting since step {step}: the evaluation loss has risen from {losses[best]:.3g} to {latest:.3g} "
        f"while the training loss fell from {before:.3g} to {after:.3g}"
        + (f", and it was never lower than the {first:.3g} of an untrained model." if nothing else "."),
        cause=(_APART if nothing else "")
        + "The model learns the training data by heart: it is too large for so little data, or trained for too long on "
        "it.",
        solutions=(
            *((_CHECK,) if nothing else ()),
            f"Stop early: keep the weights of the best evaluation, which was around step {step}.",
            "Regularise: weight decay, dropout, data augmentation, label smoothing.",
            "Use more data, or a smaller model.",
        ),
        prevention="Evaluate regularly on data that is not trained on, keep the best checkpoint, and stop when it gets "
        "no better.",
        confidence=0.9,
        basis="detector",
        evidence={
            "step": step,
            "best_evaluation_loss": losses[best],
            "evaluation_loss": latest,
            "evaluations": len(losses),
            "evaluations_since_best": len(since),
            **({"first_training_loss": first} if nothing and first is not None else {}),
            "training_loss_then": before,
            "training_loss": after,
            **({"place": passes[-1][0].place} if passes[-1][0].place else {}),
        },
    )


def _training_loss(course: Course, step: int) -> float | None:
    """Return the mean training loss just before a step."""
    near = [loss for index, loss in course.losses if step - 20 <= index < step]
    if len(near) >= 3:
        return sum(near) / len(near)
    known = [s for s in course.stretches if s.loss is not None and s.first < step]
    return known[-1].loss if known else None
