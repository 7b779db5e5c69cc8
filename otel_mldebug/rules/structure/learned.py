"""The second opinion: what the words of many labelled failures say, as weights that `benchmarks.word_weights` fitted.

The vocabulary was written by hand and knows what a word means; this knows how often it stood where. It sees what the
vocabulary and the form of the message said already, so that it departs from them only where they were often wrong.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from otel_mldebug.rules.matching import Subject
from otel_mldebug.rules.structure.judge import stems
from otel_mldebug.semconv.names import Category

WEIGHTS = Path(__file__).with_name("weights.json")
"""Sign -> category -> weight, in hundredths; the sign "" has what speaks for a category before anything is known."""

CATEGORIES = tuple(Category)
Signs = tuple[tuple[int, int], ...]
"""Places of categories, each with the weight that speaks for it."""

_EMPTY = (
    "a an and are as at be been but by can did do doe does for from had has have how if in is it its may of on or so "
    "some something than that the their then there these they thi this those to too was we went were what when where "
    "which while who why will with would you your again went wrong odd bad good happened oops thing"
)
EMPTY = frozenset(_EMPTY.split())
"""Words that say nothing about any area, as `stem` leaves them."""


class Opinion(NamedTuple):
    """The category that all signs together speak for, and how much of that the words of the message alone say."""

    category: Category
    by_words: float


def words(subject: Subject) -> set[str]:
    """Return the words of a failure that are weighed: all but those that English needs for every sentence."""
    return {word for word in stems(subject.text) if len(word) > 1} - EMPTY


def conclusions(subject: Subject, rule: str, category: Category) -> Iterator[str]:
    """Yield what is weighed besides the words: the class, and what was concluded from the form of the message.

    None of these is a single word, so that the two kinds cannot be confused.

    Args:
        subject: The exception.
        rule: The structural entry or verdict that was found, such as `structure.index`; empty when there is none.
        category: Its category.
    """
    name = subject.facts.type
    yield f"class {name.rpartition('.')[2]}"
    yield from (f"class~ {part}" for part in stems(name.rpartition(".")[2]))
    if "." in name:
        yield f"package {name.partition('.')[0]}"
    yield f"rule {rule}"
    yield f"found {category}"


def opinion(subject: Subject, rule: str, category: Category) -> Opinion | None:
    """Return what the weights say; None when they cannot be read. Arguments as for `conclusions`."""
    weights = _weights()
    if not weights:
        return None
    said = _total(weights, words(subject))
    total = list(map(int.__add__, said, _total(weights, {"", *conclusions(subject, rule, category)})))
    best = max(range(len(CATEGORIES)), key=lambda place: (total[place], CATEGORIES[place]))
    return Opinion(CATEGORIES[best], said[best] / 100)


def _total(weights: Mapping[str, Signs], signs: Iterable[str]) -> list[int]:
    """Return the sum of what the signs say for each category."""
    total = [0] * len(CATEGORIES)
    for sign in signs:
        for place, weight in weights.get(sign, ()):
            total[place] += weight
    return total


@lru_cache(maxsize=1)
def _weights() -> Mapping[str, Signs]:
    """Return what each sign says; nothing when the file is missing, as in a copy that was taken apart."""
    try:
        found: dict[str, dict[str, int]] = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    places = {str(category): place for place, category in enumerate(CATEGORIES)}
    return {sign: tuple([(places[name], weight) for name, weight in said.items()]) for sign, said in found.items()}
