"""Every metric of the registry, by way of the real collector: the names, labels and types that Prometheus shows."""

import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from otel_mldebug.semconv import names
from otel_mldebug.semconv.prometheus import label_name, prometheus_name
from tests.stack.asking import eventually

pytestmark = pytest.mark.stack

SERVICE = "every-metric"
RESOURCE = Resource(
    {
        names.SERVICE_NAME: SERVICE,
        names.SERVICE_INSTANCE_ID: "one",
        names.MLDEBUG_RUN_ID: "run-1",
        names.MLDEBUG_RANK: 0,
        names.MLDEBUG_WORLD_SIZE: 2,
        names.PROCESS_PID: 4711,
    }
)
IDENTITY = {
    "job": SERVICE,
    "instance": "one",
    label_name(names.SERVICE_NAME): SERVICE,
    label_name(names.MLDEBUG_RUN_ID): "run-1",
    label_name(names.MLDEBUG_RANK): "0",
}


def record(provider):
    """Record one point of every metric, with all attributes that it may have."""
    meter = provider.get_meter("otel_mldebug.test", "1.0")
    for metric in names.METRICS:
        attributes = dict.fromkeys(metric.attributes, "some")
        about = (metric.name, metric.unit, metric.brief)
        match metric.instrument:
            case "counter":
                meter.create_counter(*about).add(1, attributes)
            case "updowncounter":
                meter.create_up_down_counter(*about).add(1, attributes)
            case "gauge":
                meter.create_gauge(*about).set(1, attributes)
            case "histogram":
                create = meter.create_histogram
                create(*about, explicit_bucket_boundaries_advisory=metric.buckets).record(1, attributes)


@pytest.fixture(scope="module")
def shown(collector, prometheus):
    """Return the labels of the series in Prometheus, by name."""
    exporter = OTLPMetricExporter(f"{collector.http}/v1/metrics")
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    provider = MeterProvider([reader], resource=RESOURCE, shutdown_on_exit=False)
    record(provider)
    provider.shutdown()
    last = prometheus_name(names.METRICS[-1])
    eventually(lambda: prometheus.query(f'{last}{{job="{SERVICE}"}}'), what=f"{last} in Prometheus")
    found = {}
    for series in prometheus.series(f'{{job="{SERVICE}"}}'):
        found.setdefault(series.pop("__name__"), []).append(series)
    return found


@pytest.mark.parametrize("metric", names.METRICS, ids=lambda metric: metric.name)
def test_a_metric_has_the_name_that_the_translator_says_and_our_labels_only(metric, shown):
    labels = {**IDENTITY, **{label_name(key): "some" for key in metric.attributes}}
    name = prometheus_name(metric)
    if metric.instrument == "histogram":
        assert shown[f"{name}_count"] == shown[f"{name}_sum"] == [labels]
        bounds = {float(series["le"]) for series in shown[f"{name}_bucket"]}
        assert bounds == {*metric.buckets, float("inf")}
    else:
        assert shown[name] == [labels]


def test_nothing_else_comes_out(shown):
    families = {prometheus_name(metric) for metric in names.METRICS if metric.instrument != "histogram"}
    for metric in names.METRICS:
        if metric.instrument == "histogram":
            families |= {prometheus_name(metric) + suffix for suffix in ("_bucket", "_sum", "_count")}
    assert set(shown) == families | {"target_info"}
