"""Queries built from the registry's metrics: the only place in the dashboards and rules that spells PromQL.

Every function takes a `Metric` and returns one expression, narrowed to what the dashboard's variables, or `scope`,
choose.
"""

from collections.abc import Mapping, Sequence

from otel_mldebug.semconv import names
from otel_mldebug.semconv.metric import Metric
from otel_mldebug.semconv.prometheus import label_name, prometheus_name

IDENTITY = (names.SERVICE_NAME, names.MLDEBUG_RUN_ID, names.MLDEBUG_RANK)
"""Attributes of the resource that are labels of every series, by way of the collector and by direct scrape."""

WHO = (names.SERVICE_NAME, names.MLDEBUG_RANK)
"""What tells the lines of a chart apart that has one for each process."""

CHOSEN: Mapping[str, str] = {
    names.SERVICE_NAME: "=~$service",
    names.MLDEBUG_RUN_ID: "=~$run",
    names.MLDEBUG_RANK: "=~$rank",
}
"""What the dashboard's variables choose. "All" is `.*`, which also takes series without a rank."""

Where = Mapping[str, str]
"""Attribute -> operator and value, such as `=used`, `!=idle`, `=~error|critical`."""


def series(metric: Metric, where: Where | None = None, *, scope: Where = CHOSEN, suffix: str = "") -> str:
    """Return the selector of the series of `metric`; `suffix` is `_bucket`, `_sum` or `_count` for a histogram."""
    matchers = []
    for key, wanted in {**scope, **(where or {})}.items():
        operator = wanted[:2] if wanted[:2] in ("=~", "!~", "!=") else "="
        matchers.append(f'{label_name(key)}{operator}"{wanted[len(operator) :]}"')
    return (
        f"{prometheus_name(metric)}{suffix}{{{', '.join(matchers)}}}" if matchers else prometheus_name(metric) + suffix
    )


def rate(
    metric: Metric,
    by: Sequence[str] = (),
    where: Where | None = None,
    *,
    window: str = "$__rate_interval",
    scope: Where = CHOSEN,
) -> str:
    """Return what the counter `metric` gains a second, summed by the attributes `by`."""
    return f"sum{grouped(by)} (rate({series(metric, where, scope=scope)}[{window}]))"


def share(
    metric: Metric, by: Sequence[str], of: str, *, window: str = "$__rate_interval", scope: Where = CHOSEN
) -> str:
    """Return the share (0..1) that each value of the attribute `of` has in what the counter gains, by `by`."""
    whole = rate(metric, by, window=window, scope=scope)
    return f"{rate(metric, [*by, of], window=window, scope=scope)} / on ({labels(by)}) group_left () ({whole} > 0)"


def quantile(
    q: float, metric: Metric, by: Sequence[str] = (), *, window: str = "$__rate_interval", scope: Where = CHOSEN
) -> str:
    """Return the quantile `q` (0..1) of the histogram `metric`, by the attributes `by`."""
    grouping = ", ".join(["le", *map(label_name, by)])
    buckets = series(metric, scope=scope, suffix="_bucket")
    return f"histogram_quantile({q}, sum by ({grouping}) (rate({buckets}[{window}])))"


def latest(
    metric: Metric, by: Sequence[str] = (), where: Where | None = None, *, how: str = "max", scope: Where = CHOSEN
) -> str:
    """Return the value now of a gauge or up-down counter, several combined by `how` (max, sum, avg)."""
    return f"{how}{grouped(by)} ({series(metric, where, scope=scope)})"


def total(metric: Metric, by: Sequence[str] = (), where: Where | None = None) -> str:
    """Return how far the counter has come in the time shown, processes that have ended included.

    Not `increase`: that sees nothing of a counter that was born with its first and only value, as most findings are.
    """
    return f"sum{grouped(by)} (max_over_time({series(metric, where)}[$__range]))"


def fresh(
    metric: Metric,
    by: Sequence[str] = (),
    where: Where | None = None,
    *,
    window: str = "$__interval",
    scope: Where = CHOSEN,
) -> str:
    """Return what came on top in the last `window`, exactly, the first value of a new series included (see `total`)."""
    now = series(metric, where, scope=scope)
    return f"sum{grouped(by)} ({now} - ({now} offset {window} or {now} * 0))"


def ratio(
    metric: Metric, over: Metric, by: Sequence[str] = (), *, window: str = "$__rate_interval", scope: Where = CHOSEN
) -> str:
    """Return what one counter gains for each one that the other gains, such as seconds for each pass."""
    gained = [f"sum{grouped(by)} (increase({series(one, scope=scope)}[{window}]))" for one in (metric, over)]
    return f"{gained[0]} / ({gained[1]} > 0)"


def top(count: int, expr: str) -> str:
    """Return the `count` series with the largest values."""
    return f"topk({count}, {expr})"


def bottom(count: int, expr: str) -> str:
    """Return the `count` series with the smallest values."""
    return f"bottomk({count}, {expr})"


def highest(expr: str, by: Sequence[str] = ()) -> str:
    """Return the highest value of `expr` for each combination of the attributes `by`."""
    return f"max{grouped(by)} ({expr})"


def grouped(by: Sequence[str]) -> str:
    """Return ` by (a, b)`, or nothing when there is nothing to group by."""
    return f" by ({labels(by)})" if by else ""


def labels(keys: Sequence[str]) -> str:
    """Return the labels of the attributes, separated by commas."""
    return ", ".join(map(label_name, keys))


def legend(*keys: str, text: str = "") -> str:
    """Return Grafana's template for a line's name: `text`, then the values of the attributes."""
    return " ".join([*([text] if text else []), *(f"{{{{{label_name(key)}}}}}" for key in keys)])
