"""The sink of a process: keeps settings and who it is, and makes the pipeline at the first thing recorded."""

import sys
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from otel_mldebug._guard import fault, guard
from otel_mldebug.config import Config
from otel_mldebug.instrument import training
from otel_mldebug.instrument.sink import NullSink, Sink
from otel_mldebug.rules.finding import Finding, Occurrence
from otel_mldebug.rules.looks import Look
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.wiring import reserve
from otel_mldebug.wiring.people import known_of_user

if TYPE_CHECKING:  # the SDK comes in when the pipeline is made, not before
    from pathlib import Path

    from opentelemetry.metrics import Meter
    from opentelemetry.trace import Tracer

    from otel_mldebug.export.processors import Joined
    from otel_mldebug.wiring.identity import Identity
    from otel_mldebug.wiring.local_only import LocalOnly
    from otel_mldebug.wiring.pipeline import Pipeline


class Runtime(Sink):
    """Receives everything that watches hand over. Thread-safe; survives a fork as its child's own, empty, runtime.

    Args:
        config: Settings.
        identify: Says who this process is; asked when the pipeline is made, again in a forked child.
        make: Makes the pipeline; the process's real one by default.
        forked: The process was forked from one that had a pipeline.
        providers: Providers to use instead of OpenTelemetry's globals, by `tracer`, `meter`, `logger`.
        listeners: Called with each occurrence that is made, suppressed ones included.
        opened: Called once a pipeline has been made.
    """

    def __init__(
        self,
        config: Config,
        identify: "Callable[[], Identity]",
        *,
        make: "Callable[[Config, Identity, Runtime], Pipeline | LocalOnly] | None" = None,
        forked: bool = False,
        providers: Mapping[str, Any] | None = None,
        listeners: list[Callable[[Occurrence], None]] | None = None,
        opened: Callable[[], None] = lambda: None,
    ) -> None:
        self.config = config
        self._opened = opened
        self.run_id = ""
        """Id of the run, once the pipeline has been made."""
        self._identify, self._make = identify, make or _real_pipeline
        self.lock = threading.RLock()
        """Held while the pipeline is made or ended."""
        self._pipeline: Pipeline | LocalOnly | None = None
        self._generation = 1
        self._watched: dict[str, Any] = {}
        self._closed = False
        self._forked = forked
        self.given = dict(providers or {})
        self._listeners: list[Callable[[Occurrence], None]] = [] if listeners is None else listeners
        self._sampling = False
        self._joined: Joined | None = None
        reserve.hold()

    # Beginning and end

    def open(self, *, small: bool = False) -> "Pipeline | LocalOnly | None":
        """Make the pipeline if there is none yet; None after `close`, when it cannot be made, and in a data worker.

        Args:
            small: Make one for the local store alone, for want of memory.
        """
        if self._pipeline is not None or self._closed or _in_data_worker():
            return self._pipeline
        with self.lock:
            if self._pipeline is None and not self._closed:
                try:
                    identity = self._identify()
                    made = _without_sdk(self.config, identity) if small else self._make(self.config, identity, self)
                    self.run_id = identity.run_id
                    made.watched(self._watched)
                    made.emitter.listeners = self._listeners
                    self._pipeline = made
                    self._generation += 1
                    if self._sampling:
                        made.sample(self.config)
                    self._opened()
                except Exception as exc:  # noqa: BLE001
                    # Once is enough, since what failed now fails at every record, unless it was for want of room.
                    self._closed = not isinstance(exc, (MemoryError, RecursionError))
                    fault("set up telemetry", exc)
            return self._pipeline

    @property
    def forked(self) -> bool:
        """Whether this process was forked from one that had a pipeline."""
        return self._forked

    @property
    def pipeline(self) -> "Pipeline | LocalOnly | None":
        """The pipeline, if it has been made."""
        return self._pipeline

    @property
    def joined(self) -> "Joined":
        """What is put around the processors of providers that others have set up; brings the SDK in."""
        if self._joined is None:
            from otel_mldebug.export.processors import Joined, Redactors
            from otel_mldebug.rules.catalogue.plugins import entries
            from otel_mldebug.rules.redact.configured import configured, without_secrets_kept

            ours = configured(self.config)
            foreign = ours if self.config.redact_foreign else without_secrets_kept(ours)
            self._joined = Joined(Redactors(ours, foreign, entries(self.config.patterns)))
        return self._joined

    def sample(self, on: bool) -> None:
        """Sample host, process and GPU, or stop it; as long as nothing has been recorded, nothing is sampled."""
        with self.lock:
            self._sampling = on
            if self._pipeline is not None:
                if on:
                    self._pipeline.sample(self.config)
                else:
                    self._pipeline.stop_sampling()

    def close(self, timeout_s: float = 1.2) -> None:
        """Write and send what waits, then keep nothing any more. A second call does nothing.

        Args:
            timeout_s: How long sending may take, seconds; what has not gone by then is counted as dropped.
        """
        with self.lock:
            pipeline, self._pipeline, self._closed = self._pipeline, None, True
            self._generation += 1
        if pipeline is not None:
            with guard("close telemetry"):
                pipeline.close(timeout_s)
        if self._joined is not None:
            with guard("leave the providers of others"):
                self._joined.leave()

    def after_fork(self) -> None:
        """Let go of what belongs to the parent, in the child: nothing is flushed, no lock of its is touched."""
        pipeline, self._pipeline = self._pipeline, None
        self.lock = threading.RLock()
        self._generation += 1
        self._forked = self._forked or pipeline is not None
        if pipeline is not None:
            with guard("let go of the parent's telemetry after a fork"):
                pipeline.abandon()
                pipeline.redactor.counts.clear()  # the parent reports them

    # What is handed over

    @override
    def active(self) -> bool:
        return not self._closed

    @override
    def generation(self) -> int:
        return self._generation

    @override
    def tracer(self, scope: str) -> "Tracer":
        pipeline = self.open()
        return pipeline.tracer(scope) if pipeline is not None else NullSink().tracer(scope)

    @override
    def meter(self, scope: str) -> "Meter":
        pipeline = self.open()
        return pipeline.meter(scope) if pipeline is not None else NullSink().meter(scope)

    @override
    def exception(
        self,
        exc: BaseException,
        *,
        function: str = "",
        arguments: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        **own: Any,
    ) -> Occurrence | None:
        if issubclass(type(exc), (KeyboardInterrupt, SystemExit, GeneratorExit)):  # no code of the exception runs
            return None
        small = False
        if issubclass(type(exc), MemoryError):
            reserve.release()
            small = reserve.is_short()
        pipeline = self.open(small=small)
        if pipeline is None:
            return None
        known = {**training.context(exc), **known_of_user(), **(context or {})}
        return pipeline.emitter.exception(exc, function=function, arguments=arguments, context=known, **own)

    @override
    def finding(
        self,
        finding: Finding,
        *,
        step: int | None = None,
        epoch: int | None = None,
        layer: str = "",
        function: str = "",
        context: Mapping[str, Any] | None = None,
    ) -> Occurrence | None:
        pipeline = self.open()
        if pipeline is None:
            return None
        return pipeline.emitter.finding(
            finding, step=step, epoch=epoch, layer=layer, function=function, context=context
        )

    @override
    def step(self, record: StepRecord) -> None:
        pipeline = self._pipeline or self.open()
        if pipeline is not None:
            pipeline.step(record)

    @override
    def look(self, look: Look) -> None:
        pipeline = self._pipeline or self.open()
        if pipeline is not None:
            pipeline.look(look)

    @override
    def directory(self) -> "Path | None":
        store = self._pipeline.store if self._pipeline is not None else None
        return store.directory if store is not None else None

    @override
    def watched(self, **facts: Any) -> None:
        self._watched.update(facts)
        if self._pipeline is not None:
            self._pipeline.watched(facts)


def _in_data_worker() -> bool:
    """Whether this process only loads data for a PyTorch DataLoader: what fails here fails again in its parent.

    There are new ones in every epoch; each with a directory and series of its own would bury everything else.
    """
    data = sys.modules.get("torch.utils.data")
    return data is not None and data.get_worker_info() is not None


def _real_pipeline(config: Config, identity: "Identity", runtime: Runtime) -> "Pipeline | LocalOnly":
    if not threading.main_thread().is_alive():
        return _without_sdk(config, identity)
    from otel_mldebug.wiring.build import build  # brings the SDK in

    return build(config, identity, runtime.joined, forked=runtime.forked, given=runtime.given)


def _without_sdk(config: Config, identity: "Identity") -> "LocalOnly":
    from otel_mldebug.rules.redact import Redactor
    from otel_mldebug.wiring import local_only

    return local_only.build(config, identity, Redactor(enabled=config.redact))
