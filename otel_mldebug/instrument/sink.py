"""Where all that watches hands over what it saw: wiring puts the real sink in place, until then nothing is kept."""

from collections.abc import Mapping
from typing import Any, Protocol

from typing_extensions import override

from otel_mldebug.rules.finding import Finding, Occurrence
from otel_mldebug.rules.steps import StepRecord


class Sink(Protocol):
    """What `instrument` needs of the rest. Every method is guarded by its implementation: none raises, none blocks."""

    def active(self) -> bool:
        """Return whether anything is kept at all. False: skip the work."""

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
            own: Values of the user's that win over ours: `category`, `severity`.

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
    def exception(self, exc: BaseException, **_: Any) -> Occurrence | None:
        return None

    @override
    def finding(self, finding: Finding, **_: Any) -> Occurrence | None:
        return None

    @override
    def step(self, record: StepRecord) -> None:
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
