"""Where the value of a secret key in running text begins and ends: in quotes, lists, braces, tags, or bare."""

import re
from collections.abc import Iterable, Iterator

from otel_mldebug.rules.redact.bare import BARE, Pair, bare
from otel_mldebug.rules.redact.keys import Secrecy
from otel_mldebug.rules.redact.values import is_secret_value, looks_like_credential

_ANNOTATION = re.compile(
    r"[ \t]*[A-Za-z_][\w.]{0,40}(?:\[[\w., |]{0,40}\])?(?: \| \w{1,20})?[ \t]*=[ \t]*(?=[bu]?[\"'])"
)
_OPENING = re.compile(r"""[ \t]*([(\[]?)(?:[bBuUrRfF]{1,2}(?=[\\"']))?(\\{0,3}["'`])?""")
_QUOTED = {q: re.compile(rf"[^{q}\\\r\n]*(?:\\.[^{q}\\\r\n]*)*(?={q})") for q in "\"'`"}
_TEMPLATE = re.compile(r"[A-Za-z_][\w.]*(?:\([^()]*\))?(?:![rsa])?(?::.*)?")  # {password!r}
_XML = re.compile(r"[^<>\r\n]{1,4096}(?=</)")
_NEXT_IN_LIST = re.compile(r"""["'][ \t]*,[ \t]*[bu]?(?=["'])""")
_DICT_VALUE = re.compile(r"""(:[ \t]*)(["'])([^"'\\{}\r\n]{1,4096})(?=\2)""")


def values(pair: Pair) -> Iterable[tuple[int, int]]:
    """Return where in the text the secret values of `pair` are."""
    text, end = pair.text, pair.end
    if pair.sign == ":" and (annotation := _ANNOTATION.match(text, end)):
        end = annotation.end()
    opening = _OPENING.match(text, end)
    if opening is None or text.startswith("[redacted:", opening.start(1)):
        return ()
    if ("," in pair.separator and not _is_item(pair, opening)) or _is_no_pair(pair):
        return ()
    if pair.separator == ">":
        if text[pair.key_start - 1 : pair.key_start] in ("<", ":") and (xml := _XML.match(text, end)):
            return _if_secret(pair, xml.start(), xml.end())
    elif opening[2]:
        return _quoted(pair, opening)
    elif text.startswith("{", opening.end()):
        return _in_braces(pair, opening.end())
    elif opening[1] != "[":
        return bare(pair, opening.end())
    return ()


def _in_braces(pair: Pair, start: int) -> Iterator[tuple[int, int]]:
    """`cookies={"a": "b"}`: the quoted values, where all parts are secret; `Pwd={a;b}`: what is in the braces."""
    stop = max(start, pair.text.find("}", start, start + 4096))
    inside = pair.text[start + 1 : stop]
    if pair.key.kind == "password" and looks_like_credential(inside) and not _TEMPLATE.fullmatch(inside):
        yield from _if_secret(pair, start + 1, stop)
    elif pair.key.kind in ("cookie", "secret"):
        for item in _DICT_VALUE.finditer(pair.text, start, stop):
            yield from _if_secret(pair, item.start(3), item.end(3))


def _is_no_pair(pair: Pair) -> bool:
    """`pass "x=1"` asks for something; `arn:aws:x:y:1:secret:name` and `AWS::IAM::AccessKey` are names."""
    separator = pair.sign
    if not separator:
        return pair.key.secrecy is Secrecy.WEAK
    if separator == "==" and pair.key.kind == "token":  # a parser at work
        return True
    before = pair.text[max(0, pair.key_start - 2) : pair.key_start]
    return before == "::" or (before[-1:] == ":" and pair.separator == ":")


def _is_item(pair: Pair, opening: re.Match[str]) -> bool:
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


def _if_secret(pair: Pair, start: int, stop: int) -> tuple[tuple[int, int], ...]:
    return ((start, stop),) if is_secret_value(pair.text[start:stop], pair.key) else ()


def _quoted(pair: Pair, opening: re.Match[str]) -> Iterable[tuple[int, int]]:
    """The value in quotes, and in a list the strings after it."""
    text, start, quote = pair.text, opening.end(), opening[2]
    if len(quote) > 1:  # escaped quotes end with the same escaped quote
        stop = text.find(quote, start)
    else:
        closed = _QUOTED[quote].match(text, start)
        stop = closed.end() if closed else -1
    if stop < 0:  # the text was cut
        cut = BARE.match(text, start) if pair.sign else None
        return _if_secret(pair, start, cut.end()) if cut else ()
    first: tuple[tuple[int, int], ...] = ()
    if pair.sign or pair.key.kind == "password" or looks_like_credential(text[start:stop]):
        first = _if_secret(pair, start, stop)
    return (*first, *_after_first(pair, stop)) if opening[1] else first


def _after_first(pair: Pair, stop: int) -> Iterator[tuple[int, int]]:
    """The strings of a list after its first one, which ends at `stop`."""
    text = pair.text
    while following := _NEXT_IN_LIST.match(text, stop):
        start = following.end() + 1
        closed = _QUOTED[text[start - 1]].match(text, start)
        if not closed:
            return
        stop = closed.end()
        if pair.key.kind == "authorization" and text[start:stop].strip():  # auth=("user", "password")
            yield start, stop
        else:
            yield from _if_secret(pair, start, stop)
