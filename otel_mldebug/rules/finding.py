"""Something is wrong, why we think so, and what to try: the one type for exceptions and detectors alike."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from otel_mldebug.rules.facts import Value
from otel_mldebug.semconv.names import Category, Severity

ORDER = {severity: place for place, severity in enumerate(Severity)}
"""Severities in rising order: debug 0 … critical 4."""

UNCAUGHT, MAIN_THREAD = "uncaught", "main thread"
"""Key and value in the context of an exception that nobody caught and that ended its program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is wrong.

    Attributes:
        rule: Stable dotted id of the rule that fired, such as `cuda.oom`. Low cardinality.
        category: What kind of trouble.
        severity: How bad.
        summary: One sentence for a person. May contain numbers; never used as a metric attribute.
        cause: The likely cause, one or two sentences.
        solutions: Things to try, the most likely first.
        prevention: How to keep it from coming back.
        docs: Link to documentation; empty when there is none.
        retryable: Whether the same call, perhaps after a wait, can plausibly succeed.
        confidence: 0..1, how sure the rule is.
        basis: What the finding is based on: `pattern`, `structure` (types, errno, status), `detector`, `none`.
        evidence: The values the rule looked at, in the registry's units (bytes, seconds, 0..1).
        fingerprint: 16 hex digits, same for the same failure; empty until it has been computed.
    """

    rule: str
    category: Category
    severity: Severity
    summary: str
    cause: str = ""
    solutions: tuple[str, ...] = ()
    prevention: str = ""
    docs: str = ""
    retryable: bool = False
    confidence: float = 1.0
    basis: str = "pattern"
    evidence: Mapping[str, Value] = field(default_factory=dict)
    fingerprint: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the finding as the command line prints it: unknown values are left out, never null."""
        out: dict[str, Any] = {
            "rule": self.rule,
            "category": str(self.category),
            "severity": str(self.severity),
            "confidence": round(self.confidence, 3),
            "basis": self.basis,
            "retryable": self.retryable,
            "summary": self.summary,
            "cause": self.cause,
            "solutions": list(self.solutions),
            "prevention": self.prevention,
            "docs": self.docs,
            "evidence": {k: list(v) if isinstance(v, tuple) else v for k, v in self.evidence.items()},
            "fingerprint": self.fingerprint,
        }
        return {key: value for key, value in out.items() if value not in ("", [], {})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One time that a finding was made: the finding plus where and when.

    Attributes:
        finding: What is wrong.
        id: 16 hex digits of its own, which a user can quote.
        time_ns: Wall time in nanoseconds since the epoch.
        function: Qualified name of the function that failed, where known.
        step: Number of the training step, from 0.
        epoch: Number of the pass over the data, from 0.
        layer: Module or parameter that showed it first.
        exception: `type`, `message`, `stacktrace` (text), `frames` and `chain` as plain JSON values; empty for a
            detector's finding. Redacted.
        context: What else was known: arguments, memory, user data. Redacted.
        trace_id: 32 hex digits; empty without a span.
        span_id: 16 hex digits; empty without a span.
        count: Occurrences of the group in this process so far, this one included.
        suppressed: How many of them were counted and not sent since the last one that was.
    """

    finding: Finding
    id: str
    time_ns: int
    function: str = ""
    step: int | None = None
    epoch: int | None = None
    layer: str = ""
    exception: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Value] = field(default_factory=dict)
    trace_id: str = ""
    span_id: str = ""
    count: int = 1
    suppressed: int = 0
