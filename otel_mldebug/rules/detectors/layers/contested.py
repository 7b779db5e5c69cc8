"""Weights that two optimizers update in turn, one of them by mistake."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from otel_mldebug.rules.detectors.layers.reading import layers_of, listed, matrices
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

LOOKS = 3
"""Looks in a row that have to show it."""
STEPS = 20
"""Latest steps of this optimizer between which others have to step: first a head and then all is two phases."""


def contested_parameters(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when an optimizer holds, besides its own, all weights of another one, and the two take turns.

    Two that share some weights and have others for themselves are left alone (a common encoder), and so are two that
    hold the same ones (one that takes over from another).

    Args:
        looks: Of one optimizer, oldest first.
        steps: Its latest ones.
    """
    late = looks[-LOOKS:]
    found = [p for p in matrices(late[-1]) if p.contested]
    if len(late) < LOOKS or len(steps) < STEPS or not all(any(p.contested for p in look.parameters) for look in late):
        return None
    if not found or median(b.index - a.index for a, b in pairwise(steps[-1 - n] for n in range(STEPS - 1, -1, -1))) < 2:
        return None
    layers = layers_of(found)
    first = next(look.step for look in looks if any(p.contested for p in look.parameters))
    return Finding(
        rule="parameter.in_two_optimizers",
        category=Category.OPTIMIZATION,
        severity=Severity.WARNING,
        summary=f"{late[-1].optimizer or 'This optimizer'} holds all {len(found)} weights of another optimizer, too "
        f"({listed(layers)}): both update them in turn.",
        cause="The parameters of another part of the program were given to this optimizer as well, such as those of a "
        "critic to its actor's: what one loss teaches them the other takes back.",
        solutions=(
            "Give each optimizer its own parameters only: Adam(actor.parameters()), Adam(critic.parameters()).",
            "Where one loss passes through the other part, set that one's requires_grad to False meanwhile.",
        ),
        prevention="Check once that no parameter is in two optimizers.",
        confidence=0.8,
        basis="detector",
        evidence={"step": first, "layer": layers[0], "weights": len(found)},
    )
