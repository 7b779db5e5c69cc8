"""How often each group of findings was seen, and which occurrences are sent: exact counts, bounded memory."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from otel_mldebug.export.rates import Counted
from otel_mldebug.rules.finding import Finding, Occurrence
from otel_mldebug.rules.fingerprint import detected
from otel_mldebug.semconv.names import Category, Severity


class Rate(NamedTuple):
    """A token bucket's size and how fast it fills."""

    burst: float
    per_s: float


PER_GROUP = Rate(burst=5, per_s=0.1)
"""One group: the first five at once, then one in ten seconds."""
OVERALL = Rate(burst=100, per_s=10)
"""All groups of a process together: a hundred at once, then ten a second."""
MAX_KINDS = 32_768
"""Groups that are counted one by one; what is of yet another kind has to be counted together."""
MAX_GROUPS = 2048
"""Groups of which more is kept than the count: an example, and what the group is."""
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
    shown: bool = False
    """Whether any occurrence of it has been sent or handed out."""


@dataclass(slots=True)
class _Recent:
    """What is kept of a group that was seen lately."""

    before: int
    """Its count when it came in."""
    finding: Finding | None = None
    latest: Occurrence | None = None


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


_TOO_MANY = Finding(
    rule="errors.many_kinds",
    category=Category.UNKNOWN,
    severity=Severity.ERROR,
    summary=f"More than {MAX_KINDS:,} kinds of failures in one process: further new kinds are counted together here.",
    cause="Messages that hold a different text each time make every failure a kind of its own.",
    solutions=(
        "Put what varies into arguments or attributes of the exception, and a fixed text into its message.",
        "Report the failures of a loop over many items as one, with how many there were.",
    ),
    prevention="Look at the list of failures after a first short run.",
    basis="none",
    fingerprint=detected("errors.many_kinds"),
)


def yet_another(finding: Finding) -> Finding:
    """Return what `finding` is counted as when there are too many kinds to count it by itself."""
    return replace(_TOO_MANY, severity=finding.severity)


class HeldBack(NamedTuple):
    """The latest occurrence of a group that was not sent.

    Attributes:
        example: The occurrence.
        seen: Occurrences of its group so far.
        suppressed: How many of them have not been sent since the last one that was, this one included.
    """

    example: Occurrence
    seen: int
    suppressed: int


class Groups:
    """The groups of one process. Thread-safe.

    Of each kind, up to `max_kinds`, the count is kept; an example and what it is only of those seen last.

    Args:
        clock: Seconds that only go forward.
        per_group: Rate at which occurrences of one group are sent.
        overall: Rate at which occurrences of all groups together are sent.
        max_groups: Groups of which an example is kept at a time, at least 1.
        max_kinds: Groups that are counted one by one, at least 1.
        introductions: First occurrences that are sent beyond the overall rate.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        per_group: Rate = PER_GROUP,
        overall: Rate = OVERALL,
        max_groups: int = MAX_GROUPS,
        max_kinds: int = MAX_KINDS,
        introductions: int = INTRODUCTIONS,
    ) -> None:
        self._clock, self._per_group = clock, per_group
        self._max_groups, self._max_kinds = max_groups, max_kinds
        self._overall = Bucket(overall, clock())
        self._introductions = introductions
        self._groups: dict[str, _Group] = {}
        self._recent: OrderedDict[str, _Recent] = OrderedDict()
        self._fallen: list[HeldBack] = []
        self._lock = threading.Lock()
        self.total = 0
        """Occurrences ever seen."""
        self.suppressed = 0
        """Occurrences ever counted without being sent."""

    def has_room_for(self, fingerprint: str) -> bool:
        """Return whether the group is counted, or can be from now on."""
        return fingerprint in self._groups or len(self._groups) < self._max_kinds

    def see(self, fingerprint: str, finding: Finding | None = None) -> Verdict:
        """Count one occurrence of `finding` and say whether it is sent."""
        with self._lock:
            now_s = self._clock()
            group = self._group(fingerprint, now_s)
            recent = self._come_in(fingerprint, group)
            group.count += 1
            recent.finding = finding
            self.total += 1
            if self._sends(group, now_s):
                suppressed, group.suppressed, group.shown, recent.latest = group.suppressed, 0, True, None
                return Verdict(True, group.count, suppressed)
            group.suppressed += 1
            self.suppressed += 1
            return Verdict(False, group.count, 0)

    def held_back(self, fingerprint: str, occurrence: Occurrence) -> None:
        """Keep `occurrence`, which was not sent, as the example of its group."""
        with self._lock:
            recent = self._recent.get(fingerprint)
            if recent is not None and self._groups[fingerprint].suppressed:
                recent.latest = occurrence

    def counted(self) -> list[Counted]:
        """Return what each group seen lately is, and how often it has been seen since it came in."""
        with self._lock:
            return [
                Counted(key, recent.finding, self._groups[key].count - recent.before)
                for key, recent in self._recent.items()
                if recent.finding is not None
            ]

    def fallen(self) -> list[HeldBack]:
        """Return, once, the groups of which nothing was sent and whose example has had to give way to others."""
        if not self._fallen:
            return []
        with self._lock:
            fallen, self._fallen = self._fallen, []
            return fallen

    def drain(self) -> list[HeldBack]:
        """Return each group that has an example of what was not sent, and forget that."""
        with self._lock:
            rest, self._fallen = self._fallen, []
            for key, recent in self._recent.items():
                self._hand_out(self._groups[key], recent, rest)
            return rest

    def _hand_out(self, group: _Group, recent: _Recent, rest: list[HeldBack]) -> None:
        if group.suppressed and recent.latest is not None:
            rest.append(HeldBack(recent.latest, group.count, group.suppressed))
            group.suppressed, group.shown, recent.latest = 0, True, None

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
            group = self._groups[fingerprint] = _Group(Bucket(self._per_group, now_s))
        return group

    def _come_in(self, fingerprint: str, group: _Group) -> _Recent:
        """Return what is kept of the group; the one that has not been seen for longest gives way."""
        recent = self._recent.get(fingerprint)
        if recent is not None:
            self._recent.move_to_end(fingerprint)
            return recent
        while len(self._recent) >= self._max_groups:
            key, oldest = self._recent.popitem(last=False)
            if not self._groups[key].shown:
                self._hand_out(self._groups[key], oldest, self._fallen)
        recent = self._recent[fingerprint] = _Recent(before=group.count)
        return recent
