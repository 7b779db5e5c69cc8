"""How often each group of findings was seen, and which occurrences are sent: exact counts, bounded memory."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from otel_mldebug.export.rates import Counted
from otel_mldebug.rules.finding import Finding, Occurrence


class Rate(NamedTuple):
    """A token bucket's size and how fast it fills."""

    burst: float
    per_s: float


PER_GROUP = Rate(burst=5, per_s=0.1)
"""One group: the first five at once, then one in ten seconds."""
OVERALL = Rate(burst=100, per_s=10)
"""All groups of a process together: a hundred at once, then ten a second."""
MAX_GROUPS = 2048
INTRODUCTIONS = 1000
"""Groups whose first occurrence is sent whatever the overall rate says: a new kind of trouble is worth a line."""


class Bucket:
    """A token bucket. Not locked: its owner is."""

    __slots__ = ("_rate", "_since_s", "_tokens")

    def __init__(self, rate: Rate, now_s: float) -> None:
        self._rate, self._tokens, self._since_s = rate, rate.burst, now_s

    def ready(self, now_s: float) -> bool:
        """Fill up to `now_s` and return whether there is a whole token. A clock that steps back adds nothing."""
        self._tokens = min(self._rate.burst, self._tokens + max(0.0, now_s - self._since_s) * self._rate.per_s)
        self._since_s = now_s
        return self._tokens >= 1

    def take(self) -> None:
        """Use up one token."""
        self._tokens -= 1


@dataclass(slots=True)
class _Group:
    bucket: Bucket
    count: int = 0
    suppressed: int = 0
    latest: Occurrence | None = None
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with one occurrence.

    Attributes:
        send: Whether it is within the rates.
        count: Occurrences of its group so far, this one included.
        suppressed: Occurrences of its group that were not sent since the last one that was; 0 unless `send`.
    """

    send: bool
    count: int
    suppressed: int


class Groups:
    """The groups of one process. Thread-safe; the least recently seen group falls out above `max_groups`.

    A group that falls out starts again from one when it comes back; `total` and `suppressed` stay exact.

    Args:
        clock: Seconds that only go forward.
        per_group: Rate at which occurrences of one group are sent.
        overall: Rate at which occurrences of all groups together are sent.
        max_groups: Groups kept at a time, at least 1.
        introductions: First occurrences that are sent beyond the overall rate.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        per_group: Rate = PER_GROUP,
        overall: Rate = OVERALL,
        max_groups: int = MAX_GROUPS,
        introductions: int = INTRODUCTIONS,
    ) -> None:
        self._clock, self._per_group, self._max_groups = clock, per_group, max_groups
        self._overall = Bucket(overall, clock())
        self._introductions = introductions
        self._groups: OrderedDict[str, _Group] = OrderedDict()
        self._lock = threading.Lock()
        self.total = 0
        """Occurrences ever seen."""
        self.suppressed = 0
        """Occurrences ever counted without being sent."""

    def see(self, fingerprint: str, finding: Finding | None = None) -> Verdict:
        """Count one occurrence of `finding` and say whether it is sent."""
        with self._lock:
            now_s = self._clock()
            group = self._group(fingerprint, now_s)
            group.count += 1
            group.finding = finding
            self.total += 1
            if self._sends(group, now_s):
                suppressed, group.suppressed, group.latest = group.suppressed, 0, None
                return Verdict(True, group.count, suppressed)
            group.suppressed += 1
            self.suppressed += 1
            return Verdict(False, group.count, 0)

    def held_back(self, fingerprint: str, occurrence: Occurrence) -> None:
        """Keep `occurrence`, which was not sent, as the example that `drain` hands out for its group."""
        with self._lock:
            if (group := self._groups.get(fingerprint)) is not None and group.suppressed:
                group.latest = occurrence

    def counted(self) -> list[Counted]:
        """Return what each group is and how often it has been seen."""
        with self._lock:
            return [
                Counted(key, group.finding, group.count)
                for key, group in self._groups.items()
                if group.finding is not None
            ]

    def drain(self) -> list[tuple[Occurrence, int, int]]:
        """Return latest occurrence, count and suppressed number of each group that has any, and forget the latter."""
        with self._lock:
            rest = []
            for group in self._groups.values():
                if group.suppressed and group.latest is not None:
                    rest.append((group.latest, group.count, group.suppressed))
                    group.suppressed, group.latest = 0, None
            return rest

    def _sends(self, group: _Group, now_s: float) -> bool:
        # The group's own bucket comes first: one that is over its rate takes nothing from the others.
        if not group.bucket.ready(now_s):
            return False
        if self._overall.ready(now_s):
            self._overall.take()
        elif group.count == 1 and self._introductions > 0:
            self._introductions -= 1
        else:
            return False
        group.bucket.take()
        return True

    def _group(self, fingerprint: str, now_s: float) -> _Group:
        group = self._groups.get(fingerprint)
        if group is None:
            while len(self._groups) >= self._max_groups:
                self._groups.popitem(last=False)
            group = self._groups[fingerprint] = _Group(Bucket(self._per_group, now_s))
        else:
            self._groups.move_to_end(fingerprint)
        return group
