"""Losses that compare two outputs of the program with each other, and train both: becoming constant solves them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.statics.graph import ENTRIES, PICKS, VALUE_LOSSES, VIEWS, Graph
from otel_mldebug.rules.detectors.statics.telling import lasting, tell
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

_SCALARS = frozenset(("Mul", "Div", "Neg", "Rsub", "Sum", "Mean", *VIEWS))
"""What stands between a comparison and the loss."""
_DISTANCES = frozenset(("Pow", "Abs", "LinalgVectorNorm", "Norm"))
"""What makes a distance of a difference."""
_NORMS = frozenset(("LinalgVectorNorm", "Norm"))
_CLOSED = frozenset((
    "Div", "Softmax", "LogSoftmax", "Clone", "Expand", "ClampMin", "Relu", "Tanh", "Sigmoid", "Gelu", "LeakyRelu",
    "NativeBatchNorm", "NativeLayerNorm", *_NORMS, *VIEWS, *PICKS,
))  # fmt: skip
"""Operations that bring nothing in from outside. A sum may hold a reward or a label, which keeps outputs apart."""
_SPLITS = frozenset(("Split", "SplitWithSizes", "Chunk", "Unbind"))
ALONE = 16
"""First steps of an optimizer, between which no other one has stepped, where there are others."""
_LAYERS = ENTRIES | {"Embedding"}


class Pair(NamedTuple):
    """Two results that the loss compares; what it compares with comes second, where that is known."""

    output: int
    target: int


class Found(NamedTuple):
    """Layers of which the outputs come, and whether both sides are one network."""

    output: str
    target: str
    same: bool


def trained_target(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when a loss compares two outputs, gradients go into both, and nothing else trains one side.

    Either both come from one network (self-supervised training without a stop-gradient), or the side that the other
    one is to follow is a network of its own (a teacher). Other terms that reach that side keep it in place: a
    reconstruction, a variance, labels. Where several optimizers step, the terms of others are not known.
    """
    if not _alone(Course.of(window)) or (found := lasting(looks, _judge, least=2)) is None:
        return None
    first, (output, target, same) = found
    return tell(
        "loss.target_trained",
        Severity.WARNING,
        first,
        f"The loss compares two outputs of {target} with each other, and both are trained."
        if same
        else f"The loss compares the output of {output} with that of {target}, and {target} is trained by it, too.",
        category=Category.LOSS,
        cause="Nothing keeps what is to be matched in place: the loss is lowest when both sides give the same for any "
        "input, so they collapse to a constant, or the teacher follows its student.",
        solutions=(
            "Compute what is to be matched under torch.no_grad(), or detach() it: a stop-gradient.",
            "Leave the teacher out of the optimizer and freeze it: teacher.eval(), teacher.requires_grad_(False).",
            "Or use a loss with negative examples, or one that keeps the variance of outputs up.",
        ),
        prevention="Log the standard deviation of normalised outputs over a batch: near 0 they have collapsed.",
        confidence=0.85,
        layer=target,
        compared_with=output,
    )


def _alone(course: Course) -> bool:
    """Return whether no other optimizer steps in between. One that has had its time before may have made a teacher."""
    early = course.early[:ALONE]
    return not course.shared or (len(early) == ALONE and early[-1].index - early[0].index == ALONE - 1)


def _judge(look: Look) -> Found | None:
    graph = Graph(look)
    if not look.complete or not graph.operations:
        return None
    pairs, others = list[Pair](), set[str]()
    for term in _terms(graph, len(graph.operations) - 1):
        if (pair := _pair(graph, term)) is not None:
            pairs.append(pair)
        else:
            others |= _layers(graph, _above(graph, term))
    trained = {p.layer for p in look.parameters if p.trainable and p.optimized and p.reached is not False}
    for pair in pairs:
        outputs, targets = (_above(graph, side) for side in pair)
        mine, theirs = _layers(graph, outputs), _layers(graph, targets)
        same = bool(mine & theirs)
        if not mine or not theirs or (same and not (mine <= theirs or theirs <= mine)):
            continue
        if theirs & others or not theirs & trained or not _apart(graph, pair):
            continue
        if _open(graph, pair.output) or _open(graph, pair.target):
            continue
        return Found(_name(graph, pair.output), _name(graph, pair.target), same)
    return None


def _terms(graph: Graph, place: int) -> Iterator[int]:
    """Yield the terms whose sum, up to factors, is the result of an operation."""
    while True:
        operation, below = graph.operations[place], graph.inputs(place)
        if operation.kind in ("Add", "Sub") and len(below) == 2 and (operation.kind == "Add" or operation.shape == ()):
            for one in below:
                yield from _terms(graph, one)
            return
        if operation.kind not in _SCALARS or len(below) != 1:
            yield place
            return
        place = below[0]


def _pair(graph: Graph, place: int) -> Pair | None:
    """Return what a term compares, if it is a distance or a similarity of two results with at least two features."""
    if graph.kind(place) in _DISTANCES and len(graph.inputs(place)) == 1:
        place = graph.inputs(place)[0]
        return _two(graph, place) if graph.kind(place) == "Sub" else None
    kind, below = graph.kind(place), graph.inputs(place)
    if kind in VALUE_LOSSES:
        return _two(graph, place)
    if kind == "Sub" and len(below) == 2 and graph.kind(below[0]) == "Xlogy":  # kl_div
        place, kind = below[1], graph.kind(below[1])
    found = _two(graph, place) if kind == "Mul" else None
    if found is None:
        return None
    kinds = [graph.kind(side) for side in found]
    if sorted(kinds) == ["LogSoftmax", "Softmax"]:
        return found if kinds[1] == "Softmax" else Pair(found.target, found.output)
    return found if all(_normalised(graph, side) for side in found) else None


def _two(graph: Graph, place: int) -> Pair | None:
    operation, below = graph.operations[place], graph.inputs(place)
    if len(below) != 2:
        return None
    shape = operation.operands[0] if operation.operands else operation.shape or graph.operations[below[0]].shape
    return Pair(below[0], below[1]) if len(shape) > 1 and shape[-1] > 1 else None


def _normalised(graph: Graph, place: int) -> bool:
    """Return whether a result was divided by its own norm."""
    while graph.kind(place) in VIEWS and graph.inputs(place):
        place = graph.inputs(place)[0]
    below = graph.inputs(place)
    if graph.kind(place) != "Div" or len(below) != 2:
        return False
    norm = below[1]
    while graph.kind(norm) in VIEWS | {"Expand", "ClampMin"} and graph.inputs(norm):
        norm = graph.inputs(norm)[0]
    return graph.kind(norm) in _NORMS


def _above(graph: Graph, place: int) -> set[int]:
    """Return an operation and all whose results go into it."""
    found, open_ = {place}, [place]
    while open_:
        for one in graph.inputs(open_.pop()):
            if one not in found:
                found.add(one)
                open_.append(one)
    return found


def _layers(graph: Graph, places: set[int]) -> set[str]:
    return {layer for i in places if graph.kind(i) in _LAYERS and (layer := graph.operations[i].layer)}


def _apart(graph: Graph, pair: Pair) -> bool:
    """Return whether two results share nothing, or are parts of one batch that both went through together."""
    if pair.output == pair.target:
        return graph.kind(pair.output) in _SPLITS
    one, other = _above(graph, pair.output), _above(graph, pair.target)
    both = one & other
    edges = [(user, i) for user in (one | other) - both for i in graph.inputs(user) if i in both]
    return all(graph.kind(user) in PICKS or graph.kind(i) in _SPLITS for user, i in edges) and (not both or bool(edges))


def _open(graph: Graph, place: int) -> bool:
    """Return whether something from outside may have come in between the last layer and a result."""
    open_ = [place]
    while open_:
        place = open_.pop()
        if graph.is_linear(place) or graph.kind(place) in _LAYERS:
            continue
        if graph.kind(place) not in _CLOSED:
            return True
        open_ += graph.inputs(place)
    return False


def _name(graph: Graph, place: int) -> str:
    """Return the last layer that a result comes from."""
    return graph.operations[max(i for i in _above(graph, place) if graph.kind(i) in _LAYERS)].layer
