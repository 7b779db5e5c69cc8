"""What the threads of this process are doing, read from outside: stacks, and the processor time of one thread."""

import linecache
import os
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import CodeType, FrameType

from otel_mldebug.rules.detectors.ranks.stacks import Place

_MOST_FRAMES = 60
_MOST_THREADS = 24
_MOST_TEXT = 12_000
"""Characters of a dump of all threads."""

_OURS = "otel-mldebug"
"""What the names of our own threads begin with."""
_PACKAGE = str(Path(__file__).parents[3]) + os.sep

Stack = list[tuple[CodeType, int, int]]
"""Code, offset of the instruction, and line of each frame, outermost first."""


def stack_of(thread: int) -> Stack:
    """Return the stack of a thread; empty when it has ended. No frame is kept alive."""
    return _walk(sys._current_frames().get(thread))


def _walk(frame: FrameType | None) -> Stack:
    found: Stack = []
    while frame is not None and len(found) < _MOST_FRAMES:
        found.append((frame.f_code, frame.f_lasti, frame.f_lineno or 0))
        frame = frame.f_back
    found.reverse()
    return found


def places(stack: Stack, *, source: bool = True) -> list[Place]:
    """Return a stack as its places, with the source line of the innermost."""
    rows = [Place(code.co_filename, code.co_name, line) for code, _, line in stack]
    if rows and source:
        last = rows[-1]
        rows[-1] = last._replace(code=linecache.getline(last.file, last.line).strip())
    return rows


def dump(first: int, own: int) -> str:
    """Return the stacks of all threads but our own as text, bounded.

    Args:
        first: Identity of the thread to begin with: the one that trains.
        own: Identity of the calling thread, which is left out.
    """
    names: Mapping[int | None, str] = {thread.ident: thread.name for thread in threading.enumerate()}
    frames = sys._current_frames()
    order = sorted(
        (ident for ident in frames if ident != own and not str(names.get(ident)).startswith(_OURS)),
        key=lambda ident: (ident != first, ident),
    )
    parts = []
    for ident in order[:_MOST_THREADS]:
        rows = [row for row in places(_walk(frames[ident]), source=False) if not row.file.startswith(_PACKAGE)]
        lines = [f"thread {names.get(ident, ident)}:"]
        for place in rows[-25:]:
            lines.append(f'  File "{place.file}", line {place.line}, in {place.function}')
            if code := linecache.getline(place.file, place.line).strip():
                lines.append(f"    {code[:200]}")
        parts.append("\n".join(lines))
    if len(order) > _MOST_THREADS:
        parts.append(f"and {len(order) - _MOST_THREADS} more threads")
    return "\n".join(parts)[:_MOST_TEXT]


def cpu_s(thread: int) -> float:
    """Return the processor time of a thread, seconds; that of the whole process where the system does not tell."""
    native = next((t.native_id for t in threading.enumerate() if t.ident == thread), None)
    if native is not None and sys.platform.startswith("linux"):
        with suppress(OSError, ValueError, IndexError):
            with open(f"/proc/self/task/{native}/stat", "rb") as file:  # noqa: PTH123
                fields = file.read().rpartition(b")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return time.process_time()
