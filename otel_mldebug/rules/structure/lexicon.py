"""The vocabulary the other way round: for each word and phrase the categories that it speaks for."""

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

PHRASES: tuple[tuple[str, Category], ...] = tuple(
    (phrase, category) for category, phrases in vocabulary.PHRASES.items() for phrase in phrases
)
