"""Losses that are made as large as possible, because of a sign."""

import math
from collections.abc import Sequence
from statistics import median

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.statics.graph import CLASS_LOSSES, REDUCTIONS, VALUE_LOSSES, VIEWS, Graph
from otel_mldebug.rules.detectors.statics.telling import tell
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

LOOKS = 3
STEPS = 20
"""Steps between the first of the looks and the latest step, at least."""
LATEST = 8
"""Losses that tell the level, at most: the median of them."""
FALLEN = 1e-3
"""Part of its size by which the loss has to have fallen since the first look: what is trained makes it larger."""
_SIGNS = frozenset(("Neg", "Mul", "Div"))
"""Operations with a single operand that can turn the sign around."""
_POSITIVE = frozenset((*VALUE_LOSSES, "BinaryCrossEntropy"))
_PICKED = frozenset(("Index", "Gather"))
"""What takes the log-probabilities of the labels out of all."""
_NAMES = {
    "LogSoftmax": "cross entropy",
    "NllLoss": "cross entropy",
    "NllLoss2D": "cross entropy",
    "NllLossNd": "cross entropy",
    "MseLoss": "squared error",
    "SmoothL1Loss": "smooth L1 loss",
    "HuberLoss": "Huber loss",
    "BinaryCrossEntropy": "binary cross entropy",
}


def maximised(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when what is minimised is a loss function times a negative number, and it falls below 0 further and further.

    Or the mean log-probability of the labels, picked out by hand, without a minus sign: that is the same.

    One model may well be trained against another one: a generator, an attack, a gradient reversal. So there must be
    one optimizer, and it must hold the layer whose output goes into the loss.

    Args:
        looks: Of one optimizer, oldest first.
        window: Its latest steps.
    """
    course = Course.of(window)
    latest = [loss for _, loss in course.losses[-LATEST:]]
    if len(looks) < LOOKS or course.shared or not latest or course[-1].index - looks[0].step < STEPS:
        return None
    found = [judged for look in looks[-LOOKS:] if (judged := _negated(look)) is not None]
    first, now = looks[0].loss, median(latest)
    if len(found) < LOOKS or first is None or not first < 0 or now > first * (1 + FALLEN):
        return None
    kind, layer = found[-1]
    name, by_hand = _NAMES.get(kind, kind), kind == "LogSoftmax"
    return tell(
        "loss.maximised",
        Severity.ERROR,
        looks[0],
        f"The {name} is {'the mean log-probability without' if by_hand else 'negated before backward:'} "
        f"{'a minus sign: it' if by_hand else 'it'} is made larger and larger, from {-first:.3g} to {-now:.3g}.",
        category=Category.LOSS,
        cause="A minus sign that is missing in front of log-probabilities: optimizers minimise, so the model learns to "
        "be wrong."
        if by_hand
        else "A minus sign in front of the loss, or a factor below 0: optimizers minimise, so the model learns to be "
        "wrong.",
        solutions=(
            "Minimise minus the mean log-probability, or use torch.nn.functional.cross_entropy on the raw outputs."
            if by_hand
            else f"Remove the minus sign: minimise the {name} itself.",
            "For what is to be maximised (a reward, a likelihood) the minus sign belongs there; for a loss it does "
            "not.",
        ),
        prevention="Assert that a loss that cannot be negative is not.",
        confidence=0.9,
        layer=layer,
        operation=kind,
        first_loss=first,
        loss=now,
    )


def _negated(look: Look) -> tuple[str, str] | None:
    """Return which loss function is negated as a whole, and the layer whose output it takes; None if there is none."""
    if look.loss is None or not math.isfinite(look.loss) or look.loss >= 0 or not look.operations:
        return None
    graph = Graph(look)
    place, signs = len(graph.operations) - 1, 0
    while graph.kind(place) in _SIGNS or graph.kind(place) in VIEWS:
        below = graph.inputs(place)
        if len(below) != 1:
            return None
        signs += graph.kind(place) in _SIGNS
        place = below[0]
    kind = graph.kind(place)
    if not signs and kind in REDUCTIONS and "dim" not in graph.operations[place].settings:
        return _by_hand(graph, place, look)
    if not signs or graph.operations[place].shape != ():
        return None
    source = graph.source(place)
    if source is None or not (kind in _POSITIVE or (kind in CLASS_LOSSES and graph.kind(source) == "LogSoftmax")):
        return None
    layer = _layer(graph, source)
    return (kind, layer) if layer in _held(look) else None


def _by_hand(graph: Graph, place: int, look: Look) -> tuple[str, str] | None:
    """Return the same for log-probabilities that are picked and averaged at `place`, with nothing in between."""
    picked = graph.source(place, picks=False)
    below = graph.source(picked, picks=False) if picked is not None and graph.kind(picked) in _PICKED else None
    if below is None or graph.kind(below) != "LogSoftmax":
        return None
    layer = _layer(graph, below)
    return ("LogSoftmax", layer) if layer in _held(look) else None


def _held(look: Look) -> set[str]:
    return {p.layer for p in look.parameters if p.optimized and p.trainable and p.layer}


def _layer(graph: Graph, place: int | None) -> str:
    """Return the nearest layer from `place` back to the inputs; empty when it is not known."""
    while place is not None:
        if graph.operations[place].layer:
            return graph.operations[place].layer
        place = graph.source(place)
    return ""
