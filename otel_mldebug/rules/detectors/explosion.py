"""Loss and gradient norm that leave their range for good, still finite."""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from statistics import fmean, median

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.history import blame_rate, history, losses, norms, times
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

TIERS = ((2, 1e6), (4, 1e4), (8, 100.0))
"""How many of the latest values in a row have to exceed the largest one before them, and how many times."""
RAMP = (6, 100, 1e3)
"""The same for growth by and by: how many, out of how many steps that the growth may take, and how many times."""
SLOW, SLOW_NORMS, SLOW_LEVEL = 1e4, 1e3, 1e3
"""How many times its first values loss and gradient norm have grown over all of the run, and how large the loss is by
now at least: one that starts at 0 because there are no rewards yet grows a lot, too."""
SLOW_STEPS, GROWING = 200, 2.0
"""Steps in which it has to have gone on: each of the last three eighths is so many times the one before."""
REFERENCE = 8
"""Steps before them that are needed to know the range, at least."""

_LOWER = "Lower the learning rate by a factor of 3 to 10, and warm it up over the first few hundred steps."
_CLIP = "Clip gradients, with torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)."
_PREVENTION = "Find the largest stable learning rate with a short range test before a long run; clip gradients."


def loss_explosion(window: Sequence[StepRecord], *, norm_factor: float = 10.0) -> Finding | None:
    """Fire when the loss has left its range upwards (`TIERS`), and the gradients with it.

    One spike does not fire, nor does a loss that grows slowly: the window moves along with it. A loss that grows while
    the gradients keep their size, such as a term whose weight is turned up, does not fire either; where it grows by
    and by (`RAMP`), the gradients have to be known to grow.

    Args:
        window: Steps of one optimizer, oldest first.
        norm_factor: How many times the latest gradient norms, where known, exceed the largest one before; above 1.
    """
    known = losses(window)
    found = _tier([loss for _, loss in known])
    ramp = found is None
    found = found or _ramp([loss for _, loss in known])
    if found is None:
        return _slow(Course.of(window))
    latest, before, factor = found
    first = known[-latest][0]
    norms_before = [norm for step, norm in norms(window) if step < first]
    norms_now = [norm for step, norm in norms(window) if step >= first]
    if norms_before and norms_now:
        if max(norms_now) <= norm_factor * max(norms_before):
            return None
    elif ramp:
        return None
    cause, solutions = blame_rate(
        window,
        "The updates overshoot: the learning rate is too high, or the scale of loss or inputs changed.",
        (
            _LOWER,
            _CLIP,
            "Look at the batches around this step: inputs or targets may have left their usual range.",
        ),
    )
    return Finding(
        rule="loss.explosion",
        category=Category.LOSS,
        severity=Severity.ERROR,
        summary=f"The loss has grown {times(factor)} since step {first}, to {known[-1][1]:.3g}: training diverges.",
        cause=cause,
        solutions=solutions,
        prevention=_PREVENTION,
        confidence=0.85 if norms_now else 0.7,
        basis="detector",
        evidence={"step": first, "largest_loss_before": before, "factor": factor, **history(window)},
    )


def exploding_gradients(window: Sequence[StepRecord]) -> Finding | None:
    """Fire when the gradient norm has left its range upwards: `TIERS`, with ten times the factor.

    Args:
        window: Steps of one optimizer, oldest first.
    """
    known = norms(window)
    found = _tier([norm for _, norm in known], more=10.0)
    if found is None:
        return None
    latest, before, factor = found
    first = known[-latest][0]
    cause, solutions = blame_rate(
        window,
        "Each update makes the next gradient larger: the learning rate is too high for this part of training, or "
        "nothing bounds activations or recurrence.",
        (_CLIP, _LOWER, "Check normalisation and initialisation of the layers with the largest gradients."),
    )
    return Finding(
        rule="gradient.explosion",
        category=Category.GRADIENT,
        severity=Severity.ERROR,
        summary=f"The gradient norm has grown {times(factor)} since step {first}, to {known[-1][1]:.3g}.",
        cause=cause,
        solutions=solutions,
        prevention=_PREVENTION,
        confidence=0.85,
        basis="detector",
        evidence={"step": first, "largest_norm_before": before, "factor": factor, **history(window)},
    )


def _slow(course: Course) -> Finding | None:
    """Fire when loss and gradients have grown by orders of magnitude over all of the run, and grow on."""
    early, latest = losses(course.early), course.losses[-REFERENCE:]
    early_norms, latest_norms = norms(course.early), norms(course)[-REFERENCE:]
    if course.shared or course.steps < SLOW_STEPS or not early_norms or not latest_norms or len(latest) < REFERENCE:
        return None
    before = max((abs(loss) for _, loss in early), default=0.0)
    now = median(loss for _, loss in latest)
    if not before > 0 or now < max(SLOW * before, SLOW_LEVEL):
        return None
    if median(norm for _, norm in latest_norms) < SLOW_NORMS * max(norm for _, norm in early_norms):
        return None
    means = [stretch.loss for stretch in course.stretches]
    eighth = len(means) // 8
    parts = [[m for m in means[n * eighth : (n + 1) * eighth] if m is not None] for n in range(4, 8)]
    if not eighth or not all(parts) or any(b < GROWING * a for a, b in pairwise(map(fmean, parts))):
        return None
    first = next((s.first for s in course.stretches if s.loss is not None and s.loss > 10 * before), latest[0][0])
    return Finding(
        rule="loss.explosion",
        category=Category.LOSS,
        severity=Severity.ERROR,
        summary=f"The loss has grown {times(now / before)} since the start, to {now:.3g}, and grows on: training "
        "diverges.",
        cause="What is learned feeds on itself: targets that the network makes itself and that exceed what it said "
        "before (a discount of 1 or more, no target network), or a learning rate that is too high.",
        solutions=(
            "Of values that are bootstrapped, check the discount (below 1), the end of episodes (no value after it), "
            "and the target network.",
            _LOWER,
            _CLIP,
        ),
        prevention=_PREVENTION,
        confidence=0.8,
        basis="detector",
        evidence={"step": first, "largest_loss_before": before, "factor": now / before, **history(course)},
    )


def _ramp(values: Sequence[float]) -> tuple[int, float, float] | None:
    """Return the same as `_tier` for values that have grown step by step up to the latest, which is the largest."""
    latest, most, factor = RAMP
    if len(values) < 2 * latest + REFERENCE or values[-1] < max(values):
        return None
    before = _largest_so_far(values)
    lowest = min(values[-latest:])
    for start in range(2 * latest, min(most, len(values) - REFERENCE) + 1):
        largest = before[-start - 1]
        if 0 < factor * largest < lowest:
            return start, largest, values[-1] / largest
    return None


def _tier(values: Sequence[float], *, more: float = 1.0) -> tuple[int, float, float] | None:
    """Return how many of the latest values are out of range, the largest absolute value before, and by how much."""
    if len(values) < TIERS[0][0] + REFERENCE or values[-1] <= values[0]:
        return None
    before = _largest_so_far(values)
    for latest, factor in TIERS:
        if len(values) < latest + REFERENCE:
            continue
        largest = before[-latest - 1]
        now = values[-latest:]
        if 0 < more * factor * largest < min(now):
            return latest, largest, sorted(now)[latest // 2] / largest
    return None


def _largest_so_far(values: Sequence[float]) -> list[float]:
    """Return the largest absolute value up to each place."""
    return list(accumulate(map(abs, values), max))
