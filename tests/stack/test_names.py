"""Every metric of the registry in the real Prometheus, by way of the collector and by direct scrape: one spelling."""

from contextlib import ExitStack, contextmanager

import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from otel_mldebug.export.prometheus.address import Address
from otel_mldebug.export.prometheus.endpoint import Endpoint
from otel_mldebug.semconv import names
from otel_mldebug.semconv.prometheus import label_name, prometheus_name
from tests.stack.asking import eventually

pytestmark = pytest.mark.stack

WAYS = ("by-collector", "by-scrape")


def resource(service):
    return Resource(
        {
            names.SERVICE_NAME: service,
            names.SERVICE_INSTANCE_ID: "one",
            names.MLDEBUG_RUN_ID: "run-1",
            names.MLDEBUG_RANK: 0,
            names.MLDEBUG_WORLD_SIZE: 2,
            names.PROCESS_PID: 4711,
        }
    )


def identity(service):
    return {
        "job": service,
        "instance": "one",
        label_name(names.SERVICE_NAME): service,
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


def by_collector(service, collector, prometheus):
    """Send one collection over OTLP."""
    exporter = OTLPMetricExporter(f"{collector.http}/v1/metrics")
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    provider = MeterProvider([reader], resource=resource(service), shutdown_on_exit=False)
    record(provider)
    provider.shutdown()
    yield


def by_scrape(service, collector, prometheus):
    """Open a page and leave a target file where Prometheus looks."""
    provider = MeterProvider(resource=resource(service), shutdown_on_exit=False)
    endpoint = Endpoint(
        Address("127.0.0.1", 0),
        lambda reader: provider.add_metric_reader(reader) is None,
        labels={},
        targets=prometheus.service.directory / "targets",
        target_labels={"job": service, "instance": "one"},
    )
    record(provider)
    yield
    endpoint.close()
    provider.shutdown()


@pytest.fixture(scope="module")
def both(collector, prometheus):
    """Return what Prometheus shows for each way: the labels of the series by name."""
    with ExitStack() as opened:
        found = {}
        for service, way in zip(WAYS, (by_collector, by_scrape), strict=True):
            opened.enter_context(contextmanager(way)(service, collector, prometheus))
        for service in WAYS:
            last = f'{prometheus_name(names.METRICS[-1])}{{job="{service}"}}'
            eventually(lambda expr=last: prometheus.query(expr), what=f"{last} in Prometheus")
            found[service] = {}
            for series in prometheus.series(f'{{job="{service}"}}'):
                found[service].setdefault(series.pop("__name__"), []).append(series)
        yield found


@pytest.mark.parametrize("service", WAYS)
@pytest.mark.parametrize("metric", names.METRICS, ids=lambda metric: metric.name)
def test_a_metric_has_the_name_that_the_translator_says_and_our_labels_only(service, metric, both):
    shown = both[service]
    labels = {**identity(service), **{label_name(key): "some" for key in metric.attributes}}
    name = prometheus_name(metric)
    if metric.instrument == "histogram":
        assert shown[f"{name}_count"] == shown[f"{name}_sum"] == [labels]
        bounds = {float(series["le"]) for series in shown[f"{name}_bucket"]}
        assert bounds == {*metric.buckets, float("inf")}
    else:
        assert shown[name] == [labels]


def test_both_ways_show_the_same(both):
    """Down to `target_info`, which has all the rest of the resource, and to the spelling of bucket bounds."""

    def plain(service):
        return {
            (name, *sorted((key, value) for key, value in series.items() if value != service))
            for name, rows in both[service].items()
            if name != "up" and not name.startswith("scrape_")
            for series in rows
        }

    assert plain(WAYS[0]) == plain(WAYS[1])
