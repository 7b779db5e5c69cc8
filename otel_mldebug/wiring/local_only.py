"""What a process records when its main thread has ended: findings and steps go to the store, and nothing else starts.

By then neither the SDK can be imported (it wants `concurrent.futures`, which refuses) nor a thread started, but threads
of the user's may still fail, and each failure must be written down.
"""

from collections.abc import Mapping
from typing import Any

from opentelemetry.metrics import Meter, NoOpMeter
from opentelemetry.trace import NoOpTracer, Tracer

from otel_mldebug._guard import log
from otel_mldebug.config import Config
from otel_mldebug.export.emitter import Emitter, Outlets
from otel_mldebug.rules.facts import Value
from otel_mldebug.rules.looks import Look
from otel_mldebug.rules.redact import Redactor
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.store.writer import StoreWriter
from otel_mldebug.wiring.identity import Identity


class LocalOnly:
    """Stands in for a `Pipeline`, with the same methods.

    Args:
        emitter: What makes findings.
        redactor: What replaces secrets.
        store: The local store; None when it is switched off.
    """

    def __init__(self, emitter: Emitter, redactor: Redactor, store: StoreWriter | None) -> None:
        self.emitter, self.redactor, self.store = emitter, redactor, store
        self.exiting = True

    def tracer(self, scope: str) -> Tracer:
        """Return a tracer that keeps nothing."""
        return NoOpTracer()

    def meter(self, scope: str) -> Meter:
        """Return a meter that keeps nothing."""
        return NoOpMeter(scope)

    def step(self, record: StepRecord) -> None:
        """Keep one training step, at once: no thread is left to write it later."""
        if self.store is not None:
            self.store.step(record)
            self.store.flush()

    def look(self, look: Look) -> None:
        """Keep one look into a training step, at once."""
        if self.store is not None:
            self.store.look(look)
            self.store.flush()

    def sample(self, config: Config) -> None:
        """Do nothing: sampling needs a thread."""

    def stop_sampling(self) -> None:
        """Do nothing."""

    def watched(self, facts: Mapping[str, Any]) -> None:
        """Keep what is being watched."""
        if self.store is not None and facts:
            self.store.watched(self.redactor.value(dict(facts)))

    def flush(self) -> None:
        """Write what waits to the store now."""
        if self.store is not None:
            self.store.flush()

    def close(self, timeout_s: float) -> None:
        """Write what waits."""
        self.emitter.close()
        self.emitter.outlets = Outlets()
        if self.store is not None:
            self.store.close()

    def abandon(self) -> None:
        """Let go of the store, in a forked child."""
        self.emitter.outlets = Outlets()
        if self.store is not None:
            self.store.abandon()


SMALLEST_STORE = 2**20
"""Bytes that each rank may keep however many there are: findings and the latest steps."""


def store_of(config: Config, identity: Identity, resource: Mapping[str, Value]) -> StoreWriter | None:
    """Return what writes to the local store; None when that is off or has no place."""
    if not config.local:
        return None
    share = config.store_max_mb * 2**20 // (identity.world_size or 1)  # the setting is about the whole run
    try:
        return StoreWriter(config.store, identity.run_id, resource=resource, max_bytes=max(share, SMALLEST_STORE))
    except OSError as exc:  # a relative path in a working directory that is gone
        log.warning("the local store is off: %s cannot be found: %s", config.store, exc.strerror)
        return None


def build(config: Config, identity: Identity, redactor: Redactor) -> LocalOnly:
    """Put it together."""
    store = store_of(config, identity, identity.resource(redactor))
    return LocalOnly(Emitter(Outlets(store=store), redactor=redactor), redactor, store)
