"""Everything that one `open` puts in place and one `close` takes away again."""

import os
import threading
import time
from collections.abc import Mapping
from typing import Any, cast

from opentelemetry.metrics import Meter
from opentelemetry.trace import Tracer

from otel_mldebug._guard import guard
from otel_mldebug._version import __version__
from otel_mldebug.config import Config
from otel_mldebug.export.emitter import Emitter, Outlets
from otel_mldebug.export.gates import OURS, Snapshots
from otel_mldebug.export.local import LocalSpans, write_metrics
from otel_mldebug.export.meters import OurMeter, release
from otel_mldebug.instrument import resources
from otel_mldebug.rules.redact import Redactor
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv import names
from otel_mldebug.store.writer import StoreWriter
from otel_mldebug.wiring.identity import Identity
from otel_mldebug.wiring.providers import Providers, missing, present_or_made

TICK_S = 0.5
"""How long an ended span waits before it is handed to the store."""
METRICS_S = 10.0
"""Seconds between two collections of metrics for the store and for OTLP."""


class Pipeline:
    """The pipeline of a process, from providers to files and exporters.

    Args:
        providers: What signals go through.
        identity: Who this process is.
        emitter: What makes findings.
        store: The local store; None when it is switched off.
        redactor: What replaces secrets.
    """

    def __init__(
        self, providers: Providers, identity: Identity, emitter: Emitter, store: StoreWriter | None, redactor: Redactor
    ) -> None:
        self.providers, self.identity, self.emitter, self.store = providers, identity, emitter, store
        self._tags = identity.tags()
        self._snapshots = Snapshots()
        self._spans = LocalSpans(store) if store is not None else None
        self._sampler: Any = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="otel-mldebug", daemon=True)
        self._attach()
        self._thread.start()

    def _attach(self) -> None:
        if (gate := self.providers.span_gate()) is not None:
            gate.tags = missing(self.providers.tracer, self._tags)
            gate.targets = (self._spans,) if self._spans is not None else ()
        self.providers.add_reader(self._snapshots)
        outlets = self.emitter.outlets
        outlets.store = self.store
        outlets.tags = missing(self.providers.logger, self._tags)
        outlets.logger = self.providers.logger.get_logger(OURS, __version__)
        outlets.counter = self.meter(OURS).create_counter(
            names.MLDEBUG_FINDINGS.name, names.MLDEBUG_FINDINGS.unit, names.MLDEBUG_FINDINGS.brief
        )

    def tracer(self, scope: str) -> Tracer:
        """Return a tracer for our own spans."""
        return cast("Tracer", self.providers.tracer.get_tracer(scope, __version__))

    def meter(self, scope: str) -> Meter:
        """Return a meter for our own points."""
        tags = missing(self.providers.meter, self._tags)
        return cast("Meter", OurMeter(self.providers.meter, scope, __version__, tags, self))

    def sample(self, config: Config) -> None:
        """Start sampling host, process and GPU."""
        with guard("sample the machine's resources"):
            if (begin := getattr(resources, "start", None)) is not None:
                self._sampler = begin(self.meter(f"{OURS}.resources"), config)

    def step(self, record: StepRecord) -> None:
        """Keep one training step."""
        if self.store is not None:
            self.store.step(record)

    def watched(self, facts: Mapping[str, Any]) -> None:
        """Keep what is being watched."""
        if self.store is not None and facts:
            self.store.watched(facts)

    def _run(self) -> None:
        next_metrics_s = time.monotonic() + METRICS_S
        while not self._stop.wait(TICK_S):
            self._write_spans()
            if time.monotonic() >= next_metrics_s:
                next_metrics_s = time.monotonic() + METRICS_S
                self._write_metrics()

    def _write_spans(self) -> None:
        if self._spans is not None:
            with guard("write spans to the store"):
                self._spans.write()

    def _write_metrics(self) -> None:
        with guard("write metrics to the store"):
            data = self._snapshots.take()
            if data is not None and self.store is not None:
                write_metrics(self.store, data)

    def close(self, timeout_s: float) -> None:
        """Write and send what waits, and take everything out again."""
        self.emitter.close()
        if self._sampler is not None:
            with guard("stop sampling the machine's resources"):
                self._sampler.stop()
        self._stop.set()
        self._thread.join(timeout_s)
        self._write_spans()
        self._write_metrics()
        self._detach()
        self.providers.remove_readers()
        if self.store is not None:
            self.store.close()

    def abandon(self) -> None:
        """Let go of everything, in a forked child, without writing or waiting for anything."""
        self._stop.set()
        self._detach()
        if self.store is not None:
            self.store.abandon()

    def _detach(self) -> None:
        self.emitter.outlets = Outlets()
        release(self.providers.meter, self)
        if (gate := self.providers.span_gate()) is not None:
            gate.targets = ()


def build(config: Config, identity: Identity, *, forked: bool = False, providers: Providers | None = None) -> Pipeline:
    """Put a process's pipeline together.

    Args:
        config: Settings.
        identity: Who this process is.
        forked: The process was forked from one that had a pipeline.
        providers: What signals go through; OpenTelemetry's globals by default.
    """
    redactor = Redactor(enabled=config.redact)
    resource = identity.resource(redactor)
    if providers is None:
        providers = present_or_made(resource, fresh_meter=forked)
    store = None
    if config.local:
        store = StoreWriter(config.store, identity.run_id, resource=resource, max_bytes=config.store_max_mb * 2**20)
    # Under the supervisor the verdict follows the traceback, which stays exactly as it would be without us.
    notes = config.notes and "OTEL_MLDEBUG_SUPERVISED" not in os.environ
    emitter = Emitter(Outlets(), redactor=redactor, notes=notes)
    pipeline = Pipeline(providers, identity, emitter, store, redactor)
    if config.resources:
        pipeline.sample(config)
    return pipeline
