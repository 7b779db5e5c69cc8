"""What a loss compares outputs with, where that is known for sure."""

import math

from otel_mldebug.rules.detectors.statics.graph import BATCH, CLASS_LOSSES, VALUE_LOSSES, Graph
from otel_mldebug.rules.looks import Look, Operation, Part

_LOSSES = frozenset((*CLASS_LOSSES, *VALUE_LOSSES, "BinaryCrossEntropy", "BinaryCrossEntropyWithLogits"))
CLOSE = 1e-4
"""How far means may be apart that are the same but for rounding, as a part of the standard deviation. If it was larger,
one of some dozen looks would fit by chance."""


def target_of(look: Look, operation: Operation) -> Part | None:
    """Return the target of a loss function; None when it is not known which part that is.

    It has as many elements as the loss takes: a part of which the loss takes a column only is something else. Of
    several losses of one size with several targets, it is not known which takes which. What is both input and target,
    as for an autoencoder, is known as an input.
    """
    sizes = {math.prod(shape) for shape in operation.operands}
    fitting = [part for part in look.parts if not sizes or math.prod(part.shape) in sizes]
    targets = [part for part in look.parts if part.role == "target"]
    rivals = [
        other
        for other in look.operations
        if other.kind in _LOSSES and other is not operation and sizes & {math.prod(shape) for shape in other.operands}
    ]
    if targets and rivals and len(targets) > 1:
        return None
    mine = [part for part in fitting if part.role == "target"]
    named = [part for part in mine if part.place.startswith(operation.kind)]
    for found in (mine, named):
        if len(found) == 1:
            return found[0]
    if targets or len(operation.inputs) != 1:
        return None
    both = [part for part in fitting if part.role == "input" and part.shape in operation.operands]
    return both[0] if len(both) == 1 else None


def target_by_hand(look: Look, graph: Graph, place: int) -> Part | None:
    """Return the part of a loader's batch that is the other side of a difference, as in `((p - y) ** 2).mean()`.

    The program may have changed it on the way, so the means have to fit: that of the prediction, of the difference and
    of the part.
    """
    operation, source = graph.operations[place], graph.source(place)
    given = graph.operations[source].output if source is not None else None
    differences = [graph.operations[user].operand for user in graph.users(place)]
    if given is None or not differences or differences[0] is None:
        return None
    for part in look.parts:
        stats = part.stats
        if part.role or stats is None or not part.place.startswith(BATCH):
            continue
        if math.prod(part.shape) != math.prod(operation.shape):
            continue
        apart = abs(abs(given.mean - stats.mean) - abs(differences[0].mean))
        if apart <= CLOSE * stats.std:
            return part
    return None
