"""Files of a store as their lines, while somebody may be writing them: whole lines only, in bounded memory."""

import gzip
import json
import os
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from otel_mldebug.store.layout import PROCESS_FILE, RUN_FILE, TARGETS, file_name, live_name, parse_part, part_name

MAX_LINE = 64 * 2**20
"""Bytes of the longest line that is read; a longer one counts as damaged."""

_UNREADABLE = (OSError, EOFError, zlib.error)


class Line(NamedTuple):
    """One line with its newline, and the offset behind it. `data` is None where it is too long or the file is cut."""

    data: bytes | None
    end: int


class OpenPart(NamedTuple):
    """One part of a signal's records, opened.

    Attributes:
        number: From 1; the one that is being written has the highest.
        closed: Whether nothing is added to it any more.
        identity: What tells a file from another of the same name; 0 for a packed one.
        size_bytes: What is in it by now; -1 for a packed one.
        file: Its content, unpacked.
    """

    number: int
    closed: bool
    identity: int
    size_bytes: int
    file: IO[bytes]


def run_directories(root: Path) -> list[Path]:
    """Return the directories of runs, in no particular order."""
    found = []
    with suppress(OSError):
        for path in root.iterdir():
            if path.name == TARGETS or not _ours(path.name) or not path.is_dir():
                continue
            if (path / RUN_FILE).exists() or process_directories(path):
                found.append(path)
    return found


def process_directories(run: Path) -> list[Path]:
    """Return the directories of a run's processes by name."""
    with suppress(OSError):
        return sorted(path for path in run.iterdir() if _ours(path.name) and _is_process(path))
    return []


def _ours(name: str) -> bool:
    return name == file_name(name)


def _is_process(path: Path) -> bool:
    with suppress(OSError):
        return path.is_dir() and ((path / PROCESS_FILE).exists() or any(path.glob("*.jsonl*")))
    return False


def open_parts(directory: Path, signal: str) -> Iterator[OpenPart]:
    """Yield the parts of a signal, the oldest first; each is closed when the next one is asked for."""
    live, numbers = _live(directory, signal)
    try:
        for number in numbers:
            if part := _closed(directory, signal, number):
                with closing(part.file):
                    yield part
        if live is not None:
            yield _opened(max(numbers, default=0) + 1, False, live)
    finally:
        if live is not None:
            live.close()


def _live(directory: Path, signal: str) -> tuple[IO[bytes] | None, list[int]]:
    """Open the file that is being written, and return the numbers of the closed parts before it.

    The writer may close it meanwhile; then it has become the next part, which the second look shows.
    """
    numbers = _numbers(directory, signal)
    while True:
        live: IO[bytes] | None = None
        with suppress(OSError):
            live = (directory / live_name(signal)).open("rb")
        again = _numbers(directory, signal)
        if max(again, default=0) == max(numbers, default=0):
            return live, again
        numbers = again
        if live is not None:
            live.close()


def _numbers(directory: Path, signal: str) -> list[int]:
    with suppress(OSError):
        parts = filter(None, (parse_part(path.name) for path in directory.iterdir()))
        return sorted({number for kind, number, _ in parts if kind == signal})
    return []


def _closed(directory: Path, signal: str, number: int) -> OpenPart | None:
    for packed in (True, False, True):  # a third look, because it may be packed between the first two
        path = directory / part_name(signal, number, packed=packed)
        with suppress(OSError):
            if packed:
                return OpenPart(number, True, 0, -1, cast("IO[bytes]", gzip.open(path, "rb")))
            return _opened(number, True, path.open("rb"))
    return None


def _opened(number: int, closed: bool, file: IO[bytes]) -> OpenPart:
    status = os.fstat(file.fileno())
    return OpenPart(number, closed, status.st_ino, status.st_size, file)


def read_lines(part: OpenPart, offset: int = 0) -> Iterator[Line]:
    """Yield the whole lines from `offset` on; what follows the last newline is not there yet."""
    file = part.file
    try:
        if offset:
            file.seek(offset)
        while data := file.readline(MAX_LINE):
            offset += len(data)
            if data.endswith(b"\n"):
                yield Line(data, offset)
            elif len(data) == MAX_LINE:
                offset = _skip_line(file, offset)
                yield Line(None, offset)
    except _UNREADABLE:
        yield Line(None, offset)


def _skip_line(file: IO[bytes], offset: int) -> int:
    while (data := file.readline(1 << 20)) and not data.endswith(b"\n"):
        offset += len(data)
    return offset + len(data)


def parse(data: bytes | None) -> dict[str, Any] | None:
    """Return the object in a line; None where it is damaged."""
    if data is None:
        return None
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
