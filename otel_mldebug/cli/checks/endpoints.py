"""Whether what is sent arrives: the OpenTelemetry collector, and the port that Prometheus scrapes."""

import http.client
import socket
from collections.abc import Iterator, Mapping
from urllib.parse import SplitResult, urlsplit

from otel_mldebug.cli.checks.check import FAIL, OK, WARN, Check
from otel_mldebug.errors import ConfigError
from otel_mldebug.export.prometheus.address import parse

LIMIT_S = 2.0
"""How long a connection or an answer is waited for."""

_PORT = {"grpc": 4317, "http/protobuf": 4318, "http/json": 4318}
"""Default port of each protocol. Source: OpenTelemetry specification, OTLP exporter settings."""


def check(environ: Mapping[str, str], *, otlp: str | None, prometheus: str) -> Iterator[Check]:
    """Yield one check for each endpoint that is set.

    Args:
        environ: Where OpenTelemetry's own settings are read.
        otlp: URL given on the command line, instead of the ones in the environment.
        prometheus: `[HOST:]PORT` of our own endpoint; empty when it is off.
    """
    urls = {otlp} if otlp else endpoints(environ)
    if not urls:
        yield Check("otlp", OK, "no endpoint set: everything stays in the local store")
    for url in sorted(urls):
        yield collector(url, protocol_for(url, environ), _headers(environ))
    if prometheus:
        yield scraped(prometheus)


def endpoints(environ: Mapping[str, str]) -> set[str]:
    """Return the collectors that the environment names, for all signals or for one."""
    names = [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        *(f"OTEL_EXPORTER_OTLP_{s}_ENDPOINT" for s in ("TRACES", "METRICS", "LOGS")),
    ]
    return {url for name in names if (url := environ.get(name, "").strip())}


def protocol_for(url: str, environ: Mapping[str, str]) -> str:
    """Return what will be spoken to `url`: what is set, else HTTP to port 4318 and gRPC to the rest."""
    if given := environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "").strip():
        return given
    return "http/protobuf" if urlsplit(url).port == 4318 else "grpc"


def collector(url: str, protocol: str, headers: Mapping[str, str]) -> Check:
    """Connect to a collector; over HTTP also send it an empty request, which it must accept."""
    parts = urlsplit(url if "//" in url else f"//{url}")
    if not parts.hostname:
        return Check(
            "otlp", FAIL, f"{url!r} is no URL", "Give one such as http://localhost:4317 or http://localhost:4318"
        )
    port = parts.port or _PORT.get(protocol, 4317)
    shown = f"{parts.hostname}:{port} ({protocol})"
    try:
        socket.create_connection((parts.hostname, port), timeout=LIMIT_S).close()
    except OSError as exc:
        reason = exc.strerror or str(exc) or type(exc).__name__
        return Check(
            "otlp", FAIL, f"{shown} cannot be reached: {reason}", "Is the collector running, and is this its address?"
        )
    if protocol == "grpc":
        if port == 4318:
            return Check(
                "otlp",
                WARN,
                f"{shown} answers, but 4318 is the port for HTTP",
                "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
            )
        return Check("otlp", OK, f"{shown} accepts connections")
    return _post(parts, port, shown, headers)


def scraped(setting: str) -> Check:
    """Judge whether our own endpoint for Prometheus can have its port."""
    try:
        address = parse(setting, "prometheus")
    except ConfigError as exc:
        return Check("prometheus", FAIL, str(exc))
    try:
        with socket.socket(socket.AF_INET6 if ":" in address.host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as exc:
        advice = "The next free port is taken, and written to the store's targets/ for Prometheus to find."
        return Check("prometheus", WARN, f"{address.target}: {exc.strerror}", advice)
    return Check("prometheus", OK, f"{address.target} is free")


def _post(parts: SplitResult, port: int, shown: str, headers: Mapping[str, str]) -> Check:
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", port, timeout=LIMIT_S)
    path = f"{parts.path.rstrip('/')}/v1/traces"
    try:
        # No bytes are a valid message without any spans.
        connection.request("POST", path, body=b"", headers={"Content-Type": "application/x-protobuf", **headers})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as exc:
        reason = str(exc) or type(exc).__name__
        return Check(
            "otlp",
            FAIL,
            f"{shown} accepts connections but not OTLP over HTTP: {reason}",
            "gRPC is port 4317, HTTP is port 4318.",
        )
    finally:
        connection.close()
    if status in (401, 403):
        return Check(
            "otlp", FAIL, f"{shown} refuses: HTTP {status}", "Set OTEL_EXPORTER_OTLP_HEADERS to what it expects."
        )
    if status >= 400:
        return Check(
            "otlp", FAIL, f"{shown} answers HTTP {status} to POST {path}", "Is this a collector, and its base URL?"
        )
    return Check("otlp", OK, f"{shown} accepts OTLP")


def _headers(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that the environment sets. Source: OpenTelemetry specification, OTLP exporter settings."""
    from urllib.parse import unquote

    pairs = (pair.partition("=") for pair in environ.get("OTEL_EXPORTER_OTLP_HEADERS", "").split(","))
    return {unquote(name).strip(): unquote(value).strip() for name, sep, value in pairs if sep and name.strip()}
