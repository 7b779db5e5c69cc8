"""Secret keys with their values in running text.

`key=value`, `key: value`, `"key": "value"`, `<key>value</key>`, `("key", "value")`, `api key: value` and the like. What
follows the separator decides: a quoted value is taken whole, a bare one up to the next delimiter; constants,
placeholders, types and expressions of a program stay.
"""

import re
import string
from collections.abc import Callable, Iterator

from otel_mldebug.rules.redact.bare import Pair
from otel_mldebug.rules.redact.keys import HARMLESS, KeyClass, Secrecy, classify
from otel_mldebug.rules.redact.marks import Mark
from otel_mldebug.rules.redact.pair_values import values
from otel_mldebug.rules.redact.words import MODEL_TOKEN_OWNERS, vocabulary

Classify = Callable[[str], KeyClass]

STEMS = (
    *("pass", "pw", "pswd", "phrase", "cret", "cred", "cvv", "cvc", "key", "kie", "uth", "bear", "jwt"),
    "ken(?!i[zs]|_ids?=|_type)",  # token, but neither tokenizer nor token_ids
)
"""Every secret key that occurs in texts matches one of these; they begin with rare letters, for speed."""

_QUOTE = r"""\\{0,3}["'`]"""
_SEPARATOR = (
    rf"(?:{_QUOTE}\]?)?[ \t]*(?:=>|:=|==?|:(?!//|:))"  # key=, key: and so on, the key quoted or not
    r"|(?:%22)?(?:%20)?%3[ad](?:%20)?(?:%22)?"  # in a URL
    rf"|{_QUOTE}, ?(?=[bu]?{_QUOTE})"  # ("key", "value"), ["--key", "value"]
    r"|(?<=[a-z0-9])>(?=[^\s<>])"  # <key>value</key>
    r"| \[\w{0,20}\][ \t]*(?::|=)"  # AWS Secret Access Key [None]:
    r"|[ \t]+(?=[bu]?\\{0,3}[\"'])"  # PASSWORD 'value'
    r"| (?=[a-z_-]{0,20}[0-9])"  # password hunter22
    r"|[ \t](?:is|was|set to|provided|supplied|given|used|value)[:=]?[ \t]+"
)
_KEY_CHARACTERS = string.ascii_letters + string.digits + "_.-"
_WORD_BACKWARDS = re.compile(r" ([A-Za-z]{1,20})(?![A-Za-z0-9_.-])")
_PLAIN_KEYS = frozenset(["key", "keys", "token", "tokens", "phrase"])
_COMPLAINTS = vocabulary("invalid bad unknown wrong expired revoked missing this")
_PARSERS = (MODEL_TOKEN_OWNERS | vocabulary("expected illegal unrecognized unrecognised every")) - _COMPLAINTS


def finder(more_stems: tuple[str, ...] = ()) -> re.Pattern[str]:
    """Return the expression that finds, in lower-case text, what may be a secret key and the separator after it."""
    stems = "|".join((*STEMS, *map(re.escape, more_stems)))
    # The rest of the key is taken in a lookahead, once and for all: no backtracking into it.
    return re.compile(rf"(?:{stems})(?=([a-z0-9_.-]{{0,40}}))\1(?:{_SEPARATOR})")


FIND = finder()


def redact(text: str, mark: Mark, *, classify: Classify = classify, find: re.Pattern[str] = FIND) -> str:
    """Replace the values of secret keys in `text`. Linear in its length.

    Args:
        text: Any text.
        mark: Counts a find and returns its marker.
        classify: Says what a key holds.
        find: Finds candidates in lower-case text; see `finder`.
    """
    parts: list[str] = []
    done = 0
    for pair in _pairs(text, classify, find):
        if pair.key_start < done:
            continue
        for start, stop in values(pair):
            parts += [text[done:start], mark(pair.key.kind, text[start:stop])]
            done = stop
    return "".join([*parts, text[done:]]) if parts else text


def _pairs(text: str, classify: Classify, find: re.Pattern[str]) -> Iterator[Pair]:
    low = text.lower()
    if len(low) != len(text):  # some capitals have two small letters; positions must not move
        low = re.sub("[A-Z]+", lambda m: m[0].lower(), text)
    for found in find.finditer(low):
        start, end = found.start(), found.end(1)
        before = text[max(0, start - 80) : start]
        start -= len(before) - len(before.rstrip(_KEY_CHARACTERS))
        key = classify(text[start:end])
        if low[start:end] in _PLAIN_KEYS:
            key = _with_word_before(text, start, low[start:end], key, classify)
        if key.secrecy is Secrecy.NONE or text.startswith("[redacted:", start - 10):
            continue
        if key.kind != "authorization" or "[redacted:" not in text[found.end() : found.end() + 24]:  # not done yet
            separator = text[end : found.end()]
            yield Pair(text, start, end, found.end(), key, separator, separator.strip())


def _with_word_before(text: str, start: int, name: str, key: KeyClass, classify: Classify) -> KeyClass:
    """`API key` is a credential, `pad token` is none: judge a plain key by the word before it."""
    word = _WORD_BACKWARDS.match(text[max(0, start - 22) : start][::-1])
    if not word:
        return key
    before = word[1][::-1].lower()
    if name.startswith("token"):
        if before in _PARSERS:
            return HARMLESS
        if before in _COMPLAINTS:  # a credential or a word of a grammar
            return KeyClass(Secrecy.WEAK, "token")
    together = classify(f"{before}_{name}")
    return together if together.secrecy > key.secrecy else key
