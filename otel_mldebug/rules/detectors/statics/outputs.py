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
LOSSES = frozenset((*CLASS_LOSSES, *VALUE_LOSSES, "BinaryCrossEntropy", "BinaryCrossEntropyWithLogits"))
_DIRECT = frozenset((*VIEWS, *PICKS, *JOINS, *REDUCTIONS, *LOSSES, "Log", "Neg", "Clamp", "ClampMin", "ClampMax"))
"""Operations between an output and the loss in which nothing is computed from several outputs."""
_SCALED = frozenset(("Add", "Sub", "Mul", "Div"))
"""Operations that are harmless with one operand from the graph: an epsilon, a sign, a mask of the true classes."""
BEYOND = 0.1
"""How far targets have to leave the range, as a part of their own: a few that were rounded or clipped do not count."""


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
            if kind not in _DIRECT and not (kind in _SCALED and alone(graph, user)):
                return False
            open_.append(user)
    return True


def alone(graph: Graph, place: int) -> bool:
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
