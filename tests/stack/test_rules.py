"""The rules fire when they should and keep quiet when they should, as promtool sees it."""

import pytest
import yaml

from grafana import alerting
from otel_mldebug.semconv import names
from otel_mldebug.semconv.metric import Metric
from otel_mldebug.semconv.names import Phase, Severity
from otel_mldebug.semconv.prometheus import label_name, prometheus_name
from stack.build import ROOT

pytestmark = pytest.mark.stack

WHO = {names.SERVICE_NAME: "train", names.MLDEBUG_RUN_ID: "run-1", names.MLDEBUG_RANK: "0"}
GPU = {names.HW_ID: "GPU-1", names.HW_NAME: "H200"}
HOT = {names.MLDEBUG_FINDING_RULE: "cuda.oom", names.MLDEBUG_FINDING_SEVERITY: Severity.CRITICAL}
SLOW = {names.MLDEBUG_FINDING_RULE: "input.bound", names.MLDEBUG_FINDING_SEVERITY: Severity.WARNING}
CAUGHT = {names.MLDEBUG_FINDING_RULE: "shape.mismatch", names.MLDEBUG_FINDING_SEVERITY: Severity.ERROR}


def series(metric: Metric, values: str, *, suffix: str = "", **more: str) -> dict[str, str]:
    """Return one input series, a value each minute; `values` is in promtool's notation."""
    given = {**{label_name(key): value for key, value in WHO.items()}, **more}
    inner = ", ".join(f'{key}="{value}"' for key, value in given.items())
    return {"series": f"{prometheus_name(metric)}{suffix}{{{inner}}}", "values": values}


def labelled(attributes: dict[str, str]) -> dict[str, str]:
    return {label_name(key): str(value) for key, value in attributes.items()}


def steps(slow: str) -> list[dict[str, str]]:
    """Two buckets of the step time: all steps under 1 s, or, from `slow` on, between 1 s and 2.5 s."""
    quick = series(names.MLDEBUG_TRAIN_STEP_DURATION, slow, suffix="_bucket", le="1")
    rest = [series(names.MLDEBUG_TRAIN_STEP_DURATION, "0+60x120", suffix="_bucket", le=le) for le in ("2.5", "+Inf")]
    return [quick, *rest]


CASES = [
    pytest.param(
        "MLDebugCriticalFinding", [series(names.MLDEBUG_FINDINGS, "_x9 1x20", **labelled(HOT))], "12m", True,
        id="the first critical finding of a process, which no increase() sees",
    ),
    pytest.param(
        "MLDebugCriticalFinding", [series(names.MLDEBUG_FINDINGS, "1x60", **labelled(HOT))], "30m", False,
        id="a critical finding of half an hour ago",
    ),
    pytest.param(
        "MLDebugCriticalFinding", [series(names.MLDEBUG_FINDINGS, "0+1x20", **labelled(SLOW))], "12m", False,
        id="warnings are not critical",
    ),
    pytest.param(
        "MLDebugErrorsKeepComing", [series(names.MLDEBUG_FINDINGS, "0+2x60", **labelled(CAUGHT))], "30m", True,
        id="20 errors in ten minutes that somebody catches",
    ),
    pytest.param(
        "MLDebugErrorsKeepComing", [series(names.MLDEBUG_FINDINGS, "0+1x60", **labelled(CAUGHT))], "30m", False,
        id="10 errors in ten minutes, exactly the limit",
    ),
    pytest.param(
        "MLDebugTrainingStalled", [series(names.MLDEBUG_TRAIN_STEPS, "0+60x30 1800x40")], "50m", True,
        id="no step for 20 minutes, the process being up",
    ),
    pytest.param(
        "MLDebugTrainingStalled", [series(names.MLDEBUG_TRAIN_STEPS, "0+60x30 1800x5 _x40")], "50m", False,
        id="the process ended, and its last values stayed on the collector's page for five minutes",
    ),
    pytest.param(
        "MLDebugTrainingStalled", [series(names.MLDEBUG_TRAIN_STEPS, "0+1x90")], "50m", False,
        id="one step a minute is slow, not stalled",
    ),
    pytest.param(
        "MLDebugStepsSlower", steps("0+60x60 3600x60"), "80m", True, id="steps of half a second became 1.75 s",
    ),
    pytest.param("MLDebugStepsSlower", steps("0+60x120"), "80m", False, id="steps as before"),
    pytest.param(
        "MLDebugNonFiniteSteps", [series(names.MLDEBUG_TRAIN_NONFINITE, "_x9 1x20")], "12m", True,
        id="the first step with a NaN",
    ),
    pytest.param(
        "MLDebugWaitsForData",
        [
            series(names.MLDEBUG_TRAIN_PHASE_TIME, "0+40x60", **labelled({names.MLDEBUG_TRAIN_PHASE: Phase.DATA})),
            series(names.MLDEBUG_TRAIN_PHASE_TIME, "0+20x60", **labelled({names.MLDEBUG_TRAIN_PHASE: Phase.FORWARD})),
        ],
        "40m", True, id="two thirds of the time is data wait",
    ),
    pytest.param(
        "MLDebugWaitsForData",
        [
            series(names.MLDEBUG_TRAIN_PHASE_TIME, "0+30x60", **labelled({names.MLDEBUG_TRAIN_PHASE: Phase.DATA})),
            series(names.MLDEBUG_TRAIN_PHASE_TIME, "0+30x60", **labelled({names.MLDEBUG_TRAIN_PHASE: Phase.FORWARD})),
        ],
        "40m", False, id="half of the time is data wait, exactly the limit",
    ),
    pytest.param(
        "MLDebugHostMemoryFull",
        [series(names.SYSTEM_MEMORY_UTILIZATION, "0.97x30", **labelled({names.SYSTEM_MEMORY_STATE: "used"}))],
        "10m", True, id="97 % used",
    ),
    pytest.param(
        "MLDebugHostMemoryFull",
        [series(names.SYSTEM_MEMORY_UTILIZATION, "0.97x30", **labelled({names.SYSTEM_MEMORY_STATE: "free"}))],
        "10m", False, id="97 % free",
    ),
    pytest.param(
        "MLDebugDiskFull",
        [series(names.SYSTEM_FILESYSTEM_UTILIZATION, "0.96x30", **labelled({names.SYSTEM_FILESYSTEM_MOUNTPOINT: "/"}))],
        "10m", True, id="96 % full",
    ),
    pytest.param(
        "MLDebugGpuHot", [series(names.HW_TEMPERATURE, "94x30", **labelled(GPU))], "10m", True, id="94 °C",
    ),
    pytest.param(
        "MLDebugGpuHot", [series(names.HW_TEMPERATURE, "94x2 80x30", **labelled(GPU))], "10m", False, id="a short peak",
    ),
    pytest.param(
        "MLDebugGpuErrors", [series(names.HW_ERRORS, "0x10 1x30", **labelled(GPU))], "20m", True, id="a memory error",
    ),
    pytest.param(
        "MLDebugTelemetryLost",
        [series(names.MLDEBUG_SELF_DROPPED, "_x5 7x30", **labelled({names.MLDEBUG_SELF_SIGNAL: "spans"}))],
        "10m", True, id="seven spans lost",
    ),
    pytest.param(
        "MLDebugFaults",
        [series(names.MLDEBUG_SELF_FAULTS, "_x5 1x30", **labelled({names.MLDEBUG_SELF_DOING: "read a gradient"}))],
        "10m", True, id="a fault of ours",
    ),
    pytest.param("MLDebugCostsTooMuch", [series(names.MLDEBUG_SELF_COST, "0.08x60")], "30m", True, id="8 % for long"),
    pytest.param("MLDebugCostsTooMuch", [series(names.MLDEBUG_SELF_COST, "0.05x60")], "30m", False, id="the limit"),
]  # fmt: skip


def test_each_alert_has_a_case_in_which_it_fires():
    assert {case.values[0] for case in CASES if case.values[3]} == {alert.name for alert in alerting.ALERTS}


@pytest.mark.parametrize(("alert", "given", "at", "fires"), CASES)
def test_alert(alert, given, at, fires, tool, tmp_path):
    unit = {
        "interval": "1m",
        "input_series": given,
        "promql_expr_test": [
            {
                "expr": f'count(ALERTS{{alertname="{alert}", alertstate="firing"}}) or vector(0)',
                "eval_time": at,
                "exp_samples": [{"labels": "{}", "value": 1 if fires else 0}],
            }
        ],
    }
    document = {
        "rule_files": [
            str(ROOT / "grafana" / "rules" / "recording.yaml"),
            str(ROOT / "grafana" / "rules" / "alerts.yaml"),
        ],
        "evaluation_interval": "15s",
        "tests": [unit],
    }
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    result = tool("promtool", "test", "rules", str(tmp_path / "test.yaml"))
    assert result.returncode == 0, result.stdout + result.stderr


def test_what_people_read_of_a_critical_finding(tool, tmp_path):
    (alert,) = (alert for alert in alerting.ALERTS if alert.name == "MLDebugCriticalFinding")
    labels = labelled({**WHO, names.MLDEBUG_FINDING_RULE: "cuda.oom"})
    unit = {
        "interval": "1m",
        "input_series": [series(names.MLDEBUG_FINDINGS, "_x9 1x20", **labelled(HOT))],
        "alert_rule_test": [
            {
                "alertname": alert.name,
                "eval_time": "12m",
                "exp_alerts": [
                    {
                        "exp_labels": {**labels, "severity": "page"},
                        "exp_annotations": {
                            "summary": "cuda.oom in train run run-1 rank 0",
                            "description": alert.todo,
                        },
                    }
                ],
            }
        ],
    }
    document = {
        "rule_files": [str(ROOT / "grafana" / "rules" / "alerts.yaml")],
        "evaluation_interval": "15s",
        "tests": [unit],
    }
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    result = tool("promtool", "test", "rules", str(tmp_path / "test.yaml"))
    assert result.returncode == 0, result.stdout + result.stderr
