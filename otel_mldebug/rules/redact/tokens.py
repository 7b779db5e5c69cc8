"""Find tokens by their own shape, whatever stands around them: provider prefixes, JWT, and a few without prefix."""

import re
import string
from collections.abc import Iterator
from functools import cache, partial

from otel_mldebug.rules.redact.marks import Mark
from otel_mldebug.rules.redact.providers import PROVIDERS
from otel_mldebug.rules.redact.shapes import shape, shaped_by

_LONG_RUN = b"a" * 16
"""Every token has 16 characters in a row that are letters, digits or one of `_$~-`; few clean messages do."""
_SHAPE = shape({"a": string.ascii_letters + string.digits + "_$~-"})
_BEFORE_RUN = 28  # characters of a token that may stand before its run, as in `dp.scim.` or `xoxe.xoxb-`
_IN_TOKENS = ".%"
"""What is no part of a run, and may all the same stand in a token."""


def _by_prefix() -> dict[str, list[tuple[str, str]]]:
    rows: dict[str, list[tuple[str, str]]] = {}
    for row in PROVIDERS:
        for prefix in row.prefixes.split():
            rows.setdefault(prefix, []).append((row.kind, re.escape(prefix) + row.rest))
    return rows


@cache
def _compiled(source: str) -> re.Pattern[str]:
    """Compile a provider's expression when its prefix is first met: all at once would slow every import."""
    return re.compile(source, re.ASCII)


def _dispatcher(prefixes: list[str]) -> str:
    """One expression for all prefixes, grouped by their first character, the longest first."""
    groups: dict[str, list[str]] = {}
    for prefix in sorted(prefixes, key=len, reverse=True):
        groups.setdefault(prefix[0], []).append(re.escape(prefix[1:]))
    return "|".join(f"{first}(?:{'|'.join(rests)})" for first, rests in groups.items())


_ROWS = _by_prefix()
_BEGINNINGS = {
    start: tuple(prefix for prefix in sorted(_ROWS, key=len, reverse=True) if prefix.startswith(start))
    for start in {prefix[:2] for prefix in _ROWS}
}
"""The prefixes that begin with two characters, the longest first."""
# Begins with a set, which the engine scans for fast.
_PREFIX_LATER = re.compile(f"[^A-Za-z0-9](?={_dispatcher(list(_ROWS))})")
_AWS_SECRET_AFTER_ID = re.compile(r"[\s\"',:;|/]{1,4}([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])")

# A JWT, whole; its head, or what Laravel encrypts into a cookie (`{"iv":`); what itsdangerous signs: Flask's session.
_JWT = re.compile(
    r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_=-]{8,}\.[A-Za-z0-9_=-]{8,}(?:\.[A-Za-z0-9_+/=-]*){0,3}"
    r"|(?<![A-Za-z0-9_-])eyJ(?:hbGci|0eXAi|pdiI6)[A-Za-z0-9_=-]{12,}\.?"
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_=-]{8,}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,43}(?![A-Za-z0-9_-])"
)
# Tokens whose telling part is not at the beginning: gate literal, kind, expression.
_INNER: tuple[tuple[str, str, re.Pattern[str]], ...] = (
    ("Q~", "azure-client-secret", re.compile(r"(?a)(?<![\w~.-])[\w~.]{3}\dQ~[\w~.-]{31,34}(?![\w~-])")),
    ("+ASt", "azure-storage-key", re.compile(r"(?a)(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{76}\+ASt[A-Za-z0-9+/]{5,6}={0,2}")),
    ("1//0", "google-refresh-token", re.compile(r"(?a)(?<!\w)1//0[\w-]{20,}")),
)
_INNER_OF_LONG_RUNS: tuple[tuple[str, str, re.Pattern[str]], ...] = (
    ("AZDO", "azure-devops-token", re.compile(r"(?a)(?<![A-Za-z0-9])[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}(?![A-Za-z0-9])")),
    ("JQQJ99", "azure-key", re.compile(r"(?a)(?<![A-Za-z0-9])[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{26}(?![A-Za-z0-9])")),
    (":A", "telegram-token", re.compile(r"(?a)(?<![0-9A-Za-z])(?:bot)?(\d{6,10}:A[\w-]{32,36})(?![\w-])")),
    (".atlasv1.", "terraform-token", re.compile(r"(?a)(?<![A-Za-z0-9])[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{50,}")),
    ('"username"', "kaggle-key", re.compile(r'"username": ?"[^"]{1,64}", ?"key": ?"([0-9a-f]{32})(?=")')),
    ("NRAL", "newrelic-key", re.compile(r"(?a)(?<![A-Za-z0-9])[0-9a-f]{36}NRAL(?![A-Za-z0-9])")),
    ("-us", "mailchimp-key", re.compile(r"(?a)(?<![A-Za-z0-9])[0-9a-f]{32}-us\d{1,2}(?![A-Za-z0-9])")),
)
"""Those with 32 or more characters of a run."""
_DISCORD = re.compile(r"(?a)[MNO][A-Za-z0-9_-]{22,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}(?![\w-])")
_MAILGUN = re.compile(r"(?a)[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}(?![A-Za-z0-9-])")


def redact(text: str, mark: Mark) -> str:
    """Replace tokens in `text`. Linear in its length."""
    if "eyJ" in text:
        text = _JWT.sub(partial(_without_full_stop, mark=mark), text)
    shaped = shaped_by(_SHAPE, text)
    start = shaped.find(_LONG_RUN)
    if start < 0:
        return text
    text = _in_runs(text, shaped, start, mark)
    for literal, kind, pattern in _INNER + _INNER_OF_LONG_RUNS if 2 * _LONG_RUN in shaped else _INNER:
        if literal in text:
            text = pattern.sub(partial(_last_group, kind=kind, mark=mark), text)
    return text


def _in_runs(text: str, shaped: bytes, start: int, mark: Mark) -> str:
    """Replace the tokens in and just before runs of at least 16 characters, the first of which begins at `start`."""
    parts: list[str] = []
    done = 0
    while start >= 0:
        stop = shaped.find(b" ", start)
        if stop < 0:
            stop = len(shaped)
        for kind, first, last in _finds(text, done, start, stop):
            parts += (text[done:first], mark(kind, text[first:last]))
            done = last
        start = shaped.find(_LONG_RUN, stop)
    return "".join((*parts, text[done:])) if parts else text


def _finds(text: str, done: int, start: int, stop: int) -> list[tuple[str, int, int]]:
    """Return kind, start and end of the tokens in the run from `start` to `stop`, prefixes before it included."""
    finds: list[tuple[str, int, int]] = []
    begin = max(done, start - _BEFORE_RUN if text[start - 1 : start] in _IN_TOKENS else start)
    position = begin
    if begin != start and begin and text[begin - 1].isalnum():
        begin = -1
    while True:
        if begin >= 0 and (found := _token_at(text, begin)) is not None:
            kind, position = found
            finds.append((kind, begin, position))
            if kind == "aws-access-key-id" and (secret := _AWS_SECRET_AFTER_ID.match(text, position)):
                finds.append(("aws-secret-key", *secret.span(1)))
                position = secret.end()
        following = _PREFIX_LATER.search(text, position, stop) if position < stop else None
        if following is None:
            break
        begin = position = following.end()
    if not finds and text[start] in "MNO0123456789abcdef":
        finds += _without_prefix(text, start)
    return finds


def _token_at(text: str, begin: int) -> tuple[str, int] | None:
    """Return the kind and the end of the token that begins at `begin`."""
    for prefix in _BEGINNINGS.get(text[begin : begin + 2], ()):
        if text.startswith(prefix, begin):
            for kind, source in _ROWS[prefix]:
                if found := _compiled(source).match(text, begin):
                    return kind, begin + len(found[0].rstrip("."))
            break
    return None


def _without_prefix(text: str, start: int) -> Iterator[tuple[str, int, int]]:
    discord = text[start] in "MNO"
    found = (_DISCORD if discord else _MAILGUN).match(text, start)
    if found and (not discord or _mixed(found[0])):
        yield "discord-token" if discord else "mailgun-key", start, found.end()


def _last_group(found: re.Match[str], *, kind: str, mark: Mark) -> str:
    if found.lastindex is None:
        return mark(kind, found[0])
    return found[0][: found.start(1) - found.start()] + mark(kind, found[1])


def _without_full_stop(found: re.Match[str], *, mark: Mark) -> str:
    token = found[0].rstrip(".")
    return mark("jwt", token) + found[0][len(token) :]


def _mixed(token: str) -> bool:
    """Say whether `token` has digits, capitals and small letters, as no dotted module path has."""
    return token.lower() != token and token.upper() != token and any(map(str.isdigit, token))
