"""Records on their way: to the sink, to metrics and spans, to the detectors, in order, and paid from the budget."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from otel_mldebug.instrument import sink as sinks
from otel_mldebug.instrument.budget import Budget
from otel_mldebug.instrument.training.steps.cells import WINDOW_STEPS, Cell
from otel_mldebug.instrument.training.steps.reporting import Reporter
from otel_mldebug.instrument.training.steps.signals import Signals, StepSpan
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord

CHECK_SHARE = 0.0005
"""Share of the time that detectors may use. They look at once when a step looks bad."""
FIRING_CHECK_STEPS = 5
"""Steps between two looks while values are not finite, so that its end is seen."""
FIRING_SHARE = 10 * CHECK_SHARE
"""Share of the time that detectors may use while something else is wrong."""
MOST_BETWEEN_S = 2.0
"""Seconds between two looks at most, whatever they cost."""
TROUBLE_WINDOWS = 4
"""Windows of steps that get a record each, once something is wrong; some troubles last for the whole run."""
RECORD_S = 25e-6
"""What a record costs at least, seconds: made, handed on, written. Source: `make bench`, `steps.tiny.cost`."""
_CLIP, _WEIGHT = 3, 0.05
"""A measurement counts for at most so many averages: beyond, rules were looking. Its weight in the next average."""
_EARN_S = 0.1
"""Time that is watched before the budget is told."""
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


class Relay:
    """Passes records on.

    Args:
        clock: Monotonic seconds.
        budget: Pays for spans and histogram points, and is told of all other costs.
        reporter: Has the detectors.
        signals: Metrics and spans.

    Attributes:
        on_alarm: Called when a step looks bad.
        record_s: What a record costs, seconds: in big steps nothing of ours is in the caches any more.
    """

    def __init__(self, clock: Callable[[], float], budget: Budget, reporter: Reporter, signals: Signals) -> None:
        self._clock, self._budget, self._reporter, self._signals = clock, budget, reporter, signals
        self.on_alarm: Callable[[], None] = lambda: None
        self._late: deque[tuple[StepRecord, Cell, StepSpan, Late | None]] = deque()
        self._watched_s = self._spent_s = 0.0
        self.record_s = RECORD_S

    def restart(self) -> None:
        """Forget what is on its way."""
        self._late.clear()
        self._watched_s = self._spent_s = 0.0

    def watched(self, watched_s: float, spent_s: float) -> None:
        """Note time that was watched, and what the hooks took of it."""
        self._watched_s += watched_s
        self._spent_s += spent_s

    def price(self, took_s: float) -> None:
        """Note how long it took to make a record and to hand it on."""
        known = self.record_s
        self.record_s = max(RECORD_S, known + _WEIGHT * (min(took_s, _CLIP * known) - known))

    def add(self, record: StepRecord, cell: Cell, span: StepSpan, late: Late | None = None) -> None:
        """Pass a record on: now, or once its late values and all records before it are there."""
        if late is None and not self._late:
            self._keep(record, cell, span)
        else:
            self._late.append((record, cell, span, late))
            self._settle()

    def _settle(self) -> None:
        late = self._late
        while late:
            record, cell, span, values = late[0]
            if values is not None:
                if values.ready():
                    record, span = self._arrived(record, cell, span, values)
                elif len(late) < _MOST_LATE:
                    return
            late.popleft()
            self._keep(record, cell, span)

    def _arrived(self, record: StepRecord, cell: Cell, span: StepSpan, values: Late) -> tuple[StepRecord, StepSpan]:
        loss, norm = values.read()
        record = replace(
            record,
            loss=record.loss if loss is None else loss,
            gradient_norm=record.gradient_norm if norm is None else norm,
            gpu_s=getattr(values, "gpu_s", None),  # only steps of optimizers are timed
        )
        if not self._reporter.firing("loss.nonfinite") and (found := values.explain(record, cell.window)) is not None:
            span = self._reporter.of_record(record, cell, span, *found)
        return record, span

    def _keep(self, record: StepRecord, cell: Cell, span: StepSpan) -> None:
        sink, reporter = sinks.current(), self._reporter
        bad = cell.keep(record)
        sink.step(record)
        self._signals.renew(sink.generation())
        self._spent_s += self.record_s
        if self._watched_s > _EARN_S:
            self.pay()
        if bad:
            reporter.settle(cell)
        loss, norm = record.loss, record.gradient_norm
        alarm = (loss is not None and loss >= cell.loss_shock) or (norm is not None and norm >= cell.norm_alarm)
        if loss is not None and cell.loss_alarm <= loss < cell.loss_shock:
            cell.outlies()
        if alarm:
            self.on_alarm()
            cell.alarmed()
        if (
            alarm
            or cell.steps >= cell.settles_at
            or record.time_ns >= cell.next_check_ns
            or (bad and not reporter.firing("loss.nonfinite"))
            or (reporter and record.index % FIRING_CHECK_STEPS == 0 and reporter.firing("loss.nonfinite"))
        ):
            span = self._check(record, cell, span)
        if span is not None or self._budget.ready:
            self._signals.emit(record, span, cell)

    def _check(self, record: StepRecord, cell: Cell, span: StepSpan) -> StepSpan:
        began = self._clock()
        span = self._reporter.look(record, cell, span)
        cell.rearm()
        wrong = bool(self._reporter)
        if not wrong:
            cell.trouble = 0
        elif cell.trouble < TROUBLE_WINDOWS * WINDOW_STEPS:
            cell.trouble += max(1, cell.steps - cell.full_until + len(cell.window))
            cell.full_until = cell.steps + len(cell.window)
        took_s = self._clock() - began
        self._spent_s += took_s
        share = (FIRING_SHARE if wrong else CHECK_SHARE) * cell.busy
        cell.next_check_ns = record.time_ns + int(min(MOST_BETWEEN_S, took_s / share) * 1e9)
        return span

    def pay(self) -> None:
        """Tell the budget what time was watched, and what was spent of it."""
        self._budget.watched_ns += int(self._watched_s * 1e9)
        self._budget.charge(self._spent_s * 1e9)
        self._watched_s = self._spent_s = 0.0

    def finish(self, cells: Sequence[Cell]) -> None:
        """Pass on what is left, with what is known of it, and look at it a last time: nothing more will come."""
        self._settle()
        for record, cell, span, _ in self._late:
            self._keep(record, cell, span)
        self._late.clear()
        for cell in cells:
            if cell.window and (span := self._check(cell.window[-1], cell, None)) is not None:
                span.end()
        self.pay()
