"""Processors in front of exporters: failed spans get a finding, and nothing leaves with a secret in it.

Used in our own pipeline, and around the exporting processors of an SDK that somebody else has set up.
"""

from collections.abc import Callable
from typing import Any, NamedTuple
from weakref import WeakSet

from opentelemetry.context import Context
from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from typing_extensions import override

from otel_mldebug._guard import fault, guard, log
from otel_mldebug.export.copies import UNREADABLE, SpanCopy, redacted
from otel_mldebug.export.gates import OURS
from otel_mldebug.rules.catalogue.pattern import Pattern
from otel_mldebug.rules.redact import Redactor


class Redactors(NamedTuple):
    """Redaction of our own signals and of everybody else's, which can be switched off by itself.

    Attributes:
        ours: For our own.
        foreign: For everybody else's.
        patterns: What failed spans are explained by: the user's entries and ours; None for ours alone.
    """

    ours: Redactor
    foreign: Redactor
    patterns: tuple[Pattern, ...] | None = None

    def of(self, signal: Any) -> Redactor:
        """Return the one for a span or a log record."""
        scope = signal.instrumentation_scope
        return self.ours if scope is not None and scope.name.startswith(OURS) else self.foreign


class DiagnosingSpanProcessor(SpanProcessor):
    """Passes spans on to `downstream` as copies that are redacted and, where they failed, carry a finding.

    Everything else goes straight to `downstream`, other attributes of it included.

    Args:
        downstream: An exporting processor.
        redactors: What replaces secrets, in our spans and in those of others.
    """

    def __init__(self, downstream: SpanProcessor, redactors: "Redactors") -> None:
        self.downstream = downstream
        self._redactors = redactors
        self.on = True
        """Switched off, it passes on the spans themselves."""

    @override
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self.downstream.on_start(span, parent_context)

    @override
    def _on_ending(self, span: Span) -> None:
        self.downstream._on_ending(span)

    @override
    def on_end(self, span: ReadableSpan) -> None:
        if self.on:
            try:
                span = SpanCopy(span, self._redactors.of(span), self._redactors.patterns)
            except Exception as exc:  # noqa: BLE001
                fault("copy a span", exc)
                return  # unredacted it must not go on
        self.downstream.on_end(span)

    @override
    def shutdown(self) -> None:
        self.downstream.shutdown()

    @override
    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self.downstream.force_flush(timeout_millis)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.downstream, name)


class RedactingLogProcessor(LogRecordProcessor):
    """Replaces secrets in log records in place; must be registered before the processors that export."""

    def __init__(self, redactors: Redactors) -> None:
        self._redactors = redactors
        self.on = True
        """Switched off, it leaves records alone."""

    @override
    def on_emit(self, log_record: Any) -> None:
        scope = log_record.instrumentation_scope
        if not self.on or (scope is not None and scope.name == OURS):
            return  # what the emitter sends has been redacted
        record = log_record.log_record
        try:
            redactor = self._redactors.of(log_record)
            if record.body is not None:
                record.body = redactor.value(record.body)
            shown = redacted(record.attributes or {}, redactor)
            for key in list(record.attributes or ()):
                if key not in shown:
                    del record.attributes[key]
                elif shown[key] != record.attributes[key]:
                    record.attributes[key] = shown[key]
        except Exception as exc:  # noqa: BLE001
            record.body, record.attributes = UNREADABLE, {}
            fault("redact a log record", exc)

    @override
    def shutdown(self) -> None:
        """Nothing is held."""

    @override
    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


class Joined:
    """What was put around the processors of somebody else's providers, and can be switched off again.

    The tuples of processors are private to the SDK: where they are not as expected, foreign spans are exported as they
    are, and a line at debug level says so.
    """

    def __init__(self, redactors: Redactors) -> None:
        self.redactors = redactors
        self._undo: list[Callable[[], None]] = []
        self._known: WeakSet[Any] = WeakSet()

    def spans(self, provider: Any) -> bool:
        """Wrap the processors of a tracer provider, and those added later; return whether that was possible."""
        if provider in self._known or not hasattr(provider, "add_span_processor"):
            return provider in self._known
        multi: Any = getattr(provider, "_active_span_processor", None)
        lock = getattr(multi, "_lock", None)
        if not isinstance(getattr(multi, "_span_processors", None), tuple) or lock is None:
            log.debug("the processors of %r cannot be wrapped: its spans are exported as they are", type(provider))
            return False
        self._known.add(provider)
        add = multi.add_span_processor

        def wrapped(processor: SpanProcessor) -> SpanProcessor:
            if isinstance(processor, DiagnosingSpanProcessor) or type(processor).__module__.startswith(OURS):
                return processor
            return DiagnosingSpanProcessor(processor, self.redactors)

        with lock:
            multi._span_processors = tuple(wrapped(processor) for processor in multi._span_processors)
        multi.add_span_processor = lambda processor: add(wrapped(processor))
        self._undo.append(lambda: self._unwrap(multi, lock))
        return True

    def logs(self, provider: Any) -> bool:
        """Put redaction before the processors of a logger provider; return whether it surely comes first."""
        if provider in self._known or not hasattr(provider, "add_log_record_processor"):
            return provider in self._known
        self._known.add(provider)
        processor = RedactingLogProcessor(self.redactors)
        self._undo.append(lambda: setattr(processor, "on", False))
        multi: Any = getattr(provider, "_multi_log_record_processor", None)
        lock = getattr(multi, "_lock", None)
        if isinstance(getattr(multi, "_log_record_processors", None), tuple) and lock is not None:
            with lock:
                multi._log_record_processors = (processor, *multi._log_record_processors)
            return True
        log.debug("the processors of %r are not where they were expected: redaction comes last", type(provider))
        provider.add_log_record_processor(processor)
        return False

    def leave(self) -> None:
        """Undo it all."""
        for undo in reversed(self._undo):
            with guard("leave somebody else's provider"):
                undo()
        self._undo.clear()
        self._known.clear()

    @staticmethod
    def _unwrap(multi: Any, lock: Any) -> None:
        vars(multi).pop("add_span_processor", None)
        with lock:
            multi._span_processors = tuple(
                processor.downstream if isinstance(processor, DiagnosingSpanProcessor) else processor
                for processor in multi._span_processors
            )
