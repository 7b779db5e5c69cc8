"""Settings of optimizers that cannot work."""

from collections.abc import Sequence

from otel_mldebug.rules.detectors.layers.reading import layers_of, listed, mixes, progress
from otel_mldebug.rules.detectors.statics.telling import tell
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Parameter
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

ADAPTIVE = frozenset(("Adam", "AdamW", "NAdam", "RAdam", "Adamax", "SparseAdam", "RMSprop", "Adam8bit", "AdamW8bit"))
"""Optimizers whose every update is about as large as the learning rate, whatever the gradients are."""
ADAPTIVE_RATE = 0.5
"""Learning rate of those, from which each step changes weights by more than their usual size."""
DECOUPLED = frozenset(("AdamW", "AdamW8bit", "Lion"))
"""Optimizers that shrink weights by learning rate times decay at each step. Source: https://arxiv.org/abs/1711.05101."""
SHRINK = 0.05
"""Part of all weights that such a decay takes away at each step, from which nothing can be kept."""
_LAYERS = ("Linear", "Conv", "LSTM", "GRU", "RNN", "Bilinear", "MultiheadAttention", "NonDynamicallyQuantizableLinear")
TIMES = 30.0
"""How many times the lowest rate of the same optimizer that of vectors of tokens is, at least: rare ones may need more
than usual."""
KEPT, KEPT_LOOKS, KEPT_FROM = 0.5, 4, 16
"""Update over weight in the latest looks from that step on, which only weights that something holds down keep: else
they grow with such updates. Any rate will do then."""
BLOWN, THROWN = 3.0, 10.0
"""Update over weight in one of the first looks, which leaves nothing of weights, and how many times the first loss the
one of a look after it is: weights that start next to 0 grow as fast and do no harm. Any rate so far above will do."""
COUPLED_DECAY = 0.5
"""Weight decay as an L2 term, from which it outweighs usual gradients."""
GONE = 0.02
"""What is left of weights, below which a decay that is weaker than that has outweighed the gradients all the same, if
nothing was learned: normalised layers keep what weights mean at any size, but settle at a good part of it."""
LONG_MEMORY = 0.998
"""Momentum from which updates are made of 500 gradients and more. Usual are 0.9 to 0.99. Source:
Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013."""


def momentum(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when earlier gradients count as much as they did before, or more, or fade over hundreds of steps only."""
    held = [p for p in _held(looks[-1]) if p.momentum >= LONG_MEMORY]
    if not held:
        return None
    if max(p.momentum for p in held) < 1:
        return _long_memory(looks, held[0].momentum)
    held = [p for p in held if p.momentum >= 1]
    return tell(
        "optimizer.momentum",
        Severity.ERROR,
        looks[0],
        f"The momentum of {looks[-1].optimizer or 'the optimizer'} is {held[0].momentum:g}: updates never fade.",
        category=Category.OPTIMIZATION,
        cause="With a momentum of 1 or more all gradients ever seen add up, and training diverges.",
        solutions=("Use 0.9, or up to 0.99 with a lower learning rate.", "Check the order of the arguments: lr first."),
        prevention="Pass settings of optimizers by name.",
        confidence=0.97,
        momentum=held[0].momentum,
    )


def _long_memory(looks: Sequence[Look], value: float) -> Finding:
    return tell(
        "optimizer.momentum",
        Severity.WARNING,
        looks[0],
        f"The momentum of {looks[-1].optimizer or 'the optimizer'} is {value:g}: each update is made of the latest "
        f"{1 / (1 - value):,.0f} gradients, so the loss swings and may diverge.",
        category=Category.OPTIMIZATION,
        cause="Gradients of long ago push on when the weights have passed the minimum; and with SGD a steady gradient "
        f"counts {1 / (1 - value):,.0f} times. The two betas of Adam may also be the wrong way round.",
        solutions=(
            "Use 0.9, or up to 0.99 with a learning rate as many times lower.",
            "Pass betas=(0.9, 0.999): the first one is the momentum.",
        ),
        prevention="Pass settings of optimizers by name.",
        confidence=0.85,
        momentum=value,
    )


def learning_rate(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when an adaptive optimizer's learning rate is beyond the usual size of weights.

    Tensors that belong to no module, such as images that are optimised, may well need large steps. Of single groups
    those with layers of PyTorch's own count, if a step was seen to replace their weights; and vectors of
    tokens, if their rate is far above that of another group.
    """
    held = [p for p in _held(looks[-1]) if p.learning_rate is not None and p.layer]
    name = looks[-1].optimizer or "the optimizer"
    if not held or looks[-1].optimizer_kind not in ADAPTIVE:
        return None
    lowest, layer = min(p.learning_rate or 0.0 for p in held), ""
    if lowest < ADAPTIVE_RATE:
        lowest = min((p.learning_rate for p in held if p.learning_rate), default=0.0)
        high = [p for p in held if (p.learning_rate or 0.0) >= ADAPTIVE_RATE]
        high = [p for p in high if p.module.startswith(_LAYERS) or _far_above(looks, p, lowest)]
        replaced = [p for p in high if any(_replaced(look, p) for look in looks[:3])]
        replaced = replaced or [
            p for p in held if _far_above(looks, p, lowest) and (_kept(looks, p) or _blown(looks, p))
        ]
        if not replaced:
            return None
        lowest, layer = min(p.learning_rate or 0.0 for p in replaced), replaced[0].layer
        name = f"{name} for {listed(layers_of(replaced))}"
    return tell(
        "optimizer.learning_rate",
        Severity.ERROR,
        looks[0],
        f"The learning rate of {name} is {lowest:g}: each step moves every weight by about that much.",
        category=Category.OPTIMIZATION,
        cause="Updates of adaptive optimizers are as large as the learning rate, whatever the gradients are, and "
        "weights start out between 0.01 and 0.5.",
        solutions=("Use 1e-3 to begin with, 1e-4 or less for large models.", "Tune it with a short range test."),
        prevention="Start from the default of the optimizer, and log the size of updates over the size of weights.",
        confidence=0.9,
        learning_rate=lowest,
        layer=layer,
    )


def _replaced(look: Look, parameter: Parameter) -> bool:
    """Return whether the step of a look changed a weight by as much as there was of it."""
    return _ratio(look, parameter) >= 1


def _far_above(looks: Sequence[Look], parameter: Parameter, lowest: float) -> bool:
    """Return whether these are weights, or vectors of tokens, whose rate is far above the lowest one.

    A table of which each sample takes one row holds codes that are searched for, and may well need large steps.
    """
    if (parameter.learning_rate or 0.0) < TIMES * lowest:
        return False
    if mixes(parameter):
        return parameter.module.startswith(_LAYERS)
    rows = [op for look in looks[:3] for op in look.operations if op.layer == parameter.layer]
    return any(op.kind.startswith("EmbeddingBag") or (op.kind == "Embedding" and len(op.shape) > 2) for op in rows)


def _kept(looks: Sequence[Look], parameter: Parameter) -> bool:
    """Return whether steps have gone on to change a weight by a good part of what there is of it."""
    late = [look for look in looks if look.step - look.began >= KEPT_FROM][-KEPT_LOOKS:]
    return len(late) == KEPT_LOOKS and all(_ratio(look, parameter) >= KEPT for look in late)


def _blown(looks: Sequence[Look], parameter: Parameter) -> bool:
    """Return whether one of the first steps changed a weight by several times what there was of it, with harm."""
    first = looks[0].loss
    if first is None or not first > 0:
        return False
    thrown = any(look.loss is not None and look.loss >= THROWN * first for look in looks[1:4])
    return thrown and any(_ratio(look, parameter) >= BLOWN for look in looks[:3])


def _ratio(look: Look, parameter: Parameter) -> float:
    """Return update over weight of a weight in a look; 0 where it was not measured, or says nothing."""
    same = (p for p in look.parameters if p.name == parameter.name and p.weight and p.weight.zero < 0.5)
    return max((p.update_ratio for p in same if p.update_ratio is not None and len(p.shape) > 1), default=0.0)


def weight_decay(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when weight decay takes weights away faster than anything can be learnt, or has done so."""
    decoupled = looks[-1].optimizer_kind in DECOUPLED
    held = [p for p in _held(looks[-1]) if p.decay > 0 and len(p.shape) != 1]
    strong = [
        p for p in held if ((p.learning_rate or 0.0) * p.decay >= SHRINK if decoupled else p.decay >= COUPLED_DECAY)
    ]
    taken, first = "it outweighs the gradients.", looks[0]
    if strong and decoupled:
        taken = f"each step takes {(strong[0].learning_rate or 0.0) * strong[0].decay:.0%} of all weights away."
    if not strong or 2 * len(strong) < len(held):
        strong = _gone(looks, held)
        drawn = [p for p in held if _norm(looks[0], p)]
        if not strong or 2 * len(strong) < len(drawn) or not progress(looks, window).stuck:
            return None
        taken = f"{listed(layers_of(strong))} came to less than {GONE:.0%} of what was drawn, and nothing is learned."
        first = next(look for look in looks if _gone([looks[0], look], strong[:1]))
    decay, rate = strong[0].decay, strong[0].learning_rate or 0.0
    return tell(
        "optimizer.weight_decay",
        Severity.WARNING,
        first,
        f"The weight decay of {looks[-1].optimizer or 'the optimizer'} is {decay:g}: {taken}",
        category=Category.OPTIMIZATION,
        cause="Weights are pulled to 0 more strongly than the loss can hold them: the model ends up constant.",
        solutions=(
            "Use 0.01 to 0.1 with AdamW, and 1e-5 to 5e-4 with SGD and Adam.",
            "Leave biases and normalisation out of it.",
        ),
        prevention="Watch the norm of the weights during the first steps.",
        confidence=0.85,
        weight_decay=decay,
        learning_rate=rate,
    )


def _gone(looks: Sequence[Look], held: Sequence[Parameter]) -> list[Parameter]:
    """Return those of which next to nothing is left in the latest look."""
    left = ((p, _norm(looks[0], p), _norm(looks[-1], p)) for p in held)
    return [p for p, drawn, now in left if drawn and now is not None and now < GONE * drawn]


def _norm(look: Look, parameter: Parameter) -> float | None:
    """Return the norm of a weight in a look; None where it was not measured, or is not finite."""
    known = (p.weight for p in look.parameters if p.name == parameter.name)
    return next((w.norm for w in known if w is not None and not w.nonfinite), None)


def _held(look: Look) -> list[Parameter]:
    """Return the parameters that optimizers hold and that can be trained."""
    return [p for p in look.parameters if p.optimized and p.trainable]
