"""Logs whose lines are JSON objects."""

import json

import pytest

from otel_mldebug.rules.text.packed import is_record, unpacked

TRACEBACK = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\nValueError: bad'
LINES = TRACEBACK.splitlines(keepends=True)


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        pytest.param({"log": "ValueError: bad\n", "stream": "stderr"}, ["ValueError: bad\n"], id="Docker"),
        pytest.param({"stream": "stderr", "log": "x\n"}, ["x\n"], id="Docker, another order"),
        pytest.param({"text": "a\nb\n", "record": {"level": {}}}, ["a\n", "b\n"], id="loguru"),
        pytest.param({"MESSAGE": "a", "__REALTIME_TIMESTAMP": "1"}, ["a"], id="journalctl"),
        pytest.param({"labels": {}, "line": "a", "timestamp": "1"}, ["a"], id="logcli"),
        pytest.param({"log": json.dumps({"event": "a", "exception": TRACEBACK})}, ["a\n", *LINES], id="twice"),
        pytest.param(
            {"asctime": "x", "levelname": "ERROR", "message": "failed", "exc_info": TRACEBACK},
            ["failed\n", *LINES],
            id="python-json-logger",
        ),
        pytest.param({"event": "failed", "exception": TRACEBACK}, ["failed\n", *LINES], id="structlog"),
        pytest.param({"severity": "ERROR", "time": "x", "message": TRACEBACK}, LINES, id="Google Cloud"),
        pytest.param({"@timestamp": "x", "message": "m", "error.stack_trace": TRACEBACK}, ["m\n", *LINES], id="ECS"),
        pytest.param({"level": "error", "ts": 1, "msg": "m", "stack": ["a", "b"]}, ["m\n", "a\n", "b"], id="a list"),
    ],
)
def test_a_record_gives_its_text(value, lines):
    assert unpacked(json.dumps(value)) == lines


@pytest.mark.parametrize(
    "line",
    [
        "",
        "loss 0.3",
        "{broken",
        "{}",
        "[1, 2]",
        '{"loss": 0.3, "step": 7}',
        '{"text": "a sample of the data set", "label": 1}',
        '{"message": "CUDA out of memory", "type": "RuntimeError"}',
        '{"log": 5}',
        '{"line": "a verse", "poem": 3}',
        "{" * 100_000,
    ],
)
def test_any_other_line_stays(line):
    assert unpacked(line) == [line]


def test_what_is_written_for_explain_is_no_record():
    assert not is_record({"type": "E", "message": "m", "frames": [], "severity": "error", "id": 1})
    assert not is_record(["message"])
    assert is_record({"level": "info", "ts": 1.0, "message": "m"})
