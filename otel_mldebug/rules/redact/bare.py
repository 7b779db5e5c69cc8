"""A secret key in running text, and its value where it stands there without quotes."""

import re
from dataclasses import dataclass

from otel_mldebug.rules.redact.keys import KeyClass
from otel_mldebug.rules.redact.marks import MARKER
from otel_mldebug.rules.redact.values import (
    PROSE,
    is_code,
    is_number,
    is_plain_word,
    is_secret_value,
    looks_like_credential,
)
from otel_mldebug.rules.redact.words import vocabulary

# Nothing follows the repeated group, so that its inner repetition never has to give back.
BARE = re.compile(rf"(?:[^\s\"'`,;&)\]}}\\\[]+|{MARKER}|\[)+")
_ENCODED_END = re.compile("%2[26c]|%7d", re.IGNORECASE)
_SENTENCE = re.compile(r"[ \t]+(?![\w.-]+[ \t]*[:=])[A-Za-z(]")  # the line goes on, and not with another key
_TYPES = tuple(vocabulary("Jar Type Str Option Options Provider Config Credentials Credential Token Secret"))
_LINE_START = re.compile(r"(?:\A|[\r\n])[ \t>|+-]*(?:(?:export|set|env) )?\Z")
_ALGORITHM = re.compile(
    r"(?:sha|md5|argon2|pbkdf2|bcrypt|scrypt|base64|oauth2|utf|v\d|policy|layer|field)", re.IGNORECASE
)
_SCHEMES = vocabulary("bearer basic token digest apikey negotiate ntlm oauth aws4-hmac-sha256")


@dataclass(slots=True)
class Pair:
    """A secret key in `text`, and the separator that ends at `end`.

    Attributes:
        separator: What stands between the key, its closing quote included, and the value.
        sign: The separator without blanks around it.
    """

    text: str
    key_start: int
    key_end: int
    end: int
    key: KeyClass
    separator: str
    sign: str

    @property
    def name(self) -> str:
        """The key as it is written."""
        return self.text[self.key_start : self.key_end]


def bare(pair: Pair, start: int) -> tuple[tuple[int, int], ...]:
    """Return where the value without quotes is, if the way it is written makes it one."""
    found = BARE.match(pair.text, start)
    if not found:
        return ()
    value = _ENCODED_END.split(found[0], maxsplit=1)[0] if "%" in pair.separator else found[0]
    if pair.key.kind == "session":  # /path;jsessionid=VALUE?page=2
        value = value.partition("?")[0]
    value = value.rstrip(".:>") or value
    if len(value) == 1 or value[0] in "<{[(" or value.startswith(("${", "$(", "%(")) or value.lower() in _SCHEMES:
        return ()
    spaced = " " in pair.separator or start > pair.end
    if (
        is_code(value, pair.name, spaced=spaced)
        or not is_secret_value(value, pair.key)
        or not _written_as_value(pair, value, start)
    ):
        return ()
    return ((start, start + len(value)),)


def _after_a_space(value: str, kind: str, name: str) -> bool:
    """`password hunter22`, but neither `password sha256` nor `token bert-base-v2`."""
    if _ALGORITHM.match(value):
        return False
    return kind == "password" or "_" in name or len(value) >= (20 if name.lower() == "token" else 10)


def _written_as_value(pair: Pair, value: str, start: int) -> bool:
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
