"""OTLP JSON: what goes in comes out, whatever it is; and the encoding is the specification's."""

import json

from hypothesis import example, given
from hypothesis import strategies as st

from otel_mldebug.rules.finding import Finding, Occurrence
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv import names
from otel_mldebug.semconv.names import Category, Severity
from otel_mldebug.store.attributes import finding_attributes
from otel_mldebug.store.lines import otlp_line, records, resource_json, step_columns, steps_line
from otel_mldebug.store.otlp_json import occurrence_from_log, occurrence_to_log
from otel_mldebug.store.otlp_values import (
    any_value,
    from_attributes,
    jsonable,
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
@example(float("inf"))
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


@given(occurrences)
def test_the_attributes_of_a_finding_fit_on_a_span(occurrence):
    for key, value in finding_attributes(occurrence).items():
        assert isinstance(key, str)
        assert isinstance(value, (str, bool, int, float, tuple))
        assert value not in ("", None) or key.startswith((names.MLDEBUG_EVIDENCE, names.MLDEBUG_CONTEXT))
