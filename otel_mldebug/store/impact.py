"""What failing calls of a function cost beside succeeding ones, from its exact counts and its recorded spans."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from otel_mldebug.semconv import names
from otel_mldebug.store.otlp_values import from_attributes
from otel_mldebug.store.reader import open_parts, parse, process_directories, read_lines

_COUNTERS = {
    names.MLDEBUG_FUNCTION_CALLS.name: "calls",
    names.MLDEBUG_FUNCTION_ERRORS.name: "errors",
    names.MLDEBUG_FUNCTION_TIME.name: "time_s",
}
_ERROR = 2
"""Status code of a failed span. Source: opentelemetry-proto, trace.proto, StatusCode."""


@dataclass(slots=True)
class Impact:
    """One function over a run.

    Attributes:
        calls: Calls, exact.
        errors: Those that raised.
        time_s: Seconds spent in all of them.
        failing: Failed spans that were recorded.
        failing_time_s: Their seconds.
    """

    calls: int = 0
    errors: int = 0
    time_s: float = 0.0
    failing: int = 0
    failing_time_s: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return counts, the share of calls that succeed, and mean seconds of either kind, as far as they are known."""
        out: dict[str, Any] = {"calls": self.calls, "errors": self.errors}
        if not self.calls:
            return {}
        out["success_share"] = round(max(0.0, 1 - self.errors / self.calls), 6)
        if not self.failing:
            return out
        out["failing_s"] = self.failing_time_s / self.failing
        rest_s = self.time_s - out["failing_s"] * self.errors
        # The mean of the recorded failures stands for all: where it cannot, nothing is said of the others.
        if self.calls > self.errors and rest_s > 0 and self.failing * 2 >= self.errors:
            out["succeeding_s"] = rest_s / (self.calls - self.errors)
        return out


def impact(runs: Iterable[Path], function: str) -> dict[str, Any]:
    """Return the impact of the failures of `function` over these runs; empty where it was not watched."""
    found = Impact()
    for run in runs:
        for process in process_directories(run):
            _count(process, function, found)
            _time(process, function, found)
    return found.to_json()


def _count(process: Path, function: str, found: Impact) -> None:
    """Add the last values of the counters, which only grow."""
    latest: dict[tuple[str, str], float] = {}
    for line in _lines(process, "metrics", function):
        for metric in _inner(line, "resourceMetrics", "scopeMetrics", "metrics"):
            if (kind := _COUNTERS.get(str(metric.get("name")))) is None:
                continue
            for point in _dicts(_dict(metric.get("sum")).get("dataPoints")):
                about = from_attributes(point.get("attributes"))
                if about.get(names.CODE_FUNCTION_NAME) == function:
                    latest[kind, str(about.get(names.ERROR_TYPE, ""))] = _value(point)
    sums: Counter[str] = Counter()
    for (kind, _), value in latest.items():
        sums[kind] += value  # type: ignore[assignment]
    found.calls += int(sums["calls"])
    found.errors += int(sums["errors"])
    found.time_s += sums["time_s"]


def _time(process: Path, function: str, found: Impact) -> None:
    for line in _lines(process, "traces", function):
        for span in _inner(line, "resourceSpans", "scopeSpans", "spans"):
            if _dict(span.get("status")).get("code") != _ERROR:
                continue
            if from_attributes(span.get("attributes")).get(names.CODE_FUNCTION_NAME) != function:
                continue
            begin, end = (_whole(span.get(key)) for key in ("startTimeUnixNano", "endTimeUnixNano"))
            if begin is not None and end is not None and end >= begin:
                found.failing += 1
                found.failing_time_s += (end - begin) / 1e9


def _lines(process: Path, signal: str, function: str) -> Iterator[dict[str, Any]]:
    """Yield the lines that speak of the function; the others are not even parsed."""
    mark = function.encode()
    for part in open_parts(process, signal):
        for line in read_lines(part):
            if line.data is not None and mark in line.data and (value := parse(line.data)) is not None:
                yield value


def _inner(line: Mapping[str, Any], *path: str) -> Iterator[dict[str, Any]]:
    if len(path) == 1:
        yield from _dicts(line.get(path[0]))
        return
    for item in _dicts(line.get(path[0])):
        yield from _inner(item, *path[1:])


def _value(point: Mapping[str, Any]) -> float:
    for key in ("asInt", "asDouble"):
        value = point.get(key)
        if isinstance(value, (str, int, float)) and not isinstance(value, bool):
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 0.0


def _whole(value: object) -> int | None:
    try:
        return int(value) if isinstance(value, (str, int)) else None
    except ValueError:
        return None


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
