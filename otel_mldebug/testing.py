"""For tests, ours and yours: a private pipeline that keeps everything in memory.

Example:
    def test_a_failure_is_explained():
        with Telemetry() as telemetry:
            with pytest.raises(RuntimeError):
                my_traced_function()
        assert [occurrence.finding.rule for occurrence in telemetry.findings] == ["unknown"]
"""

from pathlib import Path
from types import TracebackType
from typing import Any

from opentelemetry.metrics import Meter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Tracer

from otel_mldebug import _guard
from otel_mldebug.config import Config
from otel_mldebug.instrument import sink
from otel_mldebug.rules.finding import Occurrence
from otel_mldebug.semconv import names
from otel_mldebug.semconv.metric import Metric
from otel_mldebug.wiring.identity import Identity
from otel_mldebug.wiring.runtime import Runtime

RUN_ID = "test-run"


class Telemetry:
    """A pipeline from our sink to in-memory exporters. OpenTelemetry's globals are not touched.

    As a context manager it is what our own instrumentation reports to, and faults of ours are raised instead of logged.

    Args:
        store: Directory of a local store; None for none.
        settings: Fields of `Config` by name. The environment and configuration files are not looked at.

    Attributes:
        findings: Every occurrence made, suppressed ones included.
    """

    def __init__(self, *, store: Path | None = None, **settings: Any) -> None:
        quiet: dict[str, Any] = {"resources": False, "local": store is not None, "notes": False, "run_id": RUN_ID}
        if store is not None:
            quiet["store"] = store
        resource = Resource({names.SERVICE_NAME: "test", names.MLDEBUG_RUN_ID: RUN_ID})
        self.findings: list[Occurrence] = []
        self._spans, self._logs = InMemorySpanExporter(), InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
        self._reader = InMemoryMetricReader()
        self.tracer_provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._spans))
        self.meter_provider = MeterProvider([self._reader], resource=resource, shutdown_on_exit=False)
        self.logger_provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
        self.logger_provider.add_log_record_processor(SimpleLogRecordProcessor(self._logs))
        self.runtime = Runtime(
            Config.load(environ={}, directory=Path("/nonexistent"), **{**quiet, **settings}),
            _identity,
            providers={
                "tracer": self.tracer_provider,
                "meter": self.meter_provider,
                "logger": self.logger_provider,
            },
            listeners=[self.findings.append],
        )
        self._before: sink.Sink | None = None
        self._strict = False

    def __enter__(self) -> "Telemetry":
        self._before, self._strict = sink.current(), _guard.strict
        _guard.strict = True
        sink.install(self.runtime)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        sink.install(self._before)
        self.runtime.close()
        _guard.strict = self._strict

    @property
    def tracer(self) -> Tracer:
        """A tracer as our instrumentation gets it."""
        return self.runtime.tracer("otel_mldebug.test")

    @property
    def meter(self) -> Meter:
        """A meter as our instrumentation gets it."""
        return self.runtime.meter("otel_mldebug.test")

    @property
    def spans(self) -> list[ReadableSpan]:
        """All ended spans as an exporter gets them, in the order in which they ended."""
        return list(self._spans.get_finished_spans())

    def only_span(self) -> ReadableSpan:
        """Return the span.

        Raises:
            AssertionError: there is none, or more than one.
        """
        spans = self.spans
        if len(spans) != 1:
            raise AssertionError(f"expected one span, got {[span.name for span in spans]}")
        return spans[0]

    @property
    def events(self) -> list[Any]:
        """All log records as an exporter gets them."""
        return [item.log_record for item in self._logs.get_finished_logs()]

    def points(self, metric: Metric) -> dict[tuple[tuple[str, Any], ...], Any]:
        """Return the points of a metric by their sorted attributes: values, or (count, sum) of a histogram."""
        out: dict[tuple[tuple[str, Any], ...], Any] = {}
        data = self._reader.get_metrics_data()
        for resource in data.resource_metrics if data is not None else ():
            for scope in resource.scope_metrics:
                for found in scope.metrics:
                    if found.name == metric.name:
                        for point in found.data.data_points:
                            value = getattr(point, "value", None)
                            key = tuple(sorted((point.attributes or {}).items()))
                            out[key] = value if value is not None else (point.count, point.sum)  # type: ignore[union-attr]
        return out


def _identity() -> Identity:
    return Identity(run_id=RUN_ID, host="test-host", pid=1, service="test", instance="test-instance")
