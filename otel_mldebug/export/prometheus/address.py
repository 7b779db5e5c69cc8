"""Where the page is: from our own setting, or from OpenTelemetry's variables."""

import ipaddress
import platform
from collections.abc import Mapping
from typing import NamedTuple

from otel_mldebug.errors import ConfigError

LOOPBACK = "127.0.0.1"
DEFAULT_PORT = 9464
"""Source: OpenTelemetry, environment variable `OTEL_EXPORTER_PROMETHEUS_PORT`."""


class Address(NamedTuple):
    """Host and port; port 0 stands for any free one."""

    host: str
    port: int

    @property
    def target(self) -> str:
        """How Prometheus reaches it: a host name where it listens on all addresses."""
        host = self.host
        try:
            if ipaddress.ip_address(host).is_unspecified:
                host = platform.node() or LOOPBACK
        except ValueError:
            pass  # a name
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The page, for people."""
        return f"http://{self.target}/metrics"


def wanted(setting: str, environ: Mapping[str, str]) -> Address | None:
    """Return where the page is wanted; None when it is not.

    Args:
        setting: `PORT` or `HOST:PORT`; empty leaves it to `OTEL_METRICS_EXPORTER=prometheus` with
            `OTEL_EXPORTER_PROMETHEUS_HOST` and `OTEL_EXPORTER_PROMETHEUS_PORT`.
        environ: Environment to read.

    Raises:
        ConfigError: it is no address.
    """
    if setting:
        return parse(setting, "prometheus")
    exporters = [name.strip() for name in environ.get("OTEL_METRICS_EXPORTER", "").split(",")]
    if "prometheus" not in exporters:
        return None
    host = environ.get("OTEL_EXPORTER_PROMETHEUS_HOST", "").strip() or LOOPBACK
    port = environ.get("OTEL_EXPORTER_PROMETHEUS_PORT", "").strip() or str(DEFAULT_PORT)
    return Address(LOOPBACK if host == "localhost" else host, _port(port, "OTEL_EXPORTER_PROMETHEUS_PORT", port))


def parse(text: str, setting: str) -> Address:
    """Return `PORT`, `HOST:PORT` or `[IPv6]:PORT` as an address.

    Raises:
        ConfigError: it is none of these.
    """
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise _bad(setting, text)
    return Address(LOOPBACK if host in ("", "localhost") else host, _port(port, setting, text))


def _port(text: str, setting: str, given: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise _bad(setting, given)
    return int(text)


def _bad(setting: str, given: str) -> ConfigError:
    return ConfigError(setting, given, expected="PORT or HOST:PORT, such as 9464 or 127.0.0.1:9464, port 0 to 65535")
