"""Losses that are computed and not trained on."""

from collections.abc import Sequence

from otel_mldebug.rules.detectors.layers.changes import fates
from otel_mldebug.rules.detectors.layers.reading import layers_of, listed
from otel_mldebug.rules.detectors.layers.reported import be, evidence
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

PATIENCE = 50
"""Steps of the whole program, at least. It is judged at the end: parts of a loss may join in later."""


def loss_left_out(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when layers that the optimizer holds never get a gradient, though a loss that depends on them is computed.

    A loss for the log depends on what is trained anyway, a probe on features has a backward call of its own.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Not looked at.
    """
    del steps
    if looks[-1].step - looks[0].step < PATIENCE:
        return None
    known = fates(looks)
    asides = [{p.name for p in look.parameters if p.aside} for look in (looks[0], *looks[-2:])]
    lost = [f for f in known if f.idle and f.held and f.reached is False and all(f.latest.name in a for a in asides)]
    if not lost or not any(f.reached and f.changed for f in known):
        return None
    names = layers_of([f.latest for f in lost])
    return Finding(
        rule="loss.left_out",
        category=Category.LOSS,
        severity=Severity.WARNING,
        summary=f"{listed(names)} {be(names)} never trained: a loss that depends on it is computed in each step, "
        "but is no part of what backward is called on.",
        cause="One of several losses was forgotten in the sum, or backward is called on the wrong variable.",
        solutions=(
            "Add the losses up before backward: (loss + other_loss).backward(), with weights if their sizes differ.",
            "If that loss is only for the log, compute it with torch.no_grad(), and leave the layers out of the "
            "optimizer.",
        ),
        prevention="After the first backward call, check that every parameter that should learn has a gradient.",
        confidence=0.85,
        basis="detector",
        evidence=evidence(looks, lost, known),
    )
