"""A softmax that runs over what are not alternatives."""

import math
from collections.abc import Sequence
from dataclasses import replace

from otel_mldebug.rules.detectors.statics.graph import CLASS_LOSSES, REDUCTIONS, VIEWS, Graph, dimension
from otel_mldebug.rules.detectors.statics.outputs import LOSSES, alone, goes_into_loss
from otel_mldebug.rules.detectors.statics.telling import at, lasting, tell
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Operation
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

_SOFTMAX = frozenset(("Softmax", "SafeSoftmax", "LogSoftmax"))
_STILL = frozenset(
    ("View", "UnsafeView", "Reshape", "ReshapeAlias", "Expand", "Clone", "ToCopy", "Alias", "NativeDropout")
)
"""Operations that leave the first dimension the first one."""
_ELEMENTWISE = frozenset((
    "Mul", "Div", "Neg", "Add", "Sub", "Rsub", "Pow", "Exp", "Log", "Log1P", "Clamp", "ClampMin", "ClampMax", "Where",
    "MaskedFill", "Expm1", "Sqrt",
))  # fmt: skip
"""Operations that a loss applies to each target's own log-probability."""
_PICKED = frozenset(("Select", "Squeeze", *VIEWS))
_SWAPPED = ("dim0", "dim1")
_CLASSES = 1
"""The dimension that NLLLoss takes as classes."""


def softmax_dimension(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when a softmax runs over what are not alternatives.

    That is a single element, or the samples of the batch before NLLLoss, or another dimension than the one that the
    loss picks the target's class from, for the last one; and for one in the middle the dimension that the matrix
    product after it takes as independent matrices.
    """
    if (across := lasting(looks, _picked_across)) is not None:
        return _say_picked(*across)
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


def _say_picked(first: Look, found: tuple[Operation, int, int]) -> Finding:
    operation, dim, classes = found
    return tell(
        "loss.softmax_dimension",
        Severity.ERROR,
        first,
        f"{operation.kind}{at(operation.layer)} runs over dimension {dim} of {list(operation.shape)}, and "
        f"the loss picks the class from dimension {classes}: the probabilities of its classes do "
        "not sum to 1.",
        category=Category.LOSS,
        cause=f"dim={dim} is not the dimension of the classes: positions compete with each other, and the scores of "
        "classes at one position do not.",
        solutions=(
            f"Pass dim={classes} to softmax and log_softmax: (samples, classes, height, width) have classes in "
            "dimension 1; dim=-1 is the width there. (samples, time, classes) have them in dimension -1.",
            "For the loss, use CrossEntropyLoss on the raw outputs, which takes dimension 1.",
        ),
        prevention="Test that the probabilities of one position sum to 1.",
        confidence=0.95,
        layer=operation.layer,
        dim=dim,
        classes=classes,
        shape=operation.shape,
    )


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
            if kind in LOSSES:
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
        if kind not in _STILL and not (kind == "Mul" and alone(graph, place)):
            return False


def _picked_across(look: Look) -> tuple[Operation, int, int] | None:
    """Return the softmax, its dimension, and another one from which a loss picks one class for each position."""
    graph = Graph(look)
    for place, operation in graph.of(_SOFTMAX):
        dim, shape = dimension(operation), operation.shape
        if dim is None or dim == 0 or len(shape) <= _CLASSES:
            continue
        for user in _after_casts(graph, place):
            picked = _classes(graph, user, shape)
            if picked is not None and picked != dim and shape[picked] > 1 and shape[dim] > 1:
                return operation, dim, picked
    return None


def _after_casts(graph: Graph, place: int) -> list[int]:
    """Return what takes a result with its dimensions in place."""
    found: list[int] = []
    open_ = [place]
    while open_:
        for user in graph.users(open_.pop()):
            (open_ if graph.kind(user) in ("ToCopy", "Clone", "Log", "Clamp", "ClampMin", "Add") else found).append(
                user
            )
    return found


def _classes(graph: Graph, place: int, shape: tuple[int, ...]) -> int | None:
    """Return the dimension that an operation picks one element from for each position, if a loss is all it is for."""
    operation = graph.operations[place]
    if operation.kind in CLASS_LOSSES:
        return _CLASSES if operation.operands[:1] == (shape,) else None
    if operation.kind in VIEWS and (users := graph.users(place)):
        return _moved(operation, shape) if all(graph.kind(user) in CLASS_LOSSES for user in users) else None
    if operation.kind != "Gather" or len(operation.shape) != len(shape) or not _summed_up(graph, place):
        return None
    dim = dimension(operation)
    rest = [size for i, size in enumerate(shape) if i != dim]
    kept = [size for i, size in enumerate(operation.shape) if i != dim]
    return dim if dim is not None and operation.shape[dim] == 1 and kept == rest else None


def _moved(operation: Operation, shape: tuple[int, ...]) -> int | None:
    """Return which dimension has become that of the classes; None where that is not sure."""
    if operation.kind == "Transpose":
        settings = operation.settings
        first, second = (dimension(replace(operation, settings={"dim": settings.get(d, "")})) for d in _SWAPPED)
        return second if first == _CLASSES else first if second == _CLASSES else _CLASSES
    joined = len(shape) > len(operation.shape) and operation.shape == (math.prod(shape[:-1]), shape[-1])
    return len(shape) - 1 if joined and operation.kind != "Permute" else None


def _summed_up(graph: Graph, place: int) -> bool:
    """Return whether a result goes, element by element, into sums or means over everything, and nowhere else."""
    open_, seen = [place], set[int]()
    while open_:
        users = set(graph.users(open_.pop()))
        if not users:
            return False
        for user in users - seen:
            seen.add(user)
            kind = graph.kind(user)
            if kind in _ELEMENTWISE or kind in _PICKED:
                open_.append(user)
            elif kind not in REDUCTIONS or "dim" in graph.operations[user].settings:
                return False
    return True
