"""A private pipeline: real OpenTelemetry providers that keep everything in memory, behind a sink of the tests'."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import get_current_span

from otel_mldebug.instrument import budget, sink
from otel_mldebug.instrument.functions import metrics, registry
from otel_mldebug.rules.finding import Finding, Occurrence
from otel_mldebug.semconv.names import Category, Severity

SUMMARY = "The batch does not fit."


@dataclass
class Pipeline(sink.NullSink):
    """Keeps spans and metrics, and answers each exception with the same finding."""

    spans: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    reader: InMemoryMetricReader = field(default_factory=InMemoryMetricReader)
    exceptions: list[dict[str, Any]] = field(default_factory=list)
    keeps: bool = True
    number: int = 1

    def __post_init__(self) -> None:
        self.traces = TracerProvider(shutdown_on_exit=False)
        self.traces.add_span_processor(SimpleSpanProcessor(self.spans))
        self._meters = MeterProvider([self.reader], shutdown_on_exit=False)

    def active(self) -> bool:
        return self.keeps

    def tracer(self, scope):
        return self.traces.get_tracer(scope)

    def meter(self, scope):
        return self._meters.get_meter(scope)

    def generation(self):
        return self.number

    def exception(self, exc, *, function="", arguments=None, context=None, **own):
        inside = get_current_span().name if get_current_span().is_recording() else ""
        self.exceptions.append(
            {"exc": exc, "function": function, "arguments": arguments, "context": context, "inside": inside}
        )
        finding = Finding(
            rule="test.rule", category=Category.MODEL, severity=Severity.ERROR, summary=SUMMARY, fingerprint="f" * 16
        )
        return Occurrence(finding=finding, id="1" * 16, time_ns=1)

    def finished(self) -> tuple[ReadableSpan, ...]:
        return self.spans.get_finished_spans()

    def names(self) -> list[str]:
        return [span.name for span in self.finished()]

    def points(self, metric: str) -> dict[tuple[Any, ...], Any]:
        """Values of a metric by the values of its attributes, or counts where it is a histogram."""
        found = {}
        data = self.reader.get_metrics_data()
        for resource in data.resource_metrics if data else []:
            for scope in resource.scope_metrics:
                for made in scope.metrics:
                    if made.name == metric:
                        for point in made.data.data_points:
                            key = tuple(point.attributes[k] for k in sorted(point.attributes))
                            found[key] = getattr(point, "value", None) or point.count
        return found


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test starts with counts of zero, a full purse and instruments of its own; nothing it buys costs anything."""
    monkeypatch.setattr(metrics, "_latest", None)
    monkeypatch.setattr(budget.process(), "cost_ns", lambda: 0)  # on a busy machine a few spans would empty the purse
    budget.process().adjust(0.0)
    budget.process().adjust(budget.DEFAULT_SHARE)
    registry.forget()
    yield
    sink.install(None)
    budget.process().adjust(budget.DEFAULT_SHARE)
    registry.forget()


@pytest.fixture
def pipeline() -> Pipeline:
    made = Pipeline()
    sink.install(made)
    return made


@pytest.fixture
def broke(pipeline: Pipeline) -> Pipeline:
    """A pipeline whose budget pays for nothing: only errors get a span."""
    budget.process().adjust(0.0)
    return pipeline
