"""`otel-mldebug doctor`: one report as text or JSON, and an exit code."""

import json

import pytest

from otel_mldebug.cli.checks.check import FAIL, OK, WARN, Check
from otel_mldebug.cli.doctor import render, report, worst

CHECKS = [Check("python", OK, "3.11"), Check("otlp", FAIL, "c:4317 cannot be reached", "Is it running?")]
EFFECTIVE = {"budget": {"value": 0.01, "origin": "file x.toml"}, "torch": {"value": True, "origin": "default"}}


def test_the_report_is_one_document():
    assert report(CHECKS, EFFECTIVE, {"OTEL_X": "1"}) == {
        "status": "fail",
        "checks": [
            {"name": "python", "status": "ok", "detail": "3.11"},
            {"name": "otlp", "status": "fail", "detail": "c:4317 cannot be reached", "advice": "Is it running?"},
        ],
        "settings": EFFECTIVE,
        "environment": {"OTEL_X": "1"},
    }


def test_the_report_as_text():
    assert render(CHECKS, EFFECTIVE, {"OTEL_X": "1"}, width=40) == [
        "ok    python  3.11",
        "fail  otlp    c:4317 cannot be reached",
        "              -> Is it running?",
        "",
        "settings that are not the default:",
        "  budget = 0.01  (file x.toml)",
        "",
        "OpenTelemetry variables in the environment:",
        "  OTEL_X=1",
        "",
        "1 ok, 0 warn, 1 fail",
    ]


@pytest.mark.parametrize(
    ("statuses", "status"), [([], OK), ([OK, OK], OK), ([WARN, OK], WARN), ([WARN, FAIL, OK], FAIL)]
)
def test_the_worst_check_counts(statuses, status):
    assert worst(Check("x", each, "") for each in statuses) == status


def test_on_this_machine_nothing_fails_and_nothing_is_left_behind(here, mldebug):
    done = mldebug("doctor", "--json")
    page = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert [check for check in page["checks"] if check["status"] == "fail"] == []
    assert {"otel-mldebug", "python", "opentelemetry", "torch", "nvml", "otlp", "store"} <= {
        c["name"] for c in page["checks"]
    }
    assert page["settings"]["store"] == {"value": ".mldebug", "origin": "default"}
    assert list(here.iterdir()) == []


def test_a_collector_that_is_not_there_makes_it_fail(mldebug):
    done = mldebug("doctor", "--otlp", "http://127.0.0.1:1")
    assert done.returncode == 1
    assert "127.0.0.1:1 (grpc) cannot be reached: Connection refused" in done.stdout
