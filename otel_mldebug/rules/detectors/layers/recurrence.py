"""Recurrent layers whose gradients vanish, or explode, on their way back through the sequence."""

import math
from collections import Counter
from collections.abc import Sequence
from statistics import fmean

from otel_mldebug.rules.detectors.layers.graph import is_sum
from otel_mldebug.rules.detectors.layers.profile import relative
from otel_mldebug.rules.detectors.layers.reading import matrices, own_name, progress
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
GAIN = 1.5
"""Standard deviation of recurrent weights times the root of the width, from which a step of the sequence stretches what
it is given: 0.58 in PyTorch, 1 for orthogonal ones. Source: Sompolinsky et al., "Chaos in random neural networks",
1988; Pascanu et al., "On the difficulty of training recurrent neural networks", ICML 2013."""
BURST, ABOVE = 10.0, 30.0
"""Gradient over weight there, at least, and how many times that of the layer behind it: sums and large targets make all
gradients large."""
UNROLLED = 20
"""Uses of one layer in a forward pass that make it a recurrence, where it is not one of PyTorch's."""
BEGINNING, BURSTS = 8, 3
"""Last step of a look at the beginning, and looks there that have to agree."""
THROWN = 0.5
"""Update over weight of such a look after which there is nothing left to agree with: then one is enough."""
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


def exploding_recurrence(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when recurrent weights start too large and the gradients that come back through the sequence are, too.

    Gradients are what the optimizer uses: where they are clipped, they are small.

    Args:
        looks: Of one optimizer, oldest first. The first ones have to be of the start.
        steps: Not looked at.
    """
    del steps
    first = [look for look in looks if look.step - looks[0].began <= BEGINNING][:BURSTS]
    if len(first) < BURSTS:
        return None
    found = [_burst(look) for look in first]
    told = [one for one in found if one is not None]
    if not told or len({parameter.name for parameter, *_ in told}) > 1:
        return None
    if len(told) < BURSTS and (found[0] is None or (told[0][0].update_ratio or 0.0) < THROWN):
        return None
    parameter, gain, size, above = told[0]
    return Finding(
        rule="gradient.exploding",
        category=Category.GRADIENT,
        severity=Severity.WARNING,
        summary="Gradients explode through time: on their way back through the sequence, that of "
        f"{own_name(parameter)} becomes {size:.2g} times as large as its weights, and {above:.2g} times what the last "
        "layer gets.",
        cause=f"Each step of the sequence multiplies by recurrent weights that are too large: {gain:.2g} times what "
        "keeps a signal as it is (a spectral radius of about 1), and nothing clips the gradients.",
        solutions=(
            "Initialise the recurrent weights as an orthogonal matrix with gain 1: "
            "torch.nn.init.orthogonal_(rnn.weight_hh_l0), or leave PyTorch's default.",
            "Clip gradients before the step: torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).",
            "Use an LSTM or a GRU, shorter sequences, or truncated backpropagation through time.",
        ),
        prevention="Clip gradients wherever something is recurrent, and log their norm.",
        confidence=0.85,
        basis="detector",
        evidence={
            "step": first[0].step,
            "layer": own_name(parameter),
            "gain": gain,
            "gradient_over_weight": size,
            "times_layer_behind": above,
        },
    )


def _burst(look: Look) -> tuple[Parameter, float, float, float] | None:
    """Return recurrent weights with their gain, gradient over weight, and how many times that of others this is."""
    weights = matrices(look)
    uses = Counter(op.layer for op in look.operations if is_sum(op.kind))
    found = []
    for at, parameter in enumerate(weights):
        size = relative(parameter)
        behind = [r for p in weights[at + 1 :] if p.layer != parameter.layer and (r := relative(p)) is not None]
        if size is None or parameter.weight is None or not _recurrent(parameter, uses) or not behind:
            continue
        gain = math.hypot(parameter.weight.mean, parameter.weight.std) * math.sqrt(parameter.shape[-1])
        if gain >= GAIN and size >= BURST and size >= ABOVE * behind[-1]:
            found.append((parameter, gain, size, size / behind[-1]))
    return max(found, key=lambda one: one[2], default=None)


def _recurrent(parameter: Parameter, uses: Counter[str]) -> bool:
    square = len(parameter.shape) == 2 and parameter.shape[0] == parameter.shape[1]
    return "weight_hh" in parameter.name or (square and uses[parameter.layer] >= UNROLLED)


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
