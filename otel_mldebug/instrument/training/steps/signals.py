"""How steps become metrics and spans: counters read from the cells, histogram points and spans paid from the budget."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from otel_mldebug.instrument import sink as sinks
from otel_mldebug.instrument.budget import Budget
from otel_mldebug.instrument.training.steps.cells import Cell
from otel_mldebug.instrument.training.steps.passed import Passed
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv import names
from otel_mldebug.semconv.metric import Metric

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Histogram, Observation
    from opentelemetry.trace import Span

StepSpan = Any
"""The span of a step, or None as long as nothing has called for one. OpenTelemetry is imported when one is made."""
SCOPE = "otel_mldebug.training"
SPAN_NAME = "training step"
SPAN_SHARE = 0.02
POINT_SHARE = 0.015
"""Shares of the budget that spans and histogram points of steps may use; the rest is for what tells more."""
FIRST = 10
"""Steps at the beginning whose spans and points only the budget as a whole has to pay."""


class Signals:
    """The instruments of one generation of the pipeline."""

    def __init__(self, cells: Mapping[str, Cell], budget: Budget, passed: Passed | None = None) -> None:
        self._cells = cells
        self._passed = Passed() if passed is None else passed
        self._budget = budget
        self._generation: int | None = None
        self._duration: Histogram | None = None
        self._spans = 0
        self._next_span = self._next_point = 0

    def renew(self, generation: int) -> None:
        """Make the instruments, once for each generation of the sink."""
        if generation == self._generation:
            return
        self._generation = generation
        meter = sinks.current().meter(SCOPE)
        for metric, read in self._readers():
            create = meter.create_observable_gauge if metric.instrument == "gauge" else meter.create_observable_counter
            create(metric.name, [_callback(read)], unit=metric.unit, description=metric.brief)
        metric = names.MLDEBUG_TRAIN_STEP_DURATION
        self._duration = meter.create_histogram(
            metric.name,
            unit=metric.unit,
            description=metric.brief,
            explicit_bucket_boundaries_advisory=list(metric.buckets),
        )

    def _readers(self) -> Iterable[tuple[Metric, Callable[[], Iterable[tuple[float | None, dict[str, Any]]]]]]:
        def each(value: Callable[[Cell], float | None]) -> Callable[[], Iterable[tuple[float | None, dict[str, Any]]]]:
            return lambda: [
                (value(cell), {names.MLDEBUG_TRAIN_OPTIMIZER: cell.name} if cell.name else {})
                for cell in list(self._cells.values())
            ]

        yield names.MLDEBUG_TRAIN_STEPS, each(lambda cell: cell.steps)
        yield names.MLDEBUG_TRAIN_LOSS, each(lambda cell: cell.loss)
        yield names.MLDEBUG_TRAIN_GRADIENT_NORM, each(lambda cell: cell.gradient_norm)
        yield names.MLDEBUG_TRAIN_LEARNING_RATE, each(lambda cell: cell.learning_rate)
        yield names.MLDEBUG_TRAIN_PHASE_TIME, self._phases
        yield names.MLDEBUG_TRAIN_SAMPLES, lambda: [(self._sum(lambda cell: cell.samples) or None, {})]
        yield names.MLDEBUG_TRAIN_TOKENS, lambda: [(self._sum(lambda cell: cell.tokens) or None, {})]
        yield names.MLDEBUG_TRAIN_SCALE, each(lambda cell: cell.scale)
        yield names.MLDEBUG_TRAIN_MFU, each(lambda cell: cell.utilisation())
        passed = self._passed
        yield names.MLDEBUG_TRAIN_EVALUATIONS, lambda: [(passed.count or None, {})]
        yield names.MLDEBUG_TRAIN_EVALUATION_TIME, lambda: [(passed.seconds or None, {})]
        yield names.MLDEBUG_TRAIN_EVALUATION_LOSS, lambda: [(passed.finite, {})]
        yield names.MLDEBUG_TRAIN_NONFINITE, lambda: [(self._sum(lambda cell: cell.nonfinite), {})]

    def _phases(self) -> Iterable[tuple[float | None, dict[str, Any]]]:
        cells = [cell.phases() for cell in list(self._cells.values())]
        for phase in names.Phase:
            yield sum(phases[phase] for phases in cells) or None, {names.MLDEBUG_TRAIN_PHASE: str(phase)}

    def _sum(self, value: Callable[[Cell], int]) -> int:
        return sum(value(cell) for cell in list(self._cells.values()))

    def start_span(self, started_ns: int) -> "Span":
        """Start the span of a step: a trace of its own, linked to the span that is current around it, if any.

        Args:
            started_ns: Wall time at which the step began, nanoseconds since the epoch.
        """
        from opentelemetry.context import Context
        from opentelemetry.trace import Link, get_current_span

        around = get_current_span().get_span_context()
        return (
            sinks.current()
            .tracer(SCOPE)
            .start_span(
                SPAN_NAME,
                context=Context(),
                links=[Link(around)] if around.is_valid else None,
                start_time=started_ns,
            )
        )

    def emit(self, record: StepRecord, span: StepSpan, cell: Cell) -> None:
        """Finish the step's span, or make one, and a histogram point, each where the budget pays for it.

        The point comes first and is bought on its own, so that spans never leave the step time without points. Both are
        spaced by counting steps, not by time: long steps must not be likelier to be seen.
        """
        budget = self._budget
        if cell.steps >= self._next_point and self._duration is not None and (paid := budget.try_spend("point")):
            began = budget.clock_ns()
            self._duration.record(
                record.duration_s, {names.MLDEBUG_TRAIN_OPTIMIZER: record.optimizer} if record.optimizer else None
            )
            budget.settle("point", paid, budget.clock_ns() - began)
            self._next_point = cell.steps + self._spacing(paid, POINT_SHARE, cell)
        paid = 0.0
        if span is None:
            if cell.steps < self._next_span or not (paid := budget.try_spend("span")):
                return
            self._next_span = cell.steps + self._spacing(paid, SPAN_SHARE, cell)
        began = budget.clock_ns()
        if span is None:
            span = self.start_span(record.time_ns - int(record.duration_s * 1e9))
        self._spans += 1
        span.set_attributes(attributes(record, self._spans / max(1, cell.steps)))
        span.end(record.time_ns)
        budget.settle("span", paid, budget.clock_ns() - began)

    def _spacing(self, price_ns: float, share: float, cell: Cell) -> int:
        """Return how many steps apart items of this price are, so that they use no more than `share` of the budget."""
        allowed_ns = share * self._budget.share * cell.step_s() * cell.busy * 1e9
        return 1 if cell.steps < FIRST or allowed_ns <= 0 else math.ceil(price_ns / allowed_ns)


def attributes(record: StepRecord, share: float) -> dict[str, Any]:
    """Return the attributes of a step's span; what was not measured, or is not finite, is left out."""
    phase = names.MLDEBUG_TRAIN_PHASE_DURATION
    found = {
        names.MLDEBUG_TRAIN_STEP_INDEX: record.index,
        names.MLDEBUG_TRAIN_EPOCH: record.epoch,
        names.MLDEBUG_TRAIN_OPTIMIZER: record.optimizer or None,
        names.MLDEBUG_TRAIN_LOSS_VALUE: record.loss,
        names.MLDEBUG_TRAIN_GRADIENT_NORM_VALUE: record.gradient_norm,
        names.MLDEBUG_TRAIN_LEARNING_RATE_VALUE: record.learning_rate,
        f"{phase}.{names.Phase.DATA}": record.prepare_s if record.data_s is None else record.data_s,
        f"{phase}.{names.Phase.COPY}": record.copy_s,
        f"{phase}.{names.Phase.FORWARD}": _without(record.forward_s, record.prepare_s, record.copy_s, record.loss_s),
        f"{phase}.{names.Phase.LOSS}": record.loss_s,
        f"{phase}.{names.Phase.BACKWARD}": _without(record.backward_s, record.sync_s),
        f"{phase}.{names.Phase.SYNC}": record.sync_s,
        f"{phase}.{names.Phase.OPTIMIZER}": record.optimizer_s,
        names.MLDEBUG_SAMPLED_SHARE: min(1.0, share),
    }
    return {
        key: value
        for key, value in found.items()
        if value is not None and (not isinstance(value, float) or math.isfinite(value))
    }


def _without(whole: float | None, *parts: float | None) -> float | None:
    return None if whole is None else max(0.0, whole - sum(part for part in parts if part is not None))


def _callback(
    read: Callable[[], Iterable[tuple[float | None, dict[str, Any]]]],
) -> "Callable[[CallbackOptions], Iterable[Observation]]":
    from opentelemetry.metrics import Observation

    def observe(_: "CallbackOptions") -> "Iterable[Observation]":
        return [Observation(value, attributes) for value, attributes in read() if value is not None]

    return observe
