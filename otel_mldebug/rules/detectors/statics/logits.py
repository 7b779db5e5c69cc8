"""Losses that are given something else than they take: probabilities for logits, logits for log-probabilities."""

from collections.abc import Sequence

from otel_mldebug.rules.detectors.statics.graph import CLASS_LOSSES, REDUCTIONS, Graph, dimension
from otel_mldebug.rules.detectors.statics.outputs import goes_into_loss
from otel_mldebug.rules.detectors.statics.telling import at, lasting, tell
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

_SQUASHED = frozenset(("Softmax", "SafeSoftmax", "Sigmoid", "Hardsigmoid"))
_LOG_SQUASHED = frozenset(("LogSoftmax", "LogSigmoid"))
_ACTIVATIONS = frozenset(("Relu", "Tanh", "Gelu", "Silu", "Elu", "LeakyRelu", "Softplus", "Hardtanh", "Mish"))
_BINARY = "BinaryCrossEntropyWithLogits"
_NORMALISED = ("LogSoftmax", "Logsumexp")
"""What cross entropy and `Categorical(logits=…)` make of logits."""
_PREVENTION = "Let models return logits, and apply softmax or sigmoid only where probabilities are shown or used."


def probabilities(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when a loss that applies softmax or sigmoid by itself is given the result of one."""
    if (found := lasting(looks, _squashed)) is None:
        return None
    first, (given, taker, layer) = found
    loss = "binary_cross_entropy_with_logits" if taker == _BINARY else "cross entropy"
    return tell(
        "loss.expects_logits",
        Severity.ERROR,
        first,
        f"{given}{at(layer)} goes into {loss}, which wants logits and applies {_own(taker)} once more.",
        category=Category.LOSS,
        cause="The model ends in softmax or sigmoid, and the loss has one of its own. Probabilities as logits differ "
        "by at most 1: the loss cannot come near 0, gradients are small, and training is slow or stops early.",
        solutions=(
            f"Remove the {given.lower()} at the end of the model, and give the loss what went into it.",
            "Or keep it and use a loss for probabilities: BCELoss, or NLLLoss of their logarithm.",
        ),
        prevention=_PREVENTION,
        confidence=0.97,
        layer=layer,
        given=given,
        operation=taker,
    )


def log_probabilities(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when NLLLoss or KLDivLoss, which want log-probabilities, are given logits or probabilities."""
    if (found := lasting(looks, _not_logs)) is None:
        return None
    first, (given, taker, layer) = found
    name = "KLDivLoss" if taker == "Sub" else "NLLLoss"
    what = "probabilities" if given in _SQUASHED else "raw outputs"
    return tell(
        "loss.expects_log_probabilities",
        Severity.ERROR,
        first,
        f"{name} wants log-probabilities and is given {what} ({given}{at(layer)}).",
        category=Category.LOSS,
        cause="There is no log_softmax between the model's output and the loss. The loss is not bounded below by 0: it "
        "only says that some outputs should grow.",
        solutions=(
            "Use CrossEntropyLoss on the raw outputs: it is log_softmax and NLLLoss in one.",
            "Or put torch.nn.functional.log_softmax(x, dim=-1) at the end of the model, and nothing after it.",
        )
        if name == "NLLLoss"
        else (
            "Give it log_softmax(x, dim=-1) as the first argument, and probabilities as the second.",
            "With reduction='batchmean' it is the divergence as it is defined.",
        ),
        prevention="Use CrossEntropyLoss for classes; a loss below 0 is a sign of this mistake.",
        confidence=0.95,
        layer=layer,
        given=given,
        operation=taker,
    )


def log_softmax_twice(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when log_softmax is applied to its own result: it changes nothing.

    Over rows and columns in turn it does: Sinkhorn's normalisation.
    """

    def judge(look: Look) -> str | None:
        graph = Graph(look)
        for place, operation in graph.of(frozenset(("LogSoftmax",))):
            source = graph.source(place)
            if source is None or graph.kind(source) != "LogSoftmax":
                continue
            below = graph.operations[source]
            if dimension(operation) == dimension(below):
                return below.layer
        return None

    if (found := lasting(looks, judge)) is None:
        return None
    first, layer = found
    return tell(
        "loss.log_softmax_twice",
        Severity.INFO,
        first,
        f"log_softmax{at(layer)} is applied twice: cross entropy applies it to its own result.",
        category=Category.LOSS,
        cause="The model ends in log_softmax, and CrossEntropyLoss has one of its own. The result is the same.",
        solutions=(
            "Use NLLLoss with such a model.",
            "Or let the model return logits.",
        ),
        prevention=_PREVENTION,
        confidence=0.95,
        layer=layer,
    )


def _own(taker: str) -> str:
    return "a sigmoid" if taker == _BINARY else "softmax"


def squashed_twice(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when softmax or sigmoid is applied to its own result before the loss."""

    def judge(look: Look) -> tuple[str, str] | None:
        graph = Graph(look)
        for place, operation in graph.of(_SQUASHED):
            source = graph.source(place)
            if source is None or graph.kind(source) != operation.kind or not goes_into_loss(graph, place):
                continue
            below = graph.operations[source]
            if operation.kind == "Sigmoid" or dimension(operation) == dimension(below) is not None:
                return operation.kind, below.layer
        return None

    if (found := lasting(looks, judge)) is None:
        return None
    first, (kind, layer) = found
    return tell(
        "loss.probabilities_twice",
        Severity.ERROR,
        first,
        f"{kind}{at(layer)} is applied to its own result before the loss.",
        category=Category.LOSS,
        cause=f"The model ends in {kind.lower()}, and the loop applies it once more. Probabilities of probabilities "
        "are nearly the same for all classes: the loss cannot come near 0.",
        solutions=(
            f"Remove one of the two: the {kind.lower()} at the end of the model, or the one before the loss.",
            "Better, remove both, and use a loss for logits: CrossEntropyLoss or BCEWithLogitsLoss.",
        ),
        prevention=_PREVENTION,
        confidence=0.93,
        layer=layer,
        operation=kind,
    )


def _squashed(look: Look) -> tuple[str, str, str] | None:
    graph = Graph(look)
    for place, operation in graph.of(frozenset((*_NORMALISED, _BINARY))):
        source = graph.source(place)
        if source is None:
            continue
        below = graph.operations[source]
        if below.kind in _SQUASHED or (operation.kind == _BINARY and below.kind in _LOG_SQUASHED):
            if operation.kind == "Logsumexp" and not _normalises(graph, place, source):
                continue
            return below.kind, operation.kind, below.layer
    return None


def _normalises(graph: Graph, place: int, source: int) -> bool:
    """Return whether a logsumexp is subtracted from what it was taken of."""
    return any(graph.kind(user) == "Sub" and source in graph.inputs(user) for user in graph.users(place))


def _not_logs(look: Look) -> tuple[str, str, str] | None:
    graph = Graph(look)
    for place, operation in graph.of(CLASS_LOSSES):
        source = graph.source(place)
        if source is None:
            continue
        below = graph.operations[source]
        if below.kind in _SQUASHED or below.kind in _ACTIVATIONS or graph.is_linear(source):
            return below.kind, operation.kind, below.layer
    for place, operation in graph.of(frozenset(("Sub",))):  # target * (log target - input), as KLDivLoss has it
        source = graph.source(place, picks=False)
        if source is None or graph.kind(source) != "Mul" or len(graph.inputs(source)) != 1:
            continue
        given = graph.source(source)
        if given is None or graph.kind(given) not in _SQUASHED:
            continue
        if any(graph.kind(user) not in REDUCTIONS for user in graph.users(place)) or not graph.ends_in_mean(place):
            continue
        below = graph.operations[given]
        if operation.shape == below.shape == graph.operations[source].shape != ():
            return below.kind, operation.kind, below.layer
    return None
