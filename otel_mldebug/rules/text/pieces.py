"""Lines that containers cut into pieces: what one of them says is put together again."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

CUT_BYTES = 16 * 2**10
"""Where Docker and containerd cut a line.

Source: moby, daemon/logger/copier.go; containerd, max_container_log_line_size.
"""
MAX_BYTES = 2**20
"""How much of one line is held; a longer one is handed on in parts."""
_OF_DOCKER = frozenset({"log", "stream", "time", "attrs"})
_CRI = re.compile(r"(\d{4}-\d\d-\d\dT\S{8,32} (std(?:out|err)) )([PF]) (.*)", re.DOTALL)
_WHOLE = '\\n","stream"'
"""In the record of a whole line, as Docker writes it: seen without reading the JSON."""
_CHARACTER = 4  # bytes of the longest one, which may have been cut in two


class _Piece(NamedTuple):
    """Part of a line.

    Attributes:
        stream: Where it was written to; of one stream the pieces follow each other.
        head: What stands in front of it.
        text: What it says.
        last: Whether the line ends with it.
    """

    stream: str
    head: str
    text: str
    last: bool


def whole(numbered: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Yield the lines with their numbers, pieces put together under the number of the first; any other line as it is.

    Docker's JSON files have pieces without a line end in `log`; the format of Kubernetes (CRI) marks them with a P.
    """
    held: dict[str, tuple[int, list[str]]] = {}
    for number, line in numbered:
        piece = _piece(line)
        if piece is None:
            yield number, line
            continue
        first, parts = held.pop(piece.stream, (number, [piece.head]))
        parts.append(piece.text)
        if piece.last and len(parts) == 2:
            yield number, line
        elif piece.last or sum(map(len, parts)) > MAX_BYTES:
            yield first, "".join(parts)
        else:
            held[piece.stream] = first, parts
    for first, parts in held.values():
        yield first, "".join(parts)


def _piece(line: str) -> _Piece | None:
    if line.startswith('{"log":'):
        return None if _WHOLE in line else _of_docker(line)
    if " std" in line[20:45] and (found := _CRI.match(line)) is not None:
        last = found[3] == "F"
        return _Piece(found[2], f"{found[1]}F ", found[4] if last else found[4].rstrip("\r\n"), last)
    return None


def _of_docker(line: str) -> _Piece | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not _OF_DOCKER.issuperset(value) or not {"log", "time"}.issubset(value):
        return None
    text = value["log"]
    if not isinstance(text, str):
        return None
    # What ships these files elsewhere may have taken the line ends away: only a piece of full length is no whole line.
    last = text.endswith("\n") or len(text.encode("utf-8", "replace")) <= CUT_BYTES - _CHARACTER
    return _Piece(str(value.get("stream")), "", text, last)
