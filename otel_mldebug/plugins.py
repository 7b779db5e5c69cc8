"""What `opentelemetry-instrument` loads: one instrumentor for each part that can be watched.

They keep no state: what they start and stop belongs to the process (`otel_mldebug.wiring`). An instrumentor that raises
anything but ImportError makes `opentelemetry-instrument` give up on all later ones, so these raise nothing.
"""

from collections.abc import Collection
from typing import Any, ClassVar

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]
from typing_extensions import override

from otel_mldebug._guard import guard
from otel_mldebug.wiring import unwatch, watch
from otel_mldebug.wiring.hooks import Part

_PROVIDERS = ("tracer_provider", "meter_provider", "logger_provider")


class _PartInstrumentor(BaseInstrumentor):  # type: ignore[misc]
    """Watches one part of the process."""

    part: ClassVar[Part]

    @override
    def instrumentation_dependencies(self) -> Collection[str]:
        return ()

    @override
    def _instrument(self, **kwargs: Any) -> None:
        """Start watching.

        Args:
            kwargs: `tracer_provider`, `meter_provider` and `logger_provider`, each instead of the global one.
        """
        given = {name.removesuffix("_provider"): kwargs[name] for name in _PROVIDERS if kwargs.get(name) is not None}
        with guard(f"watch {self.part}"):
            watch(self.part, providers=given)

    @override
    def _uninstrument(self, **kwargs: Any) -> None:
        with guard(f"stop watching {self.part}"):
            unwatch(self.part)


class ErrorsInstrumentor(_PartInstrumentor):
    """Reports exceptions that nobody catches, and diagnoses the failed spans of other instrumentations."""

    part = "errors"


class TorchInstrumentor(_PartInstrumentor):
    """Watches PyTorch training, once the program imports torch."""

    part = "torch"

    @override
    def instrumentation_dependencies(self) -> Collection[str]:
        return ("torch >= 2.4",)


class ResourcesInstrumentor(_PartInstrumentor):
    """Samples host, process and GPU while there is something to record."""

    part = "resources"
