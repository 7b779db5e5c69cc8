"""Losses that fall below 0 without bound: what is minimised should have been maximised."""

import math
from collections.abc import Sequence
from math import fsum
from statistics import fmean, linear_regression, median

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.history import history, norms, same_norm, times
from otel_mldebug.rules.detectors.history import losses as losses_of
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
CLIPPED_FACTOR = 1000.0
"""Of norms that clipping makes all the same nothing can be told, but on the way to a minimum they get smaller than that
by and by. Then it takes a loss that is so many times as far below 0 as the first ones are in size, and falls as fast as
before."""
GROWING = 1.02
"""How much further below 0 each stretch of `LATEST` losses is than the one before, at least: it goes on."""
EVEN_FACTOR, EVEN_STEPS = 200.0, 400
"""The same as `FACTOR` where the loss falls by the same amount a step, over so many steps at least. A learned scale of
a likelihood falls evenly for a while, too (its logarithm by a learning rate a step, under Adam), but not by that much:
data between 0 and 1 begins at 0.05, and a residual of 1e-4 is a logarithm of -9."""
EVEN, EVEN_NOISE, EVEN_POINTS = 0.95, 0.05, 4
"""Of a run without its first quarter: share of the slope of its first half that its second half has, at least; standard
error of both as a share of them, at most; and losses in each, at least. Of a logarithm it would be 0.5, of a square
root 0.7, and returns of a policy are far noisier."""
FASTER = 1.1
"""How much faster the loss falls than 16 losses before, at least, where gradients grow: those of a likelihood whose
noise is learned grow as well, with its precision, while it falls as fast as before, or more slowly."""
AGAINST_FACTOR, AGAINST_NORM, AGAINST_GROWING = 1e5, 1e3, 1.1
"""The same as `FACTOR`, `NORM_FACTOR` and `GROWING` where several optimizers step, and each step takes more than the
ones before: scores of a critic and values of a policy grow for long, to what the data or the rewards hold."""


def unbounded_loss(window: Sequence[StepRecord]) -> Finding | None:
    """Fire when a loss is far below 0, falls on, and the gradients grow with it or it falls evenly for long.

    Args:
        window: Steps of one optimizer, oldest first; of a `Course` its first steps are known, too.
    """
    course = Course.of(window)
    losses = course.losses
    if course.steps < STEPS or len(losses) < 3 * LATEST or losses[-1][1] >= 0:
        return None
    early = [abs(r.loss) for r in course.early if r.loss is not None and math.isfinite(r.loss)][:FIRST]
    size = max(early, default=0.0)
    if not size or max(loss for _, loss in losses[-EVEN_POINTS:]) > -FACTOR * size:
        return None
    now, told = _course_down(course, size)
    if not told:
        return None
    between = [(s.first, s.loss) for s in course.stretches if s.loss is not None and s.first > course.early[-1].index]
    known = [*losses_of(course.early), *between, *losses]
    begun = min((step for step, loss in known if loss < -2 * size), default=losses[0][0])
    return Finding(
        rule="loss.unbounded",
        category=Category.LOSS,
        severity=Severity.ERROR,
        summary=f"The loss falls without bound, to {now:.3g}, {times(-now / size)} the size of the first ones, and "
        f"{told}.",
        cause="What is minimised has no lower bound: the sign is the wrong way round (a likelihood or a score without "
        "the minus sign, an error, a penalty or a regulariser with one), or a loss is given values that it is not made "
        "for.",
        solutions=(
            "Check the sign of each term: minimise -log_prob.mean(), and errors, penalties and the logarithm of a "
            "learned scale as they are (0.5 * exp(-2 * s) * error + s).",
            "Check what goes into the loss: NLLLoss wants log-probabilities, binary cross entropy targets from 0 to 1.",
            "Bound what has no bound: clamp a predicted variance from below, add a penalty to a critic.",
        ),
        prevention="Know the lowest value that a loss can have, and assert it.",
        confidence=0.85,
        basis="detector",
        evidence={"step": begun, "loss": now, "first_losses": size, **history(window)},
    )


def _course_down(course: Course, size: float) -> tuple[float, str]:
    """Return the level of the loss now, and how it goes down in words; empty where that may be as it should."""
    losses = course.losses
    values = [loss for _, loss in losses]
    before, middle, now = (median(values[-n * LATEST :][:LATEST]) for n in (3, 2, 1))
    if not course.shared and max(values[-EVEN_POINTS:]) <= -EVEN_FACTOR * size and _evenly(course):
        return values[-1], f"by as much in each step as hundreds of steps before ({_slope(losses):.2g})"
    growing = AGAINST_GROWING if course.shared else GROWING
    if max(values[-LATEST:]) > -FACTOR * size or not (now < growing * middle and middle < growing * before):
        return now, ""
    as_fast = _as_fast(losses)
    if course.shared:
        return now, _grown(course, AGAINST_NORM) if as_fast and now <= -AGAINST_FACTOR * size else ""
    if as_fast and now <= -CLIPPED_FACTOR * size and same_norm(course) is not None:
        return now, "clipping holds the gradients"
    return now, _grown(course, NORM_FACTOR) if _as_fast(losses, FASTER) else ""


def _grown(course: Course, factor: float) -> str:
    """Return how much the gradients have grown, in words; empty if not by `factor`."""
    first = [norm for _, norm in norms(course.early)][:FIRST]
    latest = [norm for _, norm in norms(course)[-FIRST:]]
    if not first or not latest:
        return ""
    grown = median(latest) / max(first) if max(first) > 0 else math.inf
    return f"the gradients have grown {times(grown)}" if grown >= factor else ""


def _evenly(course: Course) -> bool:
    """Return whether the loss has fallen by the same amount in each step but for the first quarter of the run.

    Where a schedule lowers the learning rate, the same for its size.
    """
    begin, end = course.early[0].index, course[-1].index
    if end - begin < EVEN_STEPS:
        return False
    latest = [(r.index, r.loss, r.learning_rate) for r in course if r.loss is not None and math.isfinite(r.loss)]
    known = [((s.first + s.last) / 2, s.loss, s.rate) for s in course.stretches if s.last < latest[0][0]] + latest
    slopes = []
    for half in (2, 5):
        low, high = (begin + eighths * (end - begin) / 8 for eighths in (half, half + 3))
        part = [(step, loss, rate) for step, loss, rate in known if low <= step <= high and loss is not None]
        if len(part) < EVEN_POINTS:
            return False
        steps, losses = [step for step, _, _ in part], [loss for _, loss, _ in part]
        slope, base = linear_regression(steps, losses)
        squares = fsum((loss - base - slope * step) ** 2 for step, loss in zip(steps, losses, strict=True))
        error = math.sqrt(squares / (len(part) - 2) / fsum((step - fmean(steps)) ** 2 for step in steps))
        rates = [rate for _, _, rate in part if rate]
        if slope >= 0 or error > EVEN_NOISE * -slope:
            return False
        slopes.append(slope / fmean(rates) if rates else slope)
    return slopes[1] <= EVEN * slopes[0]


def _slope(losses: Sequence[tuple[int, float]]) -> float:
    (a, before), (b, now) = losses[0], losses[-1]
    return (now - before) / (b - a)


def _as_fast(losses: Sequence[tuple[int, float]], faster: float = 1.0) -> bool:
    """Return whether the loss falls by as much a step as it did before, or `faster` times as much."""
    (a, before), (b, middle), (c, now) = (
        (median(step for step, _ in part), median(loss for _, loss in part))
        for part in (losses[-3 * LATEST : -2 * LATEST], losses[-2 * LATEST : -LATEST], losses[-LATEST:])
    )
    return (now - middle) / (c - b) <= faster * (middle - before) / (b - a)
