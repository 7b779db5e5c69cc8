"""Networks whose layers are one linear map in disguise."""

from collections.abc import Sequence
from itertools import pairwise

from otel_mldebug.rules.detectors.statics.graph import LINEAR, VIEWS, Graph
from otel_mldebug.rules.detectors.statics.telling import lasting, tell
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Operation
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

_HARMLESS = frozenset((*VIEWS, "NativeDropout", "AvgPool2D", "AdaptiveAvgPool2D", "AvgPool1D"))
"""Operations between two linear ones that leave them linear."""
_SCALED = frozenset(("Mul", "Div", "Add"))
"""The same, if the other operand is not computed from the input: dropout as the CPU does it, a bias."""


def no_activation(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when nothing but linear operations follow each other from the first layer to the last.

    A hidden layer that is narrower than both ends is there to narrow (factorisations, linear autoencoders, adapters),
    so it is not missed. What leads from one model into another one, as from a generator into a discriminator, is no
    network of its own. A residual connection, attention, a pooling maximum or any operation that is not known to be
    linear ends the search, too.
    """
    if (found := lasting(looks, _chain)) is None:
        return None
    first, chain = found
    layers = tuple(operation.layer for operation in chain if operation.layer)
    between = f" between {layers[0]} and {layers[-1]}" if len(layers) > 1 else ""
    return tell(
        "model.no_activation",
        Severity.WARNING,
        first,
        f"There is no activation{between}: {len(chain)} layers compute what a single linear one could.",
        category=Category.MODEL,
        cause="Activations were left out, or are defined and not called in forward().",
        solutions=(
            "Put torch.nn.ReLU() or another activation between the layers, and check that forward() calls it.",
            "If a linear model is meant, use one layer: it trains faster.",
        ),
        prevention="Print the model, and build stacks with torch.nn.Sequential, where what is listed is called.",
        confidence=0.9,
        layer=layers[0] if layers else "",
        layers=layers[:8],
    )


def _chain(look: Look) -> list[Operation] | None:
    """Return the layers of a network without activations, if it is one and has at least two."""
    graph = Graph(look)
    places = [place for place, operation in graph.of(LINEAR) if len(operation.shape) > 1]
    if len(places) < 2 or not graph.is_first(places[0]):
        return None
    for before, place in pairwise(places):
        below = _linear_below(graph, place)
        if below != before:
            return None
    chain = [graph.operations[place] for place in places]
    if _crosses(look, chain):
        return None
    widths = [_width(operation) for operation in chain]
    entry = _entry(chain[0])
    if not entry or min(widths[:-1]) < min(entry, widths[-1]):
        return None
    return chain


def _linear_below(graph: Graph, place: int) -> int | None:
    """Return the linear operation that another one takes the result of; None if anything else is in between."""
    while True:
        below = graph.inputs(place)
        if len(below) != 1:
            return None
        place = below[0]
        kind = graph.kind(place)
        if kind in LINEAR:
            return place
        if kind not in _HARMLESS and kind not in _SCALED:
            return None


def _crosses(look: Look, chain: Sequence[Operation]) -> bool:
    """Return whether a chain leads from one model into another one."""
    roots = [layer.name for layer in look.layers if layer.root]
    if len(roots) < 2:
        return False
    owners = {
        max((root for root in roots if f"{operation.layer}.".startswith(f"{root}.")), key=len, default="")
        for operation in chain
    }
    return len(owners - {""}) > 1


def _width(operation: Operation) -> int:
    """Return the number of units, or of channels of a convolution."""
    return operation.shape[1] if "Conv" in operation.kind and len(operation.shape) > 2 else operation.shape[-1]


def _entry(operation: Operation) -> int:
    """Return the number of features that an operation takes; 0 when that is not known."""
    for shape in operation.operands:
        if "Conv" in operation.kind and len(shape) > 2:
            return shape[1]
        if len(shape) == 2 and shape[0] == operation.shape[0]:
            return shape[1]
    return 0
