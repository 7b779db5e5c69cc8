"""What a finding puts on the counter, on the span that failed, and on the exception as a note."""

from otel_mldebug.rules.facts import Value
from otel_mldebug.rules.finding import Finding, Occurrence
from otel_mldebug.semconv import names
from otel_mldebug.store.attributes import finding_attributes

_NOT_ON_SPANS = frozenset(
    {
        names.EXCEPTION_TYPE,
        names.EXCEPTION_MESSAGE,
        names.EXCEPTION_STACKTRACE,  # the log event carries the exception; the span says which event
        names.MLDEBUG_FINDING_COUNT,
        names.MLDEBUG_FINDING_SUPPRESSED,
        names.CODE_FUNCTION_NAME,
    }
)
_NOTE_SOLUTIONS = 2


def metric_attributes(finding: Finding) -> dict[str, str]:
    """Return what the counter of findings is split by: low cardinality only."""
    return {
        names.MLDEBUG_FINDING_RULE: finding.rule,
        names.MLDEBUG_FINDING_CATEGORY: str(finding.category),
        names.MLDEBUG_FINDING_SEVERITY: str(finding.severity),
    }


def event_attributes(occurrence: Occurrence) -> dict[str, Value]:
    """Return the attributes of the log event."""
    attributes = finding_attributes(occurrence)
    if kind := occurrence.exception.get("type"):
        attributes[names.ERROR_TYPE] = str(kind)
    return attributes


def span_attributes(occurrence: Occurrence) -> dict[str, Value]:
    """Return what the failing span carries: the finding and the type of the error."""
    return {key: value for key, value in event_attributes(occurrence).items() if key not in _NOT_ON_SPANS}


def finding_on_span(finding: Finding) -> dict[str, Value]:
    """Return what a failed span of somebody else's carries: the finding, without an occurrence."""
    attributes = finding_attributes(Occurrence(finding=finding, id="", time_ns=0))
    return {key: value for key, value in attributes.items() if key not in _NOT_ON_SPANS}


def note(occurrence: Occurrence) -> str:
    """Return what a traceback shows of a finding: at most four lines."""
    finding = occurrence.finding
    lines = [f"otel-mldebug: {finding.summary} [{finding.rule}, {occurrence.id}]"]
    lines += [f"  try: {solution}" for solution in finding.solutions[:_NOTE_SOLUTIONS]]
    if finding.docs:
        lines.append(f"  see: {finding.docs}")
    return "\n".join(" ".join(line.split("\n")) for line in lines)
