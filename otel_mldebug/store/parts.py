"""Closed parts of a process's files: compressed in the background, the oldest given up when they are too many."""

import gzip
import shutil
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from otel_mldebug.store.layout import part_name

_LEVEL = 1
"""Compression level: JSON shrinks to an eighth with the cheapest one."""


@dataclass(slots=True, eq=False)
class Part:
    """A closed part: `size_bytes` on disk now, `items` records in it."""

    signal: str
    number: int
    path: Path
    size_bytes: int
    items: int
    given_up: bool = False


class Parts:
    """The closed parts of one process. Thread-safe.

    The newest part of each signal is never given up, so that readers can tell from the highest number which one is
    being written; and of logs, which hold the findings, none while there is anything else.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._parts: list[Part] = []
        self._waiting: deque[Part] = deque()
        self._worker: threading.Thread | None = None

    @property
    def size_bytes(self) -> int:
        """What the parts take on disk."""
        return sum(part.size_bytes for part in list(self._parts))

    def add(self, part: Part) -> None:
        """Take over a part that has just been closed, and compress it when there is time."""
        with self._lock:
            self._parts.append(part)
            self._waiting.append(part)
            if self._worker is None:
                self._worker = threading.Thread(target=self._compress_all, name="otel-mldebug-compress", daemon=True)
                self._worker.start()

    def trim(self, excess_bytes: int) -> list[tuple[str, int]]:
        """Give up the oldest parts until `excess_bytes` are free; return signal and number of records of each."""
        gone = []
        with self._lock:
            while excess_bytes > 0 and (part := self._oldest()) is not None:
                with suppress(OSError):  # read by somebody who locks it: then it stays longer than we count it
                    part.path.unlink()
                part.given_up = True
                self._parts.remove(part)
                excess_bytes -= part.size_bytes
                gone.append((part.signal, part.items))
        return gone

    def forget(self) -> None:
        """Leave all parts to themselves, as in a forked child: they are the parent's."""
        self.__init__()  # type: ignore[misc]  # also a new lock: the old one may be held by a thread that is not here

    def join(self, timeout_s: float) -> None:
        """Wait until nothing is left to compress."""
        if worker := self._worker:
            worker.join(timeout_s)

    def _oldest(self) -> Part | None:
        newest = {part.signal: part for part in self._parts}  # in order of age: the last one stays
        old = [part for part in self._parts if newest[part.signal] is not part]
        return min(old, key=lambda part: part.signal == "logs", default=None)

    def _compress_all(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._worker = None
                    return
                part = self._waiting.popleft()
            with suppress(OSError):  # full or gone: it stays as it is, and counts with its whole size
                self._compress(part)

    def _compress(self, part: Part) -> None:
        packed = part.path.with_name(part_name(part.signal, part.number, packed=True))
        temporary = packed.with_name(f".{packed.name}")
        try:
            with part.path.open("rb") as source, gzip.open(temporary, "wb", _LEVEL) as target:
                shutil.copyfileobj(source, target, 1 << 20)
            with self._lock:
                if part.given_up:
                    return
                temporary.replace(packed)
                source_path, part.path, part.size_bytes = part.path, packed, packed.stat().st_size
                source_path.unlink()
        finally:
            temporary.unlink(missing_ok=True)
