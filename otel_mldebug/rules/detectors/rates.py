"""Groups of errors that come more often than chance explains."""

import hashlib
import math
from collections.abc import Sequence
from statistics import fmean, pvariance
from typing import NamedTuple

from otel_mldebug.rules.facts import Value
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.forecast import Point, crossing
from otel_mldebug.semconv.names import Severity

RULE = "errors.rising"
CHANCE = 1e-6
"""How likely one look at all groups may be a false alarm: at one in ten seconds, one in four months."""

RECENT = 6
LEAST = 10
"""The latest slots, and how many occurrences in them are worth a look."""


class Slot(NamedTuple):
    """Occurrences of a group in a stretch of time."""

    number: int
    seconds: float


def rising(
    of: Finding,
    window: Sequence[Slot],
    *,
    groups: int = 1,
    recent: int = RECENT,
    least: int = LEAST,
    factor: float = 3.0,
    bound_per_s: float = 1.0,
) -> Finding | None:
    """Fire when a group's rate in the latest slots is higher than before, beyond chance.

    If both had the same rate, each of all occurrences would fall into the latest slots with a probability of their
    share of the time: the binomial test of two Poisson rates, exact also for a group that was never seen before.
    Errors come in bursts, and a burst is no independent evidence: counts are divided by how much more the earlier
    slots vary than Poisson ones would (quasi-Poisson).

    Args:
        of: The finding whose occurrences are counted.
        window: The slots, oldest first.
        groups: Groups looked at together: the threshold is `CHANCE` divided by it (Bonferroni).
        recent: Number of slots that are the latest ones; at least as many have to come before them.
        least: Occurrences in them, below which it does not matter.
        factor: How many times the earlier rate, below which it does not matter.
        bound_per_s: Occurrences a second, of which it is foretold when they are passed.

    Source: Przyborowski and Wilenski, "Homogeneity of results in testing samples from Poisson series", 1940.
    """
    before, now = window[:-recent], window[-recent:]
    before_s, now_s = _seconds(before), _seconds(now)
    count, earlier = sum(slot.number for slot in now), sum(slot.number for slot in before)
    if len(before) < recent or before_s <= 0 or now_s <= 0 or count < least:
        return None
    rate, usual = count / now_s, earlier / before_s
    if rate < factor * usual:
        return None
    spread = _dispersion(before)
    chance = tail(int(count / spread), math.ceil(earlier / spread), now_s / (now_s + before_s))
    if chance > CHANCE / max(1, groups):
        return None
    return _finding(of, window, rate, usual, chance, bound_per_s)


def tail(count: int, others: int, share: float) -> float:
    """Return the probability that at least `count` of all fall into the share of the time, 0 to 1."""
    total = count + others
    if count <= 0 or share >= 1:
        return 1.0
    if share <= 0:
        return 0.0
    logs = [
        math.lgamma(total + 1)
        - math.lgamma(k + 1)
        - math.lgamma(total - k + 1)
        + k * math.log(share)
        + (total - k) * math.log1p(-share)
        for k in range(count, min(total, count + 400) + 1)  # each further term is smaller by more than the share
    ]
    top = max(logs)
    return min(1.0, math.exp(top) * math.fsum(math.exp(value - top) for value in logs))


def _dispersion(slots: Sequence[Slot]) -> float:
    """Return how many times more the slots vary than Poisson ones; at least 1."""
    counts = [slot.number for slot in slots]
    mean = fmean(counts)
    return max(1.0, pvariance(counts) / mean) if mean > 0 else 1.0


def _seconds(slots: Sequence[Slot]) -> float:
    return math.fsum(slot.seconds for slot in slots)


def _finding(
    of: Finding, window: Sequence[Slot], rate: float, usual: float, chance: float, bound_per_s: float
) -> Finding:
    times = f"{rate / usual:.3g} times as often as before" if usual > 0 else "where there were none before"
    summary = f"{of.rule} now occurs {rate * 60:.3g} times a minute, {times}."
    evidence: dict[str, Value] = {
        "group": of.rule,
        "rate_per_minute": round(rate * 60, 3),
        "usual_per_minute": round(usual * 60, 3),
    }
    moment, points = 0.0, []
    for slot in window:
        moment += slot.seconds
        if slot.seconds > 0:
            points.append(Point(moment - slot.seconds / 2, slot.number / slot.seconds))
    if rate < bound_per_s and (foretold := crossing(points, bound_per_s, now_s=moment)) is not None:
        summary += f" If it goes on so, it passes {bound_per_s * 60:.3g} a minute in {foretold.in_words()}."
        evidence.update(foretold.evidence())
    return Finding(
        rule=RULE,
        category=of.category,
        severity=Severity.WARNING if of.severity is not Severity.DEBUG else Severity.INFO,
        summary=summary,
        cause=f"What leads to it has changed: load, data, a service it needs, or the program. It means: {of.summary}",
        solutions=(
            *of.solutions[:2],
            "Look at what changed when it began: a deployment, another kind of data, a service that slowed down.",
        ),
        prevention="Alert on the rate of findings (mldebug_findings_total), not on single ones.",
        confidence=round(min(0.99, 1 - chance**0.25), 3),
        basis="detector",
        evidence={**evidence, "chance": float(f"{chance:.3g}")},
        fingerprint=hashlib.sha256(f"{RULE}:{of.fingerprint or of.rule}".encode()).hexdigest()[:16],
    )
