"""The recorder without any framework: cadence, budget, reports, late values, forks."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_mldebug.instrument import sink
from otel_mldebug.instrument.budget import Budget
from otel_mldebug.instrument.training.steps.ahead import Fetch
from otel_mldebug.instrument.training.steps.passes import Passes
from otel_mldebug.instrument.training.steps.recorder import StepRecorder
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity


class Pipeline(sink.NullSink):
    """A private pipeline that keeps everything in memory."""

    def __init__(self) -> None:
        self.steps: list[StepRecord] = []
        self.found: list[dict[str, Any]] = []
        self.exported = InMemorySpanExporter()
        self.reader = InMemoryMetricReader()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exported))
        self.meters = MeterProvider([self.reader], shutdown_on_exit=False)
        self.number = 1

    def active(self) -> bool:
        return True

    def tracer(self, scope: str) -> Any:
        return self.tracers.get_tracer(scope)

    def meter(self, scope: str) -> Any:
        return self.meters.get_meter(scope)

    def generation(self) -> int:
        return self.number

    def step(self, record: StepRecord) -> None:
        self.steps.append(record)

    def finding(self, finding: Finding, **where: Any) -> None:
        from opentelemetry.trace import get_current_span

        context = get_current_span().get_span_context()
        self.found.append({"rule": finding.rule, "span": context.span_id, **where})

    def points(self) -> dict[str, list[tuple[dict[str, Any], Any]]]:
        data = self.reader.get_metrics_data()
        return {
            metric.name: [(dict(p.attributes), _value(p)) for p in metric.data.data_points]
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


def _value(point: Any) -> Any:
    return point.value if hasattr(point, "value") else point.count


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def wall_ns(self) -> int:
        return int(self.now * 1e9)


@pytest.fixture
def pipeline() -> Any:
    made = Pipeline()
    sink.install(made)
    yield made
    sink.install(None)


def recorder(clock: Clock, *, share: float = 0.02, detectors: Sequence[Any] = ()) -> StepRecorder:
    budget = Budget(share, lambda: int(clock.now * 1e9))
    return StepRecorder(clock=clock, wall_ns=clock.wall_ns, budget=budget, detectors=detectors)


def one_step(
    made: StepRecorder,
    clock: Clock,
    *,
    loss: float | None = 1.0,
    norm: float | None = None,
    scale: float = 1.0,
    **more: Any,
) -> None:
    """A step of a tenth of a second: 10 ms data, 30 ms forward, 40 ms backward, 15 ms optimizer, 5 ms other."""
    track, started = made.tracks.track, clock.now
    clock.now += 0.010 * scale
    track.fetched(1, started, clock.now, Fetch(0.010 * scale, 32, Passes(), None))
    clock.now += 0.030 * scale
    track.backward_begins(clock.now, loss)
    clock.now += 0.040 * scale
    track.backward_ends(clock.now - 0.040 * scale, clock.now)
    clock.now += 0.005 * scale
    track.optimizer_begins(clock.now)
    clock.now += 0.015 * scale
    track.optimizer_ends(clock.now)
    made.close(track, made.cell("SGD"), clock.now, 1, 0.1, norm)


def test_a_step_becomes_a_record_a_span_and_points(pipeline):
    clock = Clock()
    made = recorder(clock)
    for _ in range(3):
        one_step(made, clock, norm=0.5)

    record = pipeline.steps[1]
    phases = [round(s, 6) for s in (record.duration_s, record.data_s, record.forward_s, record.backward_s)]
    assert phases == [0.1, 0.01, 0.03, 0.04]
    assert (record.samples, record.epoch, record.optimizer, record.time_ns) == (32, 0, "SGD", 100_200_000_000)
    spans = pipeline.exported.get_finished_spans()
    assert len(spans) == 3
    assert len({span.context.trace_id for span in spans}) == 3, "each step is a trace of its own"
    assert (spans[1].start_time, spans[1].end_time) == (100_100_000_000, 100_200_000_000)
    attributes = {k: round(v, 6) if isinstance(v, float) else v for k, v in spans[1].attributes.items()}
    assert attributes == {
        "mldebug.train.step.index": 1,
        "mldebug.train.epoch": 0,
        "mldebug.train.optimizer": "SGD",
        "mldebug.train.loss.value": 1.0,
        "mldebug.train.gradient.norm.value": 0.5,
        "mldebug.train.learning_rate.value": 0.1,
        "mldebug.train.phase.duration.data": 0.01,
        "mldebug.train.phase.duration.forward": 0.03,
        "mldebug.train.phase.duration.backward": 0.04,
        "mldebug.train.phase.duration.optimizer": 0.015,
        "mldebug.sampled.share": 1.0,
    }
    sgd = {"mldebug.train.optimizer": "SGD"}
    points = pipeline.points()
    assert points["mldebug.train.steps"] == [(sgd, 3)]
    assert points["mldebug.train.loss"] == [(sgd, 1.0)]
    assert points["mldebug.train.gradient.norm"] == [(sgd, 0.5)]
    assert points["mldebug.train.learning_rate"] == [(sgd, 0.1)]
    assert points["mldebug.train.step.duration"] == [(sgd, 3)]
    assert points["mldebug.train.samples"] == [({}, 96)]
    seconds = {a["mldebug.train.phase"]: round(v, 6) for a, v in points["mldebug.train.phase.time"]}
    assert seconds == {"data": 0.03, "forward": 0.09, "backward": 0.12, "optimizer": 0.045, "other": 0.015}


def test_a_step_is_linked_to_the_span_around_it(pipeline):
    clock = Clock()
    made = recorder(clock)
    with pipeline.tracers.get_tracer("user").start_as_current_span("run") as around:
        one_step(made, clock)

    [link] = pipeline.exported.get_finished_spans()[0].links
    assert link.context.span_id == around.get_span_context().span_id


@pytest.mark.parametrize(("steps", "apart"), [(2_000, range(193)), (50_000, range(193, 251))])
def test_short_steps_get_a_record_more_and_more_seldom_and_are_all_counted(pipeline, steps, apart):
    clock = Clock()
    made = recorder(clock)
    for _ in range(steps):
        one_step(made, clock, scale=0.001, learning_rate=0.1)
    made.finish()

    assert pipeline.points()["mldebug.train.steps"] == [({"mldebug.train.optimizer": "SGD"}, steps)]
    indices = [s.index for s in pipeline.steps]
    assert indices[:256] == list(range(256)), "the first ones all have a record"
    assert max(b - a for a, b in pairwise(indices)) in apart
    assert len(indices) < 600
    assert indices[-1] == steps - 1, "the number of the last one is known"
    assert (pipeline.steps[-1].learning_rate, pipeline.steps[-1].epoch) == (0.1, pipeline.steps[-2].epoch)


def test_without_a_budget_there_are_counts_and_no_spans(pipeline):
    clock = Clock()
    made = recorder(clock, share=0.0)
    for _ in range(300):
        one_step(made, clock)

    assert pipeline.points()["mldebug.train.steps"] == [({"mldebug.train.optimizer": "SGD"}, 300)]
    assert pipeline.exported.get_finished_spans() == ()


def fires_when(condition: Callable[[StepRecord], bool], rule: str = "x.y") -> Any:
    finding = Finding(rule=rule, category=Category.LOSS, severity=Severity.ERROR, summary="x")
    return lambda window: finding if window and condition(window[-1]) else None


def test_a_rule_that_fires_is_reported_once_and_again_after_it_has_stopped(pipeline):
    clock = Clock()
    made = recorder(clock, detectors=[fires_when(lambda r: 10 <= r.index < 30 or r.index >= 60)])
    for _ in range(80):
        one_step(made, clock, scale=20)  # two seconds each: detectors look at every step

    assert [(f["rule"], f["step"]) for f in pipeline.found] == [("x.y", 10), ("x.y", 60)]
    spans = {span.context.span_id: span for span in pipeline.exported.get_finished_spans()}
    assert [spans[f["span"]].attributes["mldebug.train.step.index"] for f in pipeline.found] == [10, 60]


def test_after_an_alarm_each_step_has_a_record_until_rules_have_looked_at_what_became_of_it(pipeline):
    clock, looked = Clock(), []

    def expensive(window: Sequence[StepRecord]) -> None:
        clock.now += 0.01  # so that the next look by the clock is a second away, or 10,000 steps
        looked.append(window[-1].index)

    made = recorder(clock, detectors=[expensive])
    for number in range(700):
        one_step(made, clock, scale=0.001, loss=50.0 if number == 600 else 1.0)

    assert looked == [0, 600, 612]
    indices = [s.index for s in pipeline.steps]
    assert [index for index in indices if 600 <= index <= 612] == list(range(600, 613))
    assert max(b - a for a, b in pairwise(indices) if b < 600 or a > 612) > 1, "all others have one now and then"


def test_losses_out_of_all_others_get_their_record_though_there_were_some_before(pipeline):
    clock, looked = Clock(), []

    def expensive(window: Sequence[StepRecord]) -> None:
        clock.now += 0.01
        looked.append(window[-1].index)

    made = recorder(clock, detectors=[expensive])
    for number in range(900):
        one_step(made, clock, scale=0.001, loss=5000.0 if number in (100, 640, 777) else 20.0 if number == 700 else 1.0)

    indices = [s.index for s in pipeline.steps]
    assert {640, 777} <= set(indices)
    assert made.cells["SGD"].outlying == 2
    assert looked == [0, 100, 112, 160], "an alarm is what is higher than anything before"


def test_of_one_family_the_most_important_rule_is_reported(pipeline):
    clock = Clock()
    always = [fires_when(lambda _: True, rule) for rule in ("loss.nonfinite", "gradient.nonfinite")]
    made = recorder(clock, detectors=always)
    for _ in range(5):
        one_step(made, clock)

    assert [f["rule"] for f in pipeline.found] == ["loss.nonfinite"]


def test_values_that_are_not_finite_are_counted_and_leave_the_gauges_alone(pipeline):
    clock = Clock()
    made = recorder(clock)
    one_step(made, clock, loss=2.0)
    one_step(made, clock, loss=float("nan"))

    points = pipeline.points()
    assert points["mldebug.train.loss"] == [({"mldebug.train.optimizer": "SGD"}, 2.0)]
    assert points["mldebug.train.nonfinite"] == [({}, 1)]


def test_a_new_pipeline_gets_instruments_of_its_own(pipeline):
    clock = Clock()
    made = recorder(clock)
    one_step(made, clock)
    pipeline.reader = InMemoryMetricReader()
    pipeline.meters = MeterProvider([pipeline.reader], shutdown_on_exit=False)
    pipeline.number = 2
    one_step(made, clock)

    assert pipeline.points()["mldebug.train.steps"] == [({"mldebug.train.optimizer": "SGD"}, 2)]


def test_where_training_stands_is_known(pipeline):
    clock = Clock()
    made = recorder(clock)
    assert made.progress() == {}
    one_step(made, clock, loss=3.0, norm=0.25)

    assert made.progress() == {"step": 1, "epoch": 0, "loss": 3.0, "gradient_norm": 0.25, "learning_rate": 0.1}


def test_a_restarted_recorder_counts_from_zero(pipeline):
    clock = Clock()
    made = recorder(clock, detectors=[fires_when(lambda _: True)])
    for _ in range(3):
        one_step(made, clock)
    made.restart()
    one_step(made, clock)

    assert [s.index for s in pipeline.steps] == [0, 1, 2, 0]
    assert made.cell("SGD").steps == 1
    assert [f["step"] for f in pipeline.found] == [0, 0]
