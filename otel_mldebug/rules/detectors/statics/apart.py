"""Inputs and targets that come out of two loaders, each of which has an order of its own."""

from collections.abc import Sequence

from otel_mldebug.rules.detectors.statics.graph import BATCH, CLASS_LOSSES, VALUE_LOSSES, Graph
from otel_mldebug.rules.detectors.statics.telling import lasting, tell
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Part
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

PAIR = 2
LOOKS = 2
"""Looks in a row: loaders that are drawn from in turn may be there together once."""
_SUPERVISED = frozenset((*CLASS_LOSSES, *VALUE_LOSSES, "BinaryCrossEntropy", "BinaryCrossEntropyWithLogits"))
"""Losses that compare each sample with the target at its place. Distances of distributions are none of them."""


def targets_apart(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when all that one of two loaders gives is targets, and it goes through its samples in another order.

    Two loaders are meant where each of them has inputs: unlabelled samples, another domain, real images.
    """
    if (found := lasting(looks, _apart, least=LOOKS)) is None:
        return None
    first, (inputs, targets) = found
    return tell(
        "data.targets_apart",
        Severity.ERROR,
        first,
        f"Targets do not belong to their inputs: {inputs} and {targets} come out of two data loaders over as many "
        "samples, each of which has an order of its own.",
        category=Category.DATA,
        cause="Each loader shuffles by itself, so that labels are those of other samples: there is nothing to learn "
        "but how often each one comes.",
        solutions=(
            "Put inputs and targets into one data set: DataLoader(TensorDataset(x, y), shuffle=True).",
            "In a Dataset of your own, return both from __getitem__ for the same index.",
        ),
        prevention="Shuffle indices, never inputs or labels alone; look at a few samples with their labels.",
        confidence=0.95,
        inputs=inputs,
        targets=targets,
    )


def _apart(look: Look) -> tuple[str, str] | None:
    """Return where inputs and targets are, if each loader gives only one of them."""
    graph = Graph(look)
    if not look.apart or not any(graph.of(_SUPERVISED)):
        return None
    loaders = [[p for p in look.parts if p.place.startswith(f"{BATCH}{number}")] for number in range(PAIR)]
    if not all(loaders):
        return None
    asked = [part for part in look.parts if part.role == "target" and part.digest]
    for number in range(PAIR):
        targets, inputs = loaders[number], loaders[1 - number]
        if all(_among(part, asked) for part in targets) and not any(_among(part, asked) for part in inputs):
            return inputs[0].place, targets[0].place
    return None


def _among(part: Part, asked: Sequence[Part]) -> bool:
    """Return whether a part is what a loss takes as its target, or has been copied there, to a GPU for one."""
    return part.role == "target" or (
        not part.role and any(part.digest == one.digest and part.shape == one.shape for one in asked)
    )
