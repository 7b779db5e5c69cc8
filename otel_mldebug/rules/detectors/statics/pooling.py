"""Weights of a sum that a softmax makes, one by one, over a single element: each of them is 1."""

import math
from collections.abc import Sequence

from otel_mldebug.rules.detectors.layers.reading import listed, mixes
from otel_mldebug.rules.detectors.statics.graph import LINEAR, VIEWS, Graph, dimension
from otel_mldebug.rules.detectors.statics.telling import at, lasting, tell
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Operation
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

LOOKS, STEPS = 3, 10
"""Looks in a row that have to agree, and steps between the first of them and the latest: decoding begins with a single
key, and some batches hold nothing but sequences of one place."""
_SOFTMAX = frozenset(("Softmax", "SafeSoftmax"))
_BOTH = 2
"""Factors of a product that are in the graph, if none of them is data or a parameter."""
_MOVING = VIEWS | {"Expand", "NativeDropout"}
"""What may stand between the weights and the sum."""


def constant_weights_of_sum(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when attention gives every place the weight 1: a softmax over one element, and a sum over several.

    All that computes the scores, and nothing else, has to get gradients of exactly 0. A sum over one place (a sequence
    of one, the first step of decoding, a mixture of one component) has such weights too, and is fine; so are clusters,
    whose assignments are used more than once, and slots, whose weights are divided by their sum afterwards.

    Source: torch.nn.functional.softmax ("dim: a dimension along which softmax will be computed").
    """
    del window
    if len(looks) < LOOKS or looks[-1].step - looks[-LOOKS].step < STEPS:
        return None
    if (found := lasting(looks, _pooled, least=LOOKS)) is None:
        return None
    first, (operation, dim, places, layers) = found
    return tell(
        "loss.softmax_dimension",
        Severity.ERROR,
        first,
        f"{operation.kind}{at(operation.layer)} runs over dimension {dim} of {list(operation.shape)}, which has one "
        f"element, and weighs a sum over {places} places: each weight is 1, and {listed(layers)} "
        f"{'gets' if len(layers) == 1 else 'get'} gradients of exactly 0.",
        category=Category.LOSS,
        cause="The softmax of attention has to run over the places that are summed up, and was given another dimension "
        "(dim=-1 of scores (samples, places, 1), or the one of the queries).",
        solutions=(
            "Pass the dimension of the places: dim=1 for scores (samples, places, 1), dim=-1 for (…, queries, keys).",
            "Or remove the last dimension first: torch.softmax(scores.squeeze(-1), dim=-1).",
        ),
        prevention="Test that the weights of each sum add up to 1: weights.sum(dim) over what is summed up.",
        confidence=0.95,
        layer=operation.layer,
        dim=dim,
        shape=operation.shape,
        places=places,
        without_gradient=tuple(layers[:8]),
    )


def _pooled(look: Look) -> tuple[Operation, int, int, list[str]] | None:
    graph = Graph(look)
    for place, operation in graph.of(_SOFTMAX):
        dim = dimension(operation)
        if dim is None or operation.shape[dim] != 1 or math.prod(operation.shape) == 1:
            continue
        places = _summed(graph, place)
        if places > 1 and (layers := _without_gradient(look, graph, place)):
            return operation, dim, places, layers
    return None


def _summed(graph: Graph, place: int) -> int:
    """Return over how many places a sum runs that has this result as its weights; 0 where there is no such sum."""
    size = math.prod(graph.operations[place].shape)
    below = place
    while True:
        users = graph.users(below)
        if len(users) != 1:
            return 0
        user = users[0]
        if graph.kind(user) not in _MOVING and not (graph.kind(user) == "Mul" and len(graph.inputs(user)) == 1):
            break
        below = user
        if math.prod(graph.operations[below].shape or (0,)) != size:
            return 0
    shape = graph.operations[below].shape
    kind = graph.kind(user)
    if len(shape) > 1 and (kind == "Bmm" or (kind == "Mm" and len(graph.inputs(user)) == _BOTH)):
        return _inner(graph, user, below)
    return _weighted(graph, user, shape) if kind == "Mul" else 0


def _inner(graph: Graph, product: int, factor: int) -> int:
    """Return the size of the dimension that a matrix product sums over; the smaller one where two are possible."""
    inputs, made, shape = graph.inputs(product), graph.operations[product].shape, graph.operations[factor].shape
    if len(inputs) == _BOTH:
        return shape[-1] if inputs[0] == factor else shape[-2]
    left, right = made[-2:-1] == shape[-2:-1], made[-1:] == shape[-1:]  # the other factor is data
    return min(shape[-2:]) if left and right else shape[-1] if left else shape[-2] if right else 0


def _weighted(graph: Graph, product: int, shape: tuple[int, ...]) -> int:
    """Return over how many weights the sum of a product runs; 0 where no sum follows.

    A sum over the first dimension may be one of losses: only one that goes on into a layer counts.
    """
    made = graph.operations[product].shape
    takers = graph.takers(product)
    if len(takers) != 1 or graph.kind(takers[0]) != "Sum" or len(made) != len(shape):
        return 0
    over = graph.operations[takers[0]].settings.get("dim")
    if not isinstance(over, tuple) or graph.users(product) != takers:
        return 0
    dims = [d % len(shape) for d in over if isinstance(d, int)]
    if 0 in dims and not _goes_on(graph, takers[0]):
        return 0
    return math.prod(shape[d] for d in dims)


def _goes_on(graph: Graph, place: int) -> bool:
    """Return whether a layer takes a result, now or later."""
    reached = {place}
    for user in range(place + 1, len(graph.operations)):
        if not reached.isdisjoint(graph.operations[user].inputs):
            if graph.kind(user) in LINEAR:
                return True
            reached.add(user)
    return False


def _without_gradient(look: Look, graph: Graph, place: int) -> list[str]:
    """Return the layers that compute nothing but this result, if the gradients of all their weights are exactly 0."""
    alone = {place}
    for before in range(place - 1, -1, -1):
        users = graph.users(before)
        if users and alone.issuperset(users):
            alone.add(before)
    operations = graph.operations
    layers = {operations[i].layer for i in alone if operations[i].kind in LINEAR and operations[i].layer}
    layers -= {o.layer for i, o in enumerate(operations) if i not in alone and o.kind in LINEAR}
    weights = [p for p in look.parameters if p.layer in layers and mixes(p) and p.gradient is not None]
    if any(p.gradient is not None and (p.gradient.norm or p.gradient.nonfinite) for p in weights):
        return []
    return list(dict.fromkeys(p.layer for p in weights))
