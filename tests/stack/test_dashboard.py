"""Every panel of every dashboard returns data from the real Prometheus, whichever way the data came."""

import json
import re
import sys
import time
from pathlib import Path

import pytest

from otel_mldebug.semconv import names
from otel_mldebug.semconv.prometheus import label_name, prometheus_name
from stack.build import ROOT
from tests.stack import running
from tests.stack.asking import eventually

pytestmark = [pytest.mark.stack, pytest.mark.torch]

pytest.importorskip("torch", reason="the training run needs PyTorch")

SCRIPT = Path(__file__).with_name("training_run.py")
WAYS = ("by way of the collector", "by direct scrape")
RANKS = ("0", "1")
DASHBOARDS = {path: json.loads(path.read_text()) for path in sorted((ROOT / "grafana" / "dashboards").glob("*.json"))}
NEEDS_A_GPU = pytest.mark.skip(reason="model FLOP utilisation is told only where CUDA tells the time of a step")
TARGETS = [
    pytest.param(
        target["expr"],
        id=f"{path.stem}: {panel['title']} {target['refId']}",
        marks=[NEEDS_A_GPU] if prometheus_name(names.MLDEBUG_TRAIN_MFU) in target["expr"] else [],
    )
    for path, dashboard in DASHBOARDS.items()
    for panel in dashboard["panels"]
    for target in panel.get("targets", [])
] + [
    pytest.param(annotation["expr"], id=f"{path.stem}: {annotation['name']}")
    for path, dashboard in DASHBOARDS.items()
    for annotation in dashboard["annotations"]["list"]
]
STEP_S = 5.0
WINDOWS = {"$__rate_interval": "15s", "$__interval": "5s", "$__range": "10m"}
"""What Grafana puts in, with the short intervals of this test."""


class Runs:
    """Two ranks for each way, training until the end of the tests."""

    def __init__(self, directory, collector, prometheus):
        self.began = time.time()
        self._stop = directory / "stop"
        self._processes = []
        refusing = f"{prometheus.url}/api/v1/otlp/v1/traces"  # it answers and takes no spans: what is lost is counted
        for way, settings in {
            WAYS[0]: {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.http, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
            WAYS[1]: {
                "OTEL_MLDEBUG_PROMETHEUS": "0",
                "OTEL_MLDEBUG_PROMETHEUS_TARGETS": str(prometheus.service.directory / "targets"),
            },
        }.items():
            for rank in RANKS:
                environ = running.environment(
                    way,
                    directory / "store",
                    OTEL_METRIC_EXPORT_INTERVAL="1000",
                    OTEL_MLDEBUG_RESOURCES_INTERVAL_S="1",
                    OTEL_MLDEBUG_BUDGET="1",  # a point for every call, however slow the machine makes it
                    OTEL_MLDEBUG_RUN_ID=way.replace(" ", "-"),
                    RANK=rank,
                    LOCAL_RANK=rank,
                    WORLD_SIZE=str(len(RANKS)),
                    OMP_NUM_THREADS="1",
                    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=refusing,
                    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL="http/protobuf",
                    **settings,
                )
                self._processes.append(
                    running.start((sys.executable, str(SCRIPT), str(self._stop)), environ, directory)
                )

    def stop(self):
        """End them all and return what they said and their exit codes."""
        self._stop.touch()
        return [(process.communicate(timeout=60)[1], process.returncode) for process in self._processes]

    def kill(self):
        for process in self._processes:
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def runs(collector, prometheus, tmp_path_factory):
    started = Runs(tmp_path_factory.mktemp("runs"), collector, prometheus)
    try:
        nan = names.MLDEBUG_TRAIN_NONFINITE
        for way in WAYS:
            expr = f'sum ({prometheus_name(nan)}{{{label_name(names.SERVICE_NAME)}="{way}"}} > 0)'
            eventually(lambda expr=expr: prometheus.query(expr), within_s=150, what=f"a NaN step {way}")
        yield started
        assert [(said, code) for said, code in started.stop() if code] == []
    finally:
        started.kill()


def asked(expr, way, rank=".*"):
    """Return the query as Grafana would send it."""
    for variable, value in {**WINDOWS, "$service": way, "$run": way.replace(" ", "-"), "$rank": rank}.items():
        expr = expr.replace(variable, value)
    assert "$" not in expr
    return expr


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("expr", TARGETS)
def test_a_panel_has_data(expr, way, runs, prometheus):
    def numbers():
        found = prometheus.query_range(asked(expr, way), start=runs.began, end=time.time(), step_s=STEP_S)
        return [value for one in found for _, value in one["values"] if value != "NaN"]

    eventually(numbers, within_s=60, what=f"data for {asked(expr, way)}")


def test_both_ways_give_the_same_series_with_the_same_labels(runs, prometheus):
    def shapes(way):
        return {
            (
                one["__name__"],
                one[label_name(names.MLDEBUG_RANK)],
                *sorted(set(one) - {"__name__"}),
                *(
                    one[key]
                    for key in sorted(one)
                    if key in ("le", "cpu_mode", "hw_id", "mldebug_train_phase", "device")
                ),
            )
            for one in prometheus.series(f'{{{label_name(names.SERVICE_NAME)}="{way}"}}')
        }

    eventually(lambda: shapes(WAYS[0]) == shapes(WAYS[1]), within_s=60, what="the same series both ways")
    assert {rank for _, rank, *_ in shapes(WAYS[0])} == set(RANKS)


@pytest.mark.parametrize("way", WAYS)
def test_the_variables_offer_what_there_is(way, runs, prometheus):
    (dashboard,) = (content for path, content in DASHBOARDS.items() if path.stem == "overview")
    offered = {}
    for variable in dashboard["templating"]["list"][1:]:
        selector, label = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["definition"]).groups()
        matching = prometheus.series(asked(selector, way))
        offered[variable["name"]] = {one[label] for one in matching if label in one}
    assert way in offered["service"]
    assert offered["run"] == {way.replace(" ", "-")}
    assert offered["rank"] == set(RANKS)


def test_a_rank_can_be_looked_at_alone(runs, prometheus):
    (expr,) = (param.values[0] for param in TARGETS if param.id.endswith("Steps per second by rank A"))
    for rank in RANKS:
        (one,) = eventually(lambda rank=rank: prometheus.query(asked(expr, WAYS[0], rank)), what=f"rank {rank}")
        assert one["metric"] == {label_name(names.SERVICE_NAME): WAYS[0], label_name(names.MLDEBUG_RANK): rank}
        assert float(one["value"][1]) > 0


def test_a_critical_finding_wakes_somebody(runs, prometheus):
    def firing():
        return {alert["labels"]["alertname"] for alert in prometheus.ask("alerts")["alerts"]}

    eventually(lambda: "MLDebugNonFiniteSteps" in firing(), within_s=60, what="the alert for steps that are not finite")
