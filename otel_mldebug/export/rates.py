"""The course of each group's count, looked at now and then: what rises beyond chance becomes a finding."""

from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice
from typing import NamedTuple

from otel_mldebug.rules.detectors.rates import LEAST, RECENT, RULE, Slot, rising
from otel_mldebug.rules.finding import Finding

SLOTS = 66
"""Looks that are remembered: at one in ten seconds, the last eleven minutes."""


class Counted(NamedTuple):
    """A group: what it is, and how often it has been seen."""

    fingerprint: str
    finding: Finding
    number: int


class Rates:
    """Remembers counts in slots between two looks. Not locked: one thread looks.

    Args:
        clock: Seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._since_s = clock, clock()
        self._seconds: deque[float] = deque(maxlen=SLOTS)
        self._counts: dict[str, deque[int]] = {}
        self._totals: dict[str, int] = {}
        self._rising: set[str] = set()

    def look(self, groups: Iterable[Counted]) -> list[Finding]:
        """Take the counts by now and return what rises; once, and again only after it has stopped."""
        now_s = self._clock()
        self._seconds.append(now_s - self._since_s)
        self._since_s = now_s
        known = {group.fingerprint: group for group in groups if group.finding.rule != RULE}
        for fingerprint, group in known.items():
            last = self._totals.get(fingerprint, 0)
            new = group.number - last if group.number >= last else group.number  # it fell out and came back
            if new or fingerprint in self._counts:
                self._counts.setdefault(fingerprint, deque(maxlen=SLOTS)).append(new)
        self._totals = {fingerprint: group.number for fingerprint, group in known.items()}
        self._forget(known.keys())
        found = []
        for fingerprint in self._counts:
            few = sum(islice(reversed(self._counts[fingerprint]), RECENT)) < LEAST  # nearly always: the rest costs more
            window = [] if few else self._window(fingerprint)
            finding = rising(known[fingerprint].finding, window, groups=len(self._counts)) if window else None
            if finding is None:
                self._rising.discard(fingerprint)
            elif fingerprint not in self._rising:
                self._rising.add(fingerprint)
                found.append(finding)
        return found

    def _window(self, fingerprint: str) -> list[Slot]:
        counts = self._counts[fingerprint]
        earlier = [0] * (len(self._seconds) - len(counts))
        return [Slot(*pair) for pair in zip([*earlier, *counts], self._seconds, strict=True)]

    def _forget(self, present: Iterable[str]) -> None:
        """Forget groups that fell out, and those without an occurrence in all that is remembered."""
        kept = set(present)
        gone = [key for key, counts in self._counts.items() if key not in kept or not any(counts)]
        for key in gone:
            del self._counts[key]
            self._rising.discard(key)
