"""OpenTelemetry's providers: those that are there are joined and never replaced, those that are missing are made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from otel_mldebug._guard import guard
from otel_mldebug.export.gates import LogGate, SpanGate
from otel_mldebug.wiring.readers import add_reader, remove_reader

_gates: "WeakKeyDictionary[Any, Any]" = WeakKeyDictionary()
"""The one gate that each provider has, whoever made it: a processor cannot be taken back."""
_ours: "WeakSet[Any]" = WeakSet()
"""Providers that we made, in this or an earlier pipeline of this process."""


@dataclass(slots=True)
class Providers:
    """What signals go through.

    Attributes:
        tracer: Provider of tracers, of any kind.
        meter: Provider of meters, of any kind.
        logger: Provider of loggers, of any kind.
        made: Which of `tracer`, `meter`, `logger` we made ourselves, now or for an earlier pipeline.
        readers: Metric readers of ours that the meter provider has.
    """

    tracer: Any
    meter: Any
    logger: Any
    made: frozenset[str] = frozenset()
    readers: list[MetricReader] = field(default_factory=list)

    def span_gate(self) -> SpanGate | None:
        """Return our gate in the tracer provider; None if it takes no processors."""
        if not hasattr(self.tracer, "add_span_processor"):
            return None
        if self.tracer not in _gates:
            gate = _gates[self.tracer] = SpanGate()
            self.tracer.add_span_processor(gate)
        return _gates[self.tracer]  # type: ignore[no-any-return]

    def log_gate(self) -> LogGate | None:
        """Return our gate in the logger provider; None if it takes no processors."""
        if not hasattr(self.logger, "add_log_record_processor"):
            return None
        if self.logger not in _gates:
            gate = _gates[self.logger] = LogGate()
            self.logger.add_log_record_processor(gate)
        return _gates[self.logger]  # type: ignore[no-any-return]

    def add_reader(self, reader: MetricReader) -> bool:
        """Let `reader` collect from the meter provider; return whether that is possible."""
        added = add_reader(self.meter, reader)
        if added:
            self.readers.append(reader)
        return added

    def remove_readers(self) -> None:
        """Take all readers of ours out again."""
        for reader in self.readers:
            with guard("take a metric reader out"):
                remove_reader(self.meter, reader)
        self.readers.clear()


def missing(provider: Any, tags: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of `tags` that the resource of `provider` does not have."""
    resource = getattr(provider, "resource", None)
    if resource is None:  # a MeterProvider keeps its resource to itself
        resource = getattr(getattr(provider, "_sdk_config", None), "resource", None)
    present = getattr(resource, "attributes", None) or {}
    return {key: value for key, value in tags.items() if present.get(key) != value}


def present_or_made(
    resource: Mapping[str, Any], *, given: Mapping[str, Any] | None = None, fresh_meter: bool = False
) -> Providers:
    """Return the global providers, each made and set if it was not there yet.

    Args:
        resource: Attributes of the process, for those that are made. `OTEL_RESOURCE_ATTRIBUTES` wins over them.
        given: Providers that are used instead of the global ones, by `tracer`, `meter`, `logger`.
        fresh_meter: Make a meter provider of our own, private: a forked child must not go on with its parent's sums,
            nor touch the locks that the parent may have held.
    """
    attributes = Resource.create(dict(resource))
    given = given or {}
    tracer: Any = given.get("tracer") or trace.get_tracer_provider()
    if isinstance(tracer, trace.ProxyTracerProvider):
        tracer = TracerProvider(resource=attributes, shutdown_on_exit=False)
        _ours.add(tracer)
        trace.set_tracer_provider(tracer)
    meter: Any = None if fresh_meter else given.get("meter") or metrics.get_meter_provider()
    if meter is None or _is_proxy(meter):
        meter = MeterProvider(resource=attributes, shutdown_on_exit=False)
        _ours.add(meter)
        if not fresh_meter:
            metrics.set_meter_provider(meter)
    logger: Any = given.get("logger") or _logs.get_logger_provider()
    if _is_proxy(logger):
        logger = LoggerProvider(resource=attributes, shutdown_on_exit=False)
        _ours.add(logger)
        _logs.set_logger_provider(logger)
    found = {"tracer": tracer, "meter": meter, "logger": logger}
    return Providers(**found, made=frozenset(name for name, provider in found.items() if provider in _ours))


def _is_proxy(provider: Any) -> bool:
    """Whether it only stands in until a provider is set. Two of the three classes have no public name."""
    return type(provider).__name__.lstrip("_").startswith("Proxy")
