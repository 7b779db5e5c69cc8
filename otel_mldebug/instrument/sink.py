"""Where all that watches hands over what it saw: wiring puts the real sink in place, until then nothing is kept."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from typing_extensions import override

from otel_mldebug.rules.finding import Finding, Occurrence
from otel_mldebug.rules.looks import Look
from otel_mldebug.rules.steps import StepRecord

if TYPE_CHECKING:  # every process of a watched run imports this module, and most never record anything
    from pathlib import Path

    from opentelemetry.metrics import Meter
    from opentelemetry.trace import Tracer


class Sink(Protocol):
    """What `instrument` needs of the rest. Every method is guarded by its implementation: none raises, none blocks."""

    def active(self) -> bool:
        """Return whether anything is kept at all. False: skip the work."""

    def tracer(self, scope: str) -> "Tracer":
        """Return the tracer for our own spans, such as those of `otel_mldebug.training`.

        The first call brings the pipeline into being, so ask only when there is something to record. Look it up late
        and do not keep it for longer than one operation: it changes with `configure` and in a forked child.
        """

    def meter(self, scope: str) -> "Meter":
        """Return the meter for our own points; the same rules hold as for `tracer`.

        Instruments that are made once must be made again when `generation` has changed.
        """

    def generation(self) -> int:
        """Return a number that changes when tracers, meters and instruments obtained earlier are out of date. Cheap."""

    def exception(
        self,
        exc: BaseException,
        *,
        function: str = "",
        arguments: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        **own: Any,
    ) -> Occurrence | None:
        """Explain, count and send a caught exception, once for each exception object.

        Args:
            exc: The exception; it is not changed, except for notes and the attribute that holds its finding.
            function: Qualified name of the function that it left.
            arguments: Arguments of that call, still raw: they are described, bounded and redacted here.
            context: Anything else worth knowing, such as `step`, `epoch`, `layer`.
            own: Values of the user's that win over ours: `category`, `severity`; or `at_most`, a severity that a higher
                one of ours is lowered to.

        Returns:
            What was made of it; the earlier occurrence if this exception has been seen; None if nothing is kept.
        """

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
        """Count and send what a detector found."""

    def step(self, record: StepRecord) -> None:
        """Keep one training step in the store."""

    def look(self, look: Look) -> None:
        """Keep one look into a training step in the store."""

    def directory(self) -> "Path | None":
        """Return where this process may put files of its own, in the store; None if there is no such place (yet)."""

    def watched(self, **facts: Any) -> None:
        """Say what is being watched, such as `torch="2.15.0"`, `optimizers=["SGD"]`, `parameters=203530`.

        Later values replace earlier ones of the same name. They are written beside the process's records, so that a
        healthy verdict can say what it is based on; alone they do not make a store come into being.
        """


class NullSink(Sink):
    """Keeps nothing: what is in place before `configure` and after `shutdown`."""

    @override
    def active(self) -> bool:
        return False

    @override
    def tracer(self, scope: str) -> "Tracer":
        from opentelemetry.trace import NoOpTracerProvider

        return NoOpTracerProvider().get_tracer(scope)

    @override
    def meter(self, scope: str) -> "Meter":
        from opentelemetry.metrics import NoOpMeterProvider

        return NoOpMeterProvider().get_meter(scope)

    @override
    def generation(self) -> int:
        return 0

    @override
    def exception(self, exc: BaseException, **_: Any) -> Occurrence | None:
        return None

    @override
    def finding(self, finding: Finding, **_: Any) -> Occurrence | None:
        return None

    @override
    def step(self, record: StepRecord) -> None:
        return None

    @override
    def look(self, look: Look) -> None:
        return None

    @override
    def directory(self) -> "Path | None":
        return None

    @override
    def watched(self, **facts: Any) -> None:
        return None


_current: Sink = NullSink()


def current() -> Sink:
    """Return the sink in place. Look it up late: it changes with `configure` and `shutdown`."""
    return _current


def install(sink: Sink | None) -> None:
    """Put `sink` in place; None puts the null sink back."""
    global _current
    _current = NullSink() if sink is None else sink
