"""Makes the finding for a failure: the catalogue first, then structure, honestly `unknown` at the end."""

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

from otel_mldebug.rules.catalogue.loader import builtin, builtin_index
from otel_mldebug.rules.catalogue.pattern import GENERAL, MESSAGE, STRUCTURE, TYPE, Pattern, compiled
from otel_mldebug.rules.facts import ErrorFacts
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.fingerprint import fingerprint
from otel_mldebug.rules.matching import Hit, Matcher, Subject
from otel_mldebug.rules.telling import finding_of, unknown
from otel_mldebug.rules.unwrap import REPORTERS, links

ANSWERS = frozenset({"HTTPStatusError", "HTTPError", "ClientResponseError"})
"""Classes that say only what a server answered: who asked, and wraps them, knows what for."""
PROBES = frozenset({"KeyError", "IndexError", "AttributeError", "LookupError", "StopIteration", "Empty"})
"""Classes with which code finds out whether something is there: what is raised for want of it usually says more."""
SHOWN = frozenset({"gradio.exceptions.Error"})
"""Classes whose text an app wrote for its users: what it was raised for says more. Source: gradio/exceptions.py."""
MAX_INNER = 3
"""Remedies of a message inside another that come before the outer one's."""
BUDGET_S = 0.1
"""Seconds after which no further expression is tried."""


@lru_cache(maxsize=4)
def matcher(patterns: tuple[Pattern, ...] | None) -> Matcher:
    """Return the catalogue ready to be searched; None stands for our own entries."""
    collecting = gc.isenabled()
    gc.disable()  # nothing of all that is made here is garbage, and looking for some takes a fifth of the time
    try:
        return Matcher(builtin(), builtin_index()) if patterns is None else Matcher(patterns)
    finally:
        if collecting:
            gc.enable()


def explain(
    facts: ErrorFacts,
    patterns: tuple[Pattern, ...] | None = None,
    *,
    clock: Callable[[], float] = time.thread_time,
) -> Finding:
    """Return what went wrong, why, and what to try. Pure, and never silent: what nothing knows is `unknown`.

    Args:
        facts: The failure, wrapped as it was caught.
        patterns: Entries to use, from `catalogue.loader.load_all`; our own by default.
        clock: Seconds; by default those that this thread computes, so that a busy machine changes nothing.
    """
    chain = links(facts)
    subjects = [Subject(link) for link in chain]
    catalogue = matcher(patterns)  # made by the first call, which on a busy machine takes longer than the search may
    deadline_s = clock() + BUDGET_S
    hit, subject = _best(catalogue, subjects, lambda: clock() > deadline_s)
    mark = fingerprint(chain[0], chain[1:], subjects[0].text)
    if hit is not None and hit.match.tier > STRUCTURE:
        finding = finding_of(hit, subject, mark)
        inner = hit.pattern.inner and compiled(hit.pattern.inner).search(subject.text)
        return _with_inner(finding, inner.group(1), catalogue, deadline_s, clock) if inner else finding
    try:
        from otel_mldebug.rules.structure.decide import decide  # late: most failures are known
    except ImportError:  # the interpreter is shutting down
        return unknown(chain[0], mark)
    return decide(subjects, hit, subject, mark) or unknown(chain[0], mark)


def _with_inner(
    finding: Finding, message: str, catalogue: Matcher, deadline_s: float, clock: Callable[[], float]
) -> Finding:
    """Return `finding` with what the catalogue knows of the message inside its own before what it says itself."""
    subject = Subject(ErrorFacts(type="ValueError", message=message))
    hit = catalogue.best(subject, expired=lambda: clock() > deadline_s)
    evidence = {**finding.evidence, "inner": subject.text}
    if hit is None or hit.pattern.id == finding.rule:
        return replace(finding, evidence=evidence)
    within = finding_of(hit, subject, finding.fingerprint)
    return replace(
        finding,
        summary=f"{finding.summary} {within.summary}",
        cause=f"{within.cause} {finding.cause}",
        solutions=(*within.solutions[:MAX_INNER], *finding.solutions),
        evidence={**within.evidence, **evidence},
    )


def _best(catalogue: Matcher, subjects: Sequence[Subject], expired: Callable[[], bool]) -> tuple[Hit | None, Subject]:
    """Return the hit that explains most: the root's if an entry knows it, else that of the nearest wrapper known."""
    if len(subjects) == 1:
        return catalogue.best(subjects[0], expired=expired), subjects[0]
    telling = [subject for subject in subjects if not _only_reports(subject.facts)] or subjects
    hits = [(catalogue.best(subject, expired=expired), subject) for subject in telling]
    for hit, subject in reversed(hits):
        if hit is not None and hit.pattern.over_cause and hit.match.tier >= TYPE:
            return hit, subject
    (first, root), *wrappers = hits
    if root.facts.name in PROBES and (first is None or first.match.tier < MESSAGE):
        for hit, subject in wrappers:
            if hit is not None and hit.match.tier == MESSAGE:
                return hit, subject
    hits.sort(key=lambda pair: pair[1].facts.name in ANSWERS)  # stable: the root stays before what wraps it
    for lowest in (TYPE, GENERAL, STRUCTURE):
        for hit, subject in hits:
            if hit is not None and hit.match.tier >= lowest:
                return hit, subject
    return None, subjects[0]


def _only_reports(facts: ErrorFacts) -> bool:
    """Return whether an exception says no more than that others failed, which are known."""
    if facts.cause is not None and any(name in SHOWN for name in (facts.type, *facts.bases)):
        return True
    return bool(facts.group) or facts.name in REPORTERS
