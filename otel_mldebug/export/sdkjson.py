"""Spans and metrics of the OpenTelemetry SDK as OTLP JSON values, the way the store keeps them."""

import math
from collections.abc import Iterable, Mapping

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    ExponentialHistogramDataPoint,
    Gauge,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    Sum,
)
from opentelemetry.sdk.trace import ReadableSpan

from otel_mldebug.store.otlp_json import Record
from otel_mldebug.store.otlp_json import span as encode
from otel_mldebug.store.otlp_values import attributes

_DELTA, _CUMULATIVE = 1, 2
"""AggregationTemporality in OTLP."""


def span_record(span: ReadableSpan) -> Record:
    """Return `span` as an OTLP Span."""
    context, parent = span.get_span_context(), span.parent
    if context is None:
        raise ValueError("a span without a context cannot be written")
    return encode(
        name=span.name,
        trace_id=f"{context.trace_id:032x}",
        span_id=f"{context.span_id:016x}",
        start_ns=span.start_time or 0,
        end_ns=span.end_time or 0,
        parent_span_id="" if parent is None else f"{parent.span_id:016x}",
        parent_is_remote=None if parent is None else parent.is_remote,
        kind=span.kind.value + 1,  # OTLP counts from 1, with 0 for unspecified
        flags=int(context.trace_flags),
        trace_state=context.trace_state.to_header() if context.trace_state else "",
        attributes_=span.attributes,
        events=[
            {"time_ns": event.timestamp, "name": event.name, "attributes": event.attributes} for event in span.events
        ],
        links=[
            {
                "trace_id": f"{link.context.trace_id:032x}",
                "span_id": f"{link.context.span_id:016x}",
                "attributes": link.attributes,
            }
            for link in span.links
        ],
        status_code=span.status.status_code.value,
        status_message=span.status.description or "",
        dropped_attributes=span.dropped_attributes,
    )


def resource_metrics(data: MetricsData) -> list[Record]:
    """Return `data` as a list of OTLP ResourceMetrics; metrics without points are left out."""
    out = []
    for resource in data.resource_metrics:
        scopes = []
        for scope in resource.scope_metrics:
            if metrics := [record for metric in scope.metrics if (record := _metric(metric))]:
                name = {"name": scope.scope.name, "version": scope.scope.version or ""}
                scopes.append({"scope": {k: v for k, v in name.items() if v}, "metrics": metrics})
        if scopes:
            out.append({"resource": {"attributes": attributes(resource.resource.attributes)}, "scopeMetrics": scopes})
    return out


def _metric(metric: Metric) -> Record | None:
    data = metric.data
    points = [_point(point) for point in data.data_points]
    if not points:
        return None
    body: Record = {"dataPoints": points}
    if isinstance(data, Gauge):
        kind = "gauge"
    else:
        delta = data.aggregation_temporality is AggregationTemporality.DELTA
        body["aggregationTemporality"] = _DELTA if delta else _CUMULATIVE
        if isinstance(data, Sum):
            kind = "sum"
            body["isMonotonic"] = data.is_monotonic
        elif isinstance(data.data_points[0], ExponentialHistogramDataPoint):
            kind = "exponentialHistogram"
        else:
            kind = "histogram"
    head = {"name": metric.name, "description": metric.description, "unit": metric.unit}
    return {**{key: value for key, value in head.items() if value}, kind: body}


def _point(point: NumberDataPoint | HistogramDataPoint | ExponentialHistogramDataPoint) -> Record:
    record: Record = {
        "attributes": attributes(point.attributes or {}),
        "startTimeUnixNano": str(point.start_time_unix_nano or 0),
        "timeUnixNano": str(point.time_unix_nano),
    }
    if isinstance(point, NumberDataPoint):
        record |= _number(point.value)
        return record
    record |= {"count": str(point.count), **_finite({"sum": point.sum, "min": point.min, "max": point.max})}
    if isinstance(point, HistogramDataPoint):
        record["bucketCounts"] = _texts(point.bucket_counts)
        record["explicitBounds"] = list(point.explicit_bounds)
        return record
    record |= {"scale": point.scale, "zeroCount": str(point.zero_count)}
    for key, buckets in (("positive", point.positive), ("negative", point.negative)):
        record[key] = {"offset": buckets.offset, "bucketCounts": _texts(buckets.bucket_counts)}
    return record


def _number(value: float) -> Record:
    if isinstance(value, int):
        return {"asInt": str(value)}
    return {"asDouble": value} if math.isfinite(value) else {"asDouble": _NAMED.get(value, "NaN")}


_NAMED: Mapping[float, str] = {math.inf: "Infinity", -math.inf: "-Infinity"}


def _finite(values: Mapping[str, float]) -> Record:
    """Leave out what no observation has set: the minimum and maximum of an empty histogram are infinite."""
    return {key: value for key, value in values.items() if math.isfinite(value)}


def _texts(counts: Iterable[int]) -> list[str]:
    return [str(count) for count in counts]
