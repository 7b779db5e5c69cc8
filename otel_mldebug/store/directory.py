"""The directory of one process: its files, their rotation and cap, and the page about itself."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from otel_mldebug.rules.facts import Value
from otel_mldebug.semconv import names
from otel_mldebug.store.files import LineFile, RemovedError
from otel_mldebug.store.layout import (
    PROCESS_FILE,
    SIGNALS,
    live_name,
    part_name,
    prepare_root,
    process_name,
    run_directory,
    write_json,
)
from otel_mldebug.store.otlp_values import jsonable
from otel_mldebug.store.parts import Part, Parts
from otel_mldebug.store.times import rfc3339

_SHARE = 16
"""A part is at most this share of the cap: live files and newest parts of all signals then fit in."""


class ProcessDirectory:
    """Files of one process. Not locked: its owner is. Made by the first `append`.

    Args:
        root: Directory of the store.
        run_id: Id of the run.
        resource: OpenTelemetry resource attributes of the process.
        max_bytes: What it may take on disk.
        part_bytes: Size at which a file is closed, at most a sixteenth of `max_bytes`.
        clock_ns: Wall time, nanoseconds since the epoch.
    """

    def __init__(
        self,
        root: Path,
        run_id: str,
        *,
        resource: Mapping[str, Value],
        max_bytes: int,
        part_bytes: int,
        clock_ns: Callable[[], int],
    ) -> None:
        self._root = Path(os.path.abspath(root))  # noqa: PTH100  (the program may change its directory; no link is followed)
        self._run_id, self._clock_ns = run_id, clock_ns
        self._max_bytes, self._part_bytes = max_bytes, max(1, min(part_bytes, max_bytes // _SHARE))
        self._facts: dict[str, Any] = {
            "run_id": run_id,
            "pid": os.getpid(),
            "started": rfc3339(clock_ns()),
            "resource": jsonable(resource),
        }
        self._watched: dict[str, Any] = {}
        self._rank = resource.get(names.MLDEBUG_RANK)
        # A host that is not to be shown is not in the directory's name either; the instance tells two hosts apart.
        self._host = str(resource.get(names.HOST_NAME) or resource.get(names.SERVICE_INSTANCE_ID, ""))
        self._changed = True
        self._forget()

    def _forget(self) -> None:
        self.path: Path | None = None
        self._files: dict[str, LineFile] = {}
        self._numbers = dict.fromkeys(SIGNALS, 0)
        self._parts = Parts()

    @property
    def size_bytes(self) -> int:
        """What the process has on disk."""
        return sum(file.size_bytes for file in list(self._files.values())) + self._parts.size_bytes

    def watch(self, facts: Mapping[str, Any]) -> None:
        """Keep what is being watched, for `describe`."""
        self._watched.update(jsonable(facts))
        self._changed = True

    def changed(self) -> None:
        """Let the next `describe` write."""
        self._changed = True

    @property
    def stale(self) -> bool:
        """Whether `describe` would write something."""
        return self._changed and self.path is not None

    def describe(self, dropped: Mapping[str, int], *, ended: bool = False) -> None:
        """Write `process.json`, if anything has changed and there is a directory.

        Raises:
            OSError: it cannot be written.
        """
        if self.path is None or not (self._changed or ended):
            return
        page = {**self._facts, "watched": self._watched, "dropped": dict(dropped)}
        if ended:
            page["ended"] = rfc3339(self._clock_ns())
        try:
            write_json(self.path / PROCESS_FILE, page)
        except FileNotFoundError:  # somebody removed the directory: the next record makes another
            self.abandon()
        else:
            self._changed = False

    def append(self, signal: str, line: bytes, items: int) -> list[tuple[str, int]]:
        """Write one line; return signal and number of the records that had to make room for it.

        Raises:
            OSError: there is no room, no permission.
            StoreError: a newer version wrote the store.
        """
        try:
            file = self._file(signal)
            file.append(line, items)
        except (RemovedError, FileNotFoundError):
            if self.path is not None and not self.path.is_dir():
                self.abandon()
            file = self._file(signal)
            file.append(line, items)
        return self._rotate(signal, file) if file.size_bytes >= self._part_bytes else []

    def _file(self, signal: str) -> LineFile:
        if self.path is None:
            self.path = self._claim()
            self._changed = True
        if signal not in self._files:
            self._files[signal] = LineFile(self.path / live_name(signal))
        return self._files[signal]

    def _claim(self) -> Path:
        """Make a directory that no other process writes: ids of processes and names of hosts come again."""
        prepare_root(self._root)
        run = run_directory(self._root, self._run_id)
        run.mkdir(exist_ok=True)
        rank = self._rank if isinstance(self._rank, int) else None
        name, number = process_name(self._host, rank), 1
        while True:
            path = run / (name if number == 1 else f"{name}.{number}")
            try:
                path.mkdir()
            except FileExistsError:
                number += 1
            else:
                return path

    def _rotate(self, signal: str, file: LineFile) -> list[tuple[str, int]]:
        number = self._numbers[signal] + 1
        size_bytes, items = file.size_bytes, file.items
        target = file.path.with_name(part_name(signal, number))
        with suppress(OSError):  # the line is written, and the file goes on growing
            file.move(target)
            self._numbers[signal] = number
            self._parts.add(Part(signal, number, target, size_bytes, items))
        return self._parts.trim(self._parts.size_bytes + len(SIGNALS) * self._part_bytes - self._max_bytes)

    def close(self) -> None:
        """Close all files."""
        for file in self._files.values():
            file.close()

    def abandon(self) -> None:
        """Close all files and leave them to themselves: the parent's in a forked child, or a removed directory's."""
        self.close()
        self._forget()
