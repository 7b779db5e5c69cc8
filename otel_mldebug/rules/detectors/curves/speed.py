"""Learning rates that are far too high or far too low, as the loss shows them."""

import math
from collections.abc import Sequence
from statistics import fmean, median

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.clipping import blame_clipping, clipped_norm
from otel_mldebug.rules.detectors.curves.overshoot import reach
from otel_mldebug.rules.detectors.history import history, times
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

THROWN_STEPS, THROWN = 16, 5.0
"""Steps, and how many times the first loss their median has to be: the first updates have thrown the loss up."""
BEGIN = 10
"""Steps in which that has to have begun; a loss that rises later does so for other reasons."""
SIGMAS = 5.0
"""How many standard deviations (of the logarithm) the first loss has to be below those after it: it is only one value,
and that of a single sample may happen to be small."""
SINGLE = 5
"""Samples in a batch, below which it is."""
REACH = 0.5
"""Share of the loss that one of these steps of gradient descent has to take away to first order: losses that are born
near 0 (a student that begins as its teacher, a term whose weight is turned up, rewards that are yet to come) rise, too.
Stable steps stay far below."""
RATE, NEAR_RATE, NEAR = 0.03, 3e-3, 0.1
"""Rate from which on optimizers of another kind may have done it, and that where the first loss was no less than so."""
STILL_STEPS = 120
"""Steps in which a loss does not move, …"""
STILL = 0.01
"""… by more than this share of it."""
ALIKE = 0.3
"""… and their median by less than this: of losses with heavy tails the mean says little."""
PROGRESS = 1e-6
"""Share of the loss that one step of gradient descent is to take away, at least: less than that is not a tenth of a
percent in a thousand steps. To first order a step takes away the rate times the squared norm of the gradient. Source:
Boyd and Vandenberghe, "Convex optimization", section 9.3; with momentum 0.9 it is ten times as much."""
SLIGHT, SLIGHT_RATE = 1e-4, 1e-5
"""The same where the rate itself is as low as nobody chooses for gradient descent: ten percent in a thousand steps."""
LEAST_ADAPTIVE = 3e-7
"""The same for optimizers whose steps are about as large as the rate (Adam): weights are a few hundredths."""
ADAPTIVE = ("Adam", "NAdam", "RAdam", "Adamax", "Lion", "Adafactor", "RMSprop", "Adagrad")


def rate_too_high(window: Sequence[StepRecord]) -> Finding | None:
    """Fire when the first updates have thrown the loss up `THROWN` times, and it stayed there.

    Args:
        window: Steps of one optimizer, oldest first; of a `Course` its first steps are judged.
    """
    course = Course.of(window)
    known = [(r.index, r.loss) for r in course.early if r.loss is not None and math.isfinite(r.loss)]
    if course.shared or len(known) < THROWN_STEPS + 3 or not known[0][1] > 0:
        return None
    first = known[0][1]
    values = [loss for _, loss in known]
    if min(values) <= 0 or max(values[1:4]) < 3 * first or (course[-1].samples or SINGLE) < SINGLE:
        return None
    logs = [math.log(value) for value in values[3:]]
    middle = median(logs)
    spread = 1.4826 * median(abs(value - middle) for value in logs)
    if middle - math.log(first) < SIGMAS * spread or min(values[3:]) < 3 * first:
        return None
    begun = next((step for step, loss in known[1:BEGIN] if loss >= 3 * first), None)
    level = median(values[3 : 3 + THROWN_STEPS])
    thrown = [r for r in course.early if r.index <= known[THROWN_STEPS][0]]
    if begun is None or level < THROWN * first:
        return None
    if not reach(thrown, share=REACH, rate=NEAR_RATE if first >= NEAR else RATE, most=True):
        return None
    return _too_high(course, first, level, begun)


def _too_high(course: Course, first: float, level: float, begun: int) -> Finding:
    rate = course.early[0].learning_rate
    named = f" ({rate:g})" if rate is not None else ""
    return Finding(
        rule="learning_rate.too_high",
        category=Category.OPTIMIZATION,
        severity=Severity.WARNING,
        summary=f"The first updates threw the loss up from {first:.3g} to {level:.3g}, {times(level / first)} as much: "
        f"the learning rate{named} is far too high.",
        cause="Each update is larger than the region in which the gradient says anything: the weights are thrown far "
        "from where they were initialised.",
        solutions=(
            "Lower the learning rate by a factor of 10 to 100"
            + (f", to {rate / 100:g} or {rate / 10:g}." if rate else "."),
            "Warm it up over the first few hundred steps, and clip gradients.",
            "Check that the optimizer uses its learning rate, and that inputs and targets are about 1 in size.",
        ),
        prevention="Find the largest stable learning rate with a short range test before a long run.",
        confidence=0.85,
        basis="detector",
        evidence={"step": begun, "first_loss": first, "loss": level, "factor": level / first, **history(course)},
    )


def rate_too_low(window: Sequence[StepRecord]) -> Finding | None:
    """Fire when the loss has not moved for `STILL_STEPS` and the updates are too small to ever move it.

    While the rate still rises (warm-up), or after it or the loss has fallen, it says nothing.

    Args:
        window: Steps of one optimizer, oldest first; of a `Course` all of them are judged.
    """
    course = Course.of(window)
    latest = course[-1] if course else None
    if latest is None or not latest.learning_rate or course.shared or course.steps < STILL_STEPS:
        return None
    rate = latest.learning_rate
    before = [s.top_rate for s in course.stretches if s.top_rate]
    early = [r.loss for r in course.early if r.loss is not None and math.isfinite(r.loss)]
    late = [loss for _, loss in course.losses[-len(early) :]]
    if (
        not 0 < rate < 1
        or not early
        or not late
        or rate > 1.05 * min(before)
        or fmean(early) <= 0
        or rate < 0.1 * max(before)
    ):
        return None
    level, spread = fmean(early), (max(early) - min(early)) / math.sqrt(len(early))
    moved = abs(fmean(late) - level)
    if moved > max(STILL * level, spread) or median(late) < (1 - ALIKE) * median(early):
        return None
    norms = [r.gradient_norm for r in course if r.gradient_norm is not None and math.isfinite(r.gradient_norm)]
    adaptive = latest.optimizer.startswith(ADAPTIVE)
    progress = 10 * rate * median(norms) ** 2 / level if norms else None
    if adaptive:
        tiny = rate <= LEAST_ADAPTIVE
    else:
        least = SLIGHT if max(before) <= SLIGHT_RATE else PROGRESS
        tiny = progress is not None and progress < least and latest.optimizer.startswith("SGD")
    if not tiny or (norms and median(norms) < 1e-6 * level):  # no gradient either: then it is not the rate
        return None
    clipped = clipped_norm(course)
    with_what = f"gradients clipped to a norm of {clipped:g}, at a" if clipped is not None else "a"
    cause, solutions = blame_clipping(
        clipped,
        "The learning rate is orders of magnitude below what changes anything in this many steps.",
        (
            "Raise the learning rate: usual are 1e-4 to 1e-2 for Adam, and 1e-2 to 1e-1 for SGD.",
            "Check the schedule's units and its warm-up: a warm-up of many epochs looks like this, too.",
            "Check that the loss is not divided twice (by the batch size, by accumulation steps).",
        ),
    )
    return Finding(
        rule="learning_rate.too_low",
        category=Category.OPTIMIZATION,
        severity=Severity.WARNING,
        summary=f"The loss has not moved from {level:.3g} in {course.steps} steps: with {with_what} learning rate of "
        f"{rate:g} updates are far too small.",
        cause=cause,
        solutions=solutions,
        prevention="Look at the ratio of update to weight: about 1e-3 is usual.",
        confidence=0.85,
        basis="detector",
        evidence={
            "step": course.early[0].index,
            "steps": course.steps,
            "learning_rate": rate,
            "first_loss": level,
            "loss": fmean(late),
            **({"progress_per_step": progress} if progress is not None and not adaptive else {}),
            **({"clipped_to": clipped} if clipped is not None else {}),
        },
    )
