"""One part of a model that the first step replaces, because the learning rate of its group is far above the others'."""

from collections.abc import Sequence
from dataclasses import dataclass

from otel_mldebug.rules.detectors.layers.reading import fresh, layers_of, listed, mixes
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Parameter
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

FIRST, STEPS = 3, 50
"""Looks at the beginning of which one has to show it, and steps after which it is judged."""
REPLACED, GROWN = 3.0, 2.0
"""Update over weight from which nothing is left of what was drawn, and how many times as large as drawn the weights
are later on. About 1e-3 is usual. Source: Karpathy, "CS231n: ratio of weights to updates"."""
APART = 4.0
"""Learning rate, over the lowest of the same optimizer, at least: where all are alike, the rate itself is too high,
which another rule tells. Heads and adapters are given 10 times the rate of the body; their first step changes them by
a tenth."""


@dataclass(frozen=True, slots=True)
class _Replaced:
    """A weight that is not what it was drawn as."""

    parameter: Parameter
    ratio: float
    step: int


def replaced_part(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when a first step changes freshly drawn weights of one group by several times what there is of them.

    Args:
        looks: Of one optimizer, oldest first. The first ones have to be of the start.
        steps: Not looked at.
    """
    del steps
    if looks[0].step > FIRST or looks[-1].step - looks[0].step < STEPS:
        return None
    latest = {p.name: p for p in looks[-1].parameters}
    drawn = {p.name: p for p in looks[0].parameters if p.trainable and p.optimized and fresh(p)}
    lowest = min((p.learning_rate for p in latest.values() if p.learning_rate), default=0.0)
    found = {
        p.name: _Replaced(p, p.update_ratio, look.step)
        for look in reversed(looks[:FIRST])
        for p in look.parameters
        if mixes(p) and p.name in drawn and (p.update_ratio or 0.0) >= REPLACED and p.update_ratio is not None
    }
    replaced = [r for r in found.values() if _far(r.parameter, lowest) and _grown(latest.get(r.parameter.name), drawn)]
    if not replaced or len(replaced) == len(drawn):
        return None
    layers = layers_of([r.parameter for r in replaced])
    worst = max(replaced, key=lambda r: r.ratio)
    rate = worst.parameter.learning_rate or 0.0
    return Finding(
        rule="learning_rate.too_high_in_group",
        category=Category.OPTIMIZATION,
        severity=Severity.WARNING,
        summary=f"Step {worst.step} changes {listed(layers)} by {worst.ratio:.2g} times what there is of them: nothing "
        f"is left of the weights that were drawn. Their learning rate of {rate:g} is {rate / lowest:.3g} times that "
        "of others.",
        cause="The learning rate of this group is far too high for weights of this size: a factor was multiplied where "
        "it should divide, or a number for another optimizer was kept.",
        solutions=(
            f"Give this group a rate near {lowest:g}, as the others have.",
            "Scale rates with the width downwards: wider layers need smaller steps.",
            "Warm the rate up over the first steps: the first ones of Adam and RMSprop are the largest.",
        ),
        prevention="Log the size of updates over the size of weights for each group: about 0.001 is usual.",
        confidence=0.8,
        basis="detector",
        evidence={
            "step": worst.step,
            "layer": layers[0],
            "update_ratio": worst.ratio,
            "learning_rate": rate,
            "lowest_learning_rate": lowest,
        },
    )


def _far(parameter: Parameter, lowest: float) -> bool:
    return lowest > 0 and (parameter.learning_rate or 0.0) >= APART * lowest


def _grown(parameter: Parameter | None, drawn: dict[str, Parameter]) -> bool:
    """Return whether a weight has stayed several times as large as it was drawn."""
    if parameter is None or parameter.weight is None:
        return False
    begun = drawn[parameter.name].weight
    return begun is not None and parameter.weight.norm >= GROWN * begun.norm
