"""A plain training script, run as users run it, against the real collector and the real Prometheus."""

import pytest

from otel_mldebug.semconv import names
from otel_mldebug.semconv.prometheus import label_name, prometheus_name
from tests.stack import running
from tests.stack.asking import attributes, eventually

pytestmark = [pytest.mark.stack, pytest.mark.torch]

pytest.importorskip("torch", reason="the training script needs PyTorch")
pytest.importorskip("sklearn", reason="the training script reads scikit-learn's digits")

STEPS = 30
"""Steps before the planted fault ends the program: half of those asked for."""

WAYS = [
    pytest.param(("run-http", running.RUN, "http/protobuf"), id="otel-mldebug run, OTLP over HTTP"),
    pytest.param(("run-grpc", running.RUN, "grpc"), id="otel-mldebug run, OTLP over gRPC"),
    pytest.param(("instrument", running.INSTRUMENT, "http/protobuf"), id="opentelemetry-instrument"),
]


class Run:
    """What is left of one run: its exit, and what the collector has of its service."""

    def __init__(self, service, process, out, err, collector):
        self.service, self.code, self.out, self.err = service, process.returncode, out, err
        self._collector = collector

    def _mine(self, records):
        return [(resource, one) for resource, one in records if resource.get(names.SERVICE_NAME) == self.service]

    def findings(self):
        return [
            (resource, one)
            for resource, one in self._mine(self._collector.logs())
            if one.get("eventName") == names.EVENT_MLDEBUG_FINDING
        ]

    def spans(self):
        return self._mine(self._collector.spans())

    def metrics(self):
        return {one["name"]: one for _, one in self._mine(self._collector.metrics())}


@pytest.fixture(scope="module", params=WAYS)
def run(request, collector, tmp_path_factory):
    service, prefix, protocol = request.param
    directory = tmp_path_factory.mktemp(service)
    environ = running.environment(
        service,
        directory / "store",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc if protocol == "grpc" else collector.http,
        OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
        OTEL_TRACES_EXPORTER="otlp",
        OTEL_METRICS_EXPORTER="otlp",
        OTEL_LOGS_EXPORTER="otlp",
    )
    command = (*prefix, str(running.DIGITS), "--steps", str(2 * STEPS), "--inject", "error")
    process = running.start(command, environ, directory)
    out, err = process.communicate(timeout=180)
    return Run(service, process, out, err, collector)


def test_the_program_ends_as_it_would_without_us(run):
    assert run.code == 1, run.err
    assert [line.split()[1] for line in run.out.splitlines()] == [f"{n}/{2 * STEPS}" for n in range(10, STEPS + 1, 10)]
    assert "RuntimeError" in run.err


def test_the_failure_arrives_as_one_finding_with_its_explanation(run):
    ((resource, record),) = eventually(run.findings, what="the finding")
    found = attributes(record)
    assert found[names.MLDEBUG_FINDING_CATEGORY] == "model"
    assert found[names.EXCEPTION_TYPE] == "RuntimeError"
    assert found[names.MLDEBUG_FINDING_SEVERITY] == "error"
    assert record["severityNumber"] == 17
    for key in (names.MLDEBUG_FINDING_RULE, names.MLDEBUG_FINDING_SUMMARY, names.MLDEBUG_FINDING_SOLUTIONS):
        assert found[key]
    assert {names.MLDEBUG_RUN_ID, names.SERVICE_INSTANCE_ID} <= set(resource) | set(found)


def test_steps_arrive_as_spans(run):
    spans = eventually(
        lambda: [one for _, one in run.spans() if names.MLDEBUG_TRAIN_STEP_INDEX in attributes(one)], what="step spans"
    )
    assert all(int(one["endTimeUnixNano"]) > int(one["startTimeUnixNano"]) for one in spans)
    assert {attributes(one)[names.MLDEBUG_TRAIN_STEP_INDEX] for one in spans} <= set(range(STEPS + 1))


def test_metrics_arrive_with_the_units_of_the_registry(run):
    wanted = {
        names.MLDEBUG_TRAIN_STEPS,
        names.MLDEBUG_TRAIN_STEP_DURATION,
        names.MLDEBUG_TRAIN_LOSS,
        names.MLDEBUG_FINDINGS,
    }
    found = eventually(
        lambda: len(wanted & {m for m in names.METRICS if m.name in run.metrics()}) == 4 and run.metrics(),
        what="metrics",
    )
    registry = {metric.name: metric.unit for metric in names.METRICS}
    assert {name: one.get("unit", "") for name, one in found.items() if name in registry} == {
        name: registry[name] for name in found if name in registry
    }


def test_every_step_is_counted_in_prometheus(run, prometheus):
    expr = f'{prometheus_name(names.MLDEBUG_TRAIN_STEPS)}{{{label_name(names.SERVICE_NAME)}="{run.service}"}}'
    (series,) = eventually(lambda: prometheus.query(expr), what="the counter of steps")
    assert series["value"][1] == str(STEPS)
    assert series["metric"]["job"] == run.service
    assert series["metric"][label_name(names.MLDEBUG_RUN_ID)]
