"""Private keys in text: PEM, OpenSSH, PGP and PuTTY blocks, whole or cut off at either end."""

import re

from otel_mldebug.rules.redact.marks import Mark

BEGIN = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
END = re.compile(r"-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_EDGE = re.compile(f"{BEGIN.pattern}|{END.pattern}")
_LONGEST = 32_768  # characters between BEGIN and END; an RSA key of 16,384 bits has 12,700
# A line break as such or escaped, once or more, in JSON or a repr; with what indents or quotes the next line.
_BREAK = r"""[ \t"'+,|>#]*(?:\\{1,4}[nr]|[\r\n])(?:\\{1,4}[nr]|[\r\n \t"'+,|>#])*"""
_LINE = re.compile(_BREAK + r"(?:[A-Z][A-Za-z-]{2,20}: [^\r\n\\]{1,100}(?=[\r\n\\])|([A-Za-z0-9+/]{1,4096}={0,3}))")
_BODY_WORD = re.compile(r"[A-Za-z0-9+/]{16,4096}={0,3}")
_FULL_LINE = re.compile(r"[A-Za-z0-9+/]{40}")
_PROSE = re.compile(r"[(){}_]|\[redacted:|[a-z]+ [a-z]+ [a-z]+ ")
_PIECE = re.compile(r"[^\s\\\"',+]+")
_BASE64 = re.compile(r"[nr]?[A-Za-z0-9+/=]{1,80}")
_PUTTY = re.compile(r"Private-Lines: \d{1,3}(?:\s{1,2}[A-Za-z0-9+/=]{1,80}){1,200}")


def redact(text: str, mark: Mark) -> str:
    """Replace private key blocks in `text`, BEGIN and END lines included. Linear in the length of `text`."""
    if "PRIVATE KEY" in text:
        parts: list[str] = []
        done = 0
        for start, stop in _blocks(text):
            parts += [text[done:start], mark("private-key", text[start:stop])]
            done = stop
        text = "".join([*parts, text[done:]])
    if "Private-Lines: " in text:
        text = _PUTTY.sub(lambda m: mark("private-key", m[0]), text)
    return text


def _blocks(text: str) -> list[tuple[int, int]]:
    """Find the blocks: each BEGIN with the next END, or alone with its base64 lines; an END alone likewise."""
    found: list[tuple[int, int]] = []
    begin: re.Match[str] | None = None
    floor = 0
    for edge in _EDGE.finditer(text):
        if edge[0].startswith("-----BEGIN"):
            if begin:
                found += _without_end(text, begin)
            begin = edge
        elif begin and edge.start() - begin.end() <= _LONGEST:
            body = text[begin.end() : edge.start()]
            if _FULL_LINE.search(body) or not _PROSE.search(body):
                found.append((begin.start(), edge.end()))
            begin = None
        else:
            if begin:
                found += _without_end(text, begin)
                begin = None
                floor = max(floor, found[-1][1] if found else 0)
            found += _without_begin(text, edge, floor)
        floor = edge.end()
    return found + (_without_end(text, begin) if begin else [])


def _without_end(text: str, begin: re.Match[str]) -> list[tuple[int, int]]:
    """The base64 lines after a BEGIN: the text was cut, or there is no key at all."""
    position = begin.end()
    if text[position : position + 1] == " " and (same_line := _BODY_WORD.match(text, position + 1)):
        position = same_line.end()
    while line := _LINE.match(text, position):
        if (word := line[1]) and len(word) < 16 and word.isalpha() and (word.islower() or word.istitle()):
            break  # prose: the text goes on
        position = line.end()
    return [(begin.start(), position)] if position > begin.end() else []


def _without_begin(text: str, end: re.Match[str], floor: int) -> list[tuple[int, int]]:
    """The base64 lines before an END: the head of the text was cut."""
    start = end.start()
    base = max(floor, start - 8192)
    full_lines = 0
    for piece in reversed(list(_PIECE.finditer(text, base, start))):
        full = len(piece[0]) >= 16
        if not _BASE64.fullmatch(piece[0]) or (full_lines and not full):
            break  # only the last line of a key is a short one
        full_lines += full
        start = piece.start()
    return [(start, end.end())] if full_lines else []
