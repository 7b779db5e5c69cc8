"""Puts together what structure tells: the form of the message says what to do, its words say what it is about."""

from collections.abc import Sequence
from dataclasses import replace

from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.matching import Hit, Subject
from otel_mldebug.rules.structure.areas import AREAS
from otel_mldebug.rules.structure.judge import Verdict, judge
from otel_mldebug.rules.telling import finding_of, severity_for
from otel_mldebug.semconv.names import Severity

BY_WORDS = 0.4
"""Confidence when only the words tell the category."""
MAX_SOLUTIONS = 6


def decide(subjects: Sequence[Subject], hit: Hit | None, subject: Subject, mark: str) -> Finding | None:
    """Return the finding that structure allows; None when it tells nothing.

    Args:
        subjects: The chain, root first.
        hit: The structural entry that matched, if any.
        subject: What it matched; the root otherwise.
        mark: Fingerprint.
    """
    if hit is None:
        verdict = next((found for found in map(judge, subjects) if found is not None), None)
        return None if verdict is None else _by_words(verdict, subject, mark)
    finding = finding_of(hit, subject, mark)
    if not hit.pattern.yields:
        return finding
    verdict = judge(subject, form=finding.category, enough=hit.pattern.yields)
    return finding if verdict is None or verdict.category is finding.category else _joined(finding, verdict)


def _by_words(verdict: Verdict, subject: Subject, mark: str) -> Finding:
    area = AREAS[verdict.category]
    return Finding(
        rule=f"structure.{verdict.category}",
        category=verdict.category,
        severity=severity_for(subject.facts, area.severity),
        summary=f"{area.summary}{f' ({subject.facts.name})' if subject.facts.name else ''}.",
        cause=area.cause,
        solutions=area.solutions,
        prevention=area.prevention,
        retryable=area.retryable,
        confidence=BY_WORDS,
        basis="structure",
        evidence=dict(subject.codes),
        fingerprint=mark,
    )


def _joined(finding: Finding, verdict: Verdict) -> Finding:
    """Return the form's finding in the words' category, with that area's remedies after its own."""
    area = AREAS[verdict.category]
    return replace(
        finding,
        category=verdict.category,
        severity=area.severity if area.severity is Severity.CRITICAL else finding.severity,
        cause=f"{area.cause} {finding.cause}",
        solutions=(*finding.solutions, *area.solutions[: MAX_SOLUTIONS - len(finding.solutions)]),
        prevention=f"{finding.prevention} {area.prevention}",
        confidence=BY_WORDS,
    )
