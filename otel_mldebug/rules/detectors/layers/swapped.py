"""A layer that is replaced while training goes on: the optimizer still holds the one before."""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.layers.reading import layers_of, listed
from otel_mldebug.rules.detectors.layers.reported import be, count
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Parameter
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

STEPS = 5
"""Steps since then (or since the first look that shows it), in which another optimizer could have come for it."""
JUMP = 5.0
"""How many times the usual difference of two losses the largest one is, if the replacement shows in the loss."""


def swapped_layers(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when the optimizer holds a parameter that was in use and is not any more, and none holds its successor.

    The successor has its name, gets gradients, and was not there in the looks before. Where several optimizers step,
    another one may hold it.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Its latest ones.
    """
    if not steps or Course.of(steps).shared:
        return None
    shown = [(at, new) for at in range(1, len(looks)) if (new := _new(looks[at - 1 :: -1], looks[at]))]
    if not shown or not _new(looks[: shown[0][0]], looks[-1]):
        return None
    at, new = shown[0]
    begun = _since(steps, looks[at - 1].step, looks[at].step)
    if steps[-1].index - begun < STEPS:
        return None
    names = layers_of(new)
    return Finding(
        rule="parameter.replaced",
        category=Category.OPTIMIZATION,
        severity=Severity.ERROR,
        summary=f"{listed(names)} {be(names)} not the one that the optimizer holds: replaced after step "
        f"{looks[at - 1].step}, {count(len(new), 'parameter')} of the model get gradients and are never updated.",
        cause="A layer of the model was replaced during training (a head for more classes, a reset, a model loaded "
        "anew), and the optimizer still holds the old one.",
        solutions=(
            "Give the new parameters to the optimizer: optimizer.add_param_group({'params': layer.parameters()}), or "
            "make it anew.",
            "Copy new values into the old parameters with load_state_dict or copy_ under torch.no_grad() instead of "
            "replacing them.",
        ),
        prevention="Assert that {id(p) of all groups} equals {id(p) of model.parameters()} after each change.",
        confidence=0.9,
        basis="detector",
        evidence={
            "step": begun,
            "layer": names[0],
            "parameters": tuple(p.name for p in new[:8]),
            "seen_at_step": looks[at].step,
        },
    )


def _new(before: Sequence[Look], look: Look) -> list[Parameter]:
    """Return the parameters of a model that took the place of others, which the optimizer held in use before."""
    left = {
        p.name for p in look.parameters if p.optimized and not p.layer and p.reached is False and p.gradient is None
    }
    used = {p.name for earlier in before for p in earlier.parameters if p.name in left and p.layer and p.optimized}
    return [
        p
        for p in look.parameters
        if p.name in used and p.layer and p.trainable and not p.optimized and p.gradient is not None
    ]


def _since(steps: Sequence[StepRecord], before: int, seen: int) -> int:
    """Return the step between two others at which the loss jumps most, if it does; else the later one."""
    known = [
        (r.index, r.loss) for r in steps if before <= r.index <= seen and r.loss is not None and math.isfinite(r.loss)
    ]
    rises = [(later - earlier, step) for (_, earlier), (step, later) in pairwise(known)]
    if len(rises) < STEPS:
        return seen
    most, step = max(rises)
    return step if most > JUMP * median(abs(rise) for rise, _ in rises) else seen
