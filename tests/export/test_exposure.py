"""Settings for redaction and exposure hold in everything that leaves: findings, spans and logs, ours and others'."""

import json
from pathlib import Path

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_mldebug.export.processors import Joined, Redactors
from otel_mldebug.rules.redact import Redactor
from otel_mldebug.rules.redact.configured import without_secrets_kept
from otel_mldebug.rules.redact.exposure import Exposure, Place
from otel_mldebug.semconv import names
from otel_mldebug.testing import Telemetry

HERE = str(Path(__file__).parent)
PRIVATE = "/home/alice/data/x.bin"


def failure():
    try:
        raise FileNotFoundError(2, "No such file", PRIVATE)
    except FileNotFoundError as exc:
        return exc


def of_exception(level, monkeypatch):
    monkeypatch.chdir(HERE)
    with Telemetry(exposure=level) as telemetry:
        made = telemetry.runtime.exception(failure(), context={"from": PRIVATE})
        return made, dict(telemetry.events[0].attributes)


def test_a_finding_at_full(monkeypatch):
    made, attributes = of_exception("full", monkeypatch)
    assert made.exception["frames"][0]["file"] == __file__
    assert __file__ in attributes[names.EXCEPTION_STACKTRACE]
    assert PRIVATE in made.exception["message"]
    assert made.context["from"] == PRIVATE


def test_a_finding_at_short(monkeypatch):
    made, attributes = of_exception("short", monkeypatch)
    line = made.exception["frames"][0]["line"]
    assert made.exception["message"] == attributes[names.EXCEPTION_MESSAGE]
    assert made.exception["message"].endswith("No such file: '~/data/x.bin'")
    assert made.exception["frames"][0]["file"] == "test_exposure.py"
    assert f'File "test_exposure.py", line {line}, in failure' in attributes[names.EXCEPTION_STACKTRACE]
    assert made.context["from"] == "~/data/x.bin"
    assert HERE not in repr(made) + repr(attributes)
    assert "alice" not in repr(made) + repr(attributes)


def test_a_finding_at_none(monkeypatch):
    made, attributes = of_exception("none", monkeypatch)
    assert names.EXCEPTION_STACKTRACE not in attributes
    assert sorted(made.exception) == ["frames", "message", "type"]
    assert sorted(made.exception["frames"][0]) == ["function", "in_app", "line", "module"]
    assert HERE not in repr(made) + repr(attributes)


def exported(redactors):
    exporter = InMemorySpanExporter()
    resource = Resource({names.HOST_NAME: "node7.example.org", "process.owner": "alice", "team": "a"})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    Joined(redactors).spans(provider)
    with pytest.raises(FileNotFoundError), provider.get_tracer("theirs").start_as_current_span("work"):
        raise FileNotFoundError(2, "No such file", PRIVATE)
    return exporter.get_finished_spans()[0]


@pytest.mark.parametrize("kept", [False, True], ids=["redacted", "secrets kept"])
def test_a_span_of_somebody_else(kept):
    redactor = Redactor(exposure=Exposure.SHORT, place=Place(cwd=HERE))
    span = exported(Redactors(redactor, without_secrets_kept(redactor) if kept else redactor))
    attributes = span.events[0].attributes
    assert attributes[names.EXCEPTION_MESSAGE].endswith("'~/data/x.bin'")
    assert 'File "test_exposure.py"' in attributes[names.EXCEPTION_STACKTRACE]
    assert span.resource.attributes[names.HOST_NAME] == "node7"
    assert span.resource.attributes["process.owner"].startswith("user-")
    assert "alice" not in span.to_json()
    assert HERE not in span.to_json()


def test_a_span_of_somebody_else_at_none():
    redactor = Redactor(exposure=Exposure.NONE)
    span = exported(Redactors(redactor, redactor))
    assert sorted(span.events[0].attributes) == ["exception.escaped", names.EXCEPTION_MESSAGE, names.EXCEPTION_TYPE]
    assert dict(span.resource.attributes) == {"team": "a"}
    assert "alice" not in json.dumps(json.loads(span.to_json()))


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (Exposure.SHORT, {names.CODE_FILE_PATH: "a.py", "n": 1}),
        (Exposure.NONE, {"n": 1}),
    ],
)
def test_a_log_record_of_somebody_else(level, expected):
    exporter = InMemoryLogRecordExporter()
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    redactor = Redactor(exposure=level, place=Place(cwd=HERE))
    Joined(Redactors(redactor, redactor)).logs(provider)
    provider.get_logger("theirs").emit(
        body=f"cannot read {PRIVATE}", attributes={names.CODE_FILE_PATH: f"{HERE}/a.py", "n": 1}
    )
    record = exporter.get_finished_logs()[0].log_record
    assert (record.body, dict(record.attributes)) == ("cannot read ~/data/x.bin", expected)


def test_patterns_and_keys_of_the_settings_hold_and_what_they_replace_is_counted():
    settings = {
        "redact_patterns": {"ticket": "TCK-[0-9]+"},
        "redact_keys": ["badge"],
        "redact_keep_keys": ["api_key"],
        "redact_keep_patterns": ["@example"],
    }
    with Telemetry(**settings) as telemetry:
        made = telemetry.runtime.exception(
            ValueError("TCK-12 by bob@example.com"), context={"badge": "b12", "api_key": "abcdef123456"}
        )
        assert made.exception["message"] == "[redacted:ticket] by bob@example.com"
        assert made.context == {"badge": "[redacted:configured-key]", "api_key": "abcdef123456"}
        counts = telemetry.runtime.open().redactor.counts
        assert set(counts) == {"ticket", "configured-key"}
        assert telemetry.points(names.MLDEBUG_SELF_REDACTIONS) == {(): sum(counts.values())}


def test_what_a_foreign_signal_loses_is_counted_with_the_rest():
    with Telemetry() as telemetry:
        with telemetry.tracer_provider.get_tracer("theirs").start_as_current_span("w", attributes={"password": "x"}):
            pass
        telemetry.runtime.open()
        with telemetry.tracer_provider.get_tracer("theirs").start_as_current_span("w", attributes={"password": "x"}):
            pass
        assert dict(telemetry.spans[-1].attributes) == {"password": "[redacted:password]"}
        assert telemetry.points(names.MLDEBUG_SELF_REDACTIONS) == {(): 1}
