"""For Accelerate: `Accelerator(log_with=otel_mldebug.accelerate.Tracker())`.

Steps, epochs, losses, accumulation and mixed precision are seen without it. It takes what the program logs: losses are
judged as they develop, all numbers become metrics.
"""

from typing import Any

from otel_mldebug import _guard
from otel_mldebug._optional import require
from otel_mldebug.instrument import sink as sinks
from otel_mldebug.instrument.training import telling

_accelerate: Any = require("accelerate", needed_to="use otel_mldebug.accelerate", extra="accelerate")
_tracking: Any = require("accelerate.tracking", needed_to="use otel_mldebug.accelerate", extra="accelerate")


class Tracker(_tracking.GeneralTracker):  # type: ignore[misc, name-defined, unused-ignore]
    """Takes what `accelerator.log` is given, in the process that logs."""

    name = "otel_mldebug"
    requires_logging_directory = False

    def __init__(self) -> None:
        super().__init__()

    @property
    def tracker(self) -> "Tracker":
        """Itself: there is no other object behind it."""
        return self

    def store_init_configuration(self, values: dict[str, Any]) -> None:
        """Say which framework it is; settings are not kept, since they may hold secrets."""
        with _guard.guard("tell of an Accelerator"):
            sinks.current().watched(framework=f"accelerate {_accelerate.__version__}")

    def log(self, values: dict[str, Any], step: int | None = None, **kwargs: Any) -> None:
        """Keep the numbers among `values`."""
        with _guard.guard("keep what a program logs"):
            telling.about_values(values)
