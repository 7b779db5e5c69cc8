"""Processors and readers that stay with a provider for good, in front of a pipeline that comes and goes.

A provider cannot let go of a processor, and OpenTelemetry's global providers can be set only once. So what we register
is a gate: open, it passes on to our pipeline; closed (before `configure`, after `shutdown`, in a forked child that has
recorded nothing) it costs a comparison. Nothing that passes a gate can raise into the user's program.
"""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk.metrics.export import MetricReader, MetricsData
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from typing_extensions import override

from otel_mldebug._guard import fault

OURS = "otel_mldebug"
"""What the names of our instrumentation scopes begin with."""


def _flushed(targets: Sequence[SpanProcessor | LogRecordProcessor], timeout_millis: int, what: str) -> bool:
    done = True
    for target in targets:
        try:
            done = target.force_flush(timeout_millis) and done
        except Exception as exc:  # noqa: BLE001, PERF203
            fault(what, exc)
    return done


class SpanGate(SpanProcessor):
    """Passes spans on to `targets`, and puts `tags` on our own."""

    def __init__(self) -> None:
        self.targets: tuple[SpanProcessor, ...] = ()
        self.tags: Mapping[str, Any] = {}

    @override
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        try:
            scope = span.instrumentation_scope
            if self.tags and scope is not None and scope.name.startswith(OURS):
                span.set_attributes(self.tags)
            for target in self.targets:
                target.on_start(span, parent_context)
        except Exception as exc:  # noqa: BLE001
            fault("see a span begin", exc)

    @override
    def on_end(self, span: ReadableSpan) -> None:
        for target in self.targets:
            try:
                target.on_end(span)
            except Exception as exc:  # noqa: BLE001, PERF203
                fault("pass on a span", exc)

    @override
    def shutdown(self) -> None:
        """Do nothing: the provider's end is not the end of our pipeline, which has its own."""

    @override
    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return _flushed(self.targets, timeout_millis, "flush spans")


class LogGate(LogRecordProcessor):
    """Passes log records on to `targets`."""

    def __init__(self) -> None:
        self.targets: tuple[LogRecordProcessor, ...] = ()

    @override
    def on_emit(self, log_record: Any) -> None:
        for target in self.targets:
            try:
                target.on_emit(log_record)
            except Exception as exc:  # noqa: BLE001, PERF203
                fault("pass on a log record", exc)

    @override
    def shutdown(self) -> None:
        """Do nothing: the provider's end is not the end of our pipeline, which has its own."""

    @override
    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return _flushed(self.targets, timeout_millis, "flush log records")


class Snapshots(MetricReader):
    """Collects when it is asked; has no thread of its own. Cumulative, unless `preferred` says otherwise.

    Args:
        preferred: `preferred_temporality` and `preferred_aggregation`, as for any reader.
    """

    def __init__(self, **preferred: Any) -> None:
        super().__init__(**preferred)
        self._taking = threading.Lock()
        self._latest: MetricsData | None = None

    def take(self, timeout_ms: float = 5000) -> MetricsData | None:
        """Collect and return all metrics; None when there are none, or the reader has been removed."""
        with self._taking:
            self._latest = None
            if self._collect is not None:
                self.collect(timeout_millis=timeout_ms)
            return self._latest

    @override
    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> None:
        self._latest = metrics_data

    @override
    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    @override
    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Do nothing: nothing is held."""
