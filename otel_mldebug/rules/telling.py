"""From an entry that matched to the finding: evidence read, variants chosen, templates filled."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from otel_mldebug.rules.catalogue.conditions import hold
from otel_mldebug.rules.catalogue.evidence import readable
from otel_mldebug.rules.catalogue.pattern import evidence_in
from otel_mldebug.rules.facts import ErrorFacts, Value
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.matching import Hit, Subject
from otel_mldebug.semconv.names import Category, Severity

_OPTIONAL = re.compile(r"\[\[(.*?)\]\]")
_PLACEHOLDER = re.compile(r"\{([a-z_0-9]+)\}")


def finding_of(hit: Hit, subject: Subject, mark: str) -> Finding:
    """Return the finding of an entry, with its evidence filled in.

    Args:
        hit: The entry and what its expression matched.
        subject: The exception it matched.
        mark: Fingerprint.
    """
    pattern = hit.pattern
    evidence: dict[str, Value] = {**subject.codes, **evidence_in(pattern, hit.found, subject.text, subject.lowered)}
    texts: dict[str, Any] = {}
    for variant in pattern.variants:
        if hold(variant.conditions, evidence):
            texts = dict(variant.changes)
            break
    wanted = pattern.evidence
    shown = {name: readable(wanted[name].kind if name in wanted else "", value) for name, value in evidence.items()}
    shown["type"] = subject.facts.name or "The program"
    solutions = [fill(text, shown) for text in texts.get("solutions", pattern.solutions)]
    return Finding(
        rule=pattern.id,
        category=Category(texts["category"]) if "category" in texts else pattern.category,
        severity=severity_for(subject.facts, Severity(texts.get("severity", pattern.severity))),
        summary=fill(texts.get("summary", pattern.summary), shown) or pattern.id,
        cause=fill(texts.get("cause", pattern.cause), shown),
        solutions=tuple(solution for solution in solutions if solution),
        prevention=fill(texts.get("prevention", pattern.prevention), shown),
        docs=pattern.docs,
        retryable=texts.get("retryable", pattern.retryable),
        confidence=pattern.confidence,
        basis=pattern.basis,
        evidence=evidence,
        fingerprint=mark,
    )


def severity_for(facts: ErrorFacts, severity: Severity) -> Severity:
    """Return `severity`, but no more than a warning for a class of warnings: with those the program goes on."""
    return Severity.WARNING if severity is Severity.ERROR and facts.name.endswith("Warning") else severity


def fill(template: str, values: Mapping[str, str]) -> str:
    """Return `template` with its placeholders filled; empty when one outside `[[ ]]` has no value.

    A placeholder is a name in braces; other braces, such as those of code, stay.
    """
    if "{" not in template:
        return template
    out = ""
    for texts, names, optional in _parts(template):
        try:
            found = [values[name] for name in names]
        except KeyError:
            if not optional:
                return ""
            continue
        out += texts[0]
        for value, text in zip(found, texts[1:], strict=True):
            out += value + text
    return out


@lru_cache(maxsize=1024)
def _parts(template: str) -> tuple[tuple[Sequence[str], Sequence[str], bool], ...]:
    """Return the parts of a template: the texts between its placeholders, their names, whether it may be left out."""
    split = [_PLACEHOLDER.split(text) for text in _OPTIONAL.split(template)]
    return tuple((pieces[::2], pieces[1::2], place % 2 == 1) for place, pieces in enumerate(split))


def unknown(root: ErrorFacts, mark: str) -> Finding:
    """Return the finding that says honestly that nothing is known."""
    cut = not root.type and not root.message
    return Finding(
        rule="unknown",
        category=Category.UNKNOWN,
        severity=Severity.ERROR,
        summary="A traceback ends before the line that says what failed."
        if cut
        else f"{root.name or 'An error'}: no rule knows this failure.",
        cause="The text was cut off, by a limit of the log or because the process ended in the middle of it."
        if cut
        else "The message fits no known family of errors.",
        solutions=(
            "Read the innermost line of the traceback that is your own code, and the values it used.",
            "Search for the message, without its numbers and paths, in the issues of the library that raised it; "
            "upgrading or downgrading that library often helps.",
        ),
        prevention="Add a pattern of your own for it: otel-mldebug patterns check FILE.",
        confidence=0.0,
        basis="none",
        fingerprint=mark,
    )
