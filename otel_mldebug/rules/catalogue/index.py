"""Which entries a message could fit, told by a few of its characters or its class: worked out once, in advance."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from otel_mldebug.rules.catalogue.pattern import STRUCTURE, Pattern

GRAM, STRIDE = 4, 2
"""Of a message, every second run of four characters is looked up."""
KEY = GRAM + STRIDE - 1
"""Characters of a fixed piece by which the index finds an expression: in any five lies one of those runs."""
COMMON = " etaoinsrhldcumfpgwybvkxjqz"
"""Characters of English, the commonest first."""


class Index(NamedTuple):
    """The alternatives of all entries in order, the most telling first, and the places of those to be looked at.

    Attributes:
        owners: For each place, which entry it is of.
        numbers: For each place, which of the entry's alternatives it is.
        pieces: A fixed piece, the key in it, and the places of those that need a text with this piece.
        names: Name of a class, and the places of those that need no piece but this class.
        globs: Places of those that need a class whose name has a wildcard.
        rest: Places of those that need neither.
    """

    owners: Sequence[int]
    numbers: Sequence[int]
    pieces: Sequence[tuple[str, str, Sequence[int]]]
    names: Mapping[str, Sequence[int]]
    globs: Sequence[int]
    rest: Sequence[int]


def index_of(patterns: Sequence[Pattern]) -> Index:
    """Return the index of `patterns`."""
    ranked = [place[-2:] for place in sorted(_ranks(patterns))]
    pieces: dict[tuple[str, str], list[int]] = {}
    names: dict[str, list[int]] = {}
    globs: list[int] = []
    rest: list[int] = []
    for place, (owner, number) in enumerate(ranked):
        match = patterns[owner].matches[number]
        if match.key and (len(match.key) == KEY or not match.types):
            pieces.setdefault((match.literals[0], match.key), []).append(place)
        elif any("*" in name for name in match.types):
            globs.append(place)
        elif match.types:
            for name in match.types:
                names.setdefault(name, []).append(place)
        else:
            rest.append(place)
    return Index(
        owners=[owner for owner, _ in ranked],
        numbers=[number for _, number in ranked],
        pieces=[(piece, key, places) for (piece, key), places in pieces.items()],
        names=names,
        globs=globs,
        rest=rest,
    )


def _ranks(patterns: Sequence[Pattern]) -> Iterator[tuple[int, float, int, str, int, int]]:
    """Yield what each alternative is sorted by: tier, structure among itself by confidence, then weight."""
    for owner, pattern in enumerate(patterns):
        for number, match in enumerate(pattern.matches):
            confidence = -pattern.confidence if match.tier == STRUCTURE else 0.0
            yield -match.tier, confidence, -match.weight, pattern.id, owner, number
