"""Learning rates that a schedule has taken away while there is still much to learn."""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, median

from otel_mldebug.rules.course import Course, Stretch
from otel_mldebug.rules.detectors.history import history
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

COLLAPSE = 1e3 * (1 - 1e-9)
"""How many times the rate has to have fallen below its highest: three times by ten counts, however that is rounded.
Schedules that end at less stay there only at the end: a cosine for the last 2 % of its steps, one-cycle for the last
3 %, step decay by ten for less than half of them."""
AFTER = 2.0
"""Steps that were made since, for each one that was made before: then it was not the end of training."""
LEAST = 40
"""Steps that were made since, at least."""
FLAT_STEPS, FALL, HELD = 40, 0.05, 0.3
"""Where the loss had stopped falling before the rate fell, more of it would not have helped (ReduceLROnPlateau): over
that many steps at `HELD` times the highest rate and more, the second half lies no more than that share below the first,
and no more than what by chance it may (two standard errors)."""
HIGH = 0.25
"""Share of the first loss that must be left."""


def rate_collapsed(window: Sequence[StepRecord]) -> Finding | None:
    """Fire when the learning rate fell `COLLAPSE` times early in training, stayed there, and the loss is still high.

    A rate that is 0 from the first step on counts as well. What happens before the rate is at its highest (warm-up)
    does not count, nor do rates that come back (restarts, cycles).

    Args:
        window: Steps of one optimizer, oldest first; of a `Course` all of them are judged.
    """
    course = Course.of(window)
    rate = next((r.learning_rate for r in reversed(course) if r.learning_rate is not None), None)
    if rate is None or not 0 <= rate < float("inf") or course.steps < LEAST:
        return None
    known = [s for s in course.stretches if s.top_rate is not None]
    top = max((s.top_rate or 0.0 for s in known), default=0.0)
    if rate * COLLAPSE > top or (top == 0 and not _zero(course)):
        return None
    highest = max(i for i, s in enumerate(known) if s.top_rate == top) if top > 0 else -1
    fallen = next(i for i in range(highest + 1, len(known) + 1) if all(_low(s, top) for s in known[i:]))
    begin = course.early[0].index
    step = known[fallen].first if fallen < len(known) else course[-1].index
    before, after = step - begin, course[-1].index - step + 1
    if after < max(LEAST, AFTER * before):
        return None
    first, now = course.first_loss, _latest_loss(course)
    if first is None or now is None or not now >= HIGH * first > 0 or (top > 0 and _flat(known[:fallen], top)):
        return None
    summary = (
        f"The learning rate fell from {top:g} to {rate:g} by step {step}, and {after} steps followed with it: "
        if top > 0
        else f"The learning rate has been 0 for {after} steps: "
    )
    return Finding(
        rule="learning_rate.collapsed",
        category=Category.OPTIMIZATION,
        severity=Severity.WARNING,
        summary=f"{summary}the loss stays at {now:.3g} ({now / first:.0%} of the first one).",
        cause="A schedule lowers the learning rate far too fast: stepped once a batch although its numbers count "
        "epochs, a decay factor too small, a restart or a resumed state that puts it at its end."
        if top > 0
        else "The learning rate is 0: a warm-up that never advances, a schedule with wrong numbers, or a typo.",
        solutions=(
            "Call scheduler.step() once an epoch if its numbers (gamma, step_size, milestones, T_max) count epochs, or "
            "express them in steps.",
            f"Print optimizer.param_groups[0]['lr'] over the whole schedule first; it should stay near {top or 1e-3:g} "
            "for most of the training.",
            "Give the schedule a floor (eta_min, min_lr), and let ReduceLROnPlateau be more patient.",
        ),
        prevention="Plot the schedule for the planned number of steps before a run.",
        confidence=0.9,
        basis="detector",
        evidence={
            "step": step,
            "highest_learning_rate": top,
            "steps_since": after,
            "first_loss": first,
            "loss": now,
            **history(window),
        },
    )


def _flat(held: Sequence[Stretch], top: float) -> bool:
    """Return whether the loss had stopped falling while the rate was still high."""
    high = [s for s in held if s.rate is not None and s.rate >= HELD * top and s.losses]
    latest = high[len(high) // 3 :]
    half = len(latest) // 2
    if half < 2 or sum(s.losses for s in latest) < FLAT_STEPS:
        return False
    means = [s.loss_sum / s.losses for s in latest]
    noise = median(abs(b - a) for a, b in pairwise(means)) / 0.954  # of a difference: sqrt(2) * 0.6745
    before, after = fmean(means[:half]), fmean(means[half:])
    return before - after <= min(FALL * abs(before), 2 * noise * math.sqrt(2 / half))


def _low(stretch: Stretch, top: float) -> bool:
    return stretch.top_rate is not None and stretch.top_rate * COLLAPSE <= top


def _zero(course: Course) -> bool:
    return all(record.learning_rate == 0 for record in course)


def _latest_loss(course: Course) -> float | None:
    values = [loss for _, loss in course.losses[-20:]]
    return fmean(values) if values else None
