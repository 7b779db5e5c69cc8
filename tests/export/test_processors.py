"""What others export is redacted and diagnosed, as a copy, and their own bugs stay theirs."""

import json

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, Status, StatusCode

from otel_mldebug import _guard
from otel_mldebug.export import copies
from otel_mldebug.export.copies import UNREADABLE, SpanCopy, facts_of_span
from otel_mldebug.export.processors import DiagnosingSpanProcessor, Joined, Redactors
from otel_mldebug.rules.catalogue.loader import load_all
from otel_mldebug.rules.facts import ErrorFacts
from otel_mldebug.rules.redact import Redactor
from otel_mldebug.semconv import names

SECRET = "hf_abcdefghijklmnopqrstuvwxyzabcdefgh"
MASKED = "[redacted:huggingface-token]"
OOM = "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 1.00 GiB"


def redactors(**switches):
    ours = Redactor()
    return Redactors(ours, Redactor(enabled=switches.get("foreign", True)))


@pytest.fixture
def exporter():
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter):
    provider = TracerProvider(resource=Resource({"argv": f"--token {SECRET}"}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


def failing_span(provider, message, scope="theirs"):
    with pytest.raises(RuntimeError), provider.get_tracer(scope).start_as_current_span("work"):
        raise RuntimeError(message)


def test_a_failed_span_of_somebody_else_gets_a_finding(provider, exporter):
    Joined(redactors()).spans(provider)
    failing_span(provider, OOM)
    attributes = exporter.get_finished_spans()[0].attributes
    assert attributes[names.MLDEBUG_FINDING_RULE].startswith("cuda.")
    assert attributes[names.MLDEBUG_FINDING_CATEGORY] == "memory"
    assert names.MLDEBUG_FINDING_ID not in attributes
    assert names.EXCEPTION_STACKTRACE not in attributes


def test_a_span_that_did_not_fail_gets_none(provider, exporter):
    Joined(redactors()).spans(provider)
    with provider.get_tracer("theirs").start_as_current_span("work", attributes={"n": 1}):
        pass
    assert dict(exporter.get_finished_spans()[0].attributes) == {"n": 1}


def test_a_finding_that_is_there_already_is_kept(provider, exporter):
    Joined(redactors()).spans(provider)
    with (
        pytest.raises(RuntimeError),
        provider.get_tracer("theirs").start_as_current_span("w", attributes={names.MLDEBUG_FINDING_RULE: "mine"}),
    ):
        raise RuntimeError(OOM)
    assert exporter.get_finished_spans()[0].attributes[names.MLDEBUG_FINDING_RULE] == "mine"


def test_secrets_are_gone_from_every_part_of_a_span_and_the_original_is_not_changed(provider, exporter):
    seen = []

    class Sees(SpanProcessor):
        def on_end(self, span):
            seen.append(span)

    provider.add_span_processor(Sees())
    Joined(redactors()).spans(provider)
    seen_by_theirs = provider._active_span_processor._span_processors[1].downstream
    assert isinstance(seen_by_theirs, Sees)
    context = SpanContext(1, 2, is_remote=False)
    with provider.get_tracer("theirs").start_as_current_span(
        f"GET /?token={SECRET}", attributes={"url": f"https://h/?token={SECRET}"}, links=[Link(context, {"k": SECRET})]
    ) as span:
        span.add_event("log", {"line": SECRET})
        span.set_status(Status(StatusCode.ERROR, f"denied: {SECRET}"))
        original = span
    copy = exporter.get_finished_spans()[0]
    everything = json.dumps(
        [copy.name, dict(copy.attributes), copy.status.description, dict(copy.events[0].attributes)]
    )
    assert SECRET not in everything + copy.to_json() + repr(copy.links) + repr(copy.resource.attributes)
    assert MASKED in copy.to_json()
    assert SECRET in original.name
    assert (copy.context, copy.kind, copy.start_time, copy.end_time) == (
        original.context,
        original.kind,
        original.start_time,
        original.end_time,
    )


def test_redaction_of_others_can_be_switched_off_and_ours_stays(provider, exporter):
    Joined(redactors(foreign=False)).spans(provider)
    for scope in ("theirs", "otel_mldebug.functions"):
        with provider.get_tracer(scope).start_as_current_span("w", attributes={"line": SECRET}):
            pass
    assert [span.attributes["line"] for span in exporter.get_finished_spans()] == [SECRET, MASKED]


def test_processors_added_later_are_wrapped_too_and_all_is_undone_at_the_end(provider):
    before = provider._active_span_processor._span_processors
    joined = Joined(redactors())
    assert joined.spans(provider)
    assert joined.spans(provider), "a second time changes nothing"
    late = SimpleSpanProcessor(InMemorySpanExporter())
    provider.add_span_processor(late)
    assert [type(p) for p in provider._active_span_processor._span_processors] == [DiagnosingSpanProcessor] * 2
    joined.leave()
    assert provider._active_span_processor._span_processors == (*before, late)
    assert "add_span_processor" not in vars(provider._active_span_processor)


@pytest.mark.parametrize("foreign", [object(), type("P", (), {"add_span_processor": None})()], ids=["none", "unknown"])
def test_a_provider_of_another_make_is_left_alone(foreign):
    assert not Joined(redactors()).spans(foreign)


def test_a_span_that_cannot_be_redacted_leaves_without_its_content(provider, exporter, monkeypatch):
    monkeypatch.setattr(_guard, "strict", False)
    monkeypatch.setattr(copies, "redacted", lambda *_: 1 / 0)
    Joined(redactors()).spans(provider)
    failing_span(provider, SECRET)
    copy = exporter.get_finished_spans()[0]
    assert (copy.name, dict(copy.attributes), copy.events) == (UNREADABLE, {}, ())
    assert SECRET not in copy.to_json()


def test_a_bug_of_the_wrapped_processor_is_not_hidden(provider):
    class Broken(SpanProcessor):
        def on_end(self, span):
            raise KeyError("theirs")

    provider.add_span_processor(Broken())
    Joined(redactors()).spans(provider)
    with pytest.raises(KeyError, match="theirs"):
        provider.get_tracer("x").start_span("w").end()


def test_a_span_is_copied_without_being_read():
    class Unread(Redactor):
        def text(self, value):
            raise AssertionError("read before anybody asked")

    provider = TracerProvider(shutdown_on_exit=False)
    with provider.get_tracer("x").start_as_current_span("w") as span:
        pass
    assert SpanCopy(span, Unread()).context == span.context


@pytest.mark.parametrize(
    ("status", "attributes", "expected"),
    [
        pytest.param(Status(StatusCode.OK), {}, None, id="did not fail"),
        pytest.param(Status(StatusCode.UNSET), {names.ERROR_TYPE: "X"}, None, id="no status"),
        pytest.param(Status(StatusCode.ERROR), {}, None, id="failed without a word"),
        pytest.param(
            Status(StatusCode.ERROR, "nope"), {names.ERROR_TYPE: "X"}, ErrorFacts(type="X", message="nope"), id="status"
        ),
    ],
)
def test_facts_come_from_the_status_where_there_is_no_event(status, attributes, expected):
    span = TracerProvider(shutdown_on_exit=False).get_tracer("x").start_span("w", attributes=attributes)
    span.set_status(status)
    span.end()
    assert facts_of_span(span) == expected


@pytest.fixture
def logs():
    exporter = InMemoryLogRecordExporter()
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    return provider, exporter


def test_log_records_of_others_are_redacted_before_they_are_exported(logs):
    provider, exporter = logs
    joined = Joined(redactors())
    assert joined.logs(provider)
    provider.get_logger("theirs").emit(body=f"token={SECRET}", attributes={"n": 1, "line": SECRET})
    joined.leave()
    provider.get_logger("theirs").emit(body=SECRET)
    records = [item.log_record for item in exporter.get_finished_logs()]
    assert (records[0].body, dict(records[0].attributes)) == (f"token={MASKED}", {"n": 1, "line": MASKED})
    assert records[1].body == SECRET, "switched off again"


def test_a_log_record_that_cannot_be_redacted_leaves_without_its_content(logs, monkeypatch):
    monkeypatch.setattr(_guard, "strict", False)
    provider, exporter = logs
    joined = Joined(redactors())
    joined.logs(provider)
    monkeypatch.setattr("otel_mldebug.export.processors.redacted", lambda *_: 1 / 0)
    provider.get_logger("theirs").emit(body="text", attributes={"line": SECRET})
    record = exporter.get_finished_logs()[0].log_record
    assert (record.body, dict(record.attributes)) == (UNREADABLE, {})


def test_entries_of_the_users_explain_the_spans_of_others(provider, exporter, tmp_path):
    own = tmp_path / "patterns.toml"
    own.write_text(
        '[[pattern]]\nid = "acme.full"\ncategory = "inference"\nsummary = "Full."\nsolutions = ["Wait."]\n'
        "match = [{ message = 'the frobnicator is full' }]\n"
    )
    Joined(redactors()._replace(patterns=load_all([own]))).spans(provider)
    failing_span(provider, "the frobnicator is full")
    assert exporter.get_finished_spans()[0].attributes[names.MLDEBUG_FINDING_RULE] == "acme.full"
