"""Inputs that no layer can do much with: of a scale that layers are not made for, or the same everywhere."""

from collections.abc import Iterator, Sequence

from otel_mldebug.rules.detectors.layers.reading import progress
from otel_mldebug.rules.detectors.statics.graph import CLASS_LOSSES, ENTRIES, LEAF, VALUE_LOSSES, Graph, rms
from otel_mldebug.rules.detectors.statics.telling import at, lasting, tell
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Operation, Stats
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

PIXELS = (100.0, 256.0)
"""Where the largest value of images lies that were left at 0 to 255."""
PIXEL_SIZE = 20.0
"""Root of the mean square, from which pixels between 0 and 255 are not on a smaller scale with a bright spot."""
LARGE = 50.0
"""Root of the mean square, from which features count as not normalised."""
OFFSET = (20.0, 10.0)
"""The mean over the standard deviation, and the mean, from which inputs count as an offset with a little noise."""
TINY, TINY_STEPS, TINY_LEFT = 0.01, 100, 0.95
"""Largest magnitude up to which inputs are as good as none for layers that are made for 1, and in how many steps the
loss has not left so much of its beginning: pixels that were divided by 255 twice."""
LEAST = 8
"""Elements, below which nothing is said."""
SCALE_FREE = ("LBFGS",)
"""Optimizers that inputs of another scale hardly trouble."""


def unnormalised_input(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when a first layer that is linear or a convolution takes values far from 0, or of a large scale.

    What the layer takes is judged, not what the loader gave: the model may well scale it first. Embeddings and
    normalisation layers are made for what they take, and a normalisation right behind the layer undoes any scale.
    """
    if (found := lasting(looks, _unscaled, least=2)) is None:
        return None
    first, (operation, stats, why) = found
    return _unnormalised(
        first,
        operation,
        stats,
        f"takes {why}: mean {stats.mean:.3g}, standard deviation {stats.std:.3g}, "
        f"from {stats.low:.3g} to {stats.high:.3g}.",
        cause="Inputs were not normalised. Layers are initialised for inputs with mean 0 and standard deviation 1; "
        "with others, activations saturate or explode, and the learning rate fits no layer.",
        solutions=(
            "Divide pixels by 255, or use torchvision.transforms.ToTensor, and then Normalize(mean, std)."
            if why == _PIXELS
            else "Standardise each feature: (x - mean) / std, with mean and std of the training set.",
            "Or put a BatchNorm layer first.",
        ),
        confidence=0.9,
    )


def tiny_input(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when all that first layers take is close to 0, and the loss has stayed where it began.

    Small inputs alone can be learned from, with a rate to match or one that adapts.
    """
    known = progress(looks, window)
    if known.steps < TINY_STEPS or not known.stuck or (known.left or 0.0) < TINY_LEFT:
        return None
    if (found := lasting(looks, _tiny, least=2)) is None:
        return None
    first, (operation, stats) = found
    return _unnormalised(
        first,
        operation,
        stats,
        f"takes inputs close to 0, up to {max(-stats.low, stats.high):.2g}, and "
        f"the loss has not fallen in {known.steps} steps.",
        cause="Inputs were scaled down too far, such as pixels that were divided by 255 twice. Layers are made for "
        "inputs of size 1: with these nothing but their biases reaches the output.",
        solutions=(
            "Look for a second division, such as by 255 after ToTensor, which divides already.",
            "Standardise each feature: (x - mean) / std, with mean and std of the training set.",
        ),
        confidence=0.85,
    )


def _unnormalised(
    first: Look,
    operation: Operation,
    stats: Stats,
    said: str,
    *,
    cause: str,
    solutions: tuple[str, ...],
    confidence: float,
) -> Finding:
    return tell(
        "data.unnormalised_input",
        Severity.WARNING,
        first,
        f"The first layer{at(operation.layer)} {said}",
        category=Category.DATA,
        cause=cause,
        solutions=solutions,
        prevention="Print mean and standard deviation of a batch before training; normalise where data is loaded.",
        confidence=confidence,
        layer=operation.layer,
        mean=stats.mean,
        std=stats.std,
        low=stats.low,
        high=stats.high,
    )


def _tiny(look: Look) -> tuple[Operation, Stats] | None:
    graph = Graph(look)
    given = [entry for entry in _entries(graph) if entry[2].low != entry[2].high and entry[2].size >= LEAST]
    if not given or look.optimizer_kind in SCALE_FREE:
        return None
    if any(max(-stats.low, stats.high) > TINY or _normalised(graph, place) for place, _, stats in given):
        return None
    return given[0][1:]


def constant_input(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when all that comes in from outside is one and the same number, in two looks in a row.

    Of tokens, positions may come in besides: what counts is that no sample differs from another. A recurrent network
    starts with a state of zeros; what it reads then comes in elsewhere.
    """

    def judge(look: Look) -> tuple[Operation, Stats] | None:
        graph = Graph(look)
        entries = list(_entries(graph))
        if all(stats.low == stats.high == 0 for *_, stats in entries):
            token = _one_token(look, graph)
            if token is not None or not entries:
                return token
        if any(stats.low != stats.high or stats.size < LEAST for *_, stats in entries):
            return None
        known = {place for place, *_ in entries}
        others = (i for i, operation in enumerate(graph.operations) if not graph.inputs(i) and operation.kind != LEAF)
        return entries[0][1:] if known.issuperset(others) else None

    if (found := lasting(looks, judge, least=2)) is None:
        return None
    first, (operation, stats) = found
    return tell(
        "data.constant_input",
        Severity.ERROR,
        first,
        f"All {stats.size:,} inputs of the first layer{at(operation.layer)} are {stats.low + 0.0:g}: the model cannot "
        "tell samples apart.",
        category=Category.DATA,
        cause="The data was overwritten, never filled, or destroyed by preprocessing: integer division of pixels, a "
        "cast to a small type, a mask that hides everything.",
        solutions=(
            "Print a batch where the loader gives it, and then after each step of preprocessing.",
            "Check for integer types before divisions, and for scaling by a range or deviation of the wrong array.",
        ),
        prevention="Assert that inputs have a standard deviation above 0 before training.",
        confidence=0.9,
        layer=operation.layer,
        value=stats.low,
    )


def _one_token(look: Look, graph: Graph) -> tuple[Operation, Stats] | None:
    """Return the embedding whose tokens are all the same, if nothing but positions and states of zeros come in, too."""
    if not look.operations or look.operations[-1].kind not in _SUPERVISED:
        return None
    found = None
    for place, operation in enumerate(graph.operations):
        if graph.inputs(place) or operation.kind == LEAF:
            continue
        if not look.complete and operation.kind not in {
            *ENTRIES,
            "Embedding",
        }:  # what comes before it has been left out
            continue
        tokens, shape = operation.operand, operation.operands[0] if operation.operands else ()
        if operation.kind != "Embedding" and tokens is not None and tokens.low == tokens.high == 0:
            continue
        if operation.kind != "Embedding" or tokens is None or not shape:
            return None
        if tokens.low == tokens.high:
            found = found or ((operation, tokens) if len(shape) > 1 and shape[0] > 1 and tokens.size >= LEAST else None)
        elif not _positions(tokens, shape):
            return None
    return found


def _positions(tokens: Stats, shape: tuple[int, ...]) -> bool:
    """Return whether tokens look like 0, 1, 2, … in each sample."""
    length = shape[-1]
    return tokens.low == 0 and tokens.high == length - 1 and abs(tokens.mean - (length - 1) / 2) < 1e-3 * length


_SUPERVISED = CLASS_LOSSES | VALUE_LOSSES | {"BinaryCrossEntropy", "BinaryCrossEntropyWithLogits"}
_PIXELS = "pixels from 0 to 255"


def _unscaled(look: Look) -> tuple[Operation, Stats, str] | None:
    if look.optimizer_kind in SCALE_FREE:
        return None
    graph = Graph(look)
    for place, operation, stats in _entries(graph):
        size = rms(stats)
        if stats.size < LEAST or stats.low == stats.high or _normalised(graph, place):
            continue
        if stats.low >= 0 and PIXELS[0] <= stats.high <= PIXELS[1] and size >= PIXEL_SIZE:
            return operation, stats, _PIXELS
        if size >= LARGE:
            return operation, stats, "inputs of a large scale"
        if abs(stats.mean) >= OFFSET[1] and abs(stats.mean) >= OFFSET[0] * stats.std:
            return operation, stats, "inputs far from 0"
    return None


def _entries(graph: Graph) -> Iterator[tuple[int, Operation, Stats]]:
    """Yield the layers that take something from outside the graph with their places, and what it is like."""
    for place, operation in graph.of(ENTRIES):
        if operation.operand is not None and operation.operand.size and graph.is_first(place):
            yield place, operation, operation.operand


def _normalised(graph: Graph, place: int) -> bool:
    """Return whether nothing but normalisations take what an operation gives."""
    takers = graph.takers(place)
    return bool(takers) and all("Norm" in graph.kind(taker) for taker in takers)
