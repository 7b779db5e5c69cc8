"""Spans and metrics into the local store."""

import threading
from collections import deque
from typing import TYPE_CHECKING

from opentelemetry.context import Context
from opentelemetry.sdk.metrics.export import MetricsData
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from typing_extensions import override

from otel_mldebug._guard import guard
from otel_mldebug.export.sdkjson import resource_metrics, span_record

if TYPE_CHECKING:
    from otel_mldebug.store.writer import StoreWriter

MAX_SPANS = 8192
"""Spans that may wait to be written, for at most a second."""


class LocalSpans(SpanProcessor):
    """Keeps ended spans until `write` encodes them, away from the thread that ended them."""

    def __init__(self, store: "StoreWriter") -> None:
        self._store = store
        self._waiting: deque[ReadableSpan] = deque()
        self._lock = threading.Lock()
        self.dropped = 0
        """Spans given up because too many waited."""

    @override
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        return None

    @override
    def on_end(self, span: ReadableSpan) -> None:
        if span.context is None or not span.context.trace_flags.sampled:
            return
        if len(self._waiting) >= MAX_SPANS:
            self.dropped += 1
            return
        self._waiting.append(span)

    def write(self) -> None:
        """Encode what waits and hand it to the store."""
        with self._lock:
            while self._waiting:
                batch: dict[tuple[str, str], list[dict[str, object]]] = {}
                for _ in range(min(len(self._waiting), 512)):
                    span = self._waiting.popleft()
                    with guard("write a span to the store"):
                        scope = span.instrumentation_scope
                        key = (scope.name, scope.version or "") if scope else ("", "")
                        batch.setdefault(key, []).append(span_record(span))
                for scope_key, records in batch.items():
                    self._store.spans(records, scope=scope_key)

    @override
    def shutdown(self) -> None:
        self.write()

    @override
    def force_flush(self, timeout_millis: int = 30000) -> bool:
        self.write()
        return True


def write_metrics(store: "StoreWriter", data: MetricsData) -> None:
    """Hand one collection of metrics to the store."""
    for record in resource_metrics(data):
        store.metrics(record)
