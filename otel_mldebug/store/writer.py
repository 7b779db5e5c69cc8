"""What one process writes into the store: findings at once, all else at most a second later; never an exception."""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from otel_mldebug._guard import fault
from otel_mldebug._version import __version__
from otel_mldebug.errors import StoreError
from otel_mldebug.rules.facts import Value
from otel_mldebug.rules.finding import Occurrence
from otel_mldebug.rules.looks import Look
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv import names
from otel_mldebug.store.directory import ProcessDirectory
from otel_mldebug.store.flusher import Flusher
from otel_mldebug.store.lines import Scope, otlp_line, resource_json
from otel_mldebug.store.otlp_json import Record, occurrence_to_log
from otel_mldebug.store.pending import MAX_STEPS, Line, Pending

SCOPE: Scope = ("otel_mldebug", __version__)
"""Instrumentation scope of what is ours."""
PART_BYTES = 64 * 2**20
"""Size at which a file is closed and compressed, unless the cap asks for less."""
FLUSH_S = 1.0
"""How long a record may stay in memory."""
STEPS_S = 0.5
"""How long a training step may: whoever is ended by a signal has no time to write, and its last steps say the most."""
_TICKS = round(FLUSH_S / STEPS_S)
RETRY_S = 10.0
"""How long nothing is tried after the disk refused."""

log = logging.getLogger("otel_mldebug")


class StoreWriter:
    """Writes one process's directory of a run. Thread-safe; nothing is created before the first record.

    A finding is one `write` when it is made. The rest waits in memory for at most a second, steps for half of one;
    then a thread writes it that exists only while something is waiting. When the disk refuses, that is said once, the
    records are counted as dropped, and it is tried again every ten seconds.

    Args:
        root: Directory of the store.
        run_id: Id of the run.
        resource: OpenTelemetry resource attributes of the process; they name its host and rank.
        max_bytes: What this process may take on disk.
        clock_ns: Wall time, nanoseconds since the epoch.
        monotonic_s: Seconds that only go forward.
        part_bytes: Size at which a file is closed and compressed; at most a sixteenth of `max_bytes`.
    """

    def __init__(
        self,
        root: Path,
        run_id: str,
        *,
        resource: Mapping[str, Value],
        max_bytes: int,
        clock_ns: Callable[[], int] = time.time_ns,
        monotonic_s: Callable[[], float] = time.monotonic,
        part_bytes: int = PART_BYTES,
    ) -> None:
        self._clock_ns, self._monotonic_s = clock_ns, monotonic_s
        resource = {names.MLDEBUG_RUN_ID: run_id, **resource}
        self._resource = resource_json(resource)
        self._directory = ProcessDirectory(
            root, run_id, resource=resource, max_bytes=max_bytes, part_bytes=part_bytes, clock_ns=clock_ns
        )
        self._root = root
        self._dropped: Counter[str] = Counter()
        self._retry_at_s: float | None = None
        self._warned = False
        self._closed = False
        self._start()

    def _start(self) -> None:
        self._lock = threading.RLock()  # re-entrant, because a signal handler may record too
        self._flush_lock = threading.RLock()  # one flush at a time, so that `close` waits for one that has begun
        self._pending = Pending()
        self._flusher = Flusher(self._tick, self._waiting, STEPS_S)
        self._ticks = 0
        self._unsaid: deque[Callable[[], None]] = deque()

    def finding(self, occurrence: Occurrence) -> None:
        """Write an occurrence now."""
        try:
            line = otlp_line("logs", self._resource, {SCOPE: [occurrence_to_log(occurrence)]})
        except Exception as exc:  # noqa: BLE001
            self._drop("logs", 1)
            fault("encode a finding for the store", exc)
            return
        self._write("logs", line, 1)
        self._say()

    def counted(self, fingerprint: str, count: int) -> None:
        """Keep that a group has been counted `count` times by now, where its latest occurrences are not written."""
        self._pending.add_count(fingerprint, count)
        self._wake()

    def step(self, record: StepRecord) -> None:
        """Keep a training step."""
        steps = self._pending.steps
        steps.append(record)
        if not self._flusher.awake or len(steps) >= MAX_STEPS:
            self._wake()

    def look(self, look: Look) -> None:
        """Keep a look into a training step."""
        self._pending.add_look(look)
        self._wake()

    def log(self, record: Record, *, scope: Scope = SCOPE) -> None:
        """Keep a log record that is encoded already."""
        self._pending.add("logs", [record], scope)
        self._wake()

    def spans(self, spans: Sequence[Record], *, scope: Scope = SCOPE) -> None:
        """Keep spans of one scope that are encoded already."""
        self._pending.add("traces", spans, scope)
        self._wake()

    def metrics(self, resource_metrics: Mapping[str, Any]) -> None:
        """Keep one encoded ResourceMetrics."""
        self._pending.add_metrics(resource_metrics)
        self._wake()

    def watched(self, facts: Mapping[str, Any]) -> None:
        """Keep what is being watched; later values replace earlier ones. Alone it creates nothing."""
        with self._lock:
            self._directory.watch(facts)
        if self._waiting():
            self._wake()

    def flush(self) -> None:
        """Write everything that waits."""
        self._work()

    def close(self) -> None:
        """Write everything that waits and let go of the files. Later records are dropped and counted."""
        with self._flush_lock:
            self._flush()
            self._flusher.stop()
            with self._lock:
                if not self._closed:
                    self._closed = True
                    self._describe(ended=True)
                    self._directory.close()
        self._say()

    def abandon(self) -> None:
        """Forget files and pending records without writing: for a forked child, where they are the parent's."""
        self._start()
        self._closed = True
        self._directory.abandon()

    @property
    def directory(self) -> Path | None:
        """The process's directory; None until something has been written."""
        return self._directory.path

    @property
    def size_bytes(self) -> int:
        """What this process has on disk. Waits for nothing, so that a metric may show it."""
        return self._directory.size_bytes

    @property
    def dropped(self) -> dict[str, int]:
        """Records given up so far, by signal. Waits for nothing."""
        return dict(self._dropped)

    def _wake(self) -> None:
        if self._closed or self._pending.full:
            self._work()
        elif not self._flusher.awake:
            self._flusher.wake()

    def _waiting(self) -> bool:
        return bool(self._pending) or (self._directory.stale and self._retry_at_s is None)

    def _tick(self) -> bool:
        self._ticks = (self._ticks + 1) % _TICKS
        if not self._ticks:
            return self._work()
        if not self._pending.steps:
            return False
        with self._flush_lock:
            self._write_lines(self._pending.take_steps())
        return True

    def _work(self) -> bool:
        worked = self._waiting()
        if worked:
            with self._flush_lock:
                self._flush()
        self._say()
        return worked

    def _flush(self) -> None:
        self._write_lines(self._pending.take(self._resource, self._clock_ns()))
        with self._lock:
            if self._retry_at_s is None and not self._closed:
                self._describe()

    def _write_lines(self, lines: Iterable[Line]) -> None:
        for line in lines:
            if line.error is not None:
                self._drop(line.signal, line.lost)
                self._unsaid.append(partial(fault, "encode records for the store", line.error))
            if line.items:
                self._write(line.signal, line.data, line.items)

    def _write(self, signal: str, data: bytes, items: int) -> None:
        with self._lock:
            if self._closed or (self._retry_at_s is not None and self._monotonic_s() < self._retry_at_s):
                self._drop(signal, items)
                return
            try:
                first = self._directory.path is None
                for given_up, number in self._directory.append(signal, data, items):
                    self._drop(given_up, number)
            except (OSError, ValueError, StoreError) as exc:  # ValueError: a path with a NUL
                self._refused(exc)
                self._drop(signal, items)
                return
            self._retry_at_s = None
            if first:
                self._describe()

    def _describe(self, *, ended: bool = False) -> None:
        try:
            self._directory.describe(self._dropped, ended=ended)
        except OSError as exc:
            self._refused(exc)

    def _drop(self, signal: str, items: int) -> None:
        with self._lock:
            self._dropped[signal] += items
            self._directory.changed()

    def _refused(self, exc: Exception) -> None:
        self._retry_at_s = self._monotonic_s() + RETRY_S
        if not self._warned:
            self._warned = True
            text = "could not write to the store %s (%s); your program goes on, what is lost is counted"
            self._unsaid.append(partial(log.warning, text, self._root, exc))

    def _say(self) -> None:
        """Log what there is to say, outside of all locks: a handler of the program's may record in turn."""
        while self._unsaid:
            self._unsaid.popleft()()
