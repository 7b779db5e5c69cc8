"""Puts together what structure tells: the form of the message says what to do, its words say what it is about."""

from collections.abc import Sequence
from dataclasses import replace

from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.matching import Hit, Subject
from otel_mldebug.rules.structure.areas import AREAS
from otel_mldebug.rules.structure.judge import Verdict, judge, place_tells
from otel_mldebug.rules.structure.learned import opinion
from otel_mldebug.rules.telling import finding_of, severity_for
from otel_mldebug.semconv.names import Category, Severity

BY_WORDS = 0.4
"""Confidence when only the words tell the category."""
SPOKEN, ALONE = 1.0, 1.0
"""What the words of a message must say for a category before it counts against what the form says, and alone."""
CLEAR = 2.0
"""Weight of words from which on they are clear: "out of memory" is, "buffer" and "swap" are not."""
MAX_SOLUTIONS = 6


def decide(subjects: Sequence[Subject], hit: Hit | None, subject: Subject, mark: str) -> Finding | None:
    """Return the finding that structure allows; None when it tells nothing.

    Where nothing but the message is known, what was learned from many others may correct what its form says.

    Args:
        subjects: The chain, root first.
        hit: The structural entry that matched, if any.
        subject: What it matched; the root otherwise.
        mark: Fingerprint.
    """
    finding = by_form(subjects, hit, subject, mark)
    if len(subjects) > 1 or place_tells(subject) or (hit is not None and not hit.pattern.yields):
        return finding  # wrappers, frames and telling forms say more than the words of one message
    rule, category = ("", Category.UNKNOWN) if finding is None else (finding.rule, finding.category)
    second = opinion(subject, rule, category)
    if second.category in (category, Category.UNKNOWN):
        return finding
    if second.by_words < (SPOKEN if finding else ALONE):
        return finding
    verdict = Verdict(second.category, second.by_words)
    return _joined(finding, verdict) if finding else _by_words(verdict, subject, mark)


def by_form(subjects: Sequence[Subject], hit: Hit | None, subject: Subject, mark: str) -> Finding | None:
    """Return what the form of the message and the vocabulary tell; None when they tell nothing.

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
        severity=severity_for(subject.facts, _severity(verdict)),
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
        severity=Severity.CRITICAL if _severity(verdict) is Severity.CRITICAL else finding.severity,
        cause=f"{area.cause} {finding.cause}",
        solutions=(*finding.solutions, *area.solutions[: MAX_SOLUTIONS - len(finding.solutions)]),
        prevention=f"{finding.prevention} {area.prevention}",
        confidence=BY_WORDS,
    )


def _severity(verdict: Verdict) -> Severity:
    """Return how bad failures of a category usually are; critical only where more than a word or two speak for it."""
    usual = AREAS[verdict.category].severity
    return usual if usual is not Severity.CRITICAL or verdict.weight >= CLEAR else Severity.ERROR
