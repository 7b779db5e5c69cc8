"""Weighs the words, the class, the place and the library of a failure: which category do they speak for?"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from otel_mldebug.rules.matching import Subject
from otel_mldebug.rules.structure.origins import LIBRARIES, PLACES
from otel_mldebug.rules.structure.vocabulary import PHRASES, WORDS
from otel_mldebug.semconv.names import Category

PHRASE_WEIGHT = 2.5
TYPE_FACTOR = 1.5
"""A word in the name of the class says more than one in the message."""
ENOUGH = 2.0
"""Weight below which nothing is said."""
MARGIN = 0.25
"""Weight by which the best category must lead."""
_TOKEN = re.compile(r"[A-Za-z][\w.+-]*")
_SCHEME = re.compile(r"\bhttps?://(?:www\.)?")
"""An address in a message does not yet make it one about the network."""
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


class Verdict(NamedTuple):
    """The category that the words speak for, and how much they weigh."""

    category: Category
    weight: float


def judge(subject: Subject, *, aside: Category | None = None, enough: float = ENOUGH) -> Verdict | None:
    """Return the category that the failure's structure speaks for; None when it says too little.

    Args:
        subject: The exception.
        aside: A category that is left out, because something else speaks for it already.
        enough: Weight below which nothing is said.
    """
    totals: dict[Category, float] = {}
    _add(totals, _tokens(_SCHEME.sub("", subject.text)), 1.0)
    for name in subject.names[:1]:
        _add(totals, _tokens(name.rpartition(".")[2]), TYPE_FACTOR)
    for phrase, category in PHRASES:
        if phrase in subject.lowered:
            totals[category] = totals.get(category, 0.0) + PHRASE_WEIGHT
    place = next((found for found in PLACES if found[0] in subject.where), None)
    if place is not None:
        totals[place[1]] = totals.get(place[1], 0.0) + place[2]
    elif subject.library in LIBRARIES:
        category, weight = LIBRARIES[subject.library]
        totals[category] = totals.get(category, 0.0) + weight
    if aside is not None:
        totals.pop(aside, None)
    ranked = sorted(totals.items(), key=lambda item: -item[1])
    if not ranked or ranked[0][1] < enough:
        return None
    if len(ranked) > 1 and ranked[0][1] - ranked[1][1] < MARGIN:
        return None
    return Verdict(*ranked[0])


def _tokens(text: str) -> set[str]:
    """Return the words of `text`, lower case: as written, taken apart at underscores and capitals, in the singular."""
    return set().union(*map(_parts, _TOKEN.findall(text)))


@lru_cache(maxsize=4096)
def _parts(token: str) -> frozenset[str]:
    found = {token.lower().rstrip("."), *(part.lower() for part in _CAMEL.findall(token))}
    return frozenset(found | {word[:-1] for word in found if word.endswith("s") and not word.endswith("ss")})


def _add(totals: dict[Category, float], words: Iterable[str], factor: float) -> None:
    for word in words:
        for category, weight in WORDS.get(word, ()):
            totals[category] = totals.get(category, 0.0) + weight * factor
