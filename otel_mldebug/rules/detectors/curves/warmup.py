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
FAR = 0.1
"""Share of its aim that the rate has come to, at most."""
HELD, HELD_RECORDS, LEVELS = 0.8, 16, 3
"""Share of the first steps whose rate is that of the step before, at least: of passes of five steps or more; first
steps whose rate is known; and different rates in the run, at least."""
PACE = 0.02
"""Share of its aim that the rate rises by from one to the next, at most: if it counted passes, it would take fifty of
them and more. Long ones take 40. Source: He et al., "Masked autoencoders are scalable vision learners", 2022."""


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


def warm_up_once_a_pass(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when a rate rose by little steps, held for many updates each, and was far below its aim at the end.

    A schedule that counts updates and is advanced once an epoch. One that is advanced with each update has a rate of
    its own for each, and one that counts epochs comes to its aim in some of them.

    Args:
        looks: Not looked at.
        window: Steps of one optimizer, oldest first: a `Course`, which knows the aim.
    """
    del looks
    course = Course.of(window)
    aim = course.aim
    if aim is None or course.steps < LEAST_STEPS:
        return None
    known = [s.rate for s in course.stretches if s.rate is not None and math.isfinite(s.rate)]
    early = [r.learning_rate for r in course.early if r.learning_rate is not None]
    if not known or known[-1] > FAR * aim or len(early) < HELD_RECORDS or any(b < a for a, b in pairwise(known)):
        return None
    held = sum(a == b for a, b in pairwise(early)) / (len(early) - 1)
    levels = sorted({*early, *known, *(r.learning_rate for r in course if r.learning_rate is not None)})
    if held < HELD or len(levels) < LEVELS or levels[-1] != known[-1] or levels[-1] < 1.05 * levels[0]:
        return None
    if levels[-1] - levels[0] > PACE * aim * (len(levels) - 1):
        return None
    begin, rate = course.early[0].index, known[-1]
    return Finding(
        rule="learning_rate.warmup",
        category=Category.OPTIMIZATION,
        severity=Severity.WARNING,
        summary=f"The learning rate was still warming up when training ended: in {course.steps} steps it rose from "
        f"{levels[0]:g} to {rate:g}, {rate / aim:.1%} of the {aim:g} that its schedule aims for, and only now and "
        "then.",
        cause="The schedule counts updates and is advanced once an epoch: scheduler.step() is in the loop over epochs "
        "(a warm-up given in steps, OneCycleLR with steps_per_epoch). Nearly all of the run was trained at a rate that "
        "is far too low.",
        solutions=(
            "Call scheduler.step() after each optimizer.step(), inside of the loop over batches.",
            "Or give the schedule its lengths in epochs: warm-up, total_steps, T_max.",
        ),
        prevention="Plot the learning rate of a whole run before it is started.",
        confidence=0.85,
        basis="detector",
        evidence={
            "step": begin,
            "steps": course.steps,
            "first_learning_rate": levels[0],
            "learning_rate": rate,
            "aim": aim,
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
