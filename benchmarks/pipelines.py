"""Pipelines to measure with: real providers, spans that are exported nowhere, findings that are made or not."""

from typing import Any

from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Tracer
from typing_extensions import override

from otel_mldebug.export.emitter import Emitter, Outlets
from otel_mldebug.instrument.sink import NullSink
from otel_mldebug.rules.finding import Occurrence


class _Drop(SpanExporter):
    """Exports nowhere: what is left is the price of making spans and of handing them over."""

    @override
    def export(self, spans: Any) -> SpanExportResult:
        return SpanExportResult.SUCCESS


class Providers(NullSink):
    """A sink with real providers and without findings."""

    def __init__(self) -> None:
        self.traces = TracerProvider(shutdown_on_exit=False)
        self.traces.add_span_processor(BatchSpanProcessor(_Drop(), max_queue_size=65_536))
        self.meters = MeterProvider(shutdown_on_exit=False)

    @override
    def active(self) -> bool:
        return True

    @override
    def tracer(self, scope: str) -> Tracer:
        return self.traces.get_tracer(scope)

    @override
    def meter(self, scope: str) -> Meter:
        return self.meters.get_meter(scope)

    @override
    def generation(self) -> int:
        return 1


class Findings(Providers):
    """A sink that also explains every exception, redacts what it says, and puts the finding on the span."""

    def __init__(self) -> None:
        super().__init__()
        self._emitter = Emitter(Outlets())

    @override
    def exception(self, exc: BaseException, **known: Any) -> Occurrence | None:
        return self._emitter.exception(exc, **known)
