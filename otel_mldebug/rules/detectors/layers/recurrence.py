"""Recurrent layers whose gradients vanish on their way back through the sequence."""

import math
from collections.abc import Sequence
from statistics import fmean

from otel_mldebug.rules.detectors.layers.reading import progress
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Parameter
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

LENGTH = 40
"""Steps of the sequence, at least."""
REST = 1e-6
"""What is left of a gradient at the first of them, at most, in float32: nothing."""
LEFT, STEPS = 0.9, 200
"""Share of the first loss that must be left after so many steps of training. What only needs the latest inputs is
learned all the same."""
_PLAIN = frozenset(("RNN", "RNNCell"))


def forgetful_recurrence(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when a plain recurrent layer shrinks gradients at each step of a long sequence, and nothing was learned.

    A step multiplies the gradient by the recurrent weights, whose spectral radius is about their standard deviation
    times the root of the width, and by the slope of tanh. Judged when training is over: it may take its time.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Its latest ones.

    Source: Bengio et al., "Learning long-term dependencies with gradient descent is difficult", 1994; Girko's circular
    law for the radius.
    """
    known = progress(looks, steps)
    if known.steps < STEPS or not known.stuck or (known.left or 0.0) < LEFT:
        return None
    found = [
        (look, *judged) for look in looks if look.complete and look.operations and (judged := _factor(look)) is not None
    ]
    if len(found) < 2 or any(
        length < LENGTH or length * math.log(shrink) > math.log(REST) for *_, length, shrink in found
    ):
        return None
    first, parameter, length, shrink = found[0][0], *found[-1][1:]
    return Finding(
        rule="gradient.vanishing",
        category=Category.GRADIENT,
        severity=Severity.WARNING,
        summary=f"Gradients vanish through time: {parameter.layer} multiplies them by about {shrink:.2g} at each of "
        f"{length} steps of the sequence, and the loss has not fallen in {known.steps} steps of training.",
        cause="Recurrent weights below 1 and the slope of tanh shrink gradients at each step, so the early part of a "
        "sequence has no say in what is learned.",
        solutions=(
            "Use an LSTM or a GRU, with a forget bias of 1, or attention.",
            "Initialise the recurrent weights as an orthogonal matrix: torch.nn.init.orthogonal_(rnn.weight_hh_l0).",
            "Shorten the sequences, or predict at each step and not at the last one only.",
        ),
        prevention="Try the task with short sequences first, and make them longer by and by.",
        confidence=0.75,
        basis="detector",
        evidence={"step": first.step, "layer": parameter.layer, "length": length, "factor": shrink},
    )


def _factor(look: Look) -> tuple[Parameter, int, float] | None:
    """Return the recurrent weights, the length of the sequence, and what one step multiplies gradients by; or None."""
    weights = [p for p in look.parameters if p.module in _PLAIN and "weight_hh" in p.name and p.trainable]
    if len(weights) != 1 or weights[0].weight is None:
        return None
    weight, stats = weights[0], weights[0].weight
    tanh = [op.output for op in look.operations if op.kind == "Tanh" and op.layer == weight.layer]
    measured = [out for out in tanh if out is not None]
    if not measured:
        return None
    slope = fmean(1 - min(1.0, out.mean**2 + out.std**2) for out in measured)
    shrink = math.hypot(stats.mean, stats.std) * math.sqrt(weight.shape[-1]) * slope
    return (weight, len(tanh), shrink) if 0 < shrink < 1 else None
