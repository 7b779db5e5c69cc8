"""The vocabulary the other way round: for each word and phrase the categories that it speaks for."""

import re
from collections.abc import Sequence, Set
from functools import lru_cache

from otel_mldebug.rules.catalogue.index import GRAM, KEY, STRIDE
from otel_mldebug.rules.structure import vocabulary
from otel_mldebug.semconv.names import Category

STRONG, PLAIN, WEAK = 2.0, 1.0, 0.5
"""What the three lists of words of a category count."""
_TOKEN = re.compile(r"[A-Za-z][\w.+-]*\(?")
_SCHEME = re.compile(r"\bhttps?://(?:www\.)?")
"""An address in a message does not yet make it one about the network."""
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def stem(word: str) -> str:
    """Return `word` in lower case and the singular, roughly: what words of a message are compared by."""
    word = word.lower()
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word


_EVERYDAY = "request response remote server client reset host port address status fetch resolve resolved api"
_NAMING = frozenset(map(stem, _EVERYDAY.split()))
"""Words that functions are named with in any area: in `build_requests()` or `reset_states()` nothing was sent."""

WORDS: dict[str, tuple[tuple[Category, float], ...]] = {}
"""Word -> the categories it speaks for, with weights."""
for _category, _lists in vocabulary.WORDS.items():
    for _weight, _list in zip((STRONG, PLAIN, WEAK), _lists, strict=True):
        for _word in _list.split():
            if all(known is not _category for known, _ in WORDS.get(stem(_word), ())):
                WORDS[stem(_word)] = (*WORDS.get(stem(_word), ()), (_category, _weight))

_SHORT: list[tuple[str, Category]] = []
_NEAR: dict[str, list[tuple[str, Category]]] = {}
for _category, _phrases in vocabulary.PHRASES.items():
    for _phrase in _phrases:
        if len(_phrase) < KEY:
            _SHORT.append((_phrase, _category))
        else:
            for _start in range(STRIDE):
                _NEAR.setdefault(_phrase[_start : _start + GRAM], []).append((_phrase, _category))
_GRAMS = frozenset(_NEAR)


def phrases_in(lowered: str, grams: Set[str]) -> Sequence[Category]:
    """Return the categories that the phrases in a text speak for, one for each phrase.

    Args:
        lowered: The text, in lower case.
        grams: Its runs of characters, as `matching.Subject.grams` has them.
    """
    near = {pair for gram in grams & _GRAMS for pair in _NEAR[gram]}
    return [category for phrase, category in (*_SHORT, *near) if phrase in lowered]


@lru_cache(maxsize=8)
def stems(text: str) -> frozenset[str]:
    """Return the words of `text`, lower case and singular: as written, and taken apart at underscores and capitals."""
    if "://" in text:
        text = _SCHEME.sub("", text)
    return frozenset().union(*map(_parts, _TOKEN.findall(text)))


@lru_cache(maxsize=4096)
def _parts(token: str) -> frozenset[str]:
    name = token.rstrip("(")
    parts = frozenset(stem(part) for part in (name.lower().rstrip("."), *_CAMEL.findall(name)))
    return parts - _NAMING if name != token and "_" in name else parts
