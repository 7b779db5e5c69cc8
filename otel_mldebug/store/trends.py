"""How the occurrences of groups are spread over a run."""

import sqlite3
from collections.abc import Iterable, Mapping
from itertools import accumulate

SLICES = 12
"""Equal parts of the time."""


def trends(
    db: sqlite3.Connection, runs: Iterable[str], begin_ns: int, end_ns: int, totals: Mapping[str, int]
) -> dict[str, list[int]]:
    """Return for each group how many occurrences fall into each slice of the time; they add up to its total.

    Occurrences that were only counted are taken as spread evenly between the written ones around them.

    Args:
        db: The index, up to date.
        runs: Directories of the runs that count.
        begin_ns: Begin of the first slice, nanoseconds since the epoch.
        end_ns: End of the last one.
        totals: The exact counts by group key.
    """
    if end_ns <= begin_ns:
        return {}
    spread = {key: [0.0] * SLICES for key in totals}
    for run in runs:
        _add(db, run, begin_ns, end_ns, spread)
    return {key: _whole(values, totals[key]) for key, values in spread.items() if sum(values) > 0}


def _add(db: sqlite3.Connection, run: str, begin_ns: int, end_ns: int, spread: Mapping[str, list[float]]) -> None:
    latest: dict[tuple[str, str], tuple[int, int]] = {}
    rows = db.execute(
        "SELECT process, fingerprint, time_ns, suppressed, count FROM occurrence WHERE run = ? ORDER BY time_ns, rowid",
        (run,),
    )
    for process, key, time_ns, suppressed, count in rows:
        values = spread.get(key)
        if values is None:
            continue
        before_ns, _ = latest.get((process, key), (begin_ns, 0))
        _put(values, time_ns, time_ns, 1, begin_ns, end_ns)
        _put(values, before_ns, time_ns, suppressed, begin_ns, end_ns)
        latest[process, key] = time_ns, count
    for process, key, count, time_ns in db.execute(
        "SELECT process, fingerprint, count, time_ns FROM counted WHERE run = ?", (run,)
    ):
        if (found := latest.get((process, key))) is not None and count > found[1]:
            _put(spread[key], found[0], time_ns, count - found[1], begin_ns, end_ns)


def _put(values: list[float], from_ns: int, to_ns: int, number: int, begin_ns: int, end_ns: int) -> None:
    """Spread `number` evenly over the slices between two times; what lies outside of them all is left out."""
    if number <= 0 or to_ns < begin_ns or from_ns > end_ns:
        return
    width = (end_ns - begin_ns) / len(values)
    low = min(int(max(0, from_ns - begin_ns) / width), len(values) - 1)
    high = min(int(max(0, to_ns - begin_ns) / width), len(values) - 1)
    for place in range(low, high + 1):
        values[place] += number / (high - low + 1)


def _whole(values: list[float], total: int) -> list[int]:
    """Return whole numbers in these proportions that add up to `total`."""
    scale = total / sum(values)
    ends = [round(value * scale) for value in accumulate(values)]
    ends[-1] = total
    return [end - begin for begin, end in zip([0, *ends], ends, strict=False)]
