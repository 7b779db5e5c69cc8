"""Weights that cannot learn from where they start: all alike, or orders of magnitude too large or too small."""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from otel_mldebug.rules.detectors.layers.graph import bypassed, feeds, hidden, is_sum
from otel_mldebug.rules.detectors.layers.profile import drop, relative
from otel_mldebug.rules.detectors.layers.reading import fan_in, layers_of, listed, matrices, own_name
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Parameter, Stats
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

START = 2
"""Last step whose look still shows how the weights started."""
SHARE = 0.5
"""Share of all weight matrices that have to be constant: DiT, ControlNet and LoRA start some at 0 on purpose."""
LARGE = 3.0
"""Standard deviation times the root of fan-in from which weights amplify a lot. Kaiming's is 1.4, Xavier's about 1,
PyTorch's default 0.6. Source: He et al., ICCV 2015; Glorot and Bengio, AISTATS 2010."""
DEEP, DEEP_GAIN, DEEP_DECADES = 8, 2.0, 1.0
"""Layers, median of the same, and powers of ten by which gradients grow from the last layer back to the first one, from
which weights are too large for the depth although activations are bounded, as those of tanh are: twice Xavier's scale
turns signals to noise. Source: Poole et al., NeurIPS 2016; Schoenholz et al., ICLR 2017."""
SMALL = 0.03
"""The same for weights that let hardly anything through. SIREN's hidden layers have 0.05, GPT's output layers 0.1."""
GROWTH = 100.0
"""How many times activations have to grow (or shrink) from the first layer to the last one."""
SATURATED = 0.6
"""Share of saturated elements in the hidden layers, in the median. Half of them are where inputs are standardised and
weights are three times as large as they should be."""
SATURATED_OUTPUT = 0.9
"""The same for outputs, such as actions: nothing has been learned yet that one could be sure of."""
ABOVE_CHANCE = 4.0
"""How many times the first loss of a classifier exceeds the logarithm of the number of classes."""
HEAD, HEAD_CHANCE = 6.0, 2.0
"""The same as `LARGE` for the last layer of a classifier alone, whose results are what the loss takes as they are; and
as `ABOVE_CHANCE` where most weights are that large."""
LOST = 20.0
"""The same where it needs no weights that are far too large: many layers (or branches) multiply up what each adds."""
EXPLODED = 1e4
"""How many times as large as its weights a layer's gradient is where the same happens to what is no classifier."""


def constant_weights(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when layers that follow each other start with all weights the same: their units can never become different.

    One such layer alone is on purpose more often than not: zero-initialised heads, residual branches and adapters. So
    are two of them if the second one gets more than what the first one makes: a zero head behind zero branches.

    Args:
        looks: Of one optimizer, oldest first. The first one has to be of the start.
        steps: Not looked at.
    """
    del steps
    look = looks[0]
    weights = [p for p in matrices(look) if p.weight is not None and p.weight.size > 1]
    constant = [p for p in weights if _constant(p)]
    if look.step > START or len(constant) < max(2, SHARE * len(weights)):
        return None
    places = {p.name: at for at, p in enumerate(weights)}
    alike = [p.layer for p in constant]
    pairs = [
        (a, b)
        for a, b in pairwise(constant)
        if a.shape[0] > 1
        and places[b.name] == places[a.name] + 1
        and feeds(look, a.layer, b.layer) is not False
        and not bypassed(look, a.layer, b.layer, alike)
    ]
    if not pairs:
        return None
    layers = layers_of(constant)
    first = pairs[0][0]
    value = first.weight.mean if first.weight is not None else 0.0
    zero = value == 0
    return Finding(
        rule="init.constant",
        category=Category.MODEL,
        severity=Severity.ERROR,
        summary=f"The weights of {listed(layers)} all start at {value:g}: units of a layer stay copies of each other.",
        cause="Poor initialisation: weights that are all "
        + ("0 pass nothing on and get no gradient" if zero else "the same give all units of a layer the same gradient")
        + ": the network is no better than one with a single unit in each layer.",
        solutions=(
            "Draw the weights at random: leave PyTorch's default, or use nn.init.kaiming_normal_ (ReLU) or "
            "nn.init.xavier_uniform_ (tanh, sigmoid); keep constants for biases.",
            "Look for code that fills all parameters, such as `for p in model.parameters(): p.data.zero_()`.",
        ),
        prevention="Initialise by layer type, and leave layers alone whose default is good.",
        confidence=0.95,
        basis="detector",
        evidence={
            "step": look.step,
            "layer": own_name(first),
            "value": value,
            "constant_layers": len(constant),
            "layers": len(weights),
        },
    )


def scale_of_weights(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when most layers start far off the scale that keeps activations alike, and something is seen to suffer.

    Both have to be: normalised networks do not mind the scale of their weights, sine networks compensate for it, and
    trained weights may be large.

    Args:
        looks: Of one optimizer, oldest first. The first one has to be of the start.
        steps: Not looked at.
    """
    del steps
    look = looks[0]
    if look.step > START:
        return None
    weights = [p for p in matrices(look) if p.weight is not None and p.weight.size >= 16 and fan_in(p) >= 2]
    gains = [(p, _spread(p) * math.sqrt(fan_in(p))) for p in weights if p.weight is not None and not _constant(p)]
    large = [p for p, gain in gains if gain >= LARGE]
    small = [p for p, gain in gains if gain <= SMALL]
    least = max(2, 0.5 * len(gains))
    wild = sum(gain >= HEAD for _, gain in gains) >= least
    if len(large) >= least and (harm := _harm(look, HEAD_CHANCE if wild else ABOVE_CHANCE)) is not None:
        return _scale(look, large, [g for _, g in gains], harm)
    too_deep = len(gains) >= DEEP and median(gain for _, gain in gains) >= DEEP_GAIN
    if too_deep and (fallen := drop(look, ends=False)) <= -DEEP_DECADES:
        strong = [p for p, gain in gains if gain >= DEEP_GAIN]
        return _scale(look, strong, [g for _, g in gains], ("gradient", 10**-fallen))
    if (harm := _harm(look)) is not None and harm[0] == "grow" and len(gains) >= 2 and _starts_lost(look):
        usual = median(gain for _, gain in gains)
        return _scale(look, [p for p, gain in gains if gain >= usual], [g for _, g in gains], harm)
    last = [(p, gain) for p, gain in gains if p is weights[-1]]
    heads = [(p, gain) for p, gain in (*last, *_tied(look)) if gain >= HEAD]
    chance = _chance(look) if heads and look.loss is not None else None
    if chance is not None and look.loss is not None and ABOVE_CHANCE * chance <= look.loss < math.inf:
        return _scale(look, [p for p, _ in heads], [g for _, g in heads], ("loss", look.loss / chance))
    grown = growth(look)
    if len(small) >= least and grown is not None and grown <= 1 / GROWTH:
        return _scale(look, small, [g for _, g in gains], ("shrink", 1 / grown))
    return None


def _spread(parameter: Parameter) -> float:
    """Return the root of the mean square of a weight's elements: of those around 0 the standard deviation."""
    stats = parameter.weight
    return math.hypot(stats.mean, stats.std) if stats is not None else 0.0


def _tied(look: Look) -> list[tuple[Parameter, float]]:
    """Return the table of an embedding that gives the scores as well, with its gain; nothing for other models."""
    last = next((op.layer for op in reversed(look.operations) if is_sum(op.kind)), "")
    tables = [p for p in look.parameters if p.layer == last and p.module == "Embedding" and p.trainable and last]
    return [(p, p.weight.std * math.sqrt(p.shape[1])) for p in tables if p.weight is not None and len(p.shape) == 2]


def _harm(look: Look, above: float = ABOVE_CHANCE) -> tuple[str, float] | None:
    """Return what weights that are too large do: what it is called, and how much of it."""
    grown = growth(look)
    if grown is not None and grown >= GROWTH:
        return "grow", grown
    inside = hidden(look)
    saturated = [
        op.saturated
        for place, op in enumerate(look.operations)
        if place in inside and op.kind in ("Sigmoid", "Tanh") and op.saturated is not None
    ]
    if saturated and median(saturated) >= SATURATED:
        return "saturate", median(saturated)
    outputs = [
        op.saturated
        for place, op in enumerate(look.operations)
        if place not in inside and op.kind in ("Sigmoid", "Tanh") and op.saturated is not None and op.units > 1
    ]
    if outputs and median(outputs) >= SATURATED_OUTPUT:
        return "saturate", median(outputs)
    if look.loss is not None and math.isfinite(look.loss) and (chance := _chance(look)) is not None:
        return ("loss", look.loss / chance) if look.loss >= above * chance else None
    return None


def _starts_lost(look: Look) -> bool:
    """Return whether a model starts far surer of wrong answers than inputs of this size explain."""
    chance = _chance(look)
    if chance is None:
        return max((relative(p) or 0.0 for p in matrices(look)), default=0.0) >= EXPLODED
    return look.loss is not None and LOST * chance <= look.loss < math.inf


def _chance(look: Look) -> float | None:
    """Return the loss of a classifier that knows nothing, if the loss is a plain cross entropy."""
    kinds = [op.kind for op in look.operations]
    if kinds[-1:] != ["NllLoss"]:
        return None
    scores = next((op for op in reversed(look.operations) if op.kind == "LogSoftmax" and len(op.shape) >= 2), None)
    return math.log(scores.shape[1 if len(scores.shape) >= 4 else -1]) if scores and scores.shape[-1] > 1 else None


def _constant(parameter: Parameter) -> bool:
    stats = parameter.weight
    return stats is not None and stats.size > 1 and stats.low == stats.high


def growth(look: Look) -> float | None:
    """Return how many times larger the last layer's inputs or results are than the first layer's inputs, if known."""
    sums = [op for op in look.operations if is_sum(op.kind) and op.layer]
    sizes = [rms for op in sums if (rms := _rms(op.operand)) is not None]
    sizes += [rms for op in sums[-1:] if (rms := _rms(op.output)) is not None]
    if len(sizes) < 2 or not all(0 < size < math.inf for size in (sizes[0], sizes[-1])):
        return None
    return sizes[-1] / sizes[0]


def _rms(stats: Stats | None) -> float | None:
    return stats.norm / math.sqrt(stats.size) if stats is not None and stats.size > 0 else None


_TOLD = {
    "grow": "Activations grow {much:.2g} times from the first layer to the last one at the start",
    "gradient": "Gradients grow {much:.2g} times from the last layer back to the first one at the start",
    "shrink": "Activations shrink {much:.2g} times from the first layer to the last one at the start",
    "saturate": "{much:.0%} of the activations are saturated at the start",
    "loss": "The loss starts at {much:.2g} times that of a guess",
}


def _scale(look: Look, bad: Sequence[Parameter], gains: Sequence[float], harm: tuple[str, float]) -> Finding:
    kind, much = harm
    layers = layers_of(bad)
    first = bad[0].weight
    return Finding(
        rule="init.scale",
        category=Category.MODEL,
        severity=Severity.WARNING,
        summary=f"{_TOLD[kind].format(much=much)}: the weights of {listed(layers)} are too "
        f"{'small' if kind == 'shrink' else 'large'}.",
        cause=f"Poor initialisation: their standard deviation is {median(gains) / math.sqrt(2):.2g} times "
        "sqrt(2 / fan-in), with which activations would keep their size.",
        solutions=(
            f"Draw the table, which gives the scores as well, with nn.init.normal_({layers[0]}.weight, std=0.02), as "
            "language models do: the default of nn.Embedding is a standard deviation of 1."
            if bad[0].module == "Embedding"
            else "Leave PyTorch's default, or use nn.init.kaiming_normal_ (ReLU) or nn.init.xavier_uniform_ (tanh, "
            "sigmoid): both scale with fan-in.",
            "Add normalisation layers (BatchNorm, LayerNorm), which make the scale of weights matter less.",
        ),
        prevention="Scale initial weights with 1/sqrt(fan-in), not with a constant.",
        confidence=0.8,
        basis="detector",
        evidence={
            "step": look.step,
            "layer": layers[0],
            "std": first.std if first is not None else 0.0,
            "expected_std": math.sqrt(2 / fan_in(bad[0])),
            f"{kind}_factor": much,
            "layers": len(bad),
        },
    )
