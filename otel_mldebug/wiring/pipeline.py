"""Everything that one `open` puts in place and one `close` takes away again."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from opentelemetry.metrics import Meter
from opentelemetry.trace import Tracer

from otel_mldebug._guard import guard
from otel_mldebug._version import __version__
from otel_mldebug.config import Config
from otel_mldebug.export.emitter import Emitter, Outlets
from otel_mldebug.export.gates import Snapshots
from otel_mldebug.export.local import LocalSpans, write_metrics
from otel_mldebug.export.meters import OurMeter, release
from otel_mldebug.export.otlp.outlet import Outlet
from otel_mldebug.export.processors import Joined
from otel_mldebug.export.prometheus.endpoint import Endpoint
from otel_mldebug.instrument import resources
from otel_mldebug.rules.looks import Look
from otel_mldebug.rules.redact import Redactor
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.store.writer import StoreWriter
from otel_mldebug.wiring.identity import Identity
from otel_mldebug.wiring.providers import Providers, missing

TICK_S = 0.5
"""How long an ended span waits, at most, before it is handed to the store."""


@dataclass(slots=True, kw_only=True)
class Pipeline:
    """The pipeline of a process, from providers to files and exporters. `begin` and `close` once each.

    Attributes:
        identity: Who this process is.
        providers: What signals go through.
        emitter: What makes findings.
        redactor: What replaces secrets.
        store: The local store; None when it is switched off.
        spans: What writes spans to it.
        snapshots: Reader of cumulative metrics.
        preferring: Reader of metrics in the form that OTLP is told to have, where that is another one.
        outlet: What sends by OTLP; None when nothing is sent.
        endpoint: The Prometheus endpoint; None when it is off.
        joined: What was put around somebody else's processors.
        sampler: What samples host, process and GPU.
        interval_s: Seconds between two collections of metrics.
    """

    identity: Identity
    providers: Providers
    emitter: Emitter
    redactor: Redactor
    store: StoreWriter | None
    spans: LocalSpans | None
    joined: Joined
    interval_s: float
    snapshots: Snapshots = field(default_factory=Snapshots)
    preferring: Snapshots | None = None
    outlet: Outlet | None = None
    endpoint: Endpoint | None = None
    sampler: Any = None
    exiting: bool = False
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def begin(self) -> None:
        """Start the thread that writes spans and collects metrics."""
        self._thread = threading.Thread(target=self._run, name="otel-mldebug", daemon=True)
        self._thread.start()

    def tracer(self, scope: str) -> Tracer:
        """Return a tracer for our own spans."""
        return cast("Tracer", self.providers.tracer.get_tracer(scope, __version__))

    def meter(self, scope: str) -> Meter:
        """Return a meter for our own points."""
        tags = missing(self.providers.meter, self.identity.tags())
        return cast("Meter", OurMeter(self.providers.meter, scope, __version__, tags, self))

    def step(self, record: StepRecord) -> None:
        """Keep one training step."""
        if self.store is not None:
            self.store.step(record)

    def look(self, look: Look) -> None:
        """Keep one look into a training step."""
        if self.store is not None:
            self.store.look(look)

    def sample(self, config: Config) -> None:
        """Start sampling host, process and GPU, unless that has been done."""
        if self.sampler is None:
            with guard("sample the machine's resources"):
                self.sampler = resources.start(self.meter(resources.SCOPE), config)

    def stop_sampling(self) -> None:
        """Stop that."""
        sampler, self.sampler = self.sampler, None
        if sampler is not None:
            with guard("stop sampling the machine's resources"):
                sampler.stop()

    def watched(self, facts: Mapping[str, Any]) -> None:
        """Keep what is being watched."""
        if self.store is not None and facts:
            self.store.watched(self.redactor.value(dict(facts)))

    def dropped(self) -> dict[str, int]:
        """Return what was given up so far, by signal."""
        found: dict[str, int] = {}
        for counts in (
            {} if self.store is None else self.store.dropped,
            {} if self.spans is None else {"traces": self.spans.dropped},
            {} if self.outlet is None else self.outlet.dropped,
        ):
            for signal, number in counts.items():
                found[signal] = found.get(signal, 0) + number
        return {signal: number for signal, number in found.items() if number}

    def flush(self) -> None:
        """Write what waits to the store now."""
        self._write_spans()
        self._collect()
        if self.store is not None:
            self.store.flush()

    def close(self, timeout_s: float) -> None:
        """Write and send what waits, and take everything out again, within about `timeout_s` seconds."""
        deadline_s = time.monotonic() + timeout_s
        self.emitter.close()
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout_s / 2)
        self._write_spans()
        self._collect()
        self.stop_sampling()
        self._detach()
        self._end("close the Prometheus endpoint", self.endpoint, lambda: cast("Endpoint", self.endpoint).close())
        if self.store is not None:  # what is local is safe before anything remote is waited for
            self.store.flush()
        left_s = max(0.1, deadline_s - time.monotonic())
        self._end("send what waits", self.outlet, lambda: cast("Outlet", self.outlet).close(left_s))
        if self.store is not None:
            if self.outlet is not None and (lost := self.outlet.dropped):
                self.store.watched({"not_sent": lost})
            self.store.close()

    def abandon(self) -> None:
        """Let go of everything, in a forked child, without writing or waiting for anything."""
        self._stop.set()
        self._detach(reader=False)
        self._end("let go of the endpoint", self.endpoint, lambda: cast("Endpoint", self.endpoint).abandon())
        self._end("let go of the collector", self.outlet, lambda: cast("Outlet", self.outlet).abandon())
        self._end("let go of the store", self.store, lambda: cast("StoreWriter", self.store).abandon())

    def _run(self) -> None:
        next_s = time.monotonic() + self.interval_s
        while not self._stop.wait(TICK_S):
            self._write_spans()
            if time.monotonic() >= next_s:
                next_s = time.monotonic() + self.interval_s
                self._collect()
                self.emitter.look_at_rates()

    def _write_spans(self) -> None:
        if self.spans is not None:
            with guard("write spans to the store"):
                self.spans.write()

    def _collect(self) -> None:
        with guard("collect metrics"):
            data = self.snapshots.take()
            if data is not None and self.store is not None:
                write_metrics(self.store, data)
            if self.outlet is not None and self.outlet.sends_metrics:
                preferred = data if self.preferring is None else self.preferring.take()
                if preferred is not None:
                    self.outlet.metrics(preferred)

    def _detach(self, *, reader: bool = True) -> None:
        self.emitter.outlets = Outlets()
        if not self.exiting:  # at exit, a foreign SDK still collects once, after us: its last values are the run's
            release(self.providers.meter, self)
        for gate in (self.providers.span_gate(), self.providers.log_gate()):
            if gate is not None:
                gate.targets = ()
        if reader:
            self.providers.remove_readers()

    @staticmethod
    def _end(doing: str, part: object, end: Callable[[], None]) -> None:
        if part is not None:
            with guard(doing):
                end()
