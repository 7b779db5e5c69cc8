"""Secret keys with their values in running text.

`key=value`, `key: value`, `"key": "value"`, `<key>value</key>`, `("key", "value")`, `api key: value` and the like. What
follows the separator decides: a quoted value is taken whole, a bare one up to the next delimiter; constants,
placeholders, types and expressions of a program stay.
"""

import re
import string
from collections.abc import Callable

from otel_mldebug.rules.redact.bare import Pair
from otel_mldebug.rules.redact.keys import HARMLESS, KeyClass, Secrecy, classify
from otel_mldebug.rules.redact.marks import Mark
from otel_mldebug.rules.redact.pair_values import values
from otel_mldebug.rules.redact.words import MODEL_TOKEN_OWNERS, vocabulary

Classify = Callable[[str], KeyClass]

STEMS = (
    r"p(?:ass|w|swd|hrase|at(?![a-z]))|c(?:re[td]|v[vc]|t\.sid)|k(?:ey|ie|en(?!i[zs]|_ids?=|_type))|s(?:essid|essionid)|"
    r"uth|bear|jwt"
)
"""Every secret key that occurs in texts matches this, and none of a tokenizer's; alike beginnings stand together, for
speed."""

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
_REDACTED = "[redacted:"
_PLAIN_VALUE = re.compile(r"=(?=[A-Za-z]+[0-9]|[0-9]+[A-DF-WYZa-df-wyz])[A-Za-z0-9]{8,256}(?=[\s\"'`,;&)\]}]|\Z)")
"""`=hunter22pass`: by far the most frequent kind, which passes all tests of a value; found first for speed."""
_PLAIN_KEYS = frozenset(["key", "keys", "token", "tokens", "phrase"])
_COMPLAINTS = vocabulary("invalid bad unknown wrong expired revoked missing this")
_PARSERS = (MODEL_TOKEN_OWNERS | vocabulary("expected illegal unrecognized unrecognised every")) - _COMPLAINTS


def finder(more_stems: tuple[str, ...] = ()) -> re.Pattern[str]:
    """Return the expression that finds, in lower-case text, what may be a secret key and the separator after it."""
    stems = "|".join((STEMS, *map(re.escape, more_stems)))
    # The rest of the key is taken in a lookahead, once and for all: no backtracking into it.
    return re.compile(rf"(?:{stems})(?=([a-z0-9_.-]{{0,40}}))\1(?=[=: \t>,%\"'`\\])(?:{_SEPARATOR})")


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
    low = text.lower()
    if len(low) != len(text):  # some capitals have two small letters; positions must not move
        low = re.sub("[A-Z]+", lambda m: m[0].lower(), text)
    for found in find.finditer(low):
        start, end = found.span()
        key_end = found.end(1)
        if text.startswith(_REDACTED, end):  # an earlier stage knew the value by its shape
            continue
        before = text[max(0, start - 80) : start]
        start -= len(before) - len(before.rstrip(_KEY_CHARACTERS))
        if start < done:
            continue
        key = classify(text[start:key_end])
        if low[start:key_end] in _PLAIN_KEYS:
            key = _with_word_before(text, start, low[start:key_end], key, classify)
        if key.secrecy is Secrecy.NONE or text.startswith(_REDACTED, start - 10):
            continue
        if key.secrecy is Secrecy.STRONG and end == key_end + 1 and (plain := _PLAIN_VALUE.match(text, key_end)):
            parts += (text[done:end], mark(key.kind, text[end : plain.end()]))
            done = plain.end()
            continue
        if key.kind == "authorization" and _REDACTED in text[end : end + 24]:  # done already
            continue
        separator = text[key_end:end]
        for first, last in values(Pair(text, start, key_end, end, key, separator, separator.strip())):
            parts += (text[done:first], mark(key.kind, text[first:last]))
            done = last
    return "".join((*parts, text[done:])) if parts else text


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
