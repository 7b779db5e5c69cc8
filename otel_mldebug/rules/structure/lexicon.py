"""The vocabulary the other way round: for each word and phrase the categories that it speaks for."""

from collections.abc import Collection, Set

from otel_mldebug.rules.catalogue.pattern import GRAM, KEY, STRIDE
from otel_mldebug.rules.structure import vocabulary
from otel_mldebug.semconv.names import Category

STRONG, PLAIN, WEAK = 2.0, 1.0, 0.5
"""What the three lists of words of a category count."""


def stem(word: str) -> str:
    """Return `word` in lower case and the singular, roughly: what words of a message are compared by."""
    word = word.lower()
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word


WORDS: dict[str, tuple[tuple[Category, float], ...]] = {}
"""Word -> the categories it speaks for, with weights."""
for _category, _lists in vocabulary.WORDS.items():
    for _weight, _list in zip((STRONG, PLAIN, WEAK), _lists, strict=True):
        for _word in _list.split():
            if all(known is not _category for known, _ in WORDS.get(stem(_word), ())):
                WORDS[stem(_word)] = (*WORDS.get(stem(_word), ()), (_category, _weight))

_SHORT: list[tuple[str, Category]] = []
_BY_GRAM: dict[str, list[tuple[str, Category]]] = {}
for _category, _phrases in vocabulary.PHRASES.items():
    for _phrase in _phrases:
        if len(_phrase) < KEY:
            _SHORT.append((_phrase, _category))
        else:
            for _start in range(STRIDE):
                _BY_GRAM.setdefault(_phrase[_start : _start + GRAM], []).append((_phrase, _category))


def phrases_near(grams: Set[str]) -> Collection[tuple[str, Category]]:
    """Return the phrases that may stand in a text, each once, with the category that it speaks for.

    Args:
        grams: Every third run of five characters of the text, in lower case.
    """
    return dict.fromkeys([*_SHORT, *(pair for gram in grams & _BY_GRAM.keys() for pair in _BY_GRAM[gram])])
