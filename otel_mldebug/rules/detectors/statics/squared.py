"""A classifier that is trained with the squared error of its probabilities."""

from collections.abc import Sequence

from otel_mldebug.rules.detectors.statics.compared import target_of
from otel_mldebug.rules.detectors.statics.graph import VALUE_LOSSES, Graph, dimension
from otel_mldebug.rules.detectors.statics.telling import at, lasting, tell
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Part
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

_SOFTMAX = frozenset(("Softmax", "SafeSoftmax"))
LOOKS = 2
LEAST_CLASSES = 3
"""Classes from which on: with two, labels of 0 and 1 in a column each may be something else."""


def squared_probabilities(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when softmax is compared with labels of 0 and 1, one 1 for each sample, by a loss for regressions.

    Soft targets, as in distillation and consistency training, are left alone; sigmoids, too.
    """
    if (found := lasting(looks, _squared, least=LOOKS)) is None:
        return None
    first, (layer, taker, classes) = found
    return tell(
        "loss.squared_probabilities",
        Severity.WARNING,
        first,
        f"Softmax{at(layer)} over {classes} classes goes into {taker}, a loss for regressions, with labels of 0 and 1.",
        category=Category.LOSS,
        cause="The squared error of probabilities is flat where the model is surely wrong, and its gradient shrinks "
        "with the number of classes: training is slow, or stays at chance.",
        solutions=(
            "Use CrossEntropyLoss on the raw outputs, with the class numbers as targets.",
            "Remove the softmax at the end of the model: CrossEntropyLoss applies its own.",
        ),
        prevention="Choose the loss by the task: cross entropy for classes, squared error for quantities.",
        confidence=0.85,
        layer=layer,
        operation=taker,
        classes=classes,
    )


def _squared(look: Look) -> tuple[str, str, int] | None:
    graph = Graph(look)
    for place, operation in graph.of(VALUE_LOSSES):
        source = graph.source(place, picks=False)
        if source is None or graph.kind(source) not in _SOFTMAX:
            continue
        given = graph.operations[source]
        if len(given.shape) < 2 or dimension(given) not in (1, None):
            continue
        part = target_of(look, operation)
        if part is not None and given.shape[1] >= LEAST_CLASSES and _one_hot(part, given.shape[1]):
            return given.layer, operation.kind, given.shape[1]
    return None


def _one_hot(part: Part, classes: int) -> bool:
    """Return whether one of so many elements is 1, and all others are 0."""
    stats = part.stats
    if stats is None or stats.low != 0 or stats.high != 1:
        return False
    return abs(stats.zero - (1 - 1 / classes)) < 1e-4 and abs(stats.mean - 1 / classes) < 1e-4
