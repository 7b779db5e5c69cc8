"""The second opinion: what the words of many labelled failures say, as weights that `benchmarks.word_weights` fitted.

The vocabulary was written by hand and knows what a word means; this knows how often it stood where. It sees what the
vocabulary and the form of the message said already, so that it departs from them only where they were often wrong.
"""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from otel_mldebug.rules.matching import Subject
from otel_mldebug.rules.structure.lexicon import stems
from otel_mldebug.semconv.names import Category

WEIGHTS = Path(__file__).with_name("weights.json")
"""Sign -> category -> weight, in hundredths; the sign "" has what speaks for a category before anything is known."""

CATEGORIES = tuple(Category)
Signs = tuple[tuple[int, int], ...]
"""Places of categories, each with the weight that speaks for it."""

_EMPTY = (
    "a an and are as at be been but by can did do doe does for from had has have how if in is it its may of on or so "
    "some something than that the their then there these they thi this those to too was we went were what when where "
    "which while who why will with would you your again went wrong odd bad good happened oops thing "
    "out nothing anything everything anybody nobody somebody know known"
)
EMPTY = frozenset(_EMPTY.split())
"""Words that say nothing about any area, as `stem` leaves them."""


class Opinion(NamedTuple):
    """The category that all signs together speak for, and how much of that the words of the message alone say."""

    category: Category
    by_words: float


def words(subject: Subject) -> frozenset[str]:
    """Return the words of a failure that are weighed: all but those that English needs for every sentence."""
    return frozenset(word for word in stems(subject.text) if len(word) > 1) - EMPTY


def conclusions(name: str, rule: str, category: Category) -> Iterator[str]:
    """Yield what is weighed besides the words: the class, and what was concluded from the form of the message.

    None of these is a single word, so that the two kinds cannot be confused.

    Args:
        name: Qualified name of the exception's class.
        rule: The structural entry or verdict that was found, such as `structure.index`; empty when there is none.
        category: Its category.
    """
    bare = name.rpartition(".")[2]
    yield f"class {bare}"
    yield from (f"class~ {part}" for part in stems(bare))
    if "." in name:
        yield f"package {name.partition('.')[0]}"
    yield f"rule {rule}"
    yield f"found {category}"


def opinion(subject: Subject, rule: str, category: Category) -> Opinion:
    """Return what the weights say: nothing when they cannot be read. Arguments as for `conclusions`."""
    said = [0] * len(CATEGORIES)
    weights = _weights()
    for word in stems(subject.text):  # words that are not weighed have no weights
        for place, weight in weights.get(word, ()):
            said[place] += weight
    total = list(map(int.__add__, said, _concluded(subject.facts.type, rule, category)))
    best = total.index(max(total))
    return Opinion(CATEGORIES[best], said[best] / 100)


@lru_cache(maxsize=256)
def _concluded(name: str, rule: str, category: Category) -> tuple[int, ...]:
    """Return what speaks for each category before a word was read; arguments as for `conclusions`."""
    total = [0] * len(CATEGORIES)
    for sign in {"", *conclusions(name, rule, category)}:
        for place, weight in _weights().get(sign, ()):
            total[place] += weight
    return tuple(total)


@lru_cache(maxsize=1)
def _weights() -> Mapping[str, Signs]:
    """Return what each sign says; nothing when the file is missing, as in a copy that was taken apart."""
    try:
        found: dict[str, dict[str, int]] = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    places = {str(category): place for place, category in enumerate(CATEGORIES)}
    return {sign: tuple([(places[name], weight) for name, weight in said.items()]) for sign, said in found.items()}
