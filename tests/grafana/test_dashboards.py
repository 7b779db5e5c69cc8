"""The dashboards as they are committed: what Grafana will read."""

import json
import re
from itertools import combinations

import promql_parser
import pytest

from grafana import build, panels, promql
from otel_mldebug.semconv import names
from otel_mldebug.semconv.prometheus import label_name, prometheus_name

DASHBOARDS = sorted(build.HERE.glob("dashboards/*.json"))
TARGETS = [
    pytest.param(dashboard, panel, target, id=f"{path.stem}: {panel['title']} {target['refId']}")
    for path in DASHBOARDS
    for dashboard in [json.loads(path.read_text())]
    for panel in dashboard["panels"]
    for target in panel.get("targets", [])
]
FAMILIES = {prometheus_name(metric): metric for metric in names.METRICS}


def parsed(expr):
    """Parse a query as Prometheus would get it from Grafana."""
    for variable, value in {"$__rate_interval": "1m", "$__interval": "15s", "$__range": "1h"}.items():
        expr = expr.replace(variable, value)
    assert "$__" not in expr
    return promql_parser.parse(re.sub(r"\$(service|run|rank)\b", ".*", expr))


def selectors(node):
    """Yield every vector selector below `node`."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    for name in ("expr", "lhs", "rhs", "param", "vs", "vector_selector"):
        child = getattr(node, name, None)
        if isinstance(child, promql_parser.Expr):
            yield from selectors(child)
    for child in getattr(node, "args", None) or ():
        yield from selectors(child)


def metric_of(selector):
    return FAMILIES[
        re.sub(r"_(bucket|sum|count)$", "", selector.name) if selector.name not in FAMILIES else selector.name
    ]


@pytest.mark.parametrize("path", build.files(), ids=lambda path: path.name)
def test_what_is_committed_is_what_the_code_generates(path):
    assert path.read_text(encoding="utf-8") == build.files()[path], "run: make generate"


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.name)
class TestDashboard:
    @pytest.fixture
    def dashboard(self, path):
        return json.loads(path.read_text())

    def test_its_schema_is_one_that_provisioning_from_files_takes(self, dashboard):
        assert 36 <= dashboard["schemaVersion"] <= 42
        assert "id" not in dashboard, "the database's id must not come from a file"

    def test_every_panel_has_an_id_of_its_own(self, dashboard):
        ids = [panel["id"] for panel in dashboard["panels"]]
        assert ids == list(range(1, len(ids) + 1))

    def test_panels_lie_inside_the_grid_and_do_not_overlap(self, dashboard):
        cells = {panel["title"] + str(panel["id"]): panel["gridPos"] for panel in dashboard["panels"]}
        assert [title for title, at in cells.items() if at["x"] < 0 or at["x"] + at["w"] > panels.COLUMNS] == []
        overlapping = [
            (one, other)
            for (one, a), (other, b) in combinations(cells.items(), 2)
            if a["x"] < b["x"] + b["w"]
            and b["x"] < a["x"] + a["w"]
            and a["y"] < b["y"] + b["h"]
            and b["y"] < a["y"] + a["h"]
        ]
        assert overlapping == []

    def test_every_panel_says_what_it_shows(self, dashboard):
        charts = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
        assert [panel["title"] for panel in charts if len(panel.get("description", "")) < 20] == []
        titles = [panel["title"] for panel in charts]
        rows_apart = [title for title in titles if titles.count(title) > 1]
        assert rows_apart == [], "one title for two things"

    def test_legends_of_charts_are_shown(self, dashboard):
        charts = [panel for panel in dashboard["panels"] if panel["type"] == "timeseries"]
        assert [panel["title"] for panel in charts if not panel["options"]["legend"]["showLegend"]] == []

    def test_its_variables_are_the_data_source_and_what_tells_processes_apart(self, dashboard):
        variables = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
        assert list(variables) == ["datasource", "service", "run", "rank"]
        for name, key in (("service", names.SERVICE_NAME), ("run", names.MLDEBUG_RUN_ID), ("rank", names.MLDEBUG_RANK)):
            assert variables[name]["definition"].endswith(f", {label_name(key)})")
            assert variables[name]["allValue"] == ".*", "All must take series that lack the label, such as the rank"

    def test_the_annotation_asks_something_that_parses(self, dashboard):
        (annotation,) = dashboard["annotations"]["list"]
        assert {metric_of(selector) for selector in selectors(parsed(annotation["expr"]))} == {names.MLDEBUG_FINDINGS}


@pytest.mark.parametrize(("dashboard", "panel", "target"), TARGETS)
class TestQuery:
    def test_every_metric_is_in_the_registry(self, dashboard, panel, target):
        used = list(selectors(parsed(target["expr"])))
        assert used
        assert [selector.name for selector in used if not metric_of(selector)] == []

    def test_it_obeys_the_variables(self, dashboard, panel, target):
        for selector in selectors(parsed(target["expr"])):
            matched = {matcher.name for matcher in selector.matchers.matchers}
            assert {label_name(key) for key in promql.IDENTITY} <= matched

    def test_it_groups_by_labels_that_its_metrics_have(self, dashboard, panel, target):
        have = {label_name(key) for key in promql.IDENTITY} | {"le"}
        for selector in selectors(parsed(target["expr"])):
            have |= {label_name(key) for key in metric_of(selector).attributes}
        grouped = re.findall(r"by \(([^)]*)\)", target["expr"])
        assert {label.strip() for labels in grouped for label in labels.split(",")} <= have
        assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= have


def test_units_are_those_of_the_registry():
    assert {metric.name: panels.unit(metric) for metric in (names.MLDEBUG_TRAIN_STEP_DURATION, names.HW_POWER)} == {
        names.MLDEBUG_TRAIN_STEP_DURATION.name: "s",
        names.HW_POWER.name: "watt",
    }
    assert panels.unit(names.SYSTEM_DISK_IO, rate=True) == "Bps"
    assert panels.unit(names.PROCESS_CPU_TIME, rate=True) == "percentunit", "seconds a second are a share"
    assert panels.unit(names.MLDEBUG_TRAIN_STEPS, rate=True) == "suffix:/s"


@pytest.mark.parametrize("metric", names.METRICS, ids=lambda metric: metric.name)
def test_every_metric_of_the_registry_can_be_asked_for(metric):
    ask = {
        "counter": lambda: [promql.rate(metric), promql.total(metric), promql.fresh(metric, metric.attributes)],
        "histogram": lambda: [promql.quantile(0.95, metric, metric.attributes)],
    }.get(metric.instrument, lambda: [promql.latest(metric, metric.attributes)])
    for expr in ask():
        assert {metric_of(selector) for selector in selectors(parsed(expr))} == {metric}


def test_a_check_finds_a_file_that_is_out_of_date(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(build, "HERE", tmp_path / "grafana")
    assert build.main(["--check"]) == 1
    assert "grafana/dashboards/overview.json is out of date; run: python -m grafana.build" in capsys.readouterr().err
    assert build.main([]) == 0
    assert build.main(["--check"]) == 0
