"""How much a step changes the weights, relative to their size: a learning rate that is far too high or too low."""

import math
from collections.abc import Sequence
from statistics import median

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.clipping import blame_clipping, clipped_norm
from otel_mldebug.rules.detectors.layers.reading import Progress, layers_of, listed, matrices, progress
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Parameter
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

HIGH = 0.5
"""Update over weight from which a step replaces the weights rather than adjusts them. About 1e-3 is usual; Adam on
narrow layers starts at 0.1. Source: Karpathy, "CS231n: ratio of weights to updates"; UMLAUT (CHI 2021)."""
BLOW = 3.0
"""The same for a single one of the first steps: what was drawn with care is gone."""
BLOW_STEPS = 40
"""Steps in which the loss could have come back."""
THROWN, THROWN_LOSS, THROWN_STEPS = 1.5, 1.3, 8
"""The same for a first step, after which the losses of the next steps are in the median so many times the first."""
INFLATED, INFLATED_STEPS, INFLATED_LOSS = 3.0, 64, 2.0
"""How many times larger than drawn the weights of most layers have become, and in how many of the first steps, while
one of the losses was so many times the first. At 0.001 a step, 64 steps in one direction make 1.07 of it."""
HUGE, HUGE_LOSS = 6.0, 1.3
"""The same for weights that nothing is left of."""
SWEPT, SWEPT_LOSS, SWEPT_LEFT = 0.5, 1.05, 0.83
"""Update over weight of the first step, how many times the first loss one of the first ones was, and what is left of
it, if the loss is one of a supervised problem."""
RUINED, RUINED_LOSS, RUINED_LEFT = 5.0, 10.0, 0.3
"""How many times larger such first steps have made the weights, and the loss for a moment: then it may rest further
below its start, too."""
SWOLLEN, SWOLLEN_STEPS, SWOLLEN_LAYERS, SWOLLEN_LEFT, SWOLLEN_RECENT = 1.5, 240, 4, 0.9, 1.1
"""The same for a supervised network of so many layers at least whose loss has been stuck for so many steps since, not
thrown up by it: attention is saturated, and units are dead. What is left of the first loss, at least, and of that of
the first third, at most: a loss that was low and is high again has learned something."""
_SUPERVISED = ("NllLoss", "NLLLoss", "BinaryCrossEntropy", "MseLoss", "SmoothL1Loss", "HuberLoss")
SILENT, SILENT_LOOKS, SILENT_STEPS = 0.2, 4, 50
"""Update over weight of one of the first steps, of weights that have had no gradient at all in so many of the latest
looks, over so many steps, while others still have: probabilities of exactly 1, or units that are all dead."""
LOW = 1e-6
"""Below this a thousand steps change the weights by less than a thousandth. Fine-tuning with Adam at 1e-6 has 1e-5."""
LOOKS = 3
STEPS = 20, 50
"""Steps that a rate has to be too high, and too low."""
EARLY = 5
"""Steps in which Adam's first updates are larger than later ones, and weights that start at 0 have no size yet."""


def rate_too_high(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when each step replaces the weights of most layers, look after look, and the loss does not fall.

    Or when one of the first steps did so several times over, and the loss has been higher since than at the start; or
    once over, and threw the loss up, which has come back to where it started and no further; or when the first steps
    threw it up and made most weights several times as large, and the loss has come to rest not far below its start. Or
    when first steps that change weights by much are followed by gradients of exactly 0, whatever the loss is.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Its latest ones.
    """
    known = progress(looks, steps)
    if known.steps < STEPS[0]:
        return None
    late = [look for look in looks if look.step >= EARLY][-LOOKS:]
    first = [look for look in looks if look.step <= STEPS[0]]
    told = "A step changes the weights by {ratio:.2g} times their size and the loss does not fall"
    if len(late) == LOOKS and known.stuck and min(map(_median_ratio, late)) >= HIGH:
        bad = late
    elif known.steps >= BLOW_STEPS and (known.left or 0.0) >= 1 and max(map(_median_ratio, first), default=0.0) >= BLOW:
        bad = [max(first, key=_median_ratio)]
    elif _median_ratio(looks[0]) >= THROWN and looks[0].step < EARLY and _thrown(steps):
        bad = [looks[0]]
    elif (grown := _inflated(looks, steps)) is not None:
        bad = [looks[0]]
        told = f"The first steps have made the weights {grown:.2g} times as large and thrown the loss up, and it does "
        told += "not fall"
    elif known.steps >= SWOLLEN_STEPS and _idle(known) and (grown := _swollen(looks)) >= SWOLLEN:
        bad = [max(first, key=_median_ratio)]
        told = f"The first steps have made the weights {grown:.2g} times as large, and the loss does not fall"
    elif silent := _silenced(looks):
        bad = [max(first, key=_median_ratio)]
        told = f"The first steps changed the weights by {{ratio:.2g}} times their size, and {listed(silent)} "
        told += "have had no gradient at all since"
    else:
        return None
    ratios = [_median_ratio(look) for look in bad]
    return _finding(
        bad,
        ratios,
        rule="learning_rate.too_high",
        summary=told + ": the learning rate of {rate:g} is far too high.",
        cause="Steps of this size jump over every minimum. About 0.001 of the size of the weights is usual.",
        solutions=(
            "Lower the learning rate by a factor of 10 to 100.",
            "Warm it up over the first few hundred steps, and clip gradients.",
        ),
    )


def _silenced(looks: Sequence[Look]) -> list[str]:
    """Return the layers whose gradients have become exactly 0 after first steps that changed them by much."""
    late = looks[-SILENT_LOOKS:]
    if len(looks) < 2 * SILENT_LOOKS or late[-1].step - late[0].step < SILENT_STEPS or looks[0].step >= EARLY:
        return []
    wild = {
        p.name
        for look in looks
        if look.step < EARLY
        for p in _weights(look)
        if (p.update_ratio or 0.0) >= SILENT and p.gradient is not None and p.gradient.norm > 0
    }
    now = [p for p in matrices(looks[-1]) if p.optimized and p.gradient is not None]
    silent = {p.name for p in now if p.gradient is not None and p.gradient.norm == 0} & wild
    for look in late:
        silent &= {p.name for p in matrices(look) if p.gradient is not None and p.gradient.norm == 0}
    others = any(p.gradient is not None and p.gradient.norm > 0 for p in now)
    return layers_of([p for p in now if p.name in silent]) if len(silent) > 1 and others else []


def _thrown(steps: Sequence[StepRecord]) -> bool:
    """Return whether the first updates threw the loss up, and it has not been lower than at the start since."""
    course = Course.of(steps)
    early = [r.loss for r in course.early if r.loss is not None and math.isfinite(r.loss)][: THROWN_STEPS + 1]
    latest = [loss for _, loss in course.losses[-BLOW_STEPS // 2 :]]
    if course.shared or course.steps < 2 * BLOW_STEPS or len(early) <= THROWN_STEPS or min(*early, *latest) <= 0:
        return False
    return median(early[1:]) >= max(THROWN_LOSS * early[0], 1.1 * median(latest)) and median(latest) >= 0.98 * early[0]


def _inflated(looks: Sequence[Look], steps: Sequence[StepRecord]) -> float | None:
    """Return how many times larger the first steps made the weights, if they blew up the loss and little came of it."""
    course = Course.of(steps)
    early = [r.loss for r in course.early if r.loss is not None and math.isfinite(r.loss)]
    latest = [loss for _, loss in course.losses]
    if course.shared or course.steps < 2 * INFLATED_STEPS or len(early) < BLOW_STEPS // 2 or min(*early, *latest) <= 0:
        return None
    third = len(latest) // 3
    before, now = median(latest[third : 2 * third]), median(latest[2 * third :])
    thrown = max(early[1:]) / early[0]
    swept = thrown >= SWEPT_LOSS and now >= SWEPT_LEFT * early[0] and _replaced_at_once(looks)
    ruined = thrown >= RUINED_LOSS and _replaced_at_once(looks)
    least = RUINED_LEFT if ruined else 0.6
    if (thrown < HUGE_LOSS and not swept) or now < least * early[0] or now < 0.95 * before:
        return None
    grown = _grown(looks)
    if grown is None:
        return None
    factor = median(grown) if grown else 1.0
    if ruined and now < 0.6 * early[0]:
        return factor if factor >= RUINED else None
    if thrown >= INFLATED_LOSS and now >= SWEPT_LEFT * early[0]:
        return factor if factor >= SWOLLEN else None
    return factor if factor >= (INFLATED if swept or thrown >= INFLATED_LOSS else HUGE) else None


def _grown(looks: Sequence[Look]) -> list[float] | None:
    """Return how many times as large as drawn each weight is after the first steps; None where that was not seen."""
    begun, late = looks[0], [look for look in looks if EARLY <= look.step <= INFLATED_STEPS]
    if begun.step >= EARLY or not late:
        return None
    sizes = {p.name: p.weight.norm for p in _weights(begun) if p.weight is not None}
    return [p.weight.norm / sizes[p.name] for p in _weights(late[-1]) if p.weight is not None and p.name in sizes]


def _idle(known: Progress) -> bool:
    """Return whether nothing was learned at any time."""
    return known.stuck and (known.left or 0.0) >= SWOLLEN_LEFT and (known.recent or 0.0) <= SWOLLEN_RECENT


def _swollen(looks: Sequence[Look]) -> float:
    """Return how many times as large the weights of a deep supervised network have become at first; 1 for others."""
    grown = _grown(looks) or []
    return median(grown) if len(grown) >= SWOLLEN_LAYERS and _supervised(looks) else 1.0


def _replaced_at_once(looks: Sequence[Look]) -> bool:
    """Return whether the first step replaced half of the weights of a supervised network of several layers."""
    if looks[0].step >= EARLY or _median_ratio(looks[0]) < SWEPT or len(_weights(looks[0])) < 2:
        return False
    return _supervised(looks)


def _supervised(looks: Sequence[Look]) -> bool:
    last = [look.operations[-1].kind for look in looks if look.operations]
    return bool(last) and last[0].startswith(_SUPERVISED)


def rate_too_low(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when steps have hardly changed any weight since the start, with a rate that does not rise.

    Args:
        looks: Of one optimizer, oldest first. The first one has to be of the start: gradients get small where a problem
            is solved.
        steps: Its latest ones.
    """
    if _largest(looks[-1]) >= LOW:
        return None
    ratios = [largest for look in looks if (largest := _largest(look)) >= 0]
    rates = [rate for look in looks if (rate := _rate(look)) is not None]
    known = progress(looks, steps)
    if len(ratios) < LOOKS or looks[0].step > EARLY or looks[-1].step - looks[0].step < STEPS[1] or not known.stuck:
        return None
    if not 0 < max(ratios) < LOW or not rates or rates[-1] <= 0 or rates[-1] > 1.001 * rates[0]:
        return None
    clipped = clipped_norm(steps)
    cause, solutions = blame_clipping(
        clipped,
        "At this rate a thousand steps change the weights by less than a thousandth. About 0.001 for each step is "
        "usual.",
        (
            "Raise the learning rate: try 100 to 10,000 times as much (Adam: 1e-3, SGD: 1e-2 to 1e-1).",
            "Check that neither a schedule nor clipping nor a factor of the loss makes the updates that small.",
        ),
    )
    reason = "the learning rate of {rate:g} is far too low."
    if clipped is not None:
        reason = f"clipping gradients to a norm of {clipped:g} is far too strong, at a learning rate of {{rate:g}}."
    return _finding(
        looks,
        ratios,
        rule="learning_rate.too_low",
        summary="Each step changes the weights by {ratio:.1g} of their size only, and the loss does not fall: "
        + reason,
        cause=cause,
        solutions=solutions,
    )


def _finding(
    looks: Sequence[Look],
    ratios: Sequence[float],
    *,
    rule: str,
    summary: str,
    cause: str,
    solutions: tuple[str, ...],
) -> Finding:
    rate = _rate(looks[-1]) or 0.0
    worst = max(_weights(looks[-1]), key=lambda p: p.update_ratio or 0.0)
    return Finding(
        rule=rule,
        category=Category.OPTIMIZATION,
        severity=Severity.WARNING,
        summary=summary.format(ratio=median(ratios), rate=rate),
        cause=cause,
        solutions=solutions,
        prevention="Find the largest stable learning rate with a short range test before a long run.",
        confidence=0.8,
        basis="detector",
        evidence={
            "step": looks[0].step,
            "layer": layers_of([worst])[0],
            "update_ratio": median(ratios),
            "largest_update_ratio": worst.update_ratio or 0.0,
            "learning_rate": rate,
        },
    )


def _weights(look: Look) -> list[Parameter]:
    """Return the weights whose update says something: fresh zeros have no size to compare with."""
    return [
        p
        for p in matrices(look)
        if p.update_ratio is not None and p.weight is not None and p.weight.norm > 0 and p.weight.zero < 0.5
    ]


def _largest(look: Look) -> float:
    """Return the largest update over weight of all layers; -1 where it was not measured."""
    return max((p.update_ratio for p in _weights(look) if p.update_ratio is not None), default=-1.0)


def _median_ratio(look: Look) -> float:
    """Return the median of update over weight, over the layers; -1 where it was not measured."""
    ratios = [p.update_ratio for p in _weights(look) if p.update_ratio is not None]
    return median(ratios) if ratios else -1.0


def _rate(look: Look) -> float | None:
    rates = [p.learning_rate for p in matrices(look) if p.learning_rate is not None]
    return max(rates) if rates else None
