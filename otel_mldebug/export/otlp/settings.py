"""Which signals go out by OTLP, how and to where: read from OpenTelemetry's own variables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from otel_mldebug._guard import log

Signal = Literal["traces", "metrics", "logs"]
Protocol = Literal["grpc", "http/protobuf"]
SIGNALS: tuple[Signal, ...] = ("traces", "metrics", "logs")
_HTTP_PORT = 4318
_DEFAULT = "http://localhost:4317"
"""Source: OpenTelemetry specification, OTLP exporter settings; gRPC is the default of its Python SDK."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where one signal goes.

    Attributes:
        signal: traces, metrics or logs.
        protocol: How it is sent.
        endpoint: As it is set, for people. Any credentials in it are left out.
        address: Host and port that a connection can be tried to; None where that says nothing: behind a proxy, or
            for an endpoint that is no URL.
    """

    signal: Signal
    protocol: Protocol
    endpoint: str
    address: tuple[str, int] | None


def destinations(environ: Mapping[str, str]) -> list[Destination]:
    """Return where each signal goes. Signals are sent only where an endpoint or the exporter `otlp` is set."""
    return [found for signal in SIGNALS if (found := _destination(signal, environ)) is not None]


def _destination(signal: Signal, environ: Mapping[str, str]) -> Destination | None:
    def setting(name: str) -> str:
        return environ.get(name, "").strip()

    own = f"OTEL_EXPORTER_OTLP_{signal.upper()}"
    endpoint = setting(f"{own}_ENDPOINT") or setting("OTEL_EXPORTER_OTLP_ENDPOINT")
    exporters = [name.strip() for name in setting(f"OTEL_{signal.upper()}_EXPORTER").split(",") if name.strip()]
    otlp = [name for name in exporters if name.startswith("otlp")]
    if not (otlp if exporters else endpoint):
        return None
    given = setting(f"{own}_PROTOCOL") or setting("OTEL_EXPORTER_OTLP_PROTOCOL")
    if "otlp_proto_http" in otlp:
        given = "http/protobuf"
    elif "otlp_proto_grpc" in otlp:
        given = "grpc"
    parts = urlsplit(endpoint or _DEFAULT)
    protocol = _protocol(given, own, parts.port, bool(parts.path.strip("/")))
    if not endpoint and protocol == "http/protobuf":
        parts = urlsplit(f"http://localhost:{_HTTP_PORT}")
    shown = f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}" if parts.hostname else endpoint
    return Destination(signal, protocol, shown, _address(parts.scheme, parts.hostname, parts.port))


def _protocol(given: str, own: str, port: int | None, has_path: bool) -> Protocol:
    if given == "grpc":
        return "grpc"
    if given in ("http/protobuf", "http/json"):
        if given == "http/json":
            log.warning("%s_PROTOCOL=http/json is not spoken here: http/protobuf is used", own)
        return "http/protobuf"
    if given:
        log.warning("OTLP protocol %r does not exist: expected grpc or http/protobuf; the port decides", given)
    return "http/protobuf" if port == _HTTP_PORT or has_path else "grpc"


def _address(scheme: str, host: str | None, port: int | None) -> tuple[str, int] | None:
    if scheme not in ("http", "https") or not host:
        return None
    if scheme in getproxies() and not proxy_bypass(host):
        return None
    return host, port or (443 if scheme == "https" else 80)
