"""Weighs the words, the class, the place and the library of a failure: which category do they speak for?"""

from collections.abc import Iterable
from typing import NamedTuple

from otel_mldebug.rules.matching import Subject
from otel_mldebug.rules.structure.lexicon import WORDS, phrases_in, stems
from otel_mldebug.rules.structure.origins import LIBRARIES, PLACES
from otel_mldebug.semconv.names import Category

PHRASE_WEIGHT = 2.5
TYPE_FACTOR = 1.5
"""A word in the name of the class says more than one in the message."""
CONTRACT_FACTOR = 0.7
FORM_WEIGHT = 0.5
"""What the form of the message counts for its own category."""
ENOUGH = 1.0
"""Weight below which nothing is said."""
PLAIN_CLASSES = frozenset(
    {"KeyError", "IndexError", "ValueError", "TypeError", "AttributeError", "RuntimeError", "Exception"}
)
"""Classes whose names only say which form the failure has."""
SPECIFIC = (
    Category.DISTRIBUTED,
    Category.LOSS,
    Category.GRADIENT,
    Category.OPTIMIZATION,
    Category.EVALUATION,
    Category.MEMORY,
    Category.TIMEOUT,
    Category.MODEL_LOADING,
    Category.INFERENCE,
    Category.NETWORK,
    Category.DATA,
    Category.TRAINING,
    Category.SYSTEM,
    Category.DEPENDENCY,
    Category.MODEL,
    Category.INPUT_VALIDATION,
    Category.UNKNOWN,
)
"""Which category counts when two weigh the same: that whose words are used for little else."""


class Verdict(NamedTuple):
    """The category that the words speak for, and how much they weigh."""

    category: Category
    weight: float


def judge(subject: Subject, *, form: Category | None = None, enough: float = ENOUGH) -> Verdict | None:
    """Return the category that the failure's words, class and origin speak for; None when they say too little.

    Args:
        subject: The exception.
        form: The category that the form of the message speaks for already.
        enough: Weight below which another category than that of the form does not count.
    """
    totals: dict[Category, float] = {}
    _add(totals, stems(subject.text), 1.0)
    for name in subject.names[:1]:
        if name in PLAIN_CLASSES:
            continue
        _add(totals, stems(name.rpartition(".")[2]), TYPE_FACTOR)
    for category in phrases_in(subject.lowered, subject.grams):
        totals[category] = totals.get(category, 0.0) + PHRASE_WEIGHT
    # "must be", "expected", "argument" are the words of a contract in any area: what it is about counts for more.
    totals[Category.INPUT_VALIDATION] = CONTRACT_FACTOR * totals.get(Category.INPUT_VALIDATION, 0.0)
    _add_origin(totals, subject)
    if form is Category.INPUT_VALIDATION:
        del totals[form]
    elif form is not None:
        totals[form] = totals.get(form, 0.0) + FORM_WEIGHT
    best = max(totals, key=lambda category: (totals[category], -SPECIFIC.index(category)), default=None)
    if best is None or totals[best] < (ENOUGH if best is form else enough):
        return None
    return Verdict(best, totals[best])


def place_tells(subject: Subject) -> bool:
    """Return whether frames are known that say which part of a library raised."""
    where = subject.where
    return bool(where) and (subject.library in LIBRARIES or any(piece in where for piece, _, _ in PLACES))


def _add_origin(totals: dict[Category, float], subject: Subject) -> None:
    """Add what the place and the library that raised speak for."""
    where = subject.where
    for piece, category, weight in PLACES if where else ():
        if piece in where:
            totals[category] = totals.get(category, 0.0) + weight
            return
    if subject.library in LIBRARIES:
        category, weight = LIBRARIES[subject.library]
        totals[category] = totals.get(category, 0.0) + weight


def _add(totals: dict[Category, float], words: Iterable[str], factor: float) -> None:
    for word in words:
        for category, weight in WORDS.get(word, ()):
            totals[category] = totals.get(category, 0.0) + weight * factor
