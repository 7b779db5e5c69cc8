"""Training steps, whatever framework they come from: they become records, which the sink gets and rules look at."""

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from otel_mldebug.instrument import budget as budgets
from otel_mldebug.instrument import sink as sinks
from otel_mldebug.instrument.training.cells import Cell
from otel_mldebug.instrument.training.reporting import Reporter
from otel_mldebug.instrument.training.signals import Signals
from otel_mldebug.instrument.training.track import Track
from otel_mldebug.rules.detectors import DETECTORS, Detector
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord

CHECK_SHARE = 0.002
"""Share of the time that detectors may use. They look at once when a step looks bad."""
FIRING_CHECK_STEPS = 5
"""Steps between two looks while something is wrong, so that its end is seen."""
HOT_S = 5e-6
"""What the hooks of one step cost without a record, seconds. Source: `make bench`, `steps.tiny.cost`."""
RECORD_S = 12e-6
"""What a record costs: making it, handing it on, writing it. Source: the same."""
RECORD_SHARE = 0.75
"""Share of the budget that records may use; steps too short for that get one now and then, and all when in trouble."""
MOST_BETWEEN = 16
"""Steps between two records, at most."""
_EARN_S = 0.01
_MOST_LATE = 64
"""Steps that may wait for values from a device; the oldest goes on without them."""


class Late(Protocol):
    """Values of a step that are still on their way from a device."""

    def ready(self) -> bool:
        """Return whether they have arrived. Never waits."""

    def read(self) -> tuple[float | None, float | None]:
        """Return objective and gradient norm."""

    def explain(self, record: StepRecord, window: Sequence[StepRecord]) -> tuple[Finding, str] | None:
        """Return why they are not finite, and the layer; None when they are."""


class Tracks(threading.local):
    """What is going on in each thread."""

    def __init__(self) -> None:
        self.track = Track()


class StepRecorder:
    """Counts what happens between two optimizer steps of a thread, makes a `StepRecord` of it, and passes that on.

    Args:
        clock: Monotonic seconds.
        wall_ns: Wall time, nanoseconds since the epoch.
        budget: Pays for records, spans and histogram points; the process's by default.
        detectors: Rules that look at the window of steps of each optimizer.

    Attributes:
        tracks: What is going on, by thread.
        index: Number of the step that is going on.
        cells: Counts by name of the optimizer.
        latest: The cell of the optimizer that has stepped last; `window` are its latest steps.
        reporter: Knows which rules are firing.
        on_alarm: Called when a step looks bad.
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
        self.tracks = Tracks()
        self.index = 0
        self.window: Sequence[StepRecord] = ()
        self.cells: dict[str, Cell] = {}
        self.latest: Cell | None = None
        self._next_index = itertools.count().__next__
        self._signals = Signals(self.cells, self.budget)
        self.reporter = Reporter(detectors, self._signals)
        self.on_alarm: Callable[[], None] = lambda: None
        self._late: deque[tuple[StepRecord, Cell, Any, Late | None]] = deque()
        self._left_out: tuple[Cell, int, float, float | None] | None = None
        self._owed_s = self._hot_s = 0.0
        self._epoch: int | None = None

    def cell(self, name: str) -> Cell:
        """Return the cell of the optimizer called `name`."""
        found = self.cells.get(name)
        if found is None:
            found = self.cells[name] = Cell(name)
        return found

    def close(
        self,
        track: Track,
        cell: Cell,
        now: float,
        key: int = 0,
        learning_rate: float | None = None,
        gradient_norm: float | None = None,
        skipped: bool = False,
        late: Late | None = None,
    ) -> None:
        """End the step of the calling thread.

        Args:
            track: What went on in this thread.
            cell: The optimizer's.
            now: When it ended, by `clock`.
            key: Identity of the optimizer. An optimizer that steps without a backward call since another one has
                stepped belongs to the same step: it gets the same number and objective in a record of its own.
            learning_rate: Of the first parameter group.
            gradient_norm: Of all gradients that the optimizer saw.
            skipped: A gradient scaler kept the optimizer from stepping.
            late: Where objective and gradient norm come from, if they are still on a device.
        """
        stepped = track.optimizers
        if stepped and not track.backward_calls and key not in stepped:
            index, loss = max(0, self.index - 1), track.previous_loss
        else:
            index, loss = self._next_index(), track.loss
            self.index = index + 1
            if stepped:
                stepped.clear()
        track.previous_loss = loss
        stepped.append(key)
        track.closed += 1
        duration_s = now - track.begun
        cell.count(track, duration_s)
        self.latest, self.window = cell, cell.window
        self._owed_s += duration_s
        self._hot_s += HOT_S
        steps, span = cell.steps, track.span
        if (
            steps >= cell.next_record
            or (loss is not None and not loss < cell.loss_alarm)
            or (gradient_norm is not None and not gradient_norm < cell.norm_alarm)
            or late is not None
            or span is not None
        ):
            record = StepRecord(
                index=index,
                time_ns=self.wall_ns(),
                duration_s=duration_s,
                data_s=track.data,
                forward_s=track.forward,
                backward_s=track.backward,
                optimizer_s=track.optimizer,
                loss=loss,
                gradient_norm=gradient_norm,
                learning_rate=learning_rate,
                samples=track.samples,
                epoch=track.epoch,
                optimizer=cell.name,
                backward_calls=track.backward_calls,
                skipped=skipped,
            )
            self._epoch = track.epoch
            cell.next_record = steps + self._between(duration_s) if steps >= cell.full_until else 0
            track.begin(now)
            if late is None and not self._late:
                self._keep(record, cell, span)
            else:
                self._late.append((record, cell, span, late))
                self.settle()
        else:
            self._left_out = cell, index, duration_s, loss
            track.begin(now)

    def _between(self, duration_s: float) -> int:
        """Return how many steps from this record on the next one may be made."""
        allowed_s = RECORD_SHARE * self.budget.share * duration_s
        return min(MOST_BETWEEN, 1 + int(RECORD_S / allowed_s)) if allowed_s > 0 else MOST_BETWEEN

    def settle(self) -> None:
        """Pass on the steps whose late values have arrived, in order."""
        late = self._late
        while late:
            record, cell, span, values = late[0]
            if values is not None:
                if values.ready():
                    loss, norm = values.read()
                    record = replace(
                        record,
                        loss=record.loss if loss is None else loss,
                        gradient_norm=record.gradient_norm if norm is None else norm,
                    )
                    if not self.reporter.firing("loss.nonfinite"):
                        found = values.explain(record, cell.window)
                        span = span if found is None else self.reporter.of_record(record, cell, span, *found)
                elif len(late) < _MOST_LATE:
                    return
            late.popleft()
            self._keep(record, cell, span)

    def finish(self) -> None:
        """Pass on what is left, with what is known of it, and look at it a last time: nothing more will come."""
        self.settle()
        for record, cell, span, _ in self._late:
            self._keep(record, cell, span)
        self._late.clear()
        if self._left_out is not None:  # the number of the last step says how many there were
            cell, index, duration_s, loss = self._left_out
            if not cell.window or cell.window[-1].index < index:
                last = StepRecord(
                    index=index, time_ns=self.wall_ns(), duration_s=duration_s, loss=loss, optimizer=cell.name
                )
                self._keep(last, cell, None)
        for cell in list(self.cells.values()):
            if cell.window and (span := self._check(cell.window[-1], cell, None)) is not None:
                span.end()
        self._earn()

    def _keep(self, record: StepRecord, cell: Cell, span: Any) -> None:
        sink = sinks.current()
        bad = cell.keep(record)
        sink.step(record)
        self._signals.renew(sink.generation())
        self._hot_s += RECORD_S
        if self._owed_s > _EARN_S:
            self._earn()
        reporter = self.reporter
        new = bad and not reporter.firing("loss.nonfinite")
        loss, norm = record.loss, record.gradient_norm
        alarm = (loss is not None and loss >= cell.loss_alarm) or (norm is not None and norm >= cell.norm_alarm)
        if alarm:
            self.on_alarm()
        if (
            alarm
            or new
            or record.time_ns >= cell.next_check_ns
            or (reporter and record.index % FIRING_CHECK_STEPS == 0)
        ):
            span = self._check(record, cell, span)
        if span is not None or self.budget.ready:
            self._signals.emit(record, span, cell)

    def _earn(self) -> None:
        """Tell the budget what time was watched, and what the hooks took of it."""
        budget = self.budget
        budget.watched_ns += int(self._owed_s * 1e9)
        budget.charge(self._hot_s * 1e9)
        self._owed_s = self._hot_s = 0.0

    def spent(self, seconds: float) -> None:
        """Note other time that was used while watching: it is paid from the budget, too."""
        self._hot_s += seconds

    def _check(self, record: StepRecord, cell: Cell, span: Any) -> Any:
        began = self.clock()
        span = self.reporter.look(record, cell, span)
        cell.rearm()
        if self.reporter:
            cell.full_until = cell.steps + len(cell.window)
        took_s = self.clock() - began
        self.spent(took_s)
        cell.next_check_ns = record.time_ns + int(min(1.0, took_s / CHECK_SHARE) * 1e9)
        return span

    def report(self, track: Track, finding: Finding, *, layer: str = "") -> None:
        """Send what was found while the calling thread's step is still going on, unless its family is firing."""
        if self.reporter.firing(finding.rule):
            return
        if track.span is None:
            ago_s = self.clock() - track.begun if track.begun else 0.0
            track.span = self._signals.start_span(self.wall_ns() - int(ago_s * 1e9))
        self.reporter.under_way(finding, track.span, step=self.index, epoch=track.epoch, layer=layer)

    def restart(self) -> None:
        """Forget what has been: in a forked child, whose steps are its own and begin at 0."""
        self.index = 0
        self._next_index = itertools.count().__next__
        self._late.clear()
        self._left_out = None
        self._owed_s = self._hot_s = 0.0
        for cell in self.cells.values():
            cell.restart()
        self.tracks.track.restart()
        self.reporter.restart()

    def progress(self) -> dict[str, Any]:
        """Return where training stands, for whoever reports an exception: step, epoch, latest loss, learning rate."""
        track = self.tracks.track
        if not self.index and not track.backward_calls and not track.begun:
            return {}
        known: dict[str, Any] = {"step": self.index, "epoch": self._epoch if track.epoch is None else track.epoch}
        if (cell := self.latest) is not None:
            known.update(loss=cell.loss, gradient_norm=cell.gradient_norm, learning_rate=cell.learning_rate)
        return {key: value for key, value in known.items() if value is not None}
