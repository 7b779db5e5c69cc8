"""Dropout that leaves nothing over, or that hides outputs."""

from collections.abc import Sequence

from otel_mldebug.rules.detectors.statics.graph import CLASS_LOSSES, LINEAR, VALUE_LOSSES, Graph
from otel_mldebug.rules.detectors.statics.telling import at, lasting, tell
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Operation
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

HIGH = 0.9
"""Chance to drop a unit, from which hardly anything gets through. Usual are 0.1 to 0.5.
Source: https://jmlr.org/papers/v15/srivastava14a.html."""
LEAST_MASK, NEAR = 256, 0.05
"""Elements of a mask, at least, and how far the share of zeros in it may be from the chance that its other elements
tell."""
LIGHT = 0.2
"""Chance, up to which dropout on outputs makes predictions a little unsure, and no more: PyTorch's own tutorial
on character networks does it with 0.1."""
_LOSSES = frozenset((
    *CLASS_LOSSES, *VALUE_LOSSES, "LogSoftmax", "BinaryCrossEntropy", "BinaryCrossEntropyWithLogits",
))  # fmt: skip


def dropout_chance(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when a layer drops nine in ten of its inputs, or more, or a mask that is made by a function does."""

    def judge(look: Look) -> tuple[str, float] | None:
        for layer in look.layers:
            chance = layer.settings.get("p")
            if "Dropout" in layer.kind and layer.training and isinstance(chance, (int, float)) and chance >= HIGH:
                return layer.name, float(chance)
        for operation in look.operations:
            if (chance := _dropped(operation)) is not None and chance >= HIGH:
                return operation.layer or "F.dropout", chance
        return None

    if (found := lasting(looks, judge)) is None:
        return None
    first, (name, chance) = found
    return tell(
        "model.dropout_chance",
        Severity.ERROR if chance >= 1 else Severity.WARNING,
        first,
        f"{name} drops {chance:.0%} of what it gets.",
        category=Category.MODEL,
        cause="p is the chance to drop a unit, not the chance to keep it.",
        solutions=(
            f"Use p={max(0.1, 1 - chance):.2g}, or another value from 0.1 to 0.5.",
            "Leave dropout out at first.",
        ),
        prevention="Check what a setting means when it comes from another framework: some count what is kept.",
        confidence=0.9,
        layer=name,
        p=chance,
    )


def dropout_output(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when dropout sits between the last layer and the loss: outputs are set to 0 at random."""

    def judge(look: Look) -> tuple[str, str, float] | None:
        graph = Graph(look)
        settings = [layer.settings.get("p") for layer in look.layers if "Dropout" in layer.kind and layer.training]
        chances = [float(p) for p in settings if isinstance(p, (int, float))]
        for place, operation in graph.of(_LOSSES):
            source = graph.source(place)
            if source is None or (graph.kind(source) != "NativeDropout" and not _masks(graph, source, chances)):
                continue
            below = graph.source(source, picks=False)
            if below is not None and graph.kind(below) in LINEAR:
                return graph.operations[below].layer, operation.kind, _chance(graph, source, chances)
        return None

    if (found := lasting(looks, judge, least=2)) is None:
        return None
    first, (layer, taker, chance) = found
    return tell(
        "model.dropout_output",
        Severity.WARNING if chance > LIGHT else Severity.INFO,
        first,
        f"Dropout sets outputs{at(layer)} to 0 at random, right before the loss.",
        category=Category.MODEL,
        cause="Dropout was put after the last layer: predictions are destroyed, and the model can only "
        "learn to be unsure.",
        solutions=("Put dropout before the last layer.", "Remove it there; use weight decay if it is to regularise."),
        prevention="Put dropout between hidden layers only.",
        confidence=0.85,
        layer=layer,
        operation=taker,
    )


def _dropped(operation: Operation) -> float | None:
    """Return the chance to drop an element, if an operation multiplies by a mask of 0 and 1 / (1 - p); else None.

    The squares of such a mask are the mask times its largest element, so their means are, too.
    """
    mask = operation.operand
    if operation.kind != "Mul" or mask is None or mask.size < LEAST_MASK or mask.low != 0 or not mask.high > 1:
        return None
    two_valued = abs(mask.std**2 + mask.mean**2 - mask.high * mask.mean) <= 1e-3 * mask.high * mask.mean
    chance = 1 - 1 / mask.high
    return round(chance, 4) if two_valued and abs(mask.zero - chance) <= NEAR else None


def _chance(graph: Graph, place: int, chances: Sequence[float]) -> float:
    """Return how likely a unit is dropped: as the mask says, if it is seen, else the highest chance of any layer."""
    mask = graph.operations[place].operand
    return 1 - 1 / mask.high if mask is not None and mask.high > 1 else max(chances, default=0.5)


def _masks(graph: Graph, place: int, chances: Sequence[float]) -> bool:
    """Return whether an operation multiplies by a mask of 0 and 1 / (1 - p), as dropout does on the CPU."""
    operation = graph.operations[place]
    if operation.kind != "Mul" or len(graph.inputs(place)) != 1 or operation.operand is None:
        return False
    mask = operation.operand
    return mask.low == 0 < mask.zero and any(0 < p < 1 and abs(mask.high * (1 - p) - 1) < 0.01 for p in chances)
