"""OTLP JSON: what goes in comes out, whatever it is; and the encoding is the specification's."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.rules.finding import Finding, Occurrence
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv import names
from otel_mldebug.semconv.names import Category, Severity
from otel_mldebug.store.attributes import finding_attributes
from otel_mldebug.store.lines import otlp_line, records, resource_json, step_columns, steps_line
from otel_mldebug.store.otlp_json import log_record, occurrence_from_log, occurrence_to_log, span
from otel_mldebug.store.otlp_values import (
    MAX_ITEMS,
    MAX_TEXT,
    any_value,
    attributes,
    from_attributes,
    jsonable,
    parse_number,
    plain,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
int64 = st.integers(-(2**63), 2**63 - 1)
doubles = st.floats(allow_nan=False)
values = st.one_of(
    texts,
    st.booleans(),
    int64,
    doubles,
    st.lists(texts).map(tuple),
    st.lists(int64).map(tuple),
    st.lists(doubles).map(tuple),
)
keys = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
filled = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
jsons = st.recursive(
    st.one_of(texts, st.booleans(), int64, doubles),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=10,
)
hexes = st.binary(min_size=8, max_size=8).map(bytes.hex)
findings = st.builds(
    Finding,
    rule=filled,
    category=st.sampled_from(Category),
    severity=st.sampled_from(Severity),
    summary=texts,
    cause=texts,
    solutions=st.lists(texts).map(tuple),
    prevention=texts,
    docs=texts,
    retryable=st.booleans(),
    confidence=st.floats(0, 1),
    basis=filled,
    evidence=st.dictionaries(keys, values, max_size=4),
    fingerprint=texts,
)
occurrences = st.builds(
    Occurrence,
    finding=findings,
    id=hexes,
    time_ns=st.integers(0, 2**63 - 1),
    function=texts,
    step=st.none() | st.integers(0, 2**40),
    epoch=st.none() | st.integers(0, 2**40),
    layer=texts,
    exception=st.fixed_dictionaries(
        {},
        optional={
            "type": filled,
            "message": filled,
            "stacktrace": filled,
            "frames": st.lists(st.dictionaries(keys, jsons, max_size=3), min_size=1, max_size=3),
            "chain": st.lists(st.dictionaries(keys, jsons, max_size=3), min_size=1, max_size=2),
        },
    ),
    context=st.dictionaries(keys, values, max_size=4),
    trace_id=st.just("") | st.tuples(hexes, hexes).map("".join),
    span_id=st.just("") | hexes,
    count=st.integers(1, 2**40),
    suppressed=st.integers(0, 2**40),
)
anything = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(st.characters()),
        st.binary(),
        st.complex_numbers(),
    ),
    lambda inner: st.one_of(
        st.lists(inner),
        st.tuples(inner, inner),
        st.frozensets(st.integers()),
        st.dictionaries(st.text() | st.integers(), inner),
    ),
    max_leaves=15,
)


@given(occurrences)
def test_an_occurrence_survives_the_way_through_a_file(occurrence):
    line = otlp_line("logs", resource_json({}), {("s", "1"): [occurrence_to_log(occurrence)]})
    (record,) = json.loads(line)["resourceLogs"][0]["scopeLogs"][0]["logRecords"]

    assert occurrence_from_log(record) == occurrence


@given(jsons)
def test_a_plain_value_comes_back(value):
    assert plain(json.loads(json.dumps(any_value(value)))) == value


@given(anything)
def test_whatever_comes_in_is_encoded_as_strict_json_in_utf8(value):
    encoded = json.dumps([any_value(value), jsonable(value)], allow_nan=False)

    json.dumps(json.loads(encoded), ensure_ascii=False).encode("utf-8")


@given(anything)
def test_whatever_a_file_holds_it_is_read_without_an_exception(value):
    plain(value)
    plain({"arrayValue": value})
    plain({"intValue": value})
    plain({"doubleValue": value})
    from_attributes(value)
    occurrence_from_log({"attributes": value, "timeUnixNano": value, "body": value, "traceId": value})
    occurrence_from_log({"attributes": [{"key": names.MLDEBUG_FINDING_SOLUTIONS, "value": any_value(value)}]})


steps = st.lists(
    st.builds(
        StepRecord,
        index=st.integers(0, 2**40),
        time_ns=st.integers(0, 2**63),
        duration_s=st.floats(),
        data_s=st.none() | st.floats(),
        forward_s=st.none() | st.floats(),
        loss=st.none() | st.floats(),
        gradient_norm=st.none() | st.floats(),
        learning_rate=st.none() | st.just(0.1),
        samples=st.none() | st.integers(),
        epoch=st.none() | st.just(3),
        optimizer=st.sampled_from(["", "SGD", "Adam#2"]),
        backward_calls=st.integers(0, 3),
        skipped=st.booleans(),
    ),
    min_size=1,
    max_size=20,
)


@given(steps)
def test_steps_survive_the_way_through_a_file(made):
    back = records(step_columns(json.loads(steps_line(made))))

    assert repr(back) == repr(made)  # repr, because NaN is not equal to itself


@given(
    st.dictionaries(st.sampled_from(["index", "time_ns", "duration_s", "loss", "samples", "skipped", "new"]), anything)
)
def test_a_batch_of_anything_is_read_or_refused(batch):
    try:
        records(step_columns(batch))
    except ValueError as exc:
        assert "a batch of steps" in str(exc)


def test_columns_that_say_nothing_are_left_out_and_equal_values_stand_once():
    made = [
        StepRecord(index=i, time_ns=i, duration_s=0.5, loss=loss, learning_rate=0.1, optimizer="SGD")
        for i, loss in enumerate([1.5, math.nan, None, -math.inf])
    ]

    assert steps_line(made) == (
        b'{"v":1,"index":[0,1,2,3],"time_ns":[0,1,2,3],"duration_s":[0.5,0.5,0.5,0.5],'
        b'"loss":[1.5,"NaN",null,"-Infinity"],"learning_rate":0.1,"optimizer":"SGD"}\n'
    )


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        pytest.param(True, {"boolValue": True}, id="a boolean is no integer"),
        pytest.param(5, {"intValue": "5"}, id="64-bit integers are strings"),
        pytest.param(2**63, {"stringValue": "9223372036854775808"}, id="a larger integer is text"),
        pytest.param(10**5000, {"stringValue": "an integer of 16610 bits"}, id="a huge one is described"),
        pytest.param(math.nan, {"doubleValue": "NaN"}, id="NaN"),
        pytest.param(-math.inf, {"doubleValue": "-Infinity"}, id="minus infinity"),
        pytest.param(1.0, {"doubleValue": 1.0}, id="a double"),
        pytest.param(Category.LOSS, {"stringValue": "loss"}, id="a member of an enumeration"),
        pytest.param("a\ud800b", {"stringValue": "a\\ud800b"}, id="a lone surrogate"),
        pytest.param("a\x00b", {"stringValue": "a\x00b"}, id="NUL"),
        pytest.param((), {"arrayValue": {"values": []}}, id="nothing in a tuple"),
        pytest.param([1, None], {"arrayValue": {"values": [{"intValue": "1"}, {}]}}, id="None in a list"),
        pytest.param({"a": None}, {"kvlistValue": {"values": []}}, id="None in a mapping"),
        pytest.param(b"ab", {"bytesValue": "YWI="}, id="bytes in base64"),
    ],
)
def test_values_are_encoded_as_otlp_says(value, encoded):
    assert any_value(value) == encoded


def test_a_text_that_is_too_long_keeps_both_ends():
    kept = any_value("a" * MAX_TEXT + "b" * MAX_TEXT)["stringValue"]

    assert kept == f"{'a' * 32768}\n… 65,536 characters left out …\n{'b' * 32768}"


def test_a_value_that_never_ends_is_cut():
    cycle: list = []
    cycle.extend([cycle, cycle, 1])
    wide = {str(n): n for n in range(2 * MAX_ITEMS)}

    assert len(json.dumps(any_value(cycle))) < 100 * MAX_ITEMS
    assert len(attributes(wide)) == MAX_ITEMS


def test_an_object_whose_text_raises_is_named_by_its_type():
    class Evil:
        def __str__(self):
            raise RuntimeError("no")

    assert any_value(Evil()) == {"stringValue": "<Evil>"}


@pytest.mark.parametrize("given_", [None, True, "x", [], {}, "1" * 400 + "x", 10**400])
def test_what_is_no_number_is_none(given_):
    assert parse_number(given_) is None


def test_a_log_event_has_the_fields_of_the_data_model():
    finding = Finding(
        rule="loss.nonfinite",
        category=Category.LOSS,
        severity=Severity.CRITICAL,
        summary="The loss became NaN.",
        evidence={"loss": math.nan},
        fingerprint="f00d",
        basis="detector",
    )
    made = Occurrence(finding=finding, id="1", time_ns=5, step=3, layer="fc", trace_id="ab" * 16, span_id="cd" * 8)

    assert occurrence_to_log(made) == {
        "timeUnixNano": "5",
        "observedTimeUnixNano": "5",
        "severityNumber": 21,
        "severityText": "critical",
        "eventName": names.EVENT_MLDEBUG_FINDING,
        "body": {"stringValue": "The loss became NaN."},
        "attributes": [
            {"key": names.MLDEBUG_FINDING_ID, "value": {"stringValue": "1"}},
            {"key": names.MLDEBUG_FINDING_RULE, "value": {"stringValue": "loss.nonfinite"}},
            {"key": names.MLDEBUG_FINDING_CATEGORY, "value": {"stringValue": "loss"}},
            {"key": names.MLDEBUG_FINDING_SEVERITY, "value": {"stringValue": "critical"}},
            {"key": names.MLDEBUG_FINDING_CONFIDENCE, "value": {"doubleValue": 1.0}},
            {"key": names.MLDEBUG_FINDING_BASIS, "value": {"stringValue": "detector"}},
            {"key": names.MLDEBUG_FINDING_RETRYABLE, "value": {"boolValue": False}},
            {"key": names.MLDEBUG_FINDING_SUMMARY, "value": {"stringValue": "The loss became NaN."}},
            {"key": names.MLDEBUG_FINDING_FINGERPRINT, "value": {"stringValue": "f00d"}},
            {"key": names.MLDEBUG_FINDING_COUNT, "value": {"intValue": "1"}},
            {"key": names.MLDEBUG_TRAIN_STEP_INDEX, "value": {"intValue": "3"}},
            {"key": names.MLDEBUG_TRAIN_LAYER, "value": {"stringValue": "fc"}},
            {"key": f"{names.MLDEBUG_EVIDENCE}.loss", "value": {"doubleValue": "NaN"}},
        ],
        "traceId": "ab" * 16,
        "spanId": "cd" * 8,
    }


@given(occurrences)
def test_the_attributes_of_a_finding_fit_on_a_span(occurrence):
    for key, value in finding_attributes(occurrence).items():
        assert isinstance(key, str)
        assert isinstance(value, (str, bool, int, float, tuple))
        assert value not in ("", None) or key.startswith((names.MLDEBUG_EVIDENCE, names.MLDEBUG_CONTEXT))


def test_a_span_has_the_fields_of_the_protocol():
    made = span(
        name="step",
        trace_id="ab" * 16,
        span_id="cd" * 8,
        start_ns=1,
        end_ns=2,
        parent_span_id="ef" * 8,
        parent_is_remote=True,
        events=[{"time_ns": 1, "name": "e", "attributes": {"a": 1}}],
        links=[{"trace_id": "12" * 16, "span_id": "34" * 8}],
        status_code=2,
        status_message="bad",
    )

    assert made == {
        "traceId": "ab" * 16,
        "spanId": "cd" * 8,
        "parentSpanId": "ef" * 8,
        "flags": 0x301,
        "name": "step",
        "kind": 1,
        "startTimeUnixNano": "1",
        "endTimeUnixNano": "2",
        "events": [{"timeUnixNano": "1", "name": "e", "attributes": [{"key": "a", "value": {"intValue": "1"}}]}],
        "links": [{"traceId": "12" * 16, "spanId": "34" * 8}],
        "status": {"message": "bad", "code": 2},
    }


def test_a_log_record_leaves_out_what_is_not_known():
    assert log_record(time_ns=1, observed_ns=2, body="x") == {
        "timeUnixNano": "1",
        "observedTimeUnixNano": "2",
        "body": {"stringValue": "x"},
    }
