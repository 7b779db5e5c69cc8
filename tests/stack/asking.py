"""What the tests ask the real collector and the real Prometheus."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from stack import services

T = TypeVar("T")


def eventually(ask: Callable[[], T], *, within_s: float = 30.0, what: str) -> T:
    """Return the first true answer of `ask`; fail the test when there is none within `within_s` seconds."""
    end = time.monotonic() + within_s
    while not (answer := ask()):
        assert time.monotonic() < end, f"not within {within_s:.0f} s: {what}"
        time.sleep(0.2)
    return answer


@dataclass(frozen=True)
class Collector:
    """The running collector."""

    service: services.Service
    ports: services.Ports

    @property
    def grpc(self) -> str:
        return f"http://{services.HOST}:{self.ports.otlp_grpc}"

    @property
    def http(self) -> str:
        return f"http://{services.HOST}:{self.ports.otlp_http}"

    def lines(self, signal: str) -> Iterator[dict[str, Any]]:
        """Yield what the file exporter has written of `signal`: traces, logs or metrics."""
        path = self.service.directory / "telemetry" / f"{signal}.jsonl"
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
                if line.endswith("\n"):
                    yield json.loads(line)

    def records(self, signal: str, resources: str, scopes: str, items: str) -> Iterator[tuple[dict[str, Any], Any]]:
        """Yield the resource's attributes and each item of `signal`."""
        for line in self.lines(signal):
            for resource in line[resources]:
                about = attributes(resource.get("resource", {}))
                for scope in resource[scopes]:
                    for item in scope[items]:
                        yield about, item

    def spans(self) -> list[tuple[dict[str, Any], Any]]:
        return list(self.records("traces", "resourceSpans", "scopeSpans", "spans"))

    def logs(self) -> list[tuple[dict[str, Any], Any]]:
        return list(self.records("logs", "resourceLogs", "scopeLogs", "logRecords"))

    def metrics(self) -> list[tuple[dict[str, Any], Any]]:
        return list(self.records("metrics", "resourceMetrics", "scopeMetrics", "metrics"))


def attributes(owner: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of an OTLP JSON object as a plain dictionary."""
    return {item["key"]: _value(item["value"]) for item in owner.get("attributes", [])}


def _value(value: dict[str, Any]) -> Any:
    ((kind, content),) = value.items()
    if kind == "intValue":
        return int(content)
    if kind == "arrayValue":
        return [_value(item) for item in content.get("values", [])]
    return content


@dataclass(frozen=True)
class Prometheus:
    """The running Prometheus."""

    service: services.Service
    ports: services.Ports

    @property
    def url(self) -> str:
        return f"http://{services.HOST}:{self.ports.prometheus}"

    def ask(self, path: str, **parameters: Any) -> Any:
        """Return the data of one call of the HTTP API."""
        body = urllib.parse.urlencode(parameters, doseq=True).encode() or None  # without a body it is a GET
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}", data=body, timeout=10) as response:
                return json.load(response)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path} {parameters}: {error.read().decode()}") from None

    def query(self, expr: str) -> list[dict[str, Any]]:
        """Return the instant vector of `expr` now."""
        return list(self.ask("query", query=expr)["result"])

    def query_range(self, expr: str, *, start: float, end: float, step_s: float) -> list[dict[str, Any]]:
        """Return the series of `expr` between two Unix times."""
        return list(self.ask("query_range", query=expr, start=start, end=end, step=step_s)["result"])

    def series(self, selector: str) -> list[dict[str, str]]:
        """Return the labels of all series that match, now or before."""
        with urllib.request.urlopen(
            f"{self.url}/api/v1/series?{urllib.parse.urlencode({'match[]': selector})}", timeout=10
        ) as response:
            return list(json.load(response)["data"])
