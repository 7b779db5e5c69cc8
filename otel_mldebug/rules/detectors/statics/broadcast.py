"""Losses between tensors whose shapes do not fit, so that every prediction is compared with every target."""

from collections.abc import Sequence

from otel_mldebug.rules.detectors.statics.graph import VALUE_LOSSES, Graph
from otel_mldebug.rules.detectors.statics.telling import at, lasting, sizes, tell
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

LEAST = 2
"""Samples in the batch: with one there is nothing to mix up."""
_BY_HAND = frozenset(("Sub", "Mul", "Rsub"))
Found = tuple[str, str, tuple[int, ...], tuple[int, ...]]
"""Operation, layer of the prediction, its shape before and after."""


def broadcast(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when predictions (N, 1) meet targets (N,), or the other way round, in an element-wise loss.

    Written by hand (`((p - y) ** 2).mean()`), it only counts where one side comes from outside the graph, the whole
    (N, N) is averaged at once, no new dimension was asked for, and predictions are not compared with each other, too:
    pairwise losses are none of these.
    """
    if (found := lasting(looks, _judge)) is None:
        return None
    first, (kind, layer, before, after) = found
    count = before[0] if before[0] > 1 else after[0]
    return tell(
        "loss.broadcast",
        Severity.ERROR,
        first,
        f"The loss compares each of {count} predictions with each of {count} targets: the output{at(layer)} has shape "
        f"{sizes(before)}, and {kind} makes {sizes(after)} of it.",
        category=Category.LOSS,
        cause="Prediction and target differ by a dimension of size 1, as (N, 1) and (N,), and are broadcast against "
        "each other. The best such a loss can do is to predict the mean of all targets.",
        solutions=(
            "Give both the same shape: prediction.squeeze(-1), or target.unsqueeze(-1).",
            "Assert prediction.shape == target.shape right before the loss.",
        ),
        prevention="Heed PyTorch's warning about a target size that differs from the input size; raise on it in tests.",
        confidence=0.97 if kind in VALUE_LOSSES else 0.9,
        layer=layer,
        operation=kind,
        shape=before,
        broadcast_shape=after,
    )


def crossed(before: tuple[int, ...], after: tuple[int, ...]) -> bool:
    """Return whether `after` is every sample of `before` against every sample: (N, 1) or (N,) that became (N, N)."""
    if len(after) < 2 or after[0] != after[1] or after[0] < LEAST:
        return False
    count, rest = after[0], after[2:]
    return before in ((count, 1, *rest), (1, count, *rest), (count, *rest))


def _judge(look: Look) -> Found | None:
    graph = Graph(look)
    for place, operation in enumerate(graph.operations):
        if operation.kind not in VALUE_LOSSES and operation.kind not in _BY_HAND:
            continue
        below = graph.inputs(place)
        if len(below) != 1:
            continue
        taken = graph.operations[below[0]]
        if taken.kind == "Expand":
            before, after = _expanded(graph, below[0]), taken.shape or operation.shape
        elif operation.kind in _BY_HAND and taken.kind != "Unsqueeze":
            before, after = taken.shape, operation.shape
        else:
            continue
        if not crossed(before, after):
            continue
        if operation.kind in VALUE_LOSSES or (graph.ends_in_mean(place) and not _pairwise(look, graph, place, after)):
            source = graph.source(below[0])
            layer = taken.layer or (graph.operations[source].layer if source is not None else "")
            return operation.kind, layer, before, after
    return None


def _pairwise(look: Look, graph: Graph, place: int, after: tuple[int, ...]) -> bool:
    """Return whether all pairs are meant: something from outside has that shape, or predictions make such pairs.

    As many features as samples have that shape by chance: what a first layer takes is not what predictions meet.
    """
    fed = sum(part.shape == after for part in look.parts)
    taken = sum(after in o.operands and not graph.inputs(i) for i, o in enumerate(graph.operations[:place]))
    if after in graph.operations[place].operands or fed > taken:
        return True
    return any(
        operation.shape == after and len(below := set(graph.inputs(i))) > 1
        and all(graph.operations[one].shape != after for one in below)
        for i, operation in graph.of(_BY_HAND)
    )  # fmt: skip


def _expanded(graph: Graph, place: int) -> tuple[int, ...]:
    """Return the shape before an expansion."""
    operation = graph.operations[place]
    known = operation.settings.get("self_sym_sizes")
    if isinstance(known, tuple):
        return tuple(size for size in known if isinstance(size, int))
    if operation.operands:
        return operation.operands[0]
    below = graph.inputs(place)
    return graph.operations[below[0]].shape if below else ()
