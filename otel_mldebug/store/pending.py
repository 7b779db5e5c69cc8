"""Records that wait in memory to be written, and the lines that become of them."""

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from otel_mldebug.rules.looks import Look
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.store import lines
from otel_mldebug.store.lines import Scope
from otel_mldebug.store.otlp_json import Record

MAX_STEPS = 8192
"""Steps in one batch."""
MAX_RECORDS = 1024
"""Spans, log records and metrics that wait before they are written without waiting for the second to pass."""

Groups = dict[Scope, list[Record]]


class Line(NamedTuple):
    """One line of `signal` that holds `items` records; `lost` more could not be encoded, because of `error`."""

    signal: str
    data: bytes
    items: int
    lost: int = 0
    error: Exception | None = None


class Pending:
    """What waits. Thread-safe; `steps` is appended to without the lock, because that is the hot path."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.steps: deque[StepRecord] = deque()
        self._clear()

    def _clear(self) -> None:
        self._groups: dict[str, Groups] = {"logs": defaultdict(list), "traces": defaultdict(list)}
        self._metrics: list[Mapping[str, Any]] = []
        self._looks: list[Look] = []
        self._counts: dict[str, int] = {}
        self._num_records = 0

    def __bool__(self) -> bool:
        return bool(self.steps or self._num_records or self._counts)

    @property
    def full(self) -> bool:
        """Whether it is time to write, whatever the clock says."""
        return len(self.steps) >= MAX_STEPS or self._num_records >= MAX_RECORDS

    def add(self, signal: str, records: Sequence[Record], scope: Scope) -> None:
        """Keep encoded records of `logs` or `traces`."""
        with self._lock:
            self._groups[signal][scope].extend(records)
            self._num_records += len(records)

    def add_metrics(self, resource_metrics: Mapping[str, Any]) -> None:
        """Keep an encoded ResourceMetrics."""
        with self._lock:
            self._metrics.append(resource_metrics)
            self._num_records += 1

    def add_look(self, look: Look) -> None:
        """Keep a look into a training step."""
        with self._lock:
            self._looks.append(look)
            self._num_records += 1

    def add_count(self, fingerprint: str, count: int) -> None:
        """Keep how often a group has been counted; a later count replaces an earlier one."""
        with self._lock:
            self._counts[fingerprint] = count

    def take(self, resource: str, now_ns: int) -> Iterator[Line]:
        """Take everything out now, and yield it line by line."""
        with self._lock:
            steps = self._taken()
            groups, metrics, looks, counts = self._groups, self._metrics, self._looks, self._counts
            self._clear()
        return _encode(steps, groups, metrics, looks, counts, resource, now_ns)

    def take_steps(self) -> Iterator[Line]:
        """Take out the steps only, and yield them line by line."""
        with self._lock:
            steps = self._taken()
        return _steps(steps)

    def _taken(self) -> list[StepRecord]:
        return [self.steps.popleft() for _ in range(len(self.steps))]


def _steps(steps: Sequence[StepRecord]) -> Iterator[Line]:
    for first in range(0, len(steps), MAX_STEPS):
        yield _line("steps", steps[first : first + MAX_STEPS], lines.steps_line)


def _encode(
    steps: Sequence[StepRecord],
    groups: Mapping[str, Groups],
    metrics: Sequence[Mapping[str, Any]],
    looks: Sequence[Look],
    counts: Mapping[str, int],
    resource: str,
    now_ns: int,
) -> Iterator[Line]:
    yield from _steps(steps)
    for signal, by_scope in groups.items():
        flat = [(scope, record) for scope, records in by_scope.items() for record in records]
        if flat:
            yield _line(signal, flat, partial(_otlp, signal, resource))
    if metrics:
        yield _line("metrics", metrics, lines.metrics_line)
    for look in looks:
        yield _line("looks", [look], lambda items: lines.look_line(items[0]))
    if counts:
        yield _line("counts", [*counts.items()], lambda items: lines.counts_line(dict(items), now_ns))


def _otlp(signal: str, resource: str, items: Iterable[tuple[Scope, Record]]) -> bytes:
    groups: Groups = defaultdict(list)
    for scope, record in items:
        groups[scope].append(record)
    return lines.otlp_line(signal, resource, groups)


def _line(signal: str, items: Sequence[Any], encode: Callable[[Sequence[Any]], bytes]) -> Line:
    """Encode `items`, without those that nobody can encode: one bad record does not take the others with it."""
    try:
        return Line(signal, encode(items), len(items))
    except Exception as exc:  # noqa: BLE001  (whatever a record holds, it must not reach the program)
        good = [item for item in items if _works(encode, item)]
        return Line(signal, encode(good) if good else b"", len(good), len(items) - len(good), exc)


def _works(encode: Callable[[Sequence[Any]], bytes], item: object) -> bool:
    try:
        encode([item])
    except Exception:  # noqa: BLE001
        return False
    return True
