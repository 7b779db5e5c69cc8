"""Our OpenTelemetry distribution: defaults for `opentelemetry-instrument`, which any setting overrides."""

import os
from collections.abc import MutableMapping
from typing import Any

from opentelemetry.instrumentation.distro import BaseDistro  # type: ignore[attr-defined]
from typing_extensions import override

from otel_mldebug._guard import guard


class MLDebugDistro(BaseDistro):  # type: ignore[misc]
    """Supplies defaults. Where another distribution is installed, that one may be chosen, and all else still works."""

    @override
    def _configure(self, **kwargs: Any) -> None:
        with guard("set the defaults of our distribution"):
            defaults(os.environ)


def defaults(environ: MutableMapping[str, str]) -> None:
    """Ask for OTLP where an endpoint is set: whoever names a collector wants to send to it."""
    from otel_mldebug.export.otlp.settings import destinations

    for to in destinations(environ):
        signal = to.signal.upper()
        environ.setdefault(f"OTEL_{signal}_EXPORTER", "otlp")
        if not environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "").strip():
            environ.setdefault(f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", to.protocol)
