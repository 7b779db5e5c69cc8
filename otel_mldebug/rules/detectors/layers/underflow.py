"""Gradients that float16 cannot hold: in the weights, or already on their way out of the loss."""

import math
from collections.abc import Sequence
from statistics import median

from otel_mldebug.rules.detectors.layers.reading import layers_of, matrices, progress
from otel_mldebug.rules.detectors.statics.graph import CLASS_LOSSES, LINEAR, VIEWS, Graph
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Parameter
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

LOST = 0.4
"""Median share of gradients, over the layers, that are 0 or too small for the format.
Source: Micikevicius et al., "Mixed Precision Training" (ICLR 2018), figure 3."""
LOOKS = 3
LEFT = 0.5
"""Latest loss over the first one, below which the model learns all the same."""
FLUSHED = 0.8
"""Share of elements that are 0, in the median over the layers, where weights are float32: ReLU makes half of them 0."""
SMALLEST_WHOLE = 2.0**-14
"""The smallest number that float16 holds with all its digits."""
ROUNDED_OFF = 2.0**-25
"""Half of the smallest number of float16: what is below becomes 0."""
NEVER_WHOLE = 2.0**-17
"""An eighth of the smallest number that float16 holds with all its digits: where the largest gradient that a logit can
have is below, all of them lose digits, also if seven of eight targets do not count."""
_LEAST_CLASSES = 2
_MEAN = 1
"""What losses save of their reduction. Source: PyTorch aten/src/ATen/core/Reduction.h."""
_BINARY = "BinaryCrossEntropyWithLogits"
_LOSSES = frozenset((*CLASS_LOSSES, _BINARY))
_SAME = frozenset((*VIEWS, "Add", "Neg", "Sum"))
"""Operations behind a loss that leave its gradient as large as it is."""


def underflow(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when gradients of float16 are lost in most layers, look after look, and no scaler lifts them.

    The first layer is left out: inputs that are 0 make gradients of 0. Dead units do so, too, but not subnormal ones.
    Weights in float32 sum up what is left of them: there it is told from how much the loss divides the gradients of
    the logits.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Its latest ones.
    """
    recent = looks[-LOOKS:]
    if len(recent) < LOOKS or not _half(looks[-1]):
        return None
    if all(_flushed(look) for look in recent):
        return _on_their_way(looks)
    known = progress(looks, steps)
    if known.left is not None and known.left < LEFT:
        return None
    shares = [share for look in recent if (share := _lost(look)) is not None and share >= LOST]
    if len(shares) == LOOKS:
        return _in_weights(looks, median(shares))
    sizes = [size for look in recent if (size := _of_logits(look)) is not None]
    return _in_logits(looks, *sizes[-1]) if len(sizes) == LOOKS else None


def _flushed(look: Look) -> bool:
    """Return whether most of the gradients of float32 weights are 0, and all others as small as float16 can hold them.

    That is so however far training has come: what is left of a loss cannot be learned any more.
    """
    known = [p.gradient for p in matrices(look) if p.dtype == "float32" and p.gradient is not None]
    if look.autocast != "float16" or look.scale is not None or len(known) < 2 or not (look.loss or 0.0) > 0:
        return False
    largest = max(max(stats.high, -stats.low) for stats in known)
    return median(stats.zero for stats in known) >= FLUSHED and 0 < largest < SMALLEST_WHOLE


def _on_their_way(looks: Sequence[Look]) -> Finding:
    weights = [p for p in matrices(looks[-1]) if p.gradient is not None]
    share = median(p.gradient.zero for p in weights if p.gradient is not None)
    return _say(
        f"{share:.0%} of the gradients are 0 in most of {len(weights)} layers, and the others are below 6e-5: they "
        "underflow on their way through float16, and no scaler lifts them.",
        "Under autocast, what goes back through a layer is float16, which rounds what is below 6e-8 to 0 and loses "
        "digits below 6e-5: a small loss, or a mean over very many elements, has to be scaled up.",
        "Make a loss larger that is small by nature: standardise the targets, or divide by fewer elements.",
        step=next(look.step for look in looks if _flushed(look)),
        layer=layers_of([max(weights, key=_share)])[0],
        lost_share=round(share, 4),
        layers=len(weights),
    )


def _in_weights(looks: Sequence[Look], share: float) -> Finding:
    weights = _half(looks[-1])
    first = next(look.step for look in looks if (_lost(look) or 0.0) >= LOST)
    return _say(
        f"{share:.0%} of the gradients are lost in float16 (0 or below 6e-5), in most of {len(weights)} layers, and no "
        "scaler lifts them.",
        "float16 rounds what is below 6e-8 to 0, and loses digits below 6e-5: gradients have to be scaled up.",
        "Keep the weights in float32 and compute with torch.autocast instead of model.half().",
        step=first,
        layer=layers_of([max(weights, key=_share)])[0],
        lost_share=round(share, 4),
        layers=len(weights),
    )


def _in_logits(looks: Sequence[Look], layer: str, size: float, classes: int) -> Finding:
    first = next(look.step for look in looks if _of_logits(look) is not None)
    return _say(
        f"Gradients underflow in float16 on their way out of the loss: those of the logits are at most {size:.1g}, and "
        f"{size / classes:.1g} for most of {classes} classes, which becomes 0; no scaler lifts them.",
        "The loss is divided by so much that float16, which rounds what is below 3e-8 to 0 and loses digits below "
        "6e-5, cannot hold the gradients of the logits. What is left of them misleads the optimizer.",
        "Divide the loss by what is in the batch (reduction='mean'), not by the size of the data set.",
        step=first,
        layer=layer,
        largest=size,
        classes=classes,
    )


def _say(summary: str, cause: str, further: str, **evidence: str | float) -> Finding:
    return Finding(
        rule="precision.underflow",
        category=Category.GRADIENT,
        severity=Severity.WARNING,
        summary=summary,
        cause=cause,
        solutions=(
            "Use torch.amp.GradScaler: scaler.scale(loss).backward(); scaler.step(optimizer); scaler.update().",
            "Use bfloat16 instead of float16: it has the range of float32 and needs no scaler.",
            further,
        ),
        prevention="With float16, always train with a scaler.",
        confidence=0.85,
        basis="detector",
        evidence=evidence,
    )


def _half(look: Look) -> list[Parameter]:
    """Return the weights behind the first layer whose gradients are made in float16 without a scaler."""
    if look.scale is not None and look.scale > 1:
        return []
    weights = matrices(look)
    half = [p for p in weights if p.dtype == "float16" or look.autocast == "float16"]
    return [p for p in half if p is not weights[0] and p.gradient is not None and p.reached is not False]


def _share(parameter: Parameter) -> float:
    stats = parameter.gradient
    return stats.zero + stats.tiny if stats is not None else 0.0


def _lost(look: Look) -> float | None:
    """Return the median share of lost gradients over the layers; None where there is no float16."""
    shares = [_share(p) for p in _half(look)]
    return median(shares) if shares else None


def _of_logits(look: Look) -> tuple[str, float, int] | None:
    """Return which layer's outputs get gradients that float16 loses, the largest of them, and between how many classes.

    They are logits, made in float16 and made longer for a cross entropy: their gradients go back through float16.
    """
    graph = Graph(look)
    for place, loss in graph.of(_LOSSES):
        softmax = place if loss.kind == _BINARY else graph.source(place, picks=False)
        if softmax is None or graph.kind(softmax) not in (_BINARY, "LogSoftmax"):
            continue
        layer, size = _cast(graph, softmax), _scale(graph, place)
        given = graph.inputs(softmax)
        shape = graph.operations[given[0]].shape if given else ()
        classes = 2 if loss.kind == _BINARY else shape[1] if len(shape) > 1 else 0
        if layer is None or size is None or not math.prod(shape) or classes < _LEAST_CLASSES:
            continue
        if loss.settings.get("reduction") == _MEAN:
            size *= (1 if loss.kind == _BINARY else classes) / math.prod(shape)
        if 0 < size < NEVER_WHOLE and size / classes < ROUNDED_OFF:
            return layer, size, classes
    return None


def _cast(graph: Graph, place: int) -> str | None:
    """Return the layer that an operation takes its input from, past a change of its type; None where there is none."""
    cast = False
    while len(below := graph.inputs(place)) == 1:
        place = below[0]
        if graph.kind(place) in LINEAR:
            return graph.operations[place].layer if cast else None
        if graph.kind(place) not in VIEWS:
            return None
        cast = cast or graph.kind(place) == "ToCopy"
    return None


def _scale(graph: Graph, place: int) -> float | None:
    """Return what the gradients of a loss are multiplied by on their way to it; None where that is not known."""
    size = 1.0
    while users := graph.users(place):
        if len(users) > 1:
            return None
        (user,) = users
        operation, factor = graph.operations[user], graph.operations[user].operand
        if operation.kind == "Mean" and "dim" not in operation.settings:
            size /= math.prod(graph.operations[place].shape)
        elif operation.kind in ("Div", "Mul"):
            if factor is None or factor.size != 1 or not factor.mean or len(graph.inputs(user)) != 1:
                return None
            size = size / abs(factor.mean) if operation.kind == "Div" else size * abs(factor.mean)
        elif operation.kind not in _SAME:
            return None
        place = user
    return size
