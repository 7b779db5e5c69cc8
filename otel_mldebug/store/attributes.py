"""A finding as OpenTelemetry attributes: the same ones in the store, on log events and on failed spans."""

from collections.abc import Mapping
from typing import Final

from otel_mldebug.rules.facts import Value
from otel_mldebug.rules.finding import Occurrence
from otel_mldebug.semconv import names
from otel_mldebug.semconv.names import Severity

SEVERITY_NUMBERS: Final[Mapping[Severity, int]] = {
    Severity.DEBUG: 5,
    Severity.INFO: 9,
    Severity.WARNING: 13,
    Severity.ERROR: 17,
    Severity.CRITICAL: 21,
}
"""SeverityNumber of the log event. Source: OpenTelemetry, logs data model, field SeverityNumber."""


def finding_attributes(occurrence: Occurrence) -> dict[str, Value]:
    """Return what an event or a span says of `occurrence`: flat, and without what is unknown.

    Frames and the chain of causes are not among them, because attributes of a span cannot be nested:
    `exception.stacktrace` holds them as text.
    """
    finding = occurrence.finding
    exception = occurrence.exception
    out: dict[str, Value | None] = {
        names.MLDEBUG_FINDING_ID: occurrence.id,
        names.MLDEBUG_FINDING_RULE: finding.rule,
        names.MLDEBUG_FINDING_CATEGORY: str(finding.category),
        names.MLDEBUG_FINDING_SEVERITY: str(finding.severity),
        names.MLDEBUG_FINDING_CONFIDENCE: float(finding.confidence),
        names.MLDEBUG_FINDING_BASIS: finding.basis,
        names.MLDEBUG_FINDING_RETRYABLE: finding.retryable,
        names.MLDEBUG_FINDING_SUMMARY: finding.summary,
        names.MLDEBUG_FINDING_CAUSE: finding.cause,
        names.MLDEBUG_FINDING_SOLUTIONS: finding.solutions,
        names.MLDEBUG_FINDING_PREVENTION: finding.prevention,
        names.MLDEBUG_FINDING_DOCS: finding.docs,
        names.MLDEBUG_FINDING_FINGERPRINT: finding.fingerprint,
        names.MLDEBUG_FINDING_COUNT: occurrence.count,
        names.MLDEBUG_FINDING_SUPPRESSED: occurrence.suppressed or None,
        names.CODE_FUNCTION_NAME: occurrence.function,
        names.MLDEBUG_TRAIN_STEP_INDEX: occurrence.step,
        names.MLDEBUG_TRAIN_EPOCH: occurrence.epoch,
        names.MLDEBUG_TRAIN_LAYER: occurrence.layer,
        names.EXCEPTION_TYPE: _text(exception, "type"),
        names.EXCEPTION_MESSAGE: _text(exception, "message"),
        names.EXCEPTION_STACKTRACE: _text(exception, "stacktrace"),
    }
    known: dict[str, Value] = {key: value for key, value in out.items() if value is not None and value not in ("", ())}
    known.update((f"{names.MLDEBUG_EVIDENCE}.{key}", value) for key, value in finding.evidence.items())
    known.update((f"{names.MLDEBUG_CONTEXT}.{key}", value) for key, value in occurrence.context.items())
    return known


def _text(exception: Mapping[str, object], key: str) -> str:
    value = exception.get(key)
    return value if isinstance(value, str) else ""
