"""Layers that were trained for a while and are frozen since, although the optimizer still holds them."""

from collections.abc import Sequence

from otel_mldebug.rules.detectors.layers.reading import layers_of, listed, mixes
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

SHARE = 0.25
"""Weights that are frozen since, of all that mix their inputs, at least."""


def halted_layers(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Take note when weights that the optimizer has trained have stopped to require gradients, and others go on.

    Layers may be frozen one by one on purpose. An evaluation or a probe that freezes them and forgets about it looks
    the same, so this is a hint.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Not looked at.
    """
    del steps
    weights = [p for p in looks[-1].parameters if p.optimized and mixes(p)]
    frozen = {p.name for p in weights if not p.trainable}
    if not frozen or len(frozen) == len(weights) or len(frozen) < SHARE * len(weights):
        return None
    trained = {p.name for look in looks for p in look.parameters if p.trainable and p.optimized and p.changed}
    halted = [p for p in weights if p.name in frozen & trained]
    names = {p.name for p in halted}
    since = next(i for i in range(len(looks), 0, -1) if i == 1 or _any_trains(looks[i - 2], names)) - 1
    if len(halted) < SHARE * len(weights):
        return None
    begun = looks[since].step
    layers = layers_of(halted)
    return Finding(
        rule="parameter.frozen_midway",
        category=Category.OPTIMIZATION,
        severity=Severity.INFO,
        summary=f"{listed(layers)} {'was' if len(layers) == 1 else 'were'} trained up to step {looks[since - 1].step} "
        f"at least, and {'is' if len(layers) == 1 else 'are'} frozen (requires_grad False) from step {begun} "
        "on, although the optimizer holds them.",
        cause="Something has frozen them for a while, such as an evaluation or a probe, and has not undone it; or they "
        "were frozen on purpose.",
        solutions=(
            "Set requires_grad back to True when what froze them is done, or evaluate under torch.no_grad() instead.",
            "If they are to stay frozen, take them out of the optimizer: it says so to whoever reads the program.",
        ),
        prevention="Print how many parameters require gradients after each evaluation.",
        confidence=0.5,
        basis="detector",
        evidence={
            "step": begun,
            "layer": layers[0],
            "parameters": tuple(p.name for p in halted[:8]),
            "frozen": len(halted),
            "looked_at": len(weights),
        },
    )


def _any_trains(look: Look, names: set[str]) -> bool:
    return any(p.trainable for p in look.parameters if p.name in names)
