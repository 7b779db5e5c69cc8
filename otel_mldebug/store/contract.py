"""A finding in the JSON of the command line: docs/reference/json.md."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from otel_mldebug.rules.finding import Occurrence
from otel_mldebug.semconv import names
from otel_mldebug.store.otlp_json import is_finding, occurrence_from_log
from otel_mldebug.store.otlp_values import from_attributes, jsonable
from otel_mldebug.store.times import rfc3339

_INT64 = 2**63

ORDER = (
    "rule", "category", "severity", "confidence", "basis", "retryable", "summary", "cause", "solutions", "prevention",
    "docs", "evidence", "fingerprint", "id", "count", "suppressed", "share", "rate_per_s", "trend", "first_seen",
    "last_seen", "state", "state_since", "state_note", "function", "impact", "step", "epoch", "rank", "ranks", "hosts",
    "reported_by", "layer", "exception", "context", "trace_id", "span_id", "run_id", "session_id",
)  # fmt: skip
"""Keys of a finding in the order they are printed in."""


def ordered(finding: Mapping[str, Any]) -> dict[str, Any]:
    """Return `finding` with its keys in order, without those that are unknown."""
    return {key: finding[key] for key in ORDER if finding.get(key) not in (None, "", [], {})}


def finding_json(occurrence: Occurrence, resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return one occurrence.

    Args:
        occurrence: The occurrence.
        resource: Resource attributes of the process that it comes from.
    """
    time = rfc3339(occurrence.time_ns)
    host = resource.get(names.HOST_NAME)
    finding = {
        "summary": occurrence.finding.rule,  # unless it has one
        **occurrence.finding.to_json(),
        "id": occurrence.id,
        "count": occurrence.count,
        "suppressed": occurrence.suppressed,
        "first_seen": time,
        "last_seen": time,
        "function": occurrence.function,
        "step": _number(occurrence.step),
        "epoch": _number(occurrence.epoch),
        "rank": _rank(occurrence, resource),
        "hosts": [host] if host and isinstance(host, str) else [],
        "layer": occurrence.layer,
        "exception": _exception(occurrence.exception),
        "context": dict(occurrence.context),
        "trace_id": occurrence.trace_id,
        "span_id": occurrence.span_id,
        "run_id": _text(resource, names.MLDEBUG_RUN_ID),
        "session_id": _text(resource, names.MLDEBUG_SESSION_ID),
    }
    return ordered({key: jsonable(value) for key, value in finding.items()})


def _rank(occurrence: Occurrence, resource: Mapping[str, Any]) -> int | None:
    """Return the rank that a finding is about: the one that a comparison of ranks names, else the one that sent it."""
    finding = occurrence.finding
    named = _number(finding.evidence.get("rank")) if finding.basis == "detector" else None
    return _number(resource.get(names.MLDEBUG_RANK)) if named is None else named


def _exception(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return an exception or a cause of it with the kinds of values that readers rely on, whatever a file held."""
    out: dict[str, Any] = {key: text for key in ("type", "message") if (text := _text(value, key))}
    out["frames"] = list(_dicts(value.get("frames")))
    if not out["frames"]:  # otherwise the same once more, as text
        out["stacktrace"] = _text(value, "stacktrace")
    for key in ("chain", "group"):
        out[key] = [_exception(other) for other in _dicts(value.get(key))]
    return {key: known for key, known in out.items() if known}


def _text(values: Mapping[str, Any], key: str) -> str:
    value = values.get(key)
    return value if isinstance(value, str) else ""


def _number(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and -_INT64 <= value < _INT64:
        return value
    return None


def occurrences_in(line: Mapping[str, Any]) -> Iterator[tuple[Occurrence, dict[str, Any]]]:
    """Yield the findings in a line of OTLP logs, each with the resource attributes of its process."""
    for resource_logs in _dicts(line.get("resourceLogs")):
        resource = resource_logs.get("resource")
        about = from_attributes(resource.get("attributes")) if isinstance(resource, Mapping) else {}
        for scope_logs in _dicts(resource_logs.get("scopeLogs")):
            for record in _dicts(scope_logs.get("logRecords")):
                if is_finding(record):
                    yield occurrence_from_log(record), about


def _dicts(value: object) -> Iterable[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
