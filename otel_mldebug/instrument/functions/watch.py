"""The aggregation cell of one function: exact counts for half a microsecond a call, also from many threads.

A call appends its duration to a list, which is one atomic operation; every `BATCH` calls, or after a long one, somebody
takes what is in the list and adds it up. So nothing is lost between threads, and nobody waits for a lock: who finds it
taken (by another thread, or by this very one, interrupted by a finalizer) leaves its durations in the list.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from otel_mldebug.instrument.budget import Budget, process
from otel_mldebug.instrument.functions.buckets import grouped, percentile_ns

BATCH = 128
FLUSH_NS = 5_000_000
"""A call that takes longer is added up at once, so that what it earns can be spent."""
NEVER_NS = 1 << 62
_MIN_CALLS = 64
"""Calls before anything counts as an outlier."""
_OUTLIER = 4
"""An outlier takes this many times as long as 95 % of the calls."""
_MAX_ERROR_TYPES = 50
_READ_TIMEOUT_S = 0.2
OTHER = "_OTHER"
"""Error type beyond the fiftieth of a function. Source: OpenTelemetry, attribute `error.type`."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is watched.

    Attributes:
        function: Module and qualified name, or the name of a block.
        span: Name of its spans.
        file: Source file; empty when unknown.
        line: First line; None when unknown.
        attributes: What a user wants on each of its spans, as pairs.
    """

    function: str
    span: str
    file: str = ""
    line: int | None = None
    attributes: tuple[tuple[str, Any], ...] = ()


@dataclass(slots=True)
class Totals:
    """All calls so far, times in nanoseconds. `min_ns` and `max_ns` mean something only after the first call."""

    calls: int = 0
    total_ns: int = 0
    min_ns: int = NEVER_NS
    max_ns: int = 0
    counts: dict[int, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)

    def add(self, batch: list[int], errors: list[str]) -> None:
        """Add the durations, which are sorted for it, and the types of the errors of some calls."""
        if batch:
            batch.sort()
            self.calls += len(batch)
            self.total_ns += sum(batch)
            self.min_ns = min(self.min_ns, batch[0])
            self.max_ns = max(self.max_ns, batch[-1])
            for bucket, number in grouped(batch):
                self.counts[bucket] = self.counts.get(bucket, 0) + number
        for kind in errors:
            known = kind if kind in self.errors or len(self.errors) < _MAX_ERROR_TYPES else OTHER
            self.errors[known] = self.errors.get(known, 0) + 1

    def copy(self) -> "Totals":
        """Return a copy that no later call changes."""
        return Totals(self.calls, self.total_ns, self.min_ns, self.max_ns, dict(self.counts), dict(self.errors))


class Watch:
    """Everything known of one watched function.

    Attributes:
        target: What is watched.
        budget: What its spans are paid from.
        durations_ns: Durations that have not been added up yet.
        append: Adds one to them; the whole cost of counting a call.
        limit_ns: A call that takes longer has to be looked at when it ends.
        outlier_ns: A call that takes longer is an outlier.
        rich: Whether its calls pay for their own spans, and whether the next one is the first.
        spans: Spans made so far.
    """

    __slots__ = (
        "_errors",
        "_lock",
        "_next_look",
        "_totals",
        "append",
        "budget",
        "durations_ns",
        "limit_ns",
        "outlier_ns",
        "rich",
        "spans",
        "target",
    )

    def __init__(self, target: Target, budget: Budget | None = None) -> None:
        self.target = target
        self.budget = budget or process()
        self.durations_ns: list[int] = []
        self.append: Callable[[int], None] = self.durations_ns.append
        self._errors: list[str] = []
        self.reset()

    def reset(self) -> None:
        """Forget all calls: in a forked child, whose parent reports them."""
        self._lock = threading.Lock()
        self.durations_ns.clear()
        self._errors.clear()
        self._totals = Totals()
        self._next_look = _MIN_CALLS
        self.limit_ns, self.outlier_ns = FLUSH_NS, NEVER_NS
        self.rich, self.spans = True, 0

    def failed(self, error_type: str, duration_ns: int) -> None:
        """Count a call that raised."""
        self._errors.append(error_type)
        self.append(duration_ns)

    def look(self, took_ns: int) -> None:
        """Look at a call that was counted: add up what is in the list, if there is reason to and nobody is at it."""
        if took_ns <= self.limit_ns and len(self.durations_ns) < BATCH:
            self.rich = self.pays_for_itself(took_ns)
            return
        if self._lock.acquire(blocking=False):
            try:
                self._take()
            finally:
                self._lock.release()
        self.budget.refresh()

    def totals(self) -> Totals:
        """Return all calls so far. Waits for another thread that adds up at this moment, at most 0.2 s."""
        if self._lock.acquire(timeout=_READ_TIMEOUT_S):
            try:
                self._take()
                return self._totals.copy()
            finally:
                self._lock.release()
        return self._totals.copy()

    def share_with_spans(self) -> float:
        """Return the share of the calls that got a span, the one that is being made included, from 0 to 1."""
        calls = self._totals.calls + len(self.durations_ns)
        return min(1.0, (self.spans + 1) / (calls + 1))

    def _take(self) -> None:
        # Calls in other threads append meanwhile, behind what is taken: slicing and deleting are one operation each.
        batch = self.durations_ns[:]
        del self.durations_ns[: len(batch)]
        errors = self._errors[:]
        del self._errors[: len(errors)]
        totals = self._totals
        totals.add(batch, errors)
        if not totals.calls:
            return
        self.rich = self.pays_for_itself(totals.total_ns / totals.calls)
        if totals.calls >= self._next_look:
            self._next_look = totals.calls * 2
            self._set_limits(totals.counts)

    def pays_for_itself(self, duration_ns: float) -> bool:
        """Whether a call of that duration earns twice what its span costs."""
        return duration_ns * self.budget.share >= 2 * self.budget.price_ns("span")

    def _set_limits(self, counts: Mapping[int, int]) -> None:
        usual_ns = percentile_ns(counts, 0.95)
        if usual_ns is None or self.budget.share <= 0:
            return
        worth_ns = self.budget.price_ns("span") / self.budget.share
        self.outlier_ns = int(max(_OUTLIER * usual_ns, worth_ns))
        self.limit_ns = min(FLUSH_NS, self.outlier_ns)
