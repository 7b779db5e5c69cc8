"""Last operations of a model that cannot give what the loss asks for."""

import math
from collections.abc import Sequence

from otel_mldebug.rules.detectors.statics.compared import target_by_hand, target_of
from otel_mldebug.rules.detectors.statics.graph import (
    CLASS_LOSSES,
    JOINS,
    PICKS,
    REDUCTIONS,
    VALUE_LOSSES,
    VIEWS,
    Graph,
    dimension,
)
from otel_mldebug.rules.detectors.statics.telling import at, lasting, tell
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Operation, Stats
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

_RANGES = {
    "Relu": (0.0, math.inf),
    "Softplus": (0.0, math.inf),
    "Sigmoid": (0.0, 1.0),
    "Hardsigmoid": (0.0, 1.0),
    "Softmax": (0.0, 1.0),
    "SafeSoftmax": (0.0, 1.0),
    "Tanh": (-1.0, 1.0),
    "LogSoftmax": (-math.inf, 0.0),
    "LogSigmoid": (-math.inf, 0.0),
}
"""What an operation can give."""
_BOUNDING = ("Relu", "Tanh")
_OF_LOGITS = frozenset(("LogSoftmax", "Softmax", "Sigmoid", "BinaryCrossEntropyWithLogits"))
_NORMALISING = _OF_LOGITS - {"BinaryCrossEntropyWithLogits"}
"""What takes logits, and what of that can be anywhere in a model."""
_SOFTMAX = frozenset(("Softmax", "SafeSoftmax", "LogSoftmax"))
_LOSSES = frozenset((*CLASS_LOSSES, *VALUE_LOSSES, "BinaryCrossEntropy", "BinaryCrossEntropyWithLogits"))
_DIRECT = frozenset((*VIEWS, *PICKS, *JOINS, *REDUCTIONS, *_LOSSES, "Log", "Neg", "Clamp", "ClampMin", "ClampMax"))
"""Operations between an output and the loss in which nothing is computed from several outputs."""
_SCALED = frozenset(("Add", "Sub", "Mul", "Div"))
"""Operations that are harmless with one operand from the graph: an epsilon, a sign, a mask of the true classes."""
_STILL = frozenset(
    ("View", "UnsafeView", "Reshape", "ReshapeAlias", "Expand", "Clone", "ToCopy", "Alias", "NativeDropout")
)
"""Operations that leave the first dimension the first one."""
BEYOND = 0.1
"""How far targets have to leave the range, as a part of their own: a few that were rounded or clipped do not count."""


def softmax_dimension(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when a softmax runs over what are not alternatives.

    That is a single element, or the samples of the batch before NLLLoss, for the last one; and for one in the middle
    the dimension that the matrix product after it takes as independent matrices.
    """
    if (found := lasting(looks, _wrong_dimension)) is None:
        return None
    first, (operation, dim) = found
    single = operation.shape[dim] == 1
    summary = (
        f"{operation.kind}{at(operation.layer)} runs over dimension {dim} of {list(operation.shape)}, which has one "
        "element: its result is always the same."
        if single
        else f"{operation.kind}{at(operation.layer)} runs over dimension 0 of {list(operation.shape)}: over the "
        "samples, not within each of them."
    )
    return tell(
        "loss.softmax_dimension",
        Severity.ERROR,
        first,
        summary,
        category=Category.LOSS,
        cause="A model with one output unit needs a sigmoid: softmax of a single value is 1, and its gradient 0."
        if single
        else "dim=0 was given, or none: without it, softmax takes dimension 0 of tensors with 1 or 3 dimensions.",
        solutions=(
            "For two classes, use BCEWithLogitsLoss on the one raw output.",
            "Or give the model one output for each class and use CrossEntropyLoss.",
        )
        if single
        else (
            "Pass dim=-1 for (samples, classes) and for attention scores, or dim=1 for (samples, classes, …).",
            "For the loss, use CrossEntropyLoss on the raw outputs, which takes dimension 1.",
        ),
        prevention="Always pass dim to softmax and log_softmax; test that probabilities of a sample sum to 1.",
        confidence=0.95,
        layer=operation.layer,
        dim=dim,
        shape=operation.shape,
    )


def output_range(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when a regression's targets lie where the last activation of the model can never get."""
    if (found := lasting(looks, _out_of_reach)) is None:
        return None
    first, (operation, target, low, high) = found
    return tell(
        "loss.output_range",
        Severity.ERROR,
        first,
        f"{operation.kind}{at(operation.layer)} gives values from {low:g} to {high:g}, and targets run from "
        f"{target.low:.3g} to {target.high:.3g}.",
        category=Category.LOSS,
        cause="The last operation before the loss bounds the outputs, and many targets are beyond the bound. Units at "
        "the bound get no gradient.",
        solutions=(
            f"Remove the {operation.kind.lower()} after the last layer: a regression's output is linear.",
            "Or scale the targets into its range, and scale predictions back.",
        ),
        prevention="Choose the last activation by the range of the targets; look at both before training.",
        confidence=0.9,
        layer=operation.layer,
        target_low=target.low,
        target_high=target.high,
        output_low=low if math.isfinite(low) else "unbounded",
        output_high=high if math.isfinite(high) else "unbounded",
    )


def bounded_logits(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when logits are the result of a ReLU or tanh."""

    def judge(look: Look) -> tuple[Operation, Operation] | None:
        graph = Graph(look)
        for place, operation in graph.of(_OF_LOGITS):
            source = graph.source(place)
            if source is not None and graph.kind(source) in _BOUNDING and _is_loss(graph, place):
                return operation, graph.operations[source]
        return None

    if (found := lasting(looks, judge)) is None:
        return None
    first, (taker, given) = found
    hopeless = taker.kind in ("Sigmoid", "BinaryCrossEntropyWithLogits") and given.kind == "Relu"
    bound = "never negative" if given.kind == "Relu" else "between -1 and 1"
    return tell(
        "loss.bounded_logits",
        Severity.ERROR if hopeless else Severity.WARNING,
        first,
        f"Logits are {bound}: {given.kind}{at(given.layer)} is the last operation before the loss.",
        category=Category.LOSS,
        cause="With logits that are never negative no probability falls below one half."
        if hopeless
        else "An activation after the last layer bounds the logits; units whose logit is below 0 for all samples stop "
        "learning."
        if given.kind == "Relu"
        else "An activation after the last layer bounds the logits, so that the model can never be sure.",
        solutions=(
            f"Remove the {given.kind.lower()} after the last layer: logits have no activation.",
            "Put activations between layers only.",
        ),
        prevention="Let models return the result of their last linear layer.",
        confidence=0.9,
        layer=given.layer,
        given=given.kind,
        operation=taker.kind,
    )


def _is_loss(graph: Graph, place: int) -> bool:
    """Return whether a normalisation is the loss's own."""
    return graph.kind(place) not in _NORMALISING or goes_into_loss(graph, place)


def _wrong_dimension(look: Look) -> tuple[Operation, int] | None:
    graph = Graph(look)
    for place, operation in graph.of(_SOFTMAX):
        dim, shape = dimension(operation), operation.shape
        if dim == 0 and len(shape) > 2 and shape[0] > 1 and _independent(graph, place):
            return operation, dim
        if dim is None or not goes_into_loss(graph, place):
            continue
        if shape[dim] == 1 and math.prod(shape) > 1:
            return operation, dim
        if dim == 0 and len(shape) > 1 and shape[0] != shape[1] and 1 not in shape[:2] and _compared(graph, place):
            return operation, dim
    return None


def _compared(graph: Graph, place: int) -> bool:
    """Return whether a result goes into a loss function, perhaps by way of its logarithm, with dimensions in place."""
    open_ = [place]
    while open_:
        for user in graph.users(open_.pop()):
            kind = graph.kind(user)
            if kind in _LOSSES:
                return True
            if kind in ("Log", "Add", "Clamp", "ClampMin", "ToCopy", "Clone"):
                open_.append(user)
    return False


def _independent(graph: Graph, place: int) -> bool:
    """Return whether a batched matrix product is all that takes a result, with its first dimension in place."""
    while True:
        users = set(graph.users(place))
        if len(users) != 1:
            return False
        place = users.pop()
        kind = graph.kind(place)
        if kind == "Bmm":
            return True
        if kind not in _STILL and not (kind == "Mul" and _alone(graph, place)):
            return False


def goes_into_loss(graph: Graph, place: int) -> bool:
    """Return whether what an operation gives goes into the loss with nothing learnt in between."""
    seen: set[int] = set()
    open_ = [place]
    while open_:
        for user in graph.users(open_.pop()):
            if user in seen:
                continue
            seen.add(user)
            kind = graph.kind(user)
            if kind not in _DIRECT and not (kind in _SCALED and _alone(graph, user)):
                return False
            open_.append(user)
    return True


def _alone(graph: Graph, place: int) -> bool:
    """Return whether an operation has one operand in the graph, or makes a single number of several losses."""
    return len(graph.inputs(place)) <= 1 or not graph.operations[place].shape


def _out_of_reach(look: Look) -> tuple[Operation, Stats, float, float] | None:
    graph = Graph(look)
    for place, loss in graph.of(frozenset((*VALUE_LOSSES, "Sub"))):
        if loss.kind == "Sub" and not (len(graph.inputs(place)) == 1 and graph.ends_in_mean(place)):
            continue
        source = graph.source(place)
        target = target_by_hand(look, graph, place) if loss.kind == "Sub" else target_of(look, loss)
        if source is None or target is None or target.stats is None or not target.dtype.startswith(("float", "bfloat")):
            continue
        given, stats = graph.operations[source], target.stats
        low, high = _RANGES.get(given.kind, (-math.inf, math.inf))
        margin = BEYOND * max(stats.high - stats.low, 1e-3)
        below = stats.low < low - margin and stats.mean - stats.std < low
        above = stats.high > high + margin and stats.mean + stats.std > high
        if below or above:
            return given, stats, low, high
    return None
