"""Layers that one optimizer hardly moves while it moves others: learning rates of groups that are worlds apart."""

from collections.abc import Sequence
from dataclasses import dataclass

from otel_mldebug.rules.detectors.layers.changes import START
from otel_mldebug.rules.detectors.layers.reading import fresh, layers_of, listed, mixes, progress
from otel_mldebug.rules.detectors.layers.reported import be
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Parameter
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

LOOKS, STEPS = 3, 50
STILL = 1e-7
"""Update over weight below which 100,000 steps in one direction make less than 1 % of the weights. It is also about
what float32 can hold next to a number: 6e-8 of it. Fine-tuning with Adam at 1e-6 has 1e-5."""
STILL_FRESH = 5e-6
"""The same of weights that are as they were drawn, where the loss has hardly fallen: in 1000 steps at most 0.005."""
MOVING = 1e-4
"""The same of a layer that is trained. About 1e-3 is usual. Source: Karpathy, "CS231n: ratio of weights to updates"."""
APART = 1e-3
"""Learning rate of those that stand still, over the highest one, at most: where gradients alone make the difference,
they vanish, which another rule tells. Layer-wise decay of 0.65 over 12 blocks makes 0.006."""
LEFT = 0.5
"""Share of the first loss from which on something is missing."""
_WHOLE = ("float32", "float64")


@dataclass(frozen=True, slots=True)
class _Course:
    """One weight over the looks."""

    first: Parameter
    latest: Parameter
    ratios: tuple[float, ...]
    rates: tuple[float, ...]


def crawling_layers(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when weights with gradients stand still from the start on, at a rate that is far below that of others.

    A rate of 0 freezes a layer on purpose, one that rises by itself is a warm-up, and weights that were trained before
    may be held back on purpose as well: for those it is a hint.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Its latest ones.
    """
    if len(looks) < LOOKS or looks[0].step > START or looks[-1].step - looks[0].step < STEPS:
        return None
    left = progress(looks, steps).left
    missing = left is not None and left >= LEFT
    if not any(_stands(p, STILL_FRESH) for p in looks[-1].parameters):
        return None  # the usual case, at no cost
    courses = _courses(looks)
    moving = [c for c in courses if min(c.ratios) >= MOVING and mixes(c.latest)]
    if not moving:
        return None
    leader = max(moving, key=lambda c: c.rates[-1])
    still = [c for c in courses if _crawls(c, leader, STILL_FRESH if missing and _drawn(c.first) else STILL)]
    if not any(mixes(c.latest) for c in still):
        return None
    missing = missing and any(_drawn(c.first) for c in still)
    highest = leader.rates[-1]
    names = layers_of([c.latest for c in still])
    fastest = max(moving, key=lambda c: c.ratios[-1])
    slowest = min(still, key=lambda c: c.ratios[-1])
    ratio, rate = max(c.ratios[-1] for c in still), slowest.latest.learning_rate or 0.0
    return Finding(
        rule="learning_rate.too_low_in_group",
        category=Category.OPTIMIZATION,
        severity=Severity.WARNING if missing else Severity.INFO,
        summary=f"{listed(names)} {be(names)} next to frozen: a step changes the weights by {ratio:.1g} of their size, "
        f"at a learning rate of {rate:.2g}, and by {fastest.ratios[-1]:.1g} in {layers_of([fastest.latest])[0]}, at "
        f"{highest:.2g}.",
        cause="The parameter groups of the optimizer have learning rates that are orders of magnitude apart: a factor "
        "for each layer that is too small, or applied twice. At this size 100,000 steps change less than 1 % of the "
        "weights.",
        solutions=(
            "Print the learning rate of every group: [g['lr'] for g in optimizer.param_groups].",
            "Use a layer-wise factor of 0.65 to 0.95, or rates within a factor of 10 to 100 of each other.",
            "If the layers are to stay as they are, freeze them with requires_grad_(False): that saves their backward "
            "pass.",
        ),
        prevention="Look at the ratio of update to weight of each layer: about 1e-3 is usual.",
        confidence=0.85 if missing else 0.5,
        basis="detector",
        evidence={
            "step": looks[0].step,
            "layer": names[0],
            "layers": tuple(names[:8]),
            "update_ratio": ratio,
            "largest_update_ratio": fastest.ratios[-1],
            "learning_rate": rate,
            "highest_learning_rate": highest,
        },
    )


def _courses(looks: Sequence[Look]) -> list[_Course]:
    """Return the weights that the optimizer has updated in all looks that have measured them, three or more."""
    seen: dict[str, list[Parameter]] = {}
    for look in looks:
        for parameter in look.parameters:
            seen.setdefault(parameter.name, []).append(parameter)
    found = []
    for history in seen.values():
        ratios = tuple(p.update_ratio for p in history if p.update_ratio is not None)
        if len(ratios) >= LOOKS and all(_trained(p) for p in history) and len(history) <= len(looks):
            rates = tuple(p.learning_rate or 0.0 for p in history)
            found.append(_Course(history[0], history[-1], ratios, rates))
    return found


def _trained(parameter: Parameter) -> bool:
    return (
        parameter.trainable
        and parameter.optimized
        and not parameter.contested
        and bool(parameter.learning_rate)
        and len(parameter.shape) >= 2
        and parameter.dtype in _WHOLE
    )


def _stands(parameter: Parameter, still: float) -> bool:
    ratio, gradient = parameter.update_ratio, parameter.gradient
    return ratio is not None and ratio < still and gradient is not None and gradient.norm > 0 and _trained(parameter)


def _crawls(course: _Course, leader: _Course, still: float) -> bool:
    if max(course.ratios) >= still or not _stands(course.latest, still):
        return False
    first, now = course.rates[0], course.rates[-1]
    rises = now > 1.001 * course.rates[-LOOKS] or now * leader.rates[0] > 1.001 * first * leader.rates[-1]
    return now <= APART * leader.rates[-1] and not rises


def _drawn(parameter: Parameter) -> bool:
    return fresh(parameter) or _table(parameter)


def _table(parameter: Parameter) -> bool:
    """Return whether it is an embedding as it was drawn: standard normal numbers, or some other usual spread."""
    stats = parameter.weight
    return "Embedding" in parameter.module and stats is not None and abs(stats.mean) < 0.05 * stats.std
