"""Layers that are unfrozen while training goes on, and that no optimizer is given."""

from collections.abc import Sequence

from otel_mldebug.rules.detectors.layers.reading import layers_of, listed, mixes
from otel_mldebug.rules.detectors.layers.reported import be, count
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Parameter
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

LOOKS = 2
"""Looks at least that show them frozen, and as many that show them unfrozen."""
PATIENCE = 30
"""Steps since the first of the latter, in which an optimizer could have come for them."""


def unfrozen_parameters(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when weights that were frozen have required gradients ever since, get them, and no optimizer holds them.

    Whoever unfreezes layers in the midst of training wants them to be trained. Those that are frozen again, as where
    parts take turns or gradients are measured once, are left alone, and so is what another optimizer holds.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Not looked at.
    """
    del steps
    idle = {p.name for p in looks[-1].parameters if _idle(p) and p.changed is False}
    if not idle:
        return None
    shown: dict[str, list[tuple[Look, Parameter]]] = {}
    for look in looks:
        for p in look.parameters:
            if p.name in idle:
                shown.setdefault(p.name, []).append((look, p))
    begun = {name: _begun(history) for name, history in shown.items()}
    first = min((look.step for look in begun.values() if look is not None), default=None)
    if first is None or looks[-1].step - first < PATIENCE:
        return None
    left = [p for p in looks[-1].parameters if p.name in idle and begun[p.name] is not None]
    names = layers_of(left)
    return Finding(
        rule="parameter.not_in_optimizer",
        category=Category.OPTIMIZATION,
        severity=Severity.WARNING,
        summary=f"No optimizer holds {listed(names)}, which {be(names)} no longer frozen (seen at step {first}): "
        f"{count(len(left), 'weight')} {be([p.name for p in left])} given gradients and never updated.",
        cause="The layers were unfrozen with requires_grad_(True) after the optimizer was made for those parameters "
        "only that required gradients then.",
        solutions=(
            "Give them to the optimizer when they are unfrozen: optimizer.add_param_group({'params': "
            "layer.parameters()}).",
            "Or give it all parameters from the start: it passes over those without a gradient.",
        ),
        prevention="Compare the number of parameters in optimizer.param_groups with that of those that require "
        "gradients after each unfreezing.",
        confidence=0.9,
        basis="detector",
        evidence={"step": first, "layer": names[0], "parameters": tuple(p.name for p in left[:8])},
    )


def _idle(parameter: Parameter) -> bool:
    given = parameter.gradient is not None and parameter.gradient.norm > 0
    return mixes(parameter) and bool(parameter.layer) and parameter.trainable and not parameter.optimized and given


def _begun(history: Sequence[tuple[Look, Parameter]]) -> Look | None:
    """Return the first look since which a parameter is unfrozen; None where it is not known to have been frozen."""
    free = [p.trainable for _, p in history]
    frozen = free.index(True)
    since = history[frozen:]
    if frozen < LOOKS or len(since) < LOOKS or not all(_idle(p) and p.changed is not True for _, p in since):
        return None
    return None if any(p.optimized for _, p in history[:frozen]) else since[0][0]
