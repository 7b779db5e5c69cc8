"""The one translator from OpenTelemetry names to those of Prometheus, equal to what the Collector writes."""

import re

from otel_mldebug.semconv.metric import Metric

UNITS = {
    "s": "seconds",
    "ms": "milliseconds",
    "By": "bytes",
    "W": "watts",
    "Cel": "celsius",
    "J": "joules",
    "Hz": "hertz",
    "%": "percent",
}
"""Unit suffixes. Source: OpenTelemetry Collector, `pkg/translator/prometheus`, `unit_to_ucum.go`."""

_INVALID = re.compile(r"[^a-zA-Z0-9:]+")
_ANNOTATION = re.compile(r"\{.*\}")


def series_name(name: str, unit: str, *, monotonic: bool = False, gauge: bool = False) -> str:
    """Return the metric family that `name` becomes in Prometheus.

    Args:
        name: OpenTelemetry metric name.
        unit: UCUM unit; annotations in braces are dropped.
        monotonic: The metric is a monotonic sum: it ends in `_total`.
        gauge: The metric is a gauge: unit `1` becomes `_ratio`. An up-down counter counts as one.

    Source: OpenTelemetry, "Prometheus and OpenMetrics compatibility"; translation strategy
        UnderscoreEscapingWithSuffixes of the Collector.
    """
    tokens = [token for token in _INVALID.sub("_", name).split("_") if token]
    bare = _ANNOTATION.sub("", unit).strip()
    suffix = "ratio" if bare == "1" and gauge and not monotonic else UNITS.get(bare, "" if bare in ("", "1") else bare)
    if suffix and suffix not in tokens:
        tokens.append(suffix)
    if monotonic:
        tokens = [token for token in tokens if token != "total"] + ["total"]  # noqa: S105  (a suffix, no password)
    text = "_".join(tokens)
    return f"_{text}" if text[:1].isdigit() else text


def label_name(key: str) -> str:
    """Return the label that attribute `key` becomes in Prometheus."""
    label = re.sub(r"[^a-zA-Z0-9_]", "_", key)
    return f"key_{label}" if label[:1].isdigit() else label


def prometheus_name(metric: Metric) -> str:
    """Return the metric family of `metric`; a histogram's series add `_bucket`, `_sum` and `_count`."""
    return series_name(
        metric.name,
        metric.unit,
        monotonic=metric.instrument == "counter",
        gauge=metric.instrument in ("gauge", "updowncounter"),
    )
