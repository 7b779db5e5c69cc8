"""OTLP JSON, value by value, as the specification says."""

import json
import math

import pytest

from otel_mldebug.rules.finding import Finding, Occurrence
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv import names
from otel_mldebug.semconv.names import Category, Severity
from otel_mldebug.store.lines import steps_line
from otel_mldebug.store.otlp_json import log_record, occurrence_to_log, span
from otel_mldebug.store.otlp_values import (
    MAX_ITEMS,
    MAX_TEXT,
    any_value,
    attributes,
    parse_number,
)


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
