"""The pipeline's way out by OTLP: processors that fill the lanes, the exporters of the SDK that empty them."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord
from opentelemetry.sdk.metrics.export import MetricsData
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from typing_extensions import override

from otel_mldebug._guard import guard
from otel_mldebug.export.otlp.courier import DELAY_S, Courier
from otel_mldebug.export.otlp.lane import Lane
from otel_mldebug.export.otlp.link import Link
from otel_mldebug.export.otlp.settings import Destination, Protocol, Signal

MAX_ITEMS = 2048
MAX_BATCH = 512
"""Source: OpenTelemetry specification, batch span processor; `OTEL_BSP_*` and `OTEL_BLRP_*` change them."""
_PREFERENCES = (
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
    "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
)


class Outlet:
    """Everything that sends from this process.

    Args:
        destinations: Where each signal goes; one that is not in it is not sent.
        environ: Environment to read.
    """

    def __init__(self, destinations: Sequence[Destination], environ: Mapping[str, str] | None = None) -> None:
        environ = os.environ if environ is None else environ
        self._exporters: list[Any] = []
        self._lanes: dict[Signal, Lane] = {}
        self.preferred: dict[str, Any] | None = None
        """What a metric reader must prefer; None when cumulative metrics in the SDK's usual aggregation will do."""
        links: dict[Any, Link] = {}
        for to in destinations:
            with guard(f"make an OTLP exporter for {to.signal}"):
                exporter = make_exporter(to.signal, to.protocol)
                self._exporters.append(exporter)
                link = links.setdefault(to.address or to.endpoint, Link(to.endpoint, to.address, clock=time.monotonic))
                self._lanes[to.signal] = _lane(to.signal, link, exporter, environ)
                if to.signal == "metrics" and any(environ.get(name, "").strip() for name in _PREFERENCES):
                    self.preferred = {
                        "preferred_temporality": exporter._preferred_temporality,
                        "preferred_aggregation": exporter._preferred_aggregation,
                    }
        self._courier = Courier(list(self._lanes.values()), self._hang_up, delay_s=DELAY_S)

    def span_processor(self) -> SpanProcessor | None:
        """Return what sends spans; None when they are not sent."""
        return _Spans(self._put("traces")) if "traces" in self._lanes else None

    def log_processor(self) -> LogRecordProcessor | None:
        """Return what sends log records; None when they are not sent."""
        return _Logs(self._put("logs")) if "logs" in self._lanes else None

    def metrics(self, data: MetricsData) -> None:
        """Send one collection of metrics."""
        lane = self._lanes.get("metrics")
        if lane is not None:
            (lane.put if self.preferred else lane.replace)(data)
            self._courier.wake()

    @property
    def sends_metrics(self) -> bool:
        """Whether metrics are sent."""
        return "metrics" in self._lanes

    @property
    def dropped(self) -> dict[str, int]:
        """Things given up so far, by signal."""
        return {signal: lane.dropped for signal, lane in self._lanes.items() if lane.dropped}

    def close(self, timeout_s: float) -> None:
        """Send what waits within `timeout_s` seconds, count the rest as dropped, and end."""
        self._courier.close(timeout_s)

    def abandon(self) -> None:
        """Forget everything, in a forked child."""
        self._courier.abandon()

    def _put(self, signal: Signal) -> Callable[[Any], None]:
        lane, wake = self._lanes[signal], self._courier.wake

        def put(item: Any) -> None:
            lane.put(item)
            wake()

        return put

    def _hang_up(self) -> None:
        for exporter in self._exporters:
            with guard("shut an exporter down"):
                exporter.shutdown()


def make_exporter(signal: Signal, protocol: Protocol) -> Any:
    """Return the SDK's exporter, which reads endpoint, headers, certificates and timeout from the environment."""
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as Logs
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as Metrics
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Spans

        return {"traces": Spans, "metrics": Metrics, "logs": Logs}[signal]()
    from opentelemetry.exporter.otlp.proto.http import _log_exporter, metric_exporter, trace_exporter

    return {
        "traces": trace_exporter.OTLPSpanExporter,
        "metrics": metric_exporter.OTLPMetricExporter,
        "logs": _log_exporter.OTLPLogExporter,
    }[signal]()


def _lane(signal: Signal, link: Link, exporter: Any, environ: Mapping[str, str]) -> Lane:
    if signal == "metrics":
        # One at a time: an exporter of metrics takes one collection.
        return Lane(
            signal, link, lambda batch: exporter.export(batch[0]).name == "SUCCESS",
            max_items=60, max_batch=1, weigh=_points,
        )  # fmt: skip
    prefix = "OTEL_BSP" if signal == "traces" else "OTEL_BLRP"
    max_items = _number(environ, f"{prefix}_MAX_QUEUE_SIZE", MAX_ITEMS)
    return Lane(
        signal, link, lambda batch: exporter.export(batch).name == "SUCCESS",
        max_items=max_items, max_batch=min(max_items, _number(environ, f"{prefix}_MAX_EXPORT_BATCH_SIZE", MAX_BATCH)),
    )  # fmt: skip


def _points(data: MetricsData) -> int:
    return sum(
        len(metric.data.data_points)
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    )


def _number(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, "").strip()
    return int(text) if text.isdecimal() and int(text) > 0 else default


class _Spans(SpanProcessor):
    def __init__(self, put: Callable[[Any], None]) -> None:
        self._put = put

    @override
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        return None

    @override
    def on_end(self, span: ReadableSpan) -> None:
        if span.context is not None and span.context.trace_flags.sampled:
            self._put(span)


class _Logs(LogRecordProcessor):
    def __init__(self, put: Callable[[Any], None]) -> None:
        self._put = put

    @override
    def on_emit(self, log_record: Any) -> None:
        self._put(
            ReadableLogRecord(
                log_record=log_record.log_record,
                resource=log_record.resource,
                instrumentation_scope=log_record.instrumentation_scope,
                limits=log_record.limits,
            )
        )

    @override
    def shutdown(self) -> None:
        """The outlet has its own end."""

    @override
    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True
