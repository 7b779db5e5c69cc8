"""What findings about unchanged parameters have in common."""

from collections.abc import Sequence

from otel_mldebug.rules.detectors.layers.changes import Fate
from otel_mldebug.rules.detectors.layers.reading import layers_of
from otel_mldebug.rules.facts import Value
from otel_mldebug.rules.looks import Look


def count(number: int, what: str) -> str:
    """Return `1 weight` or `3 weights`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def be(names: Sequence[str]) -> str:
    """Return the verb for so many subjects."""
    return "is" if len(names) == 1 else "are"


def evidence(looks: Sequence[Look], bad: Sequence[Fate], known: Sequence[Fate]) -> dict[str, Value]:
    """Return which parameters never changed, out of how many."""
    return {
        "step": looks[0].step,
        "layer": layers_of([f.latest for f in bad])[0],
        "parameters": tuple(f.latest.name for f in bad[:8]),
        "unchanged": len(bad),
        "looked_at": len(known),
        "looks": len(looks),
    }
