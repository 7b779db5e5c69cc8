"""Puts a pipeline together from settings, environment, and the providers that are there."""

import os
from collections.abc import Mapping
from functools import partial
from typing import Any

from opentelemetry.sdk.trace import SynchronousMultiSpanProcessor

from otel_mldebug._version import __version__
from otel_mldebug.config import Config
from otel_mldebug.export import self_observation
from otel_mldebug.export.emitter import Emitter, Outlets
from otel_mldebug.export.failure import explained
from otel_mldebug.export.gates import OURS, Snapshots
from otel_mldebug.export.local import LocalSpans
from otel_mldebug.export.otlp.outlet import Outlet
from otel_mldebug.export.otlp.settings import Signal, destinations
from otel_mldebug.export.processors import DiagnosingSpanProcessor, Joined
from otel_mldebug.export.prometheus.address import wanted
from otel_mldebug.export.prometheus.endpoint import Endpoint
from otel_mldebug.instrument import costs
from otel_mldebug.instrument.functions.counting import counting_ns
from otel_mldebug.instrument.resources.surroundings import surroundings
from otel_mldebug.semconv import names
from otel_mldebug.store.layout import TARGETS
from otel_mldebug.wiring.identity import Identity
from otel_mldebug.wiring.local_only import store_of
from otel_mldebug.wiring.pipeline import Pipeline
from otel_mldebug.wiring.providers import missing, present_or_made

INTERVAL_S = 10.0
"""Seconds between two collections of metrics unless `OTEL_METRIC_EXPORT_INTERVAL` says otherwise."""
SUPERVISED = "OTEL_MLDEBUG_SUPERVISED"
_MADE_FOR: Mapping[Signal, str] = {"traces": "tracer", "metrics": "meter", "logs": "logger"}


def build(
    config: Config,
    identity: Identity,
    joined: Joined,
    *,
    forked: bool = False,
    given: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Pipeline:
    """Put a process's pipeline together and start it.

    Args:
        config: Settings.
        identity: Who this process is.
        joined: What redacts, and joins providers that others have set up.
        forked: The process was forked from one that had a pipeline.
        given: Providers to use instead of OpenTelemetry's globals, by `tracer`, `meter`, `logger`.
        environ: Environment to read; the process's by default.

    Raises:
        ConfigError: the address for Prometheus is none, or a file of patterns is unusable.
    """
    environ = os.environ if environ is None else environ
    redactor = joined.redactors.ours
    resource = identity.resource(redactor)
    address = wanted(config.prometheus, environ)
    store = store_of(config, identity, resource)
    # Under the supervisor the verdict follows the traceback, which stays exactly as it would be without us.
    notes = config.notes and not environ.get(SUPERVISED)
    pipeline = Pipeline(
        identity=identity,
        providers=present_or_made(resource, given=given, fresh_meter=forked),
        emitter=Emitter(
            Outlets(store=store),
            redactor=redactor,
            notes=notes,
            explain=partial(explained, patterns=joined.redactors.patterns),
            surroundings=surroundings if config.resources else None,
        ),
        redactor=redactor,
        store=store,
        spans=LocalSpans(store) if store is not None else None,
        joined=joined,
        interval_s=_interval_s(environ),
    )
    _send(pipeline, environ)
    _attach(pipeline)
    _observe(pipeline)
    if address is not None:
        pipeline.endpoint = Endpoint(
            address,
            pipeline.providers.add_reader,
            labels=missing(pipeline.providers.meter, {names.SERVICE_NAME: identity.service, **identity.tags()}),
            targets=config.prometheus_targets or (config.store / TARGETS if config.local else None),
            target_labels={"job": identity.service, "instance": identity.instance},
        )
    pipeline.begin()
    return pipeline


def _send(pipeline: Pipeline, environ: Mapping[str, str]) -> None:
    """Send by OTLP what goes through providers of ours; whoever made the others has exporters of their own."""
    ours = [to for to in destinations(environ) if _MADE_FOR[to.signal] in pipeline.providers.made]
    if ours:
        pipeline.outlet = Outlet(ours, environ)


def _attach(pipeline: Pipeline) -> None:
    providers, outlet = pipeline.providers, pipeline.outlet
    tags = pipeline.identity.tags()
    exporting = SynchronousMultiSpanProcessor()  # type: ignore[no-untyped-call]
    for processor in (pipeline.spans, outlet.span_processor() if outlet is not None else None):
        if processor is not None:
            exporting.add_span_processor(processor)
    if (gate := providers.span_gate()) is not None:
        gate.tags = missing(providers.tracer, tags)
        gate.targets = (DiagnosingSpanProcessor(exporting, pipeline.joined.redactors),)
        pipeline.joined.spans(providers.tracer)
    sends_logs = outlet.log_processor() if outlet is not None else None
    if (log_gate := providers.log_gate()) is not None:
        log_gate.targets = (sends_logs,) if sends_logs is not None else ()
        pipeline.joined.logs(providers.logger)
    providers.add_reader(pipeline.snapshots)
    if outlet is not None and outlet.preferred is not None:
        pipeline.preferring = Snapshots(**outlet.preferred)
        providers.add_reader(pipeline.preferring)


def _observe(pipeline: Pipeline) -> None:
    """Give the emitter its counter and logger, and show what we cost."""
    meter = pipeline.meter(OURS)
    outlets, metric = pipeline.emitter.outlets, names.MLDEBUG_FINDINGS
    outlets.tags = missing(pipeline.providers.logger, pipeline.identity.tags())
    outlets.logger = pipeline.providers.logger.get_logger(OURS, __version__)
    outlets.counter = meter.create_counter(metric.name, metric.unit, metric.brief)
    store = pipeline.store
    self_observation.observe(
        meter,
        dropped=pipeline.dropped,
        suppressed=lambda: pipeline.emitter.groups.suppressed,
        redactions=lambda: pipeline.redactor.total,
        store_bytes=lambda: None if store is None else store.size_bytes,
    )
    costs.add_source(counting_ns)
    costs.observe(meter)


def _interval_s(environ: Mapping[str, str]) -> float:
    text = environ.get("OTEL_METRIC_EXPORT_INTERVAL", "").strip()
    return max(0.1, int(text) / 1000) if text.isdecimal() and int(text) else INTERVAL_S
