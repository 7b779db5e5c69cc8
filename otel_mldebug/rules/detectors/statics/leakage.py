"""Targets that are the inputs."""

from collections.abc import Sequence

from otel_mldebug.rules.detectors.statics.compared import target_of
from otel_mldebug.rules.detectors.statics.graph import CLASS_LOSSES, Graph
from otel_mldebug.rules.detectors.statics.telling import lasting, tell
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Part
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

ELEMENTS = 16
"""Labels, below which equal ones may be chance."""


def target_is_input(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when class labels are, in three looks in a row, the very tokens that an embedding takes.

    A hint only: a model that is to give back its input, such as an autoencoder of text, does so on purpose.
    """
    if (found := lasting(looks, _same, least=3)) is None:
        return None
    first, (taken, target) = found
    return tell(
        "data.target_is_input",
        Severity.INFO,
        first,
        f"The targets ({target.place}) are the same as the input ({taken.place}): the model only has to copy.",
        category=Category.DATA,
        cause="The targets of a language model are its inputs one place further, and were not shifted.",
        solutions=(
            "Use tokens[:, :-1] as the input and tokens[:, 1:] as the targets.",
            "If the model is to give back its input, nothing is wrong.",
        ),
        prevention="Look at one input and its target side by side; a loss near 0 early on is a sign of it.",
        confidence=0.7,
        place=target.place,
    )


def _same(look: Look) -> tuple[Part, Part] | None:
    for _, operation in Graph(look).of(CLASS_LOSSES):
        target = target_of(look, operation)
        if target is None or not target.digest or target.stats is None or target.stats.size < ELEMENTS:
            continue
        if target.stats.low == target.stats.high:
            continue
        for part in look.parts:
            if part.role == "input" and part.digest == target.digest and part.dtype == target.dtype:
                return part, target
    return None
