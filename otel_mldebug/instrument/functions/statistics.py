"""What is known of each watched function, for people and programs that ask in the same process."""

from collections.abc import Mapping
from dataclasses import dataclass

from otel_mldebug.instrument.functions.buckets import percentile_ns
from otel_mldebug.instrument.functions.registry import watches
from otel_mldebug.instrument.functions.watch import Totals, Watch

_NS_PER_S = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionStatistics:
    """All finished calls of one watched function or block in this process; a forked child starts anew.

    Attributes:
        function: Module and qualified name, or the name of the block.
        span: Name of its spans.
        file: Source file; empty when unknown.
        line: First line; None when unknown.
        calls: Finished calls, failed ones included. Exact.
        errors: Calls that raised, by qualified class name. Exact.
        total_s: Time spent in it, seconds; of a generator, on its items. Exact.
        mean_s: `total_s` over `calls`.
        min_s: The shortest call. Exact.
        max_s: The longest call. Exact.
        p50_s: Half of the calls took at most this, within `RELATIVE_ERROR`; so for `p95_s` and `p99_s`.
        p95_s: As `p50_s`, for 95 of 100.
        p99_s: As `p50_s`, for 99 of 100.
        spans: Spans made.
    """

    function: str
    span: str
    file: str
    line: int | None
    calls: int
    errors: Mapping[str, int]
    total_s: float
    mean_s: float
    min_s: float
    max_s: float
    p50_s: float
    p95_s: float
    p99_s: float
    spans: int


def statistics() -> list[FunctionStatistics]:
    """Return the statistics of all functions and blocks that were called, the one with the most time first."""
    rows = [_row(watch, totals) for watch in watches() if (totals := watch.totals()).calls]
    return sorted(rows, key=lambda row: (-row.total_s, row.function))


def _row(watch: Watch, totals: Totals) -> FunctionStatistics:
    def percentile_s(share: float) -> float:
        middle_ns = percentile_ns(totals.counts, share) or 0.0
        return min(max(middle_ns, totals.min_ns), totals.max_ns) / _NS_PER_S

    target = watch.target
    return FunctionStatistics(
        function=target.function,
        span=target.span,
        file=target.file,
        line=target.line,
        calls=totals.calls,
        errors=totals.errors,
        total_s=totals.total_ns / _NS_PER_S,
        mean_s=totals.total_ns / totals.calls / _NS_PER_S,
        min_s=totals.min_ns / _NS_PER_S,
        max_s=totals.max_ns / _NS_PER_S,
        p50_s=percentile_s(0.5),
        p95_s=percentile_s(0.95),
        p99_s=percentile_s(0.99),
        spans=watch.spans,
    )
