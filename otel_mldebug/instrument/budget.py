"""What watching may cost: a share of the watched code's time, earned as it runs and spent on what is worth it."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping

from typing_extensions import override

DEFAULT_SHARE = 0.02
BURST_NS = 5_000_000
"""Credit that can be saved up, nanoseconds: about 40 spans, so that the first calls of a program all get one."""

FIRST_PRICES_NS: Mapping[str, int] = {
    "span": 120_000,
    "point": 20_000,
    "norms": 200_000,
    "error": 1_000_000,
    "capture": 1_000_000,
}
"""What an item is taken to cost before one has been measured, on the high side."""
_FIRST_PRICE_NS = 100_000
_WEIGHT = 0.1
"""Weight of the latest measurement in the moving average."""
_CLIP, _CLIP_PRICE = 8, 3
"""A measurement counts for at most so many prices, in what is paid and in the average: beyond, something was set up."""
ELSEWHERE: Mapping[str, float] = {"span": 3.0}
"""What an item costs in all, as a multiple of what is measured where it is made: a span is exported by another thread.

Source: `make bench`, `functions.span.elsewhere`.
"""


class Budget:
    """A token bucket filled by watched time and emptied by what watching does.

    Over any stretch of time, what is spent is at most `share` of the time watched in it, plus `burst_ns`, plus one
    item. Errors and outliers come on top: they get their spans in any case and use up what has been saved, but not the
    reserve, so that a storm of errors does not blind us for what happens around it.

    No method waits: where another thread, or a finalizer that interrupts this very one, holds the lock, `try_spend`
    refuses and the others note what is to be done for whoever comes next.

    Attributes:
        share: Share of the watched time that may be spent, 0 to 1; change it with `adjust`.
        clock_ns: The clock that watched code is timed with.
        cost_ns: The clock that costs are measured with: processor time of the thread, which does not run while the
            thread waits for its turn.
        watched_ns: Time watched so far. The hottest path adds to it directly, after the pattern of `earn`.
        ready: Whether a span can be afforded without touching the reserve; kept up to date by every other method,
            so that the hottest path has to read one attribute only.
    """

    __slots__ = (
        "_burst_ns",
        "_claimed_ns",
        "_credit_ns",
        "_lock",
        "_notes",
        "_prices_ns",
        "_spent_ns",
        "clock_ns",
        "cost_ns",
        "ready",
        "share",
        "watched_ns",
    )

    def __init__(self, share: float, clock_ns: Callable[[], int] | None = None, *, burst_ns: int = BURST_NS) -> None:
        self.clock_ns = clock_ns or time.perf_counter_ns
        self.cost_ns = clock_ns or time.thread_time_ns
        self._burst_ns = burst_ns
        self.share = share
        self.reset()

    def reset(self) -> None:
        """Start anew, with full credit: in a forked child, whose lock may be held by a thread that it does not have."""
        self._lock = threading.Lock()
        self._notes: deque[tuple[str, float, float]] = deque(maxlen=10_000)  # kind, paid, cost
        self._prices_ns: dict[str, float] = dict(FIRST_PRICES_NS)
        self.watched_ns = 0
        self._claimed_ns = 0
        self._spent_ns = 0.0
        self._credit_ns = self._most_ns
        self.ready = self.share > 0

    def adjust(self, share: float) -> None:
        """Set another share from now on; what has been saved up is kept as far as it allows."""
        with self._lock:
            started = self.share > 0
            self.share = share
            self._credit_ns = min(self._credit_ns, self._most_ns) if started else self._most_ns
            self._refresh()

    @property
    def spent_ns(self) -> int:
        """Return the time spent so far on what has been paid for, errors and outliers included."""
        return int(self._spent_ns)

    @property
    def _most_ns(self) -> float:
        return self._burst_ns if self.share > 0 else 0.0

    def price_ns(self, kind: str) -> float:
        """Return what one item of `kind` is expected to cost."""
        return self._prices_ns.get(kind, _FIRST_PRICE_NS)

    def earn(self, ns: int, since: int | None = None) -> None:
        """Say that `ns` nanoseconds of watched code have passed.

        Args:
            ns: Duration.
            since: `watched_ns` as it was when that code began. With it, what nested watched code has earned
                meanwhile is not earned twice; concurrent code counts once, too.
        """
        if since is None:
            self.watched_ns += ns
        elif since + ns > self.watched_ns:
            self.watched_ns = since + ns
        self.refresh()

    def refresh(self) -> None:
        """Turn the time watched into credit."""
        if self._lock.acquire(blocking=False):
            try:
                self._refresh()
            finally:
                self._lock.release()

    def _refresh(self) -> None:
        while self._notes:
            self._book(*self._notes.popleft())
        claimed_ns = self.watched_ns - self._claimed_ns
        if claimed_ns > 0:  # racing threads can set `watched_ns` back a little: then it has to catch up first
            self._claimed_ns += claimed_ns
            self._credit_ns = min(self._most_ns, self._credit_ns + self.share * claimed_ns)
        self.ready = self._affordable("span", urgent=False)

    def _affordable(self, kind: str, *, urgent: bool) -> bool:
        if self.share <= 0:
            return False
        reserve_ns = 0.0 if urgent else self._burst_ns / 2
        # What costs more than can be saved up is bought with a full purse, and the rest is owed.
        return self._credit_ns - reserve_ns >= min(self.price_ns(kind), self._burst_ns - reserve_ns)

    def try_spend(self, kind: str, *, urgent: bool = False) -> float:
        """Pay for one item of `kind` in advance, if there is credit for it.

        Args:
            kind: What is bought: `span`, `point`, `capture` or any other stable word; each has a price of its own.
            urgent: Use the reserve as well (half of what can be saved up). It is for what pays for itself, such as
                the span of a call that takes long anyway, so that calls by the million do not starve it.

        Returns:
            What was paid, in nanoseconds, to be handed to `settle`; 0 when it was refused.
        """
        if not self._lock.acquire(blocking=False):
            return 0.0
        try:
            self._refresh()
            if not self._affordable(kind, urgent=urgent):
                return 0.0
            price_ns = self.price_ns(kind)
            self._pay(price_ns)
            self.ready = self._affordable("span", urgent=False)
            return price_ns
        finally:
            self._lock.release()

    def charge(self, cost_ns: float) -> None:
        """Say what else was spent: whatever is not made of items, and what exporting costs in other threads."""
        self._notes.append(("", 0.0, float(cost_ns)))
        self.refresh()

    def settle(self, kind: str, paid_ns: float, cost_ns: int) -> None:
        """Say what an item cost in the end.

        Args:
            kind: What was bought.
            paid_ns: What `try_spend` returned; 0 for an error or an outlier, which is made in any case.
            cost_ns: What was measured, by `cost_ns`, where the item was made.
        """
        self._notes.append((kind, paid_ns, float(cost_ns)))
        self.refresh()

    def _book(self, kind: str, paid_ns: float, cost_ns: float) -> None:
        if not kind:
            self._pay(cost_ns)
            return
        price_ns = self.price_ns(kind)
        cost_ns = min(cost_ns * ELSEWHERE.get(kind, 1.0), _CLIP * price_ns)
        self._prices_ns[kind] = price_ns + _WEIGHT * (min(cost_ns, _CLIP_PRICE * price_ns) - price_ns)
        if paid_ns:
            self._pay(cost_ns - paid_ns)
        else:
            self._spent_ns += cost_ns
            self._credit_ns = max(min(self._burst_ns / 2, self._credit_ns), self._credit_ns - cost_ns)

    def _pay(self, ns: float) -> None:
        self._spent_ns += ns
        self._credit_ns = max(-self._burst_ns, min(self._most_ns, self._credit_ns - ns))

    @override
    def __reduce__(self) -> tuple[Callable[..., "Budget"], tuple[float, ...]]:
        # A watched function that is sent to another process by value meets that process's budget there.
        return (process, ()) if self is _PROCESS else (Budget, (self.share,))


_PROCESS = Budget(DEFAULT_SHARE)


def process() -> Budget:
    """Return the one budget that everything in this process is paid from."""
    return _PROCESS
