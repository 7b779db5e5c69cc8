"""Training steps, whatever framework they come from: they become records, which the sink gets and rules look at."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, Protocol

from otel_mldebug import _guard
from otel_mldebug.instrument import budget as budgets
from otel_mldebug.instrument import sink as sinks
from otel_mldebug.instrument.training.cells import Cell, Totals
from otel_mldebug.instrument.training.signals import Signals
from otel_mldebug.instrument.training.track import Track
from otel_mldebug.rules.detectors import DETECTORS, Detector, family
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord

CHECK_STEPS = 50
"""Detectors look after this many steps, …"""
CHECK_S = 1.0
"""… or this many seconds, whichever comes first; at once when a step looks bad."""
FIRING_CHECK_STEPS = 5
"""The same while something is wrong, so that its end is seen."""
HOT_NS = 8_000
"""What the hooks of one step cost without anything that the budget pays for, nanoseconds: it is paid first.

Source: `make bench`, `steps.tiny`.
"""
_MOST_LATE = 64
"""Steps that may wait for values from a device; the oldest goes on without them."""


class Late(Protocol):
    """Values of a step that are still on their way from a device."""

    def ready(self) -> bool:
        """Return whether they have arrived. Never waits."""

    def read(self) -> tuple[float | None, float | None]:
        """Return objective and gradient norm."""


class _Tracks(threading.local):
    def __init__(self) -> None:
        self.track = Track()


class StepRecorder:
    """Makes one `StepRecord` of what happened between two optimizer steps of a thread, and passes it on.

    Args:
        clock: Monotonic seconds.
        wall_ns: Wall time, nanoseconds since the epoch.
        budget: Pays for spans and histogram points; the process's by default.
        detectors: Rules that look at the window of steps of each optimizer.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.perf_counter,
        wall_ns: Callable[[], int] = time.time_ns,
        budget: budgets.Budget | None = None,
        detectors: Sequence[Detector] = DETECTORS,
    ) -> None:
        self.clock = clock
        self.wall_ns = wall_ns
        self.budget = budget or budgets.process()
        self.index = 0
        self.cells: dict[str, Cell] = {}
        self.totals = Totals()
        self._detectors = detectors
        self._tracks = _Tracks()
        self._signals = Signals(self.cells, self.totals, self.budget)
        self._firing: dict[str, str | None] = {}
        self._late: deque[tuple[dict[str, Any], Cell, Any, Late | None]] = deque()
        self._epoch: int | None = None
        self._latest: Cell | None = None

    @property
    def latest(self) -> Sequence[StepRecord]:
        """Return the window of the optimizer that has stepped last."""
        return () if self._latest is None else self._latest.window

    @property
    def track(self) -> Track:
        """Return what is going on in the calling thread."""
        return self._tracks.track

    def cell(self, name: str) -> Cell:
        """Return the cell of the optimizer called `name`."""
        found = self.cells.get(name)
        if found is None:
            found = self.cells[name] = Cell(name)
        return found

    def close(
        self,
        cell: Cell,
        now: float,
        *,
        key: int = 0,
        learning_rate: float | None = None,
        gradient_norm: float | None = None,
        skipped: bool = False,
        late: Late | None = None,
    ) -> None:
        """End the step of the calling thread.

        Args:
            cell: The optimizer's.
            now: When it ended, by `clock`.
            key: Identity of the optimizer. An optimizer that steps without a backward call since another one has
                stepped belongs to the same step: it gets the same number and objective in a record of its own.
            learning_rate: Of the first parameter group.
            gradient_norm: Of all gradients that the optimizer saw.
            skipped: A gradient scaler kept the optimizer from stepping.
            late: Where objective and gradient norm come from, if they are still on a device.
        """
        track = self._tracks.track
        stepped = track.optimizers
        if stepped and not track.backward_calls and key not in stepped:
            index, loss = max(0, self.index - 1), track.previous_loss
        else:
            index, loss = self.index, track.loss
            self.index = index + 1
            track.previous_loss = loss
            if stepped:
                stepped.clear()
        stepped.append(key)
        self._epoch = track.epoch
        fields: dict[str, Any] = {
            "index": index,
            "time_ns": self.wall_ns(),
            "duration_s": now - track.begun,
            "data_s": track.data,
            "forward_s": track.forward,
            "backward_s": track.backward,
            "optimizer_s": track.optimizer,
            "loss": loss,
            "gradient_norm": gradient_norm,
            "learning_rate": learning_rate,
            "samples": track.samples,
            "epoch": track.epoch,
            "optimizer": cell.name,
            "backward_calls": track.backward_calls,
            "skipped": skipped,
        }
        span = track.span
        track.begin(now)
        track.closed += 1
        if late is None and not self._late:
            self._keep(StepRecord(**fields), cell, span)
        else:
            self._late.append((fields, cell, span, late))
            self.settle()

    def settle(self, *, final: bool = False) -> None:
        """Pass on the steps whose late values have arrived, in order; all of them, without values, when `final`."""
        late = self._late
        while late:
            fields, cell, span, values = late[0]
            if values is not None:
                if values.ready():
                    loss, norm = values.read()
                    fields["loss"] = loss if loss is not None else fields["loss"]
                    fields["gradient_norm"] = norm if norm is not None else fields["gradient_norm"]
                elif not final and len(late) < _MOST_LATE:
                    return
            late.popleft()
            self._keep(StepRecord(**fields), cell, span)

    def _keep(self, record: StepRecord, cell: Cell, span: Any) -> None:
        sink = sinks.current()
        self._latest = cell
        alarmed = cell.keep(record)
        totals = self.totals
        totals.add(record)
        sink.step(record)
        self._signals.renew(sink.generation())
        self._earn(record.duration_s)
        if alarmed and _bad(record):
            totals.nonfinite += 1
        if alarmed or record.index >= cell.next_check or record.time_ns >= cell.next_check_ns:
            span = self._check(record, cell, span)
        if span is not None or self.budget.ready:
            self._signals.emit(record, span, cell)

    def _earn(self, duration_s: float) -> None:
        budget = self.budget
        if budget.share > 0:
            earned = int(duration_s * 1e9 - HOT_NS / budget.share)
            if earned > 0:
                budget.watched_ns += earned
                if not budget.ready:
                    budget.refresh()

    def _check(self, record: StepRecord, cell: Cell, span: Any) -> Any:
        firing = self._firing
        cell.next_check = record.index + (FIRING_CHECK_STEPS if firing else CHECK_STEPS)
        cell.next_check_ns = record.time_ns + int(CHECK_S * 1e9)
        for name, owner in list(firing.items()):
            if owner is None:  # found while the step was still going on: now we know whose step it was
                firing[name] = cell.name
        found = {family(f.rule): f for detect in reversed(self._detectors) if (f := detect(cell.window)) is not None}
        for name in [n for n, owner in firing.items() if owner == cell.name and n not in found]:
            del firing[name]
        for name, finding in found.items():
            if name not in firing:
                firing[name] = cell.name
                span = span or self._signals.start_span(record.time_ns - int(record.duration_s * 1e9))
                self._send(finding, span, step=record.index, epoch=record.epoch)
        cell.rearm()
        return span

    def retire(self, cell: Cell) -> None:
        """Take note that the optimizer of `cell` is gone, and its troubles with it."""
        for name in [n for n, owner in list(self._firing.items()) if owner == cell.name]:
            self._firing.pop(name, None)

    def firing(self, rule: str) -> bool:
        """Return whether `rule`, or one of its family, has been reported and not stopped since."""
        return family(rule) in self._firing

    def report(self, finding: Finding, *, layer: str = "") -> None:
        """Send what was found while the calling thread's step is still going on, unless its family is firing."""
        name = family(finding.rule)
        if name in self._firing:
            return
        self._firing[name] = None
        track = self._tracks.track
        if track.span is None:
            ago_s = self.clock() - track.begun if track.begun else 0.0
            track.span = self._signals.start_span(self.wall_ns() - int(ago_s * 1e9))
        self._send(finding, track.span, step=self.index, epoch=track.epoch, layer=layer)

    @staticmethod
    def _send(finding: Finding, span: Any, *, step: int, epoch: int | None, layer: str = "") -> None:
        scope: Any = nullcontext()
        with _guard.guard("put a finding into its step's span"):
            from opentelemetry.trace import use_span

            scope = use_span(span)
        with scope:
            sinks.current().finding(finding, step=step, epoch=epoch, layer=layer)

    def progress(self) -> dict[str, Any]:
        """Return where training stands, for whoever reports an exception: step, epoch, latest loss, learning rate."""
        if not self.index and not self._tracks.track.backward_calls:
            return {}
        track = self._tracks.track
        known: dict[str, Any] = {"step": self.index, "epoch": self._epoch if track.epoch is None else track.epoch}
        for cell in self.cells.values():
            known.update(loss=cell.loss, gradient_norm=cell.gradient_norm, learning_rate=cell.learning_rate)
        return {key: value for key, value in known.items() if value is not None}


def _bad(record: StepRecord) -> bool:
    values = (record.loss, record.gradient_norm)
    return any(value is not None and value - value != 0.0 for value in values)
