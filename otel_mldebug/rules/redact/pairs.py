"""Secret keys with their values in running text.

`key=value`, `key: value`, `"key": "value"`, `<key>value</key>`, `("key", "value")`, `api key: value` and the like. What
follows the separator decides: a quoted value is taken whole, a bare one up to the next delimiter; constants,
placeholders, types and expressions of a program stay.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from otel_mldebug.rules.redact.keys import HARMLESS, KeyClass, Secrecy, classify
from otel_mldebug.rules.redact.marks import MARKER, Mark
from otel_mldebug.rules.redact.values import (
    PROSE,
    is_code,
    is_number,
    is_plain_word,
    is_secret_value,
    looks_like_credential,
)
from otel_mldebug.rules.redact.words import MODEL_TOKEN_OWNERS, vocabulary

Classify = Callable[[str], KeyClass]

STEMS = (
    *("pass", "pw", "pswd", "phrase", "cret", "cred", "cvv", "cvc", "key", "kie", "uth", "bear", "jwt"),
    "ken(?!i[zs]|_ids?=|_type)",  # token, but neither tokenizer nor token_ids
)
"""Every secret key that occurs in texts matches one of these; they begin with rare letters, for speed."""

_QUOTE = r"""\\{0,3}["'`]"""
_SEPARATOR = (
    rf"(?:{_QUOTE})?\]?[ \t]*(?:=>|:=|==?|:(?!//|:))"  # key=, key: and so on, the key quoted or not
    r"|(?:%22)?(?:%20)?%3[ad](?:%20)?(?:%22)?"  # in a URL
    rf"|{_QUOTE}, ?(?=[bu]?{_QUOTE})"  # ("key", "value"), ["--key", "value"]
    r"|(?<=[a-z0-9])>(?=[^\s<>])"  # <key>value</key>
    r"| \[\w{0,20}\][ \t]*(?::|=)"  # AWS Secret Access Key [None]:
    r"|[ \t]+(?=[bu]?\\{0,3}[\"'])"  # PASSWORD 'value'
    r"| (?=[a-z_-]{0,20}[0-9])"  # password hunter22
    r"|[ \t](?:is|was|set to|provided|supplied|given|used|value)[:=]?[ \t]+"
)
_KEY_BACKWARDS = re.compile(r"[A-Za-z0-9_.-]{0,80}")
_WORD_BACKWARDS = re.compile(r" ([A-Za-z]{1,20})(?![A-Za-z0-9_.-])")
_ANNOTATION = re.compile(
    r"[ \t]*[A-Za-z_][\w.]{0,40}(?:\[[\w., |]{0,40}\])?(?: \| \w{1,20})?[ \t]*=[ \t]*(?=[bu]?[\"'])"
)
_OPENING = re.compile(r"""[ \t]*([(\[]?)(?:[bBuUrRfF]{1,2}(?=[\\"']))?(\\{0,3}["'`])?""")
_QUOTED = {q: re.compile(rf"[^{q}\\\r\n]*(?:\\.[^{q}\\\r\n]*)*(?={q})") for q in "\"'`"}
_BARE = re.compile(rf"(?:{MARKER}|[^\s\"'`,;&)\]}}\\])+")
_ENCODED_END = re.compile("%2[26c]|%7d", re.IGNORECASE)
_SENTENCE = re.compile(r"[ \t]+(?![\w.-]+[ \t]*[:=])[A-Za-z(]")  # the line goes on, and not with another key
_TYPES = (
    "Jar",
    "Type",
    "Str",
    "Option",
    "Options",
    "Provider",
    "Config",
    "Credentials",
    "Credential",
    "Token",
    "Secret",
)
_XML = re.compile(r"[^<>\r\n]{1,4096}(?=</)")
_NEXT_IN_LIST = re.compile(r"""["'][ \t]*,[ \t]*[bu]?(?=["'])""")
_DICT_VALUE = re.compile(r"""(:[ \t]*)(["'])([^"'\\{}\r\n]{1,4096})(?=\2)""")
_LINE_START = re.compile(r"(?:\A|[\r\n])[ \t>|+-]*(?:(?:export|set|env) )?\Z")
_ALGORITHM = re.compile(
    r"(?:sha|md5|argon2|pbkdf2|bcrypt|scrypt|base64|oauth2|utf|v\d|policy|layer|field)", re.IGNORECASE
)
_PLAIN_KEYS = frozenset(["key", "keys", "token", "tokens", "phrase"])
_SCHEMES = vocabulary("bearer basic token digest apikey negotiate ntlm oauth aws4-hmac-sha256")
_COMPLAINTS = vocabulary("invalid bad unknown wrong expired revoked missing this")
_PARSERS = (MODEL_TOKEN_OWNERS | vocabulary("expected illegal unrecognized unrecognised every")) - _COMPLAINTS


def finder(more_stems: tuple[str, ...] = ()) -> re.Pattern[str]:
    """Return the expression that finds, in lower-case text, what may be a secret key and the separator after it."""
    stems = "|".join((*STEMS, *map(re.escape, more_stems)))
    # The rest of the key is taken in a lookahead, once and for all: no backtracking into it.
    return re.compile(rf"(?:{stems})(?=([a-z0-9_.-]{{0,40}}))\1(?:{_SEPARATOR})")


FIND = finder()


@dataclass(slots=True)
class _Pair:
    """A secret key in `text` and the separator that ends at `end`."""

    text: str
    key_start: int
    key_end: int
    end: int
    key: KeyClass

    @property
    def name(self) -> str:
        return self.text[self.key_start : self.key_end]

    @property
    def separator(self) -> str:
        return self.text[self.key_end : self.end]


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
        for start, stop in _values(pair):
            parts += [text[done:start], mark(pair.key.kind, text[start:stop])]
            done = stop
    return "".join([*parts, text[done:]]) if parts else text


def _pairs(text: str, classify: Classify, find: re.Pattern[str]) -> Iterator[_Pair]:
    low = text.lower()
    if len(low) != len(text):  # some capitals have two small letters; positions must not move
        low = re.sub("[A-Z]+", lambda m: m[0].lower(), text)
    for found in find.finditer(low):
        start, end = found.start(), found.end(1)
        before = _KEY_BACKWARDS.match(text[max(0, start - 80) : start][::-1])
        start -= before.end() if before else 0
        key = classify(text[start:end])
        if low[start:end] in _PLAIN_KEYS:
            key = _with_word_before(text, start, low[start:end], key, classify)
        if key.secrecy is not Secrecy.NONE and not text.startswith("[redacted:", start - 10):
            yield _Pair(text, start, end, found.end(), key)


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


def _values(pair: _Pair) -> Iterator[tuple[int, int]]:
    """Yield where in the text the secret values of `pair` are."""
    text, end = pair.text, pair.end
    if pair.separator.strip() == ":" and (annotation := _ANNOTATION.match(text, end)):
        end = annotation.end()
    opening = _OPENING.match(text, end)
    if opening is None or text.startswith("[redacted:", opening.start(1)):
        return
    if ("," in pair.separator and not _is_item(pair, opening)) or _is_verb(pair):
        return
    if pair.separator == ">":
        if text[pair.key_start - 1 : pair.key_start] in ("<", ":") and (xml := _XML.match(text, end)):
            yield from _if_secret(pair, xml.start(), xml.end())
    elif opening[2]:
        yield from _quoted(pair, opening)
    elif text.startswith("{", opening.end()):
        yield from _in_braces(pair, opening.end())
    elif opening[1] != "[":
        yield from _bare(pair, opening.end())


def _in_braces(pair: _Pair, start: int) -> Iterator[tuple[int, int]]:
    """`cookies={"a": "b"}`: the quoted values, where all parts are secret; `Pwd={a;b}`: what is in the braces."""
    stop = max(start, pair.text.find("}", start, start + 4096))
    if pair.key.kind == "password" and looks_like_credential(pair.text[start + 1 : stop]):
        yield from _if_secret(pair, start + 1, stop)
    elif pair.key.kind in ("cookie", "credential", "secret"):
        for item in _DICT_VALUE.finditer(pair.text, start, stop):
            yield from _if_secret(pair, item.start(3), item.end(3))


def _is_verb(pair: _Pair) -> bool:
    """`pass "x=1"` asks for something."""
    return pair.key.secrecy is Secrecy.WEAK and not pair.separator.strip()


def _is_item(pair: _Pair, opening: re.Match[str]) -> bool:
    """Say whether `("key", "value")` or `["--key", "value"]` is that, and no list of names."""
    text, quote = pair.text, opening[2] or ""
    begin = pair.key_start - len(quote)
    if not quote or not text.startswith(quote, begin):
        return False
    if pair.name.startswith("-"):
        return True
    stop = text.find(quote, opening.end(), opening.end() + 4096)
    alone = text[begin - 1 : begin] in ("(", "[") and text[stop + len(quote) : stop + len(quote) + 1] in (")", "]")
    return alone and looks_like_credential(text[opening.end() : stop])


def _if_secret(pair: _Pair, start: int, stop: int) -> Iterator[tuple[int, int]]:
    if is_secret_value(pair.text[start:stop], pair.key):
        yield start, stop


def _quoted(pair: _Pair, opening: re.Match[str]) -> Iterator[tuple[int, int]]:
    """The value in quotes, and in a list the strings after it."""
    text, start, quote = pair.text, opening.end(), opening[2]
    if len(quote) > 1:  # escaped quotes end with the same escaped quote
        stop = text.find(quote, start)
    else:
        closed = _QUOTED[quote].match(text, start)
        stop = closed.end() if closed else -1
    if stop < 0:  # the text was cut
        cut = _BARE.match(text, start)
        yield from _if_secret(pair, start, cut.end() if cut else start)
        return
    yield from _if_secret(pair, start, stop)
    while opening[1] and (following := _NEXT_IN_LIST.match(text, stop)):
        start = following.end() + 1
        closed = _QUOTED[text[start - 1]].match(text, start)
        if not closed:
            return
        stop = closed.end()
        if pair.key.kind == "authorization" and text[start:stop].strip():  # auth=("user", "password")
            yield start, stop
        else:
            yield from _if_secret(pair, start, stop)


def _bare(pair: _Pair, start: int) -> Iterator[tuple[int, int]]:
    """The value without quotes, where the way it is written makes it one."""
    found = _BARE.match(pair.text, start)
    if not found:
        return
    value = _ENCODED_END.split(found[0], maxsplit=1)[0] if "%" in pair.separator else found[0]
    value = value.rstrip(".:>") or value
    if value[0] in "<{[(" or value.startswith(("${", "$(", "%(")) or value.lower() in _SCHEMES:
        return
    spaced = " " in pair.separator or start > pair.end
    if (
        is_code(value, pair.name, spaced=spaced)
        or not is_secret_value(value, pair.key)
        or not _written_as_value(pair, value, start)
    ):
        return
    yield start, start + len(value)


def _after_a_space(value: str, kind: str, name: str) -> bool:
    """`password hunter22`, but neither `password sha256` nor `token bert-base-v2`."""
    if _ALGORITHM.match(value):
        return False
    return kind == "password" or "_" in name or len(value) >= (20 if name.lower() == "token" else 10)


def _written_as_value(pair: _Pair, value: str, start: int) -> bool:
    """Say whether `value` is meant as the value of the key, and is no next word of a sentence or a program."""
    kind, separator = pair.key.kind, pair.separator
    if looks_like_credential(value):
        return separator != " " or _after_a_space(value, kind, pair.name)
    if is_number(value):
        return kind == "password" or (kind in ("secret", "personal", "api-key") and len(value) >= 3)
    if "=" in separator or "%" in separator:
        return kind == "password" or (" " not in separator and start == pair.end) or not is_plain_word(value)
    if value.lower() in PROSE or ":" not in separator or separator.lstrip("\"'`\\]").strip() != ":":
        return False
    name = pair.name
    if value.isalpha() and (_SENTENCE.match(pair.text, start + len(value)) or value.endswith(_TYPES)):
        return False
    if separator[0] in "\"'`\\" or "_" in name or "-" in name or not (name.islower() or name.istitle()):
        return True
    if "." in name and separator == ":":  # package.module:name
        return False
    after = pair.text[start + len(value) : start + len(value) + 2].strip(" \t")
    before = pair.text[max(0, pair.key_start - 24) : pair.key_start]
    return after[:1] in ("", "\r", "\n") and _LINE_START.search(before) is not None
