"""How each type of setting is read from text or a TOML value, and what is wanted where that fails."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def _bool(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    return {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}[
        str(raw).lower()
    ]


def _float(raw: Any) -> float:
    if isinstance(raw, bool):
        raise TypeError(raw)
    text = str(raw).strip()
    return float(text[:-1]) / 100 if text.endswith("%") else float(text)


def _int(raw: Any) -> int:
    if isinstance(raw, (bool, float)):
        raise TypeError(raw)
    return int(raw)


def _str(raw: Any) -> str:
    if isinstance(raw, (bool, list, dict)):
        raise TypeError(raw)
    return str(raw)


def _path(raw: Any) -> Path:
    if not isinstance(raw, (str, Path)) or not str(raw):
        raise TypeError(raw)
    return Path(raw).expanduser()


def _paths(raw: Any) -> tuple[Path, ...]:
    parts = raw.split(os.pathsep) if isinstance(raw, str) else raw
    return tuple(_path(part) for part in parts)


class EntryError(ValueError):
    """One entry of a list is unusable."""

    def __init__(self, number: int, given: object) -> None:
        self.number, self.given = number, given
        super().__init__(number, given)


def _names(raw: Any) -> tuple[str, ...]:
    return _texts([part.strip() for part in raw.split(",") if part.strip()] if isinstance(raw, str) else raw)


def _lines(raw: Any) -> tuple[str, ...]:
    return _texts([line.strip() for line in raw.splitlines() if line.strip()] if isinstance(raw, str) else raw)


def _texts(entries: Any) -> tuple[str, ...]:
    if not isinstance(entries, (list, tuple)):
        raise TypeError(entries)
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, str) or not entry.strip():
            raise EntryError(number, entry)
    return tuple(entries)


def _pairs(raw: Any) -> tuple[tuple[str, str], ...]:
    if isinstance(raw, str):
        raw = [tuple(part.strip() for part in line.split("=", 1)) for line in _lines(raw)]
    entries = tuple(raw.items()) if isinstance(raw, Mapping) else tuple(raw)
    for number, entry in enumerate(entries, 1):
        if not (isinstance(entry, tuple) and len(entry) == 2 and all(isinstance(p, str) and p for p in entry)):
            raise EntryError(number, "=".join(map(str, entry)) if isinstance(entry, tuple) else entry)
    return entries


EXPRESSIONS = (_lines, "regular expressions, one a line, or a list of them")
PARSERS: Mapping[Any, tuple[Any, str]] = {
    bool: (_bool, "true or false"),
    float: (_float, "a number, such as 0.02 or 2%"),
    int: (_int, "a whole number"),
    str: (_str, "text"),
    Path: (_path, "a path"),
    Path | None: (_path, "a path"),
    tuple[str, ...]: (_names, "names separated by commas, or a list of them"),
    tuple[tuple[str, str], ...]: (_pairs, "NAME=REGEX, one a line, or a table of them"),
    tuple[Path, ...]: (_paths, f"paths separated by {os.pathsep!r}, or a list of them"),
}
