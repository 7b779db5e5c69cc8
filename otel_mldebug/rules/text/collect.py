"""Failures found in a text to findings: one for each distinct failure, its occurrences counted, root causes only."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from otel_mldebug.rules.facts import ErrorFacts
from otel_mldebug.rules.finding import ORDER, Finding
from otel_mldebug.rules.fingerprint import fingerprint
from otel_mldebug.rules.telling import unknown
from otel_mldebug.rules.text.scan import Seen
from otel_mldebug.rules.unwrap import REPORTERS

MAX_GROUPS = 1000
"""Distinct failures that are kept; further ones are only counted."""


@dataclass(slots=True)
class Group:
    """One distinct failure in a text.

    Attributes:
        finding: What it is.
        facts: The first occurrence, wrapped as it was printed.
        line: Where that begins, from 1.
        count: Occurrences.
        ranks: Ranks that printed it.
    """

    finding: Finding
    facts: ErrorFacts
    line: int
    count: int = 1
    ranks: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Collected:
    """All failures in a text, the most severe first, and how many were left out because there were too many kinds."""

    groups: list[Group]
    left_out: int = 0


def collect(seen: Iterable[Seen], explain: Callable[[ErrorFacts], Finding]) -> Collected:
    """Explain and group `seen`."""
    groups: dict[str, Group] = {}
    left_out = 0
    for one in seen:
        for facts in _members(one.facts):
            finding = unknown(facts, fingerprint(facts)) if _cut_off(facts) else explain(facts)
            if finding.basis == "none" and not facts.type and not facts.frames:
                continue  # a line that looked like a failure, and nothing knows it
            group = groups.get(finding.fingerprint)
            if group is not None:
                group.count += 1
            elif len(groups) < MAX_GROUPS:
                group = groups[finding.fingerprint] = Group(finding, facts, one.line)
            else:
                left_out += 1
                continue
            if one.rank is not None:
                group.ranks.add(one.rank)
    kept = _without_echoes(_without_reporters(list(groups.values())))
    kept.sort(key=lambda group: (-ORDER[group.finding.severity], -group.count, group.line))
    return Collected(kept, left_out)


def _cut_off(facts: ErrorFacts) -> bool:
    return not (facts.type or facts.message or facts.cause)


def _members(facts: ErrorFacts) -> Iterable[ErrorFacts]:
    """Yield the members of an exception group, each a failure of its own; otherwise the exception itself."""
    if not facts.group:
        yield facts
        return
    for member in facts.group:
        yield from _members(member)


def _without_reporters(groups: list[Group]) -> list[Group]:
    real = [group for group in groups if not (group.facts.name in REPORTERS and group.facts.cause is None)]
    return real or groups


def _without_echoes(groups: list[Group]) -> list[Group]:
    """Leave out single lines that say once more what a traceback, or a line with more to say, tells of."""
    told: dict[str, Group] = {}
    for group in groups:
        best = told.get(group.finding.rule)
        if best is None or _weight(group) > _weight(best):
            told[group.finding.rule] = group
    return [group for group in groups if _weight(group) > 1 or told[group.finding.rule] is group]


def _weight(group: Group) -> int:
    """Return how much a group has to say: 2 and more for a traceback, 1 for a line with numbers in it, 0 for a line."""
    if group.facts.type or group.facts.frames:
        return 2
    return int(bool(group.finding.evidence))
