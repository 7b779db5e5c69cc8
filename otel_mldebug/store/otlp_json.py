"""Log records and spans in OTLP's JSON encoding, and a finding as one of them, there and back. Pure.

Ids are hexadecimal, 64-bit integers strings, keys in camelCase, enumerations numbers; what is empty is left out.
Source: OTLP specification, "JSON Protobuf Encoding"; opentelemetry-proto 1.5 or later (`eventName`).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from otel_mldebug.rules.finding import Finding, Occurrence
from otel_mldebug.semconv import names
from otel_mldebug.semconv.names import Category, Severity
from otel_mldebug.store.attributes import SEVERITY_NUMBERS, finding_attributes
from otel_mldebug.store.otlp_values import any_value, attributes, from_attributes, plain, text

Record = dict[str, Any]
"""One log record or span, ready for `json.dumps`."""

_HAS_REMOTE = 0x100
_IS_REMOTE = 0x200


def log_record(
    *,
    time_ns: int,
    observed_ns: int | None = None,
    severity_number: int = 0,
    severity_text: str = "",
    event_name: str = "",
    body: object = None,
    attributes_: Mapping[str, object] | None = None,
    trace_id: str = "",
    span_id: str = "",
    flags: int = 0,
) -> Record:
    """Return a LogRecord.

    Args:
        time_ns: When it happened, nanoseconds since the epoch.
        observed_ns: When it was seen, the same time by default.
        severity_number: 1 to 24; 0 when unknown.
        severity_text: As its source calls it.
        event_name: Name of the kind of event; empty for a plain log record.
        body: Text for a person, or any value.
        attributes_: Values by name; those that are None are left out.
        trace_id: 32 hexadecimal digits, or empty.
        span_id: 16 hexadecimal digits, or empty.
        flags: W3C trace flags.
    """
    record = {
        "timeUnixNano": str(time_ns),
        "observedTimeUnixNano": str(time_ns if observed_ns is None else observed_ns),
        "severityNumber": severity_number,
        "severityText": text(severity_text),
        "eventName": text(event_name),
        "body": None if body is None else any_value(body),
        "attributes": attributes(attributes_ or {}),
        "flags": flags,
        "traceId": trace_id,
        "spanId": span_id,
    }
    return _without_empty(record)


def span(
    *,
    name: str,
    trace_id: str,
    span_id: str,
    start_ns: int,
    end_ns: int,
    parent_span_id: str = "",
    parent_is_remote: bool | None = None,
    kind: int = 1,
    flags: int = 1,
    trace_state: str = "",
    attributes_: Mapping[str, object] | None = None,
    events: Iterable[Mapping[str, Any]] = (),
    links: Iterable[Mapping[str, Any]] = (),
    status_code: int = 0,
    status_message: str = "",
    dropped_attributes: int = 0,
) -> Record:
    """Return a Span.

    Args:
        name: Name of the span.
        trace_id: 32 hexadecimal digits.
        span_id: 16 hexadecimal digits.
        start_ns: Nanoseconds since the epoch.
        end_ns: Nanoseconds since the epoch.
        parent_span_id: 16 hexadecimal digits; empty for a root.
        parent_is_remote: Whether the parent is in another process, where that is known.
        kind: 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
        flags: W3C trace flags.
        trace_state: W3C trace state.
        attributes_: Values by name.
        events: Each with `time_ns`, `name` and `attributes`.
        links: Each with `trace_id`, `span_id` and `attributes`.
        status_code: 0 unset, 1 ok, 2 error.
        status_message: What a status of error says.
        dropped_attributes: How many attributes were given up before.
    """
    if parent_is_remote is not None:
        flags |= _HAS_REMOTE | (_IS_REMOTE if parent_is_remote else 0)
    record = {
        "traceId": trace_id,
        "spanId": span_id,
        "traceState": text(trace_state),
        "parentSpanId": parent_span_id,
        "flags": flags,
        "name": text(name),
        "kind": kind,
        "startTimeUnixNano": str(start_ns),
        "endTimeUnixNano": str(end_ns),
        "attributes": attributes(attributes_ or {}),
        "droppedAttributesCount": dropped_attributes,
        "events": [_event(event) for event in events],
        "links": [_link(link) for link in links],
        "status": _without_empty({"message": text(status_message), "code": status_code}),
    }
    return _without_empty(record)


def _event(event: Mapping[str, Any]) -> Record:
    return _without_empty(
        {
            "timeUnixNano": str(event["time_ns"]),
            "name": text(event["name"]),
            "attributes": attributes(event.get("attributes") or {}),
        }
    )


def _link(link: Mapping[str, Any]) -> Record:
    return _without_empty(
        {
            "traceId": link["trace_id"],
            "spanId": link["span_id"],
            "attributes": attributes(link.get("attributes") or {}),
        }
    )


def _without_empty(record: Record) -> Record:
    return {key: value for key, value in record.items() if value not in (None, "", 0, [], {})}


def occurrence_to_log(occurrence: Occurrence) -> Record:
    """Return the log event `mldebug.finding` of an occurrence, frames, chain and group included."""
    values: dict[str, object] = dict(finding_attributes(occurrence))
    values[names.MLDEBUG_EXCEPTION_FRAMES] = occurrence.exception.get("frames") or None
    values[names.MLDEBUG_EXCEPTION_CHAIN] = occurrence.exception.get("chain") or None
    values[names.MLDEBUG_EXCEPTION_GROUP] = occurrence.exception.get("group") or None
    severity = occurrence.finding.severity
    return log_record(
        time_ns=occurrence.time_ns,
        severity_number=SEVERITY_NUMBERS[severity],
        severity_text=str(severity),
        event_name=names.EVENT_MLDEBUG_FINDING,
        body=occurrence.finding.summary,
        attributes_=values,
        trace_id=occurrence.trace_id,
        span_id=occurrence.span_id,
    )


def is_finding(record: Mapping[str, Any]) -> bool:
    """Return whether a log record is a finding."""
    return record.get("eventName") == names.EVENT_MLDEBUG_FINDING


def occurrence_from_log(record: Mapping[str, Any]) -> Occurrence:
    """Return the occurrence that a log event was made of. What it does not say, or says wrongly, has its default."""
    values = from_attributes(record.get("attributes"))
    exception = {
        "type": values.get(names.EXCEPTION_TYPE),
        "message": values.get(names.EXCEPTION_MESSAGE),
        "stacktrace": values.get(names.EXCEPTION_STACKTRACE),
        "frames": values.get(names.MLDEBUG_EXCEPTION_FRAMES),
        "chain": values.get(names.MLDEBUG_EXCEPTION_CHAIN),
        "group": values.get(names.MLDEBUG_EXCEPTION_GROUP),
    }
    return Occurrence(
        finding=_finding(values, record),
        id=_str(values, names.MLDEBUG_FINDING_ID),
        time_ns=_int(record, "timeUnixNano") or 0,
        function=_str(values, names.CODE_FUNCTION_NAME),
        step=_int(values, names.MLDEBUG_TRAIN_STEP_INDEX),
        epoch=_int(values, names.MLDEBUG_TRAIN_EPOCH),
        layer=_str(values, names.MLDEBUG_TRAIN_LAYER),
        exception={key: value for key, value in exception.items() if value is not None},
        context=_below(values, names.MLDEBUG_CONTEXT),
        trace_id=_str(record, "traceId"),
        span_id=_str(record, "spanId"),
        count=_int(values, names.MLDEBUG_FINDING_COUNT) or 1,
        suppressed=_int(values, names.MLDEBUG_FINDING_SUPPRESSED) or 0,
    )


def _finding(values: Mapping[str, Any], record: Mapping[str, Any]) -> Finding:
    body = plain(record.get("body"))
    solutions = values.get(names.MLDEBUG_FINDING_SOLUTIONS)
    confidence = values.get(names.MLDEBUG_FINDING_CONFIDENCE)
    return Finding(
        rule=_str(values, names.MLDEBUG_FINDING_RULE) or "unknown",
        category=_member(Category, values.get(names.MLDEBUG_FINDING_CATEGORY), Category.UNKNOWN),
        severity=_member(Severity, values.get(names.MLDEBUG_FINDING_SEVERITY), Severity.ERROR),
        summary=_str(values, names.MLDEBUG_FINDING_SUMMARY) or (body if isinstance(body, str) else ""),
        cause=_str(values, names.MLDEBUG_FINDING_CAUSE),
        solutions=tuple(map(str, solutions)) if isinstance(solutions, list) else (),
        prevention=_str(values, names.MLDEBUG_FINDING_PREVENTION),
        docs=_str(values, names.MLDEBUG_FINDING_DOCS),
        retryable=values.get(names.MLDEBUG_FINDING_RETRYABLE) is True,
        confidence=confidence if isinstance(confidence, float) and 0 <= confidence <= 1 else 1.0,
        basis=_str(values, names.MLDEBUG_FINDING_BASIS) or "pattern",
        evidence=_below(values, names.MLDEBUG_EVIDENCE),
        fingerprint=_str(values, names.MLDEBUG_FINDING_FINGERPRINT),
    )


def _member(kind: Any, value: object, default: Any) -> Any:
    return kind(value) if value in list(kind) else default


def _str(values: Mapping[str, Any], key: str) -> str:
    value = values.get(key, "")
    return value if isinstance(value, str) else ""


def _int(values: Mapping[str, Any], key: str) -> int | None:
    try:
        return int(values[key])
    except (KeyError, ValueError, TypeError, OverflowError):
        return None


def _below(values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    cut = len(prefix) + 1
    return {
        key[cut:]: tuple(value) if isinstance(value, list) else value
        for key, value in values.items()
        if key.startswith(f"{prefix}.")
    }
