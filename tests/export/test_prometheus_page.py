"""The page has the names and labels of the Collector, and one odd metric does not take it down."""

import math

import pytest
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from otel_mldebug.export.gates import Snapshots
from otel_mldebug.export.prometheus.page import Page
from otel_mldebug.semconv import names
from otel_mldebug.semconv.prometheus import prometheus_name

WHO = {names.SERVICE_NAME: "train", names.MLDEBUG_RUN_ID: "r1", names.MLDEBUG_RANK: 0}
LABELS = {"service_name": "train", "mldebug_run_id": "r1", "mldebug_rank": "0"}


class Scrape:
    """A meter provider and what Prometheus would read of it."""

    def __init__(self, resource=WHO, labels=None, views=()):
        self.reader = Snapshots()
        self.provider = MeterProvider([self.reader], Resource(dict(resource)), shutdown_on_exit=False, views=views)
        self.meter = self.provider.get_meter("scope", "1.0")
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(Page(self.reader.take, labels))

    def text(self):
        return generate_latest(self._registry).decode()

    def samples(self, *, target_info=False):
        """Return labels and value by series name, those of `target_info` only when asked for."""
        out = {}
        for family in text_string_to_metric_families(self.text()):
            for sample in family.samples:
                if sample.name != "target_info" or target_info:
                    out.setdefault(sample.name, []).append((dict(sample.labels), sample.value))
        return out


def test_names_and_labels_are_those_of_the_collector():
    scrape = Scrape()
    scrape.meter.create_counter("mldebug.findings", "{finding}").add(3, {names.MLDEBUG_FINDING_RULE: "cuda.oom"})
    scrape.meter.create_up_down_counter("system.memory.usage", "By").add(5)
    scrape.meter.create_gauge("hw.gpu.utilization", "1").set(0.5)
    assert scrape.samples() == {
        "mldebug_findings_total": [({**LABELS, "mldebug_finding_rule": "cuda.oom"}, 3.0)],
        "system_memory_usage_bytes": [(LABELS, 5.0)],
        "hw_gpu_utilization_ratio": [(LABELS, 0.5)],
    }


def test_a_histogram_has_buckets_sum_and_count():
    scrape = Scrape()
    histogram = scrape.meter.create_histogram(
        "mldebug.train.step.duration", "s", explicit_bucket_boundaries_advisory=[1]
    )
    for value in (0.5, 2.0, 3.0):
        histogram.record(value)
    name = "mldebug_train_step_duration_seconds"
    assert scrape.samples() == {
        f"{name}_bucket": [({**LABELS, "le": "1.0"}, 1.0), ({**LABELS, "le": "+Inf"}, 3.0)],
        f"{name}_sum": [(LABELS, 5.5)],
        f"{name}_count": [(LABELS, 3.0)],
    }


def test_an_exponential_histogram_shows_count_and_sum_and_the_rest_of_the_page_stays():
    views = [View(instrument_type=Histogram, aggregation=ExponentialBucketHistogramAggregation())]
    scrape = Scrape(views=views)
    scrape.meter.create_histogram("h", "s").record(2.5)
    scrape.meter.create_counter("c").add(1)
    samples = scrape.samples()
    assert samples["h_seconds_count"] == [(LABELS, 1.0)]
    assert samples["h_seconds_sum"] == [(LABELS, 2.5)]
    assert samples["c_total"] == [(LABELS, 1.0)]


@pytest.mark.parametrize("metric", names.METRICS, ids=lambda metric: metric.name)
def test_every_metric_of_the_registry_is_shown_under_its_name(metric):
    scrape = Scrape()
    create = {
        "counter": scrape.meter.create_observable_counter,
        "updowncounter": scrape.meter.create_observable_up_down_counter,
        "gauge": scrape.meter.create_observable_gauge,
    }
    if metric.instrument == "histogram":
        scrape.meter.create_histogram(metric.name, metric.unit).record(1)
    else:
        create[metric.instrument](metric.name, [lambda _: [Observation(1)]], metric.unit)
    name = prometheus_name(metric)
    parts = [f"{name}_bucket", f"{name}_count", f"{name}_sum"] if metric.instrument == "histogram" else [name]
    assert sorted(scrape.samples()) == parts


@pytest.mark.parametrize(
    ("value", "label"),
    [("x", "x"), (3, "3"), (True, "true"), (1.5, "1.5"), (("a", "b"), '["a","b"]')],
    ids=["text", "int", "bool", "float", "list"],
)
def test_a_label_is_written_as_the_collector_writes_it(value, label):
    scrape = Scrape(resource={})
    scrape.meter.create_counter("c").add(1, {"k": value})
    assert scrape.samples() == {"c_total": [({"k": label}, 1.0)]}


def test_points_that_differ_only_in_scope_are_one_series_and_absent_labels_are_empty():
    scrape = Scrape(resource={})
    scrape.meter.create_counter("c").add(1, {"a": "x"})
    scrape.provider.get_meter("other").create_counter("c").add(5, {"a": "x"})
    scrape.provider.get_meter("third").create_counter("c").add(7, {"b": "y"})
    assert scrape.samples() == {"c_total": [({"a": "x", "b": ""}, 5.0), ({"a": "", "b": "y"}, 7.0)]}


def test_two_metrics_of_one_name_and_two_kinds_leave_a_page_that_can_be_read():
    scrape = Scrape(resource={})
    scrape.meter.create_gauge("x.total").set(1)
    scrape.provider.get_meter("other").create_counter("x").add(2)
    assert scrape.samples() == {"x_total": [({}, 1.0)]}


def test_a_value_that_is_not_finite_is_no_problem():
    scrape = Scrape(resource={})
    scrape.meter.create_observable_gauge("g", [lambda _: [Observation(math.inf)]])
    assert "g +Inf" in scrape.text() or "g" not in scrape.text()


def test_labels_that_a_foreign_resource_lacks_are_added():
    scrape = Scrape(resource={names.SERVICE_NAME: "theirs"}, labels={names.MLDEBUG_RUN_ID: "r2", names.HOST_NAME: "h"})
    scrape.meter.create_counter("c").add(1)
    assert scrape.samples() == {"c_total": [({"service_name": "theirs", "mldebug_run_id": "r2"}, 1.0)]}


def test_the_resource_is_told_once_without_what_is_job_and_instance():
    scrape = Scrape(resource={**WHO, names.SERVICE_INSTANCE_ID: "i", names.PROCESS_PID: 7})
    scrape.meter.create_counter("c").add(1)
    info = scrape.samples(target_info=True)["target_info"]
    assert info == [({"mldebug_run_id": "r1", "mldebug_rank": "0", "process_pid": "7"}, 1.0)]


def test_without_metrics_the_page_is_empty():
    assert Scrape().text() == ""
