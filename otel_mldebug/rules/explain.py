"""Makes the finding for a failure: the catalogue first, then structure, honestly `unknown` at the end."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from otel_mldebug.rules.catalogue.conditions import hold
from otel_mldebug.rules.catalogue.evidence import readable
from otel_mldebug.rules.catalogue.loader import builtin
from otel_mldebug.rules.catalogue.pattern import GENERAL, STRUCTURE, TYPE, Pattern, evidence_in
from otel_mldebug.rules.facts import ErrorFacts, Value
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.fingerprint import fingerprint
from otel_mldebug.rules.matching import Hit, Matcher, Subject
from otel_mldebug.rules.unwrap import links
from otel_mldebug.semconv.names import Category, Severity

BUDGET_S = 0.1
"""Seconds after which no further expression is tried."""
_OPTIONAL = re.compile(r"\[\[(.*?)\]\]")
_PLACEHOLDER = re.compile(r"\{([a-z_0-9]+)\}")


@lru_cache(maxsize=4)
def matcher(patterns: tuple[Pattern, ...] | None) -> Matcher:
    """Return the catalogue ready to be searched; None stands for our own entries."""
    return Matcher(builtin() if patterns is None else patterns)


def explain(
    facts: ErrorFacts,
    patterns: tuple[Pattern, ...] | None = None,
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> Finding:
    """Return what went wrong, why, and what to try. Pure, and never silent: what nothing knows is `unknown`.

    Args:
        facts: The failure, wrapped as it was caught.
        patterns: Entries to use, from `catalogue.loader.load_all`; our own by default.
        clock: Seconds, monotonic.
    """
    chain = links(facts)
    subjects = [Subject(link) for link in chain]
    deadline_s = clock() + BUDGET_S
    hit, subject = _best(matcher(patterns), subjects, lambda: clock() > deadline_s)
    mark = fingerprint(chain[0], chain[1:])
    if hit is None:
        return _unknown(chain[0], mark)
    return finding_of(hit, subject, mark)


def _best(catalogue: Matcher, subjects: Sequence[Subject], expired: Callable[[], bool]) -> tuple[Hit | None, Subject]:
    """Return the hit that explains most: the root's if an entry knows it, else that of the nearest wrapper known."""
    hits = [(catalogue.best(subject, lowest=STRUCTURE, expired=expired), subject) for subject in subjects]
    for hit, subject in reversed(hits):
        if hit is not None and hit.pattern.over_cause and hit.match.tier >= TYPE:
            return hit, subject
    for lowest in (TYPE, GENERAL, STRUCTURE):
        for hit, subject in hits:
            if hit is not None and hit.match.tier >= lowest:
                return hit, subject
    return None, subjects[0]


def finding_of(hit: Hit, subject: Subject, mark: str) -> Finding:
    """Return the finding of an entry, with its evidence filled in."""
    pattern = hit.pattern
    evidence: dict[str, Value] = {**subject.codes, **evidence_in(pattern, hit.found, subject.text)}
    texts: dict[str, Any] = {}
    for variant in pattern.variants:
        if hold(variant.conditions, evidence):
            texts = dict(variant.changes)
            break
    shown = {name: readable(_kind(pattern, name), value) for name, value in evidence.items()}
    shown["type"] = subject.facts.name or "The program"
    solutions = [fill(text, shown) for text in texts.get("solutions", pattern.solutions)]
    return Finding(
        rule=pattern.id,
        category=Category(texts.get("category", pattern.category)),
        severity=Severity(texts.get("severity", pattern.severity)),
        summary=fill(texts.get("summary", pattern.summary), shown) or pattern.id,
        cause=fill(texts.get("cause", pattern.cause), shown) or "",
        solutions=tuple(solution for solution in solutions if solution),
        prevention=fill(texts.get("prevention", pattern.prevention), shown) or "",
        docs=pattern.docs,
        retryable=bool(texts.get("retryable", pattern.retryable)),
        confidence=pattern.confidence,
        basis=pattern.basis,
        evidence=evidence,
        fingerprint=mark,
    )


def _kind(pattern: Pattern, name: str) -> str:
    return pattern.evidence[name].kind if name in pattern.evidence else "text"


def fill(template: str, values: Mapping[str, str]) -> str:
    """Return `template` with its placeholders filled; empty when one outside `[[ ]]` has no value."""
    if "{" not in template:
        return template

    def optional(found: "re.Match[str]") -> str:
        names = _PLACEHOLDER.findall(found.group(1))
        return found.group(1) if all(name in values for name in names) else ""

    text = _OPTIONAL.sub(optional, template)
    if any(name not in values for name in _PLACEHOLDER.findall(text)):
        return ""
    return _PLACEHOLDER.sub(lambda found: values[found.group(1)], text)


def _unknown(root: ErrorFacts, mark: str) -> Finding:
    return Finding(
        rule="unknown",
        category=Category.UNKNOWN,
        severity=Severity.ERROR,
        summary=f"{root.name or 'An error'}: no rule knows this failure.",
        cause="The message fits no known family of errors.",
        solutions=(
            "Read the innermost line of the traceback that is your own code, and the values it used.",
            "Search for the message, without its numbers and paths, in the issues of the library that raised it.",
        ),
        confidence=0.0,
        basis="none",
        fingerprint=mark,
    )
