"""A value that a program tracks itself, such as one term of its loss: judged by the rules that judge steps."""

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from otel_mldebug.instrument import sink as sinks
from otel_mldebug.instrument.training.explicit import current
from otel_mldebug.instrument.training.steps.cells import Cell
from otel_mldebug.instrument.training.steps.numbers import Promise, Sent, number
from otel_mldebug.instrument.training.steps.reporting import Reporter
from otel_mldebug.instrument.training.steps.signals import SCOPE, Signals
from otel_mldebug.rules.detectors import DETECTORS, Detector
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv import names

CHECK_SHARE = 0.01
"""Share of the time that the rules may use; they look at once when a value looks bad."""


class Series:
    """One named value over time.

    Args:
        name: As the program calls it.
        clock: Monotonic seconds.
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.perf_counter) -> None:
        self.name = name
        self._clock = clock
        self._cell = Cell(name)
        self._calls = 0
        self._next_check = 0.0
        self._late: deque[tuple[StepRecord, Promise | Sent]] = deque(maxlen=64)
        detectors = [_named(detect, name) for detect in DETECTORS]
        self._reporter = Reporter(detectors, Signals({}, current().budget))
        self._generation: int | None = None
        self._gauge: Any = None

    def add(self, value: Any, every: int) -> bool:
        """Take every so many-th value, beginning with the first; return whether this one was taken."""
        taken = self._calls % every == 0
        if taken and (found := number(value, f"value of {self.name!r}")) is not None:
            record = self._record()
            if isinstance(found, float):
                self._keep(replace(record, loss=found))
            else:
                self._late.append((record, found))
        self._calls += 1
        while self._late and self._late[0][1].ready():
            record, pending = self._late.popleft()
            self._keep(replace(record, loss=pending.read()))
        return taken

    def observe(self, value: Any) -> None:
        """Make a value that need not fall the metric's; rules do not look at it."""
        found = number(value, f"value of {self.name!r}")
        if isinstance(found, float) and math.isfinite(found):
            self._point(found)

    def _record(self) -> StepRecord:
        progress = current().progress()
        return StepRecord(
            index=progress.get("step", self._calls),
            time_ns=time.time_ns(),
            duration_s=0.0,
            epoch=progress.get("epoch"),
            learning_rate=progress.get("learning_rate"),
            optimizer=self.name,
        )

    def _keep(self, record: StepRecord) -> None:
        cell, value = self._cell, record.loss
        bad = cell.keep(record)
        if value is not None and math.isfinite(value):
            self._point(value)
        now = self._clock()
        if bad or (value is not None and value >= cell.loss_shock) or now >= self._next_check:
            span = self._reporter.look(record, cell, None)
            if span is not None:
                span.end()
            cell.rearm()
            self._next_check = now + (self._clock() - now) / CHECK_SHARE

    def _point(self, value: float) -> None:
        sink = sinks.current()
        if sink.generation() != self._generation:
            self._generation = sink.generation()
            metric = names.MLDEBUG_TRACK_VALUE
            self._gauge = sink.meter(SCOPE).create_gauge(metric.name, unit=metric.unit, description=metric.brief)
        self._gauge.set(value, {names.MLDEBUG_TRACK_NAME: self.name})


def _named(detect: Detector, name: str) -> Detector:
    """Return a detector that says of which value it speaks, and nothing where steps have told of the same trouble."""

    def detect_named(window: Sequence[StepRecord]) -> Finding | None:
        found = detect(window)
        if found is None or current().reporter.firing(found.rule):
            return None
        return replace(found, summary=f"{name}: {found.summary}", evidence={**found.evidence, "tracked": name})

    return detect_named
