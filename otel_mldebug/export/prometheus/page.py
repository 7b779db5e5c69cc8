"""What the page shows: a collection of metrics as Prometheus families, with the names and labels of the Collector."""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from opentelemetry.sdk.metrics.export import (
    Gauge,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    Sum,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString
from typing_extensions import override

from otel_mldebug._guard import fault, guard, log
from otel_mldebug.semconv import names
from otel_mldebug.semconv.prometheus import label_name, series_name

RESOURCE_LABELS = (names.SERVICE_NAME, names.MLDEBUG_RUN_ID, names.MLDEBUG_RANK)
"""Attributes of the resource that are labels of every series, here as in collector-config: the processor transform."""
_IDENTITY = frozenset({names.SERVICE_NAME, names.SERVICE_INSTANCE_ID})
"""What becomes `job` and `instance`, and is not repeated in `target_info`."""

Rows = dict[tuple[tuple[str, str], ...], Any]
"""Points by their labels, sorted: what differs only in its scope is one series, the last point wins."""


class Page(Collector):
    """Collects when it is scraped, and never fails as a whole because of one metric.

    Args:
        take: Returns a cumulative collection of all metrics; None when there are none.
        labels: Attributes for every series that the provider's resource does not have.
    """

    def __init__(self, take: Callable[[], MetricsData | None], labels: Mapping[str, Any] | None = None) -> None:
        self._take, self._labels = take, labels or {}

    @override
    def collect(self) -> Iterable[Family]:
        with guard("collect metrics for Prometheus"):
            data = self._take()
            return [] if data is None else list(families(data, self._labels))
        return []


def families(data: MetricsData, labels: Mapping[str, Any] | None = None) -> Iterator[Family]:
    """Return all metrics as Prometheus families, each name once; what cannot be shown is left out and said once."""
    by_name: dict[str, tuple[str, str, Rows]] = {}
    resource: dict[str, Any] = {}
    for part in data.resource_metrics:
        resource = dict(part.resource.attributes)
        common = {key: resource[key] for key in RESOURCE_LABELS if key in resource}
        common |= {key: value for key, value in (labels or {}).items() if key in RESOURCE_LABELS}
        for scope in part.scope_metrics:
            for metric in scope.metrics:
                try:
                    _add(metric, common, by_name)
                except Exception as exc:  # noqa: BLE001, PERF203
                    fault(f"show the metric {metric.name} to Prometheus", exc)
    for name, (kind, text, rows) in by_name.items():
        yield _family(name, kind, text, rows)
    if resource:
        yield _target_info(resource)


def _add(metric: Metric, common: Mapping[str, Any], by_name: dict[str, tuple[str, str, Rows]]) -> None:
    data = metric.data
    monotonic = isinstance(data, Sum) and data.is_monotonic
    kind = ("counter" if monotonic else "gauge") if isinstance(data, (Gauge, Sum)) else "histogram"
    name = series_name(metric.name, metric.unit or "", monotonic=monotonic, gauge=kind == "gauge")
    known, _, rows = by_name.setdefault(name, (kind, metric.description or "", {}))
    if known != kind:
        log.debug("two metrics are both called %s and differ in kind: only the %s is shown", name, known)
        return
    for point in data.data_points:
        rows[_row({**(point.attributes or {}), **common})] = _value(point)


def _value(point: Any) -> Any:
    if isinstance(point, NumberDataPoint):
        return point.value
    if isinstance(point, HistogramDataPoint):
        total, buckets = 0, []
        for bound, count in zip([*point.explicit_bounds, math.inf], point.bucket_counts, strict=True):
            total += count
            text: str = floatToGoString(bound)  # type: ignore[no-untyped-call]
            buckets.append((text, total))  # `1.0`, as OpenMetrics has it
        return buckets, point.sum
    # An exponential histogram has no fixed bounds: its count and sum are shown.
    return [("+Inf", point.count)], point.sum


def _row(attributes: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((label_name(key), _text(value)) for key, value in attributes.items()))


def _text(value: Any) -> str:
    """Return the value of a label as the Collector writes it."""
    return value if isinstance(value, str) else json.dumps(value, default=str, separators=(",", ":"))


def _family(name: str, kind: str, text: str, rows: Rows) -> Family:
    keys = sorted({key for row in rows for key, _ in row})
    filled = [([dict(row).get(key, "") for key in keys], value) for row, value in rows.items()]
    if kind == "histogram":
        histogram = HistogramMetricFamily(name, text, labels=keys)
        for values, (buckets, total) in filled:
            histogram.add_metric(values, buckets, total)
        return histogram
    family = (CounterMetricFamily if kind == "counter" else GaugeMetricFamily)(name, text, labels=keys)
    for values, value in filled:
        family.add_metric(values, value)
    return family


def _target_info(resource: Mapping[str, Any]) -> Family:
    row = _row({key: value for key, value in resource.items() if key not in _IDENTITY})
    keys: Sequence[str] = [key for key, _ in row]
    family = GaugeMetricFamily("target_info", "Target metadata", labels=keys)
    family.add_metric([value for _, value in row], 1)
    return family
