"""What `explain` reads: a text from the command line, a file, or stdin; line by line, in bounded memory."""

import gzip
import io
import json
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, TextIO, cast

from otel_mldebug.errors import UsageError
from otel_mldebug.rules.text.packed import is_record, unpacked
from otel_mldebug.rules.text.pieces import whole

MAX_LINE = 64 * 2**10
"""Characters of one line; what is beyond them becomes further lines."""
MAX_RECORD = 2**20
"""The same for a line that begins as JSON does."""
MAX_JSON_LINE = 64 * 2**20
PROGRESS_BYTES = 32 * 2**20
"""Files from this size on get a progress bar."""
_BAR_WIDTH = 30
_MAX_PREFIX = 200
_PATH = re.compile(
    r"(?:[A-Za-z]:[\\/]|[~.]{0,2}[\\/])[^\s:;,()'\"]+|[^\s:;,()'\"]+\.(?:log|txt|out|err|jsonl?|gz)", re.IGNORECASE
)
"""One word that can only be meant as a file: by its directory, or by the way it ends."""


class Input:
    """A text that is read once, front to back, after a look at its beginning."""

    def __init__(self, stream: TextIO, name: str, progress: "Progress | None" = None) -> None:
        self._stream, self.name, self._progress = stream, name, progress
        self._ahead = ""

    def head(self, size: int) -> str:
        """Return the first `size` characters, or all there are, and keep them for `lines`."""
        while len(self._ahead) < size and (more := self._stream.read(size - len(self._ahead))):
            self._ahead += more
        return self._ahead[:size]

    def is_json_lines(self) -> bool:
        """Return whether the first line that is not blank is a JSON object with a `message`."""
        text = self.head(4096).lstrip()
        if not text.startswith("{"):
            return False
        size = 4096
        while "\n" not in self._ahead.lstrip() and size <= MAX_JSON_LINE and len(self.head(size)) == size:
            size *= 4
        try:
            value = json.loads(self._ahead.lstrip().partition("\n")[0])
        except (ValueError, RecursionError):
            return False
        return isinstance(value, dict) and "message" in value and not is_record(value)

    def lines(self, limit: int = MAX_LINE) -> Iterator[str]:
        """Yield the lines from the beginning on, those of a log that is JSON as they are."""
        stream = _Joined(self._ahead, self._stream)
        self._ahead = ""
        try:
            while line := stream.readline(limit):
                if self._progress is not None:
                    self._progress.tick()
                if len(line) == limit < MAX_RECORD and line[0] == "{" and line[-1] != "\n":
                    line += stream.readline(MAX_RECORD - limit)
                yield line
        finally:  # also where it is interrupted
            if self._progress is not None:
                self._progress.done()

    def numbered(self) -> Iterator[tuple[int, str]]:
        """Yield the lines from the beginning on with their numbers, from 1; what is packed in JSON is taken out."""
        return numbered(self.lines())


def numbered(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield each line with its number, from 1; a line of JSON that holds several gives them all under its number.

    The JSON may stand behind a time or the name of a container, which then stand in front of each of its lines.
    """
    for number, line in whole(enumerate(lines, start=1)):
        start = line.find("{", 0, _MAX_PREFIX)
        if start >= 0 and line.rstrip().endswith("}"):
            for said in unpacked(line[start:]):
                yield number, line[:start] + said
        else:
            yield number, line


class _Joined:
    """What was read ahead, followed by the rest of the stream."""

    def __init__(self, ahead: str, stream: TextIO) -> None:
        self._ahead, self._stream = io.StringIO(ahead), stream

    def readline(self, limit: int) -> str:
        line = self._ahead.readline(limit)
        if line.endswith("\n") or len(line) >= limit:
            return line
        return line + self._stream.readline(limit)


class Progress:
    """A bar on stderr that shows how much of a file has been read."""

    def __init__(self, file: BinaryIO, total: int, out: TextIO) -> None:
        self._file, self._total, self._out = file, total, out
        self._count, self._next_s = 0, 0.0

    def tick(self) -> None:
        """Count a line; draw at most ten times a second."""
        self._count += 1
        if self._count % 4096 == 0 and (now := time.monotonic()) >= self._next_s:
            self._next_s = now + 0.1
            self._draw(min(self._file.tell() / self._total, 1.0))

    def done(self) -> None:
        """Take the bar away."""
        self._out.write("\r" + " " * (_BAR_WIDTH + 16) + "\r")
        self._out.flush()

    def _draw(self, share: float) -> None:
        full = int(share * _BAR_WIDTH)
        self._out.write(f"\r[{'#' * full}{'.' * (_BAR_WIDTH - full)}] {share:4.0%}")
        self._out.flush()


@contextmanager
def open_input(given: str) -> Iterator[Input]:
    """Open what was given on the command line: a file that exists, `-` or nothing for stdin, otherwise the text itself.

    Raises:
        UsageError: the file cannot be read or is not there; nothing was given and stdin is a terminal.
    """
    if given in ("", "-"):
        if sys.stdin.isatty():
            raise UsageError('nothing to explain: give a message in quotes, a file, or pipe a log in, as in "… | … -".')
        yield Input(io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="replace"), "stdin")
        return
    path = _existing(given)
    if path is None:
        if _PATH.fullmatch(given):
            raise UsageError(f"there is no file {given}: correct the path, or pipe the text in if it is one.")
        yield Input(io.StringIO(given), "the text")
        return
    try:
        file = path.open("rb")
    except OSError as exc:
        raise UsageError(
            f"{given} cannot be read ({exc.strerror}): give a readable file, or the text itself."
        ) from None
    with file:
        progress = None
        total = os.fstat(file.fileno()).st_size
        if total >= PROGRESS_BYTES and sys.stderr.isatty():
            progress = Progress(file, total, sys.stderr)
        yield Input(_decoded(file), given, progress)


def _existing(given: str) -> Path | None:
    if len(given) > 1024 or "\n" in given or "\0" in given:
        return None
    try:
        path = Path(given).expanduser()
        return path if path.exists() else None
    except (OSError, RuntimeError):
        return None


def _decoded(file: IO[bytes]) -> TextIO:
    """Return `file` as text: gzip and UTF-16 by their first bytes, UTF-8 otherwise; broken bytes are replaced."""
    start = file.read(2)
    file.seek(0)
    raw = cast("IO[bytes]", gzip.GzipFile(fileobj=file)) if start == b"\x1f\x8b" else file
    encoding = "utf-16" if start in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return io.TextIOWrapper(raw, encoding=encoding, errors="replace")
